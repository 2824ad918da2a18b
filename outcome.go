package chargebee

import (
	"errors"
	"net/http"
)

// OutcomeUnknown reports whether a call that returned err may nevertheless have been
// applied, and returns the idempotency key to retry with. It is false if the call
// was applied (nil or [*DecodeError]), refused by Chargebee, or never sent.
//
// To find out, repeat the call with [WithIdempotencyKey], from any machine: the same
// path, parameters and headers, within 30 minutes of the first attempt. If the first
// call was applied, Chargebee replays its response, and
// [Response.IdempotencyReplayed] is true. Otherwise Chargebee applies the call now.
// Once the key has expired, Chargebee would apply the call a second time. A GET has
// no key unless you gave it one: repeat it without.
//
// The outcome is unknown if there was no response, even if no connection was made;
// after a status of 500 or more, except in a maintenance window; after the 409 of a
// request that is still in progress; and after a refusal that follows one of these
// in the same call, unless Chargebee says that the refusal is a replay.
//
// Earlier calls with the same key are not considered: if a repeated call is refused
// or never sent, the outcome of the first one is still unknown.
func OutcomeUnknown(err error) (idempotencyKey string, unknown bool) {
	var transportErr *TransportError
	var apiErr *APIError
	switch {
	case errors.As(err, &transportErr) && transportErr.Attempts > 0 && !transportErr.notApplied:
		return transportErr.IdempotencyKey, true
	case errors.As(err, &apiErr) && apiErr.outcomeUnknown():
		return apiErr.IdempotencyKey, true
	}
	return "", false
}

func (e *APIError) outcomeUnknown() bool {
	switch {
	case e.maybeApplied:
		return true
	case e.StatusCode == http.StatusConflict:
		return e.Retryable()
	}
	return e.StatusCode >= 500 && !e.inMaintenance()
}
