package chargebee

import (
	"errors"
	"net/http"
)

// OutcomeUnknown reports whether a call that ended with err may have been done
// all the same, and returns the idempotency key to ask again with. It is false
// if the call was done (nil, [*DecodeError]), refused, or never sent.
//
// To find out, repeat the call with [WithIdempotencyKey], from any machine: the
// same path, parameters and headers, within 30 minutes of the first attempt. If
// that one got through, Chargebee answers as it did then, and
// [Response.IdempotencyReplayed] is true; otherwise it does the work now. After
// that time Chargebee has forgotten the key and would do the work again. The
// key of a GET is empty, unless it was given one: repeat it without.
//
// The outcome is unknown after: no answer, even if no connection was made; a
// status of 500 or more, other than those of a maintenance window; the 409 of a
// request that is still in progress; and every refusal that follows one of these
// in the same call, unless Chargebee says that it replayed it.
//
// Earlier calls under the same key are not considered: if a repeat is refused or
// never sent, their outcome is as unknown as before.
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
