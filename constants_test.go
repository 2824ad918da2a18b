package chargebee_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// The words of Chargebee's contract, written out once more.
func TestConstantsAreChargebeesWords(t *testing.T) {
	t.Parallel()
	for constant, word := range map[any]string{
		chargebee.ErrInvalidRequest:                     "invalid_request",
		chargebee.ErrParamWrongValue:                    "param_wrong_value",
		chargebee.ErrDuplicateEntry:                     "duplicate_entry",
		chargebee.ErrResourceLimitExhausted:             "resource_limit_exhausted",
		chargebee.ErrResourceLimitExceeded:              "resource_limit_exceeded",
		chargebee.ErrConfigurationIncompatible:          "configuration_incompatible",
		chargebee.ErrPaymentProcessingFailed:            "payment_processing_failed",
		chargebee.ErrPaymentMethodVerificationFailed:    "payment_method_verification_failed",
		chargebee.ErrPaymentMethodNotPresent:            "payment_method_not_present",
		chargebee.ErrPaymentGatewayCurrencyIncompatible: "payment_gateway_currency_incompatible",
		chargebee.ErrPaymentIntentInvalid:               "payment_intent_invalid",
		chargebee.ErrPaymentIntentInvalidAmount:         "payment_intent_invalid_amount",
		chargebee.ErrAPIAuthenticationFailed:            "api_authentication_failed",
		chargebee.ErrBasicAuthenticationFailed:          "basic_authentication_failed",
		chargebee.ErrRequestBlocked:                     "request_blocked",
		chargebee.ErrAPIAuthorizationFailed:             "api_authorization_failed",
		chargebee.ErrResourceNotFound:                   "resource_not_found",
		chargebee.ErrSiteNotFound:                       "site_not_found",
		chargebee.ErrHTTPMethodNotSupported:             "http_method_not_supported",
		chargebee.ErrInvalidStateForRequest:             "invalid_state_for_request",
		chargebee.ErrUnableToProcessRequest:             "unable_to_process_request",
		chargebee.ErrAPIRequestLimitExceeded:            "api_request_limit_exceeded",
		chargebee.ErrThirdPartyAPIRequestLimitExceeded:  "third_party_api_request_limit_exceeded",
		chargebee.ErrLockTimeout:                        "lock_timeout",
		chargebee.ErrInternalError:                      "internal_error",
		chargebee.ErrInternalTemporaryError:             "internal_temporary_error",
		chargebee.ErrDBConnectionFailure:                "db_connection_failure",
		chargebee.ErrSiteNotReady:                       "site_not_ready",
		chargebee.ErrSiteReadOnlyMode:                   "site_read_only_mode",

		chargebee.ErrTypeInvalidRequest:  "invalid_request",
		chargebee.ErrTypeOperationFailed: "operation_failed",
		chargebee.ErrTypePayment:         "payment",
		chargebee.ErrTypeUntyped:         "untyped",

		chargebee.PortalSessionStatusCreated:         "created",
		chargebee.PortalSessionStatusLoggedIn:        "logged_in",
		chargebee.PortalSessionStatusLoggedOut:       "logged_out",
		chargebee.PortalSessionStatusNotYetActivated: "not_yet_activated",
		chargebee.PortalSessionStatusActivated:       "activated",

		chargebee.ActionUpsert: "upsert",
		chargebee.ActionRemove: "remove",

		chargebee.ItemTypePlan:         "plan",
		chargebee.ItemTypeAddon:        "addon",
		chargebee.ItemTypeCharge:       "charge",
		chargebee.ItemTypeSubscription: "subscription",
		chargebee.ItemTypeItem:         "item",

		chargebee.ValueAvailable:   "available",
		chargebee.ValueUnlimited:   "unlimited",
		chargebee.EventAllDisabled: "all-disabled",
	} {
		require.Equal(t, word, fmt.Sprint(constant))
	}
}
