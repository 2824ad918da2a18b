package chargebeetest

import (
	"net/http"
	"strings"
	"unicode/utf8"

	chargebee "github.com/typedbee/chargebee-go"
)

// checkHeaders refuses values of the chargebee-* headers that Chargebee's
// contract does not have.
func checkHeaders(header http.Header) *refusal {
	for _, name := range []string{"chargebee-event-actions", "chargebee-event-email", "chargebee-event-webhook"} {
		for _, value := range header.Values(name) {
			if value != string(chargebee.EventAllDisabled) {
				return wrong(name, "must be all-disabled")
			}
		}
	}
	if refused := checkLength("chargebee-business-entity-id", header.Get("chargebee-business-entity-id"), 50); refused != nil {
		return refused
	}
	return checkLength(strings.ToLower(idempotencyKey), header.Get(idempotencyKey), 100)
}

// isLonger counts characters, as Chargebee's limits do.
func isLonger(text string, most int) bool { return utf8.RuneCountInString(text) > most }

// checkLength refuses a value of more than so many characters.
func checkLength(name, value string, most int) *refusal {
	if isLonger(value, most) {
		return wrong(name, "is too long")
	}
	return nil
}
