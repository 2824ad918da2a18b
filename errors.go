package chargebee

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/typedbee/chargebee-go/internal/decode"
	"github.com/typedbee/chargebee-go/internal/failure"
	"github.com/typedbee/chargebee-go/internal/redact"
)

// APIError is a response with a status other than 2xx, redirects included, whatever
// its body. Match it with errors.As, or match its code or type with errors.Is.
//
// [OutcomeUnknown] tells a refusal from a response after which the call may have
// been applied.
//
// The strings that come from the body are as Chargebee sent them, except that the API
// key, a parameter named token, and the secret part of an access URL are redacted. Body
// is not redacted.
type APIError struct {
	StatusCode     int           // from HTTP, never from the body
	Type           ErrorType     // empty if the body had none
	Code           ErrorCode     // api_error_code; empty if the body was not Chargebee's
	Param          string        // the parameter at fault, in the API's notation; several are joined by ", "
	Message        string        // meant for developers, not for end customers
	CauseID        string        // error_cause_id: the payment gateway's reason
	Method, Route  string        // Route is the template: it carries no id
	Attempts       int           // number of attempts
	RetryAfter     time.Duration // from the Retry-After header; 0 if absent, past or malformed
	IdempotencyKey string        // the key of the request; empty if it had none
	Header         http.Header   `json:"-"`
	Body           []byte        `json:"-"` // as received, truncated to 64 KiB

	bodyErr      error // why the body is incomplete, or nil
	maybeApplied bool  // an earlier attempt may have been applied
}

// Error returns one line: the call, the status and code, and the message that
// Chargebee meant for developers, without control characters and truncated to 300
// characters. It shows nothing of a body that is not Chargebee's. The line ends with the
// number of attempts if there were several, and with the idempotency key if the outcome
// is unknown.
func (e *APIError) Error() string {
	return fmt.Sprintf("chargebee: %s %s: %s%s", e.Method, e.Route, e.summary(), errorSuffix(e, e.Attempts))
}

// Format implements fmt.Formatter; it prints the text of Error.
func (e APIError) Format(w fmt.State, verb rune) { redact.Format(w, verb, e.Error()) }

func (e *APIError) summary() string {
	var line strings.Builder
	line.WriteString(strconv.Itoa(e.StatusCode))
	if reason := cmp.Or(string(e.Code), http.StatusText(e.StatusCode)); reason != "" {
		line.WriteString(" " + redact.OneLine(reason))
	}
	if e.Message != "" {
		line.WriteString(": " + redact.OneLine(e.Message))
	}
	if e.Param != "" {
		line.WriteString(" (param " + redact.OneLine(e.Param) + ")")
	}
	return line.String()
}

// Is reports whether target is the [ErrorCode] or [ErrorType] of e.
func (e *APIError) Is(target error) bool {
	switch target := target.(type) {
	case ErrorCode:
		return target != "" && target == e.Code
	case ErrorType:
		return target != "" && target == e.Type
	}
	return false
}

// Unwrap returns the error that ended the body early, such as a lost connection or
// the end of the context. It is nil if the body is complete.
func (e *APIError) Unwrap() error { return e.bodyErr }

// Retryable reports whether repeating the call with the same idempotency key may
// succeed: true for 408, 429, 500, 502, 503 and 504, and for the 409 that says that the
// previous request with this key is still in progress. It is false for a 503
// site_not_ready or site_read_only_mode, which last for a maintenance window.
func (e *APIError) Retryable() bool {
	switch e.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return !e.inMaintenance()
	}
	return e.inProgress()
}

// inProgress reports whether the previous request with the same key is not done.
func (e *APIError) inProgress() bool {
	return e.StatusCode == http.StatusConflict && strings.Contains(strings.ToLower(e.Message), "previous request is still in progress")
}

func (e *APIError) inMaintenance() bool {
	return e.StatusCode == http.StatusServiceUnavailable && (e.Code == ErrSiteNotReady || e.Code == ErrSiteReadOnlyMode)
}

// leavesOutcomeOpen reports whether the call may have been applied, as far as this
// response shows it.
func (e *APIError) leavesOutcomeOpen() bool {
	const clientClosedRequest = 499 // of proxies: whoever sent the request did not wait for the response
	switch e.StatusCode {
	case http.StatusSeeOther, http.StatusRequestTimeout, clientClosedRequest:
		return true
	case http.StatusConflict:
		return e.inProgress() || e.Code == "" // which is what a cut off or foreign body leaves
	}
	return e.StatusCode >= 500 && !e.inMaintenance()
}

// apiError decodes the body of an error response as far as possible. If it is HTML,
// empty or cut off, the fields stay empty, and so does a field of another JSON type. bodyErr is the error
// that ended the body early, or nil.
func (c *call) apiError(resp *Response, bodyErr error) *APIError {
	e := &APIError{
		StatusCode:     resp.StatusCode,
		Method:         c.method,
		Route:          c.route,
		Attempts:       resp.Attempts,
		RetryAfter:     decode.RetryAfter(resp.Header),
		IdempotencyKey: resp.IdempotencyKey,
		Header:         resp.Header,
		Body:           resp.Body,
		maybeApplied:   c.maybeApplied && !resp.IdempotencyReplayed,
	}
	if bodyErr != nil {
		e.bodyErr = c.sanitizeError(bodyErr)
	}
	body, err := decode.ErrorBody(resp.Body, maxError)
	if err != nil {
		return e
	}
	secrets := c.secrets()
	e.Type = ErrorType(secrets.Text(body.Type))
	e.Code = ErrorCode(secrets.Text(body.Code))
	e.Param = secrets.Text(body.Param)
	e.Message = secrets.Text(body.Message)
	e.CauseID = secrets.Text(body.CauseID)
	return e
}

// ParamError is an invalid argument of a call or of [NewClient]. Nothing was sent. If
// several arguments are invalid, each has a *ParamError, joined with errors.Join.
type ParamError struct {
	// Field is the argument in the API's own notation, such as
	// item_entitlements[item_id][3], portal-session-id or
	// chargebee-request-origin-user. It is a Go name if the API has none.
	Field string
	// Reason says why the argument is invalid, without its value.
	Reason string
}

// Error returns one line with the field and the reason.
func (e *ParamError) Error() string { return redact.OneLine("chargebee: " + e.Field + " " + e.Reason) }

// paramErrors collects the invalid arguments of a call, which are reported together.
type paramErrors []error

func (p *paramErrors) add(field, reason string) {
	*p = append(*p, &ParamError{Field: field, Reason: reason})
}

// addReason adds an error unless reason is "".
func (p *paramErrors) addReason(field, reason string) {
	if reason != "" {
		p.add(field, reason)
	}
}

func (p paramErrors) err() error {
	if len(p) == 1 {
		return p[0]
	}
	return errors.Join(p...)
}

// DecodeError is a 2xx response whose body is not what was requested: it is empty, too
// long, not JSON, or about something else. It shows only that something responded, such
// as a firewall or a captive portal, so the outcome of the call is unknown. Response has
// the body to examine.
type DecodeError struct {
	Method, Route  string   // Route is the template: it carries no id
	Attempts       int      // number of attempts
	IdempotencyKey string   // the key of the request; empty if it had none
	Response       Response // status, header, and what was read of the body
	Err            error    // what is wrong with the body
}

// Error returns one line with the call, the status and Err, and the idempotency key to
// repeat the call with.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("chargebee: %s %s: %d, but the body is not what was expected: %s%s",
		e.Method, e.Route, e.Response.StatusCode, redact.OneLine(fmt.Sprint(e.Err)), errorSuffix(e, e.Attempts))
}

// Format implements fmt.Formatter; it prints the text of Error.
func (e DecodeError) Format(w fmt.State, verb rune) { redact.Format(w, verb, e.Error()) }

// Unwrap returns Err.
func (e *DecodeError) Unwrap() error { return e.Err }

func (c *call) decodeError(resp *Response, err error) *DecodeError {
	return &DecodeError{
		Method:         c.method,
		Route:          c.route,
		Attempts:       c.number,
		IdempotencyKey: c.idempotencyKey,
		Response:       *resp,
		Err:            c.sanitizeError(err),
	}
}

// TransportError means that the call ended without a complete response: the
// connection failed, the response was cut off, the attempt timed out, or the caller's
// context or limiter ended the call.
//
// If Attempts is 0, nothing was sent. Otherwise [OutcomeUnknown] reports whether the
// call may have been applied. If so, repeat it with IdempotencyKey.
type TransportError struct {
	Method, Route  string // Route is the template: it carries no id
	Attempts       int    // number of attempts
	IdempotencyKey string // the key of the request; empty if it had none

	// Err matches the error of the network and, if the context is done,
	// context.Canceled or context.DeadlineExceeded and the cause of the context. It
	// also wraps the last *APIError, if an earlier attempt got one.
	Err error

	kind       failure.Kind
	notApplied bool // no attempt can have been applied; false in a TransportError that a test made
}

// Error returns one line with the call and Err, with the number of attempts if there were
// several, and with the idempotency key if the outcome is unknown.
func (e *TransportError) Error() string {
	what := "no response"
	var apiErr *APIError
	switch {
	case e.Attempts == 0:
		what = "not sent"
	case errors.As(e.Err, &apiErr):
		what = "no success"
	case e.kind == failure.NotProcessed:
		what = "not processed"
	case e.notApplied:
		what = "not sent"
	}
	return fmt.Sprintf("chargebee: %s %s: %s: %s%s", e.Method, e.Route, what, e.summary(), errorSuffix(e, e.Attempts))
}

// Format implements fmt.Formatter; it prints the text of Error.
func (e TransportError) Format(w fmt.State, verb rune) { redact.Format(w, verb, e.Error()) }

func (e *TransportError) summary() string { return redact.OneLine(fmt.Sprint(e.Err)) }

// Unwrap returns Err.
func (e *TransportError) Unwrap() error { return e.Err }

// transportError returns the error of an attempt, or of the wait for one, that ended
// without a response. notApplied says that this attempt was certainly not applied.
func (c *call) transportError(ctx context.Context, err error, notApplied bool) *TransportError {
	err = isolateOtherCall(failure.WithContext(ctx, err))
	return &TransportError{
		Method:         c.method,
		Route:          c.route,
		Attempts:       c.number,
		IdempotencyKey: c.idempotencyKey,
		Err:            c.secrets().Error(err),
		kind:           failure.KindOf(err),
		notApplied:     notApplied && !c.maybeApplied,
	}
}

// OutcomeUnknown reports whether a call that returned err may nevertheless have been
// applied, and returns the idempotency key to repeat it with. It is false if err is nil,
// if Chargebee refused the call, if the call was certainly not applied, for a GET, and
// for an error that is not of this package. For joined errors, it is true if it is true
// for any of them.
//
// To find out, repeat the call with [WithIdempotencyKey], from any machine: the same
// path, parameters and headers, within 30 minutes of the first attempt. If the first
// call was applied, Chargebee replays its response, and
// [Response.IdempotencyReplayed] is true. Otherwise Chargebee applies the call now.
// Once the key has expired, Chargebee would apply the call a second time.
//
// The outcome is unknown
//   - if there was no complete response, unless every attempt ended before it had a
//     connection (the name did not resolve, or the connection or the TLS handshake
//     failed), or the server provably did not process the request
//   - after a 2xx response that is a [*DecodeError]
//   - after a status of 500 or more, except in a maintenance window
//   - after 303, and after 408 and 499, which a proxy sends when it gives up waiting
//   - after the 409 that says that an earlier request with the key is still in progress,
//     and after a 409 whose body is cut off or not Chargebee's, because it may be that
//     one
//   - after any other error that follows one of these in the same call, unless Chargebee
//     marks the response as a replay
//
// Earlier calls with the same key are not considered: if a repeated call is refused
// or never sent, the outcome of the first one is still unknown.
func OutcomeUnknown(err error) (idempotencyKey string, unknown bool) {
	failure.Any(err, func(e callError) bool {
		idempotencyKey, unknown = e.outcome()
		return unknown
	})
	return idempotencyKey, unknown
}

// Unavailable reports whether err may be due to the service, or to the site and API key
// of the client, rather than to what was requested. A login page then says "try again
// later" instead of "log in again". It is true for
//   - a [*TransportError]: there is no complete response
//   - a [*DecodeError], or a redirect: the response may not be Chargebee's
//   - 408, 429, 499, 500 or more, maintenance included, and the 409 of a request that is
//     still in progress or whose body is cut off or not Chargebee's
//   - 401 and 403, and the 404 of a site that does not exist: a key or a site that is
//     not accepted
//
// It is false for nil, for any other [*APIError], for a [*ParamError], and for an error
// that is not of this package. For joined errors, it is true if it is true for any of
// them.
func Unavailable(err error) bool {
	return failure.Any(err, callError.unavailable)
}

// callError is an error of a call that was, or was about to be, sent.
type callError interface {
	outcome() (idempotencyKey string, unknown bool)
	unavailable() bool
}

func (e *APIError) outcome() (string, bool) {
	return outcomeOf(e.Method, e.IdempotencyKey, e.maybeApplied || e.leavesOutcomeOpen())
}

func (e *DecodeError) outcome() (string, bool) {
	return outcomeOf(e.Method, cmp.Or(e.IdempotencyKey, e.Response.IdempotencyKey), true)
}

func (e *TransportError) outcome() (string, bool) {
	return outcomeOf(e.Method, e.IdempotencyKey, e.Attempts > 0 && !e.notApplied)
}

func outcomeOf(method, idempotencyKey string, unknown bool) (string, bool) {
	if method == http.MethodGet || !unknown {
		return "", false
	}
	return idempotencyKey, true
}

func (e *APIError) unavailable() bool {
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return true
	}
	return e.StatusCode < 400 || e.Code == ErrSiteNotFound || e.Retryable() || e.leavesOutcomeOpen() || e.inMaintenance()
}

func (e *DecodeError) unavailable() bool { return true }

func (e *TransportError) unavailable() bool { return true }

// errorSuffix returns what the text of an error says about its call as a whole.
func errorSuffix(e callError, attempts int) string {
	var notes []string
	if attempts > 1 {
		notes = append(notes, strconv.Itoa(attempts)+" attempts")
	}
	if key, unknown := e.outcome(); unknown {
		notes = append(notes, "outcome unknown")
		if key != "" {
			notes = append(notes, "idempotency key "+redact.OneLine(key))
		}
	}
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, ", ") + ")"
}

// secrets returns what the errors of a call must not show.
func (c *call) secrets() redact.Secrets { return c.credentials().secrets.With(c.form.Tokens...) }

// sanitizeError returns an error that matches err, without secrets in its text and
// without an error of another call.
func (c *call) sanitizeError(err error) error {
	return c.secrets().Error(isolateOtherCall(err))
}

// isolateOtherCall keeps an error of another call, such as the cause with which an errgroup
// cancels the context of this one, from being taken for the error of this call.
func isolateOtherCall(err error) error {
	var (
		apiErr       *APIError
		transportErr *TransportError
		decodeErr    *DecodeError
		paramErr     *ParamError
		code         ErrorCode
		errType      ErrorType
	)
	if errors.As(err, &apiErr) || errors.As(err, &transportErr) || errors.As(err, &decodeErr) ||
		errors.As(err, &paramErr) || errors.As(err, &code) || errors.As(err, &errType) {
		return failure.OfOtherCall(err, isCodeOrType)
	}
	return err
}

func isCodeOrType(target error) bool {
	switch target.(type) { //nolint:errorlint // the target itself
	case ErrorCode, ErrorType:
		return true
	}
	return false
}
