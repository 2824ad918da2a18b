package chargebeetest

import (
	"strings"

	chargebee "github.com/typedbee/chargebee-go"
)

// validateHeaders rejects values of chargebee-* headers that Chargebee documents
// as invalid.
func validateHeaders(r Request) *apiError {
	for _, name := range []string{"chargebee-event-actions", "chargebee-event-email", "chargebee-event-webhook"} {
		for _, value := range r.Header.Values(name) {
			if value != string(chargebee.EventAllDisabled) {
				return invalidParam(name, "must be all-disabled")
			}
		}
	}
	if apiErr := validateLength("chargebee-business-entity-id", r.Header.Get("chargebee-business-entity-id"), 50); apiErr != nil {
		return apiErr
	}
	return validateLength(strings.ToLower(idempotencyKeyHeader), r.idempotencyKey(), 100)
}
