package chargebee

// ErrorCode is Chargebee's api_error_code. It is an error itself, so that any
// code can be matched, even one that this package has no name for:
//
//	errors.Is(err, chargebee.ErrResourceNotFound)
//	errors.Is(err, chargebee.ErrorCode("a_code_of_next_year"))
//
// See https://apidocs.chargebee.com/docs/api/error-handling.
type ErrorCode string

// Error returns the code as Chargebee writes it.
func (c ErrorCode) Error() string { return string(c) }

// The codes in Chargebee's specification, by the status of the response. Others exist:
// this list is not exhaustive.
const (
	// 400
	ErrInvalidRequest                     ErrorCode = "invalid_request"
	ErrParamWrongValue                    ErrorCode = "param_wrong_value"
	ErrDuplicateEntry                     ErrorCode = "duplicate_entry"
	ErrResourceLimitExhausted             ErrorCode = "resource_limit_exhausted"
	ErrResourceLimitExceeded              ErrorCode = "resource_limit_exceeded"
	ErrConfigurationIncompatible          ErrorCode = "configuration_incompatible"
	ErrPaymentProcessingFailed            ErrorCode = "payment_processing_failed"
	ErrPaymentMethodVerificationFailed    ErrorCode = "payment_method_verification_failed"
	ErrPaymentMethodNotPresent            ErrorCode = "payment_method_not_present"
	ErrPaymentGatewayCurrencyIncompatible ErrorCode = "payment_gateway_currency_incompatible"
	ErrPaymentIntentInvalid               ErrorCode = "payment_intent_invalid"
	ErrPaymentIntentInvalidAmount         ErrorCode = "payment_intent_invalid_amount"

	// 401, 403
	ErrAPIAuthenticationFailed   ErrorCode = "api_authentication_failed"
	ErrBasicAuthenticationFailed ErrorCode = "basic_authentication_failed"
	ErrRequestBlocked            ErrorCode = "request_blocked"
	ErrAPIAuthorizationFailed    ErrorCode = "api_authorization_failed"

	// 404, 405, 409, 422
	ErrResourceNotFound       ErrorCode = "resource_not_found"
	ErrSiteNotFound           ErrorCode = "site_not_found"
	ErrHTTPMethodNotSupported ErrorCode = "http_method_not_supported"
	ErrInvalidStateForRequest ErrorCode = "invalid_state_for_request"
	ErrUnableToProcessRequest ErrorCode = "unable_to_process_request"

	// 429
	ErrAPIRequestLimitExceeded           ErrorCode = "api_request_limit_exceeded"
	ErrThirdPartyAPIRequestLimitExceeded ErrorCode = "third_party_api_request_limit_exceeded"
	ErrLockTimeout                       ErrorCode = "lock_timeout"

	// 500, 503
	ErrInternalError          ErrorCode = "internal_error"
	ErrInternalTemporaryError ErrorCode = "internal_temporary_error"
	ErrDBConnectionFailure    ErrorCode = "db_connection_failure"
	ErrSiteNotReady           ErrorCode = "site_not_ready"
	ErrSiteReadOnlyMode       ErrorCode = "site_read_only_mode"
)

// ErrorType is the type attribute of a Chargebee error, a coarse grouping of
// the codes. Like [ErrorCode] it is an error itself, for errors.Is.
type ErrorType string

// Error returns the type as Chargebee writes it.
func (t ErrorType) Error() string { return string(t) }

// The types in Chargebee's specification.
const (
	ErrTypeInvalidRequest  ErrorType = "invalid_request"
	ErrTypeOperationFailed ErrorType = "operation_failed"
	ErrTypePayment         ErrorType = "payment"
	ErrTypeUntyped         ErrorType = "untyped"
)
