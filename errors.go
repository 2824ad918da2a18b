package chargebee

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

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
// characters. It shows nothing of a body that is not Chargebee's.
func (e *APIError) Error() string {
	return fmt.Sprintf("chargebee: %s %s: %s", e.Method, e.Route, e.summary())
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
// succeed: true for 429, 500, 502, 503 and 504, and for the 409 that says that the
// previous request with this key is still in progress. It is false for a 503
// site_not_ready or site_read_only_mode, which last for a maintenance window.
func (e *APIError) Retryable() bool {
	switch e.StatusCode {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return !e.inMaintenance()
	case http.StatusConflict:
		return strings.Contains(strings.ToLower(e.Message), "previous request is still in progress")
	}
	return false
}

func (e *APIError) inMaintenance() bool {
	return e.StatusCode == http.StatusServiceUnavailable && (e.Code == ErrSiteNotReady || e.Code == ErrSiteReadOnlyMode)
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

// apiError decodes the body of an error response as far as possible. If it is HTML,
// empty or cut off, the fields stay empty, and so does a field of another JSON type. bodyErr is the error
// that ended the body early, or nil.
func (c *call) apiError(ctx context.Context, resp *Response, bodyErr error) *APIError {
	e := &APIError{
		StatusCode:     resp.StatusCode,
		Method:         c.method,
		Route:          c.route,
		Attempts:       resp.Attempts,
		RetryAfter:     parseRetryAfter(resp.Header, time.Now()),
		IdempotencyKey: resp.IdempotencyKey,
		Header:         resp.Header,
		Body:           resp.Body,
		maybeApplied:   c.maybeApplied && !resp.IdempotencyReplayed,
	}
	if bodyErr != nil {
		e.bodyErr = c.sanitizeError(withContextError(ctx, bodyErr))
	}
	var body struct {
		Type    stringOrList `json:"type"`
		Code    stringOrList `json:"api_error_code"`
		Param   stringOrList `json:"param"`
		Message stringOrList `json:"message"`
		CauseID stringOrList `json:"error_cause_id"`
	}
	if json.Unmarshal(resp.Body, &body) != nil {
		return e
	}
	secrets := c.secrets()
	e.Type = ErrorType(secrets.Text(string(body.Type)))
	e.Code = ErrorCode(secrets.Text(string(body.Code)))
	e.Param = secrets.Text(string(body.Param))
	e.Message = secrets.Text(string(body.Message))
	e.CauseID = secrets.Text(string(body.CauseID))
	return e
}

// stringOrList is a JSON string, or a list of them joined. Any other JSON leaves it
// empty.
type stringOrList string

// UnmarshalJSON implements json.Unmarshaler.
func (s *stringOrList) UnmarshalJSON(data []byte) error {
	var text string
	var list []string
	switch {
	case json.Unmarshal(data, &text) == nil:
		*s = stringOrList(text)
	case json.Unmarshal(data, &list) == nil:
		*s = stringOrList(strings.Join(list, ", "))
	}
	return nil
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

// DecodeError is a 2xx response whose body is not what the operation returns. By its
// status the server applied the call. Response has the body to examine.
type DecodeError struct {
	Method, Route string   // Route is the template: it carries no id
	Response      Response // status, header, body (at most 16 MiB) and idempotency key
	Err           error    // why the body could not be decoded
}

// Error returns one line with the call, the status and Err.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("chargebee: %s %s: %d, but the body is not what was expected: %s",
		e.Method, e.Route, e.Response.StatusCode, redact.OneLine(fmt.Sprint(e.Err)))
}

// Format implements fmt.Formatter; it prints the text of Error.
func (e DecodeError) Format(w fmt.State, verb rune) { redact.Format(w, verb, e.Error()) }

// Unwrap returns Err.
func (e *DecodeError) Unwrap() error { return e.Err }

func (c *call) decodeError(resp *Response, err error) *DecodeError {
	return &DecodeError{Method: c.method, Route: c.route, Response: *resp, Err: c.sanitizeError(err)}
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

	kind       failureKind
	notApplied bool // no attempt can have been applied; false in a TransportError that a test made
}

// failureKind is the label of a failure in Attempt.Failure and in the log.
type failureKind string

const (
	failureTimeout     failureKind = "attempt_timeout"
	failureDeadline    failureKind = "deadline"
	failureCanceled    failureKind = "canceled"
	failureConnection  failureKind = "connection"
	failureLimiter     failureKind = "limiter"
	failurePermanent   failureKind = "permanent"
	failureUndecodable failureKind = "undecodable" // of a DecodeError
)

// Error returns one line with the call and Err.
func (e *TransportError) Error() string {
	outcome := "no response"
	var apiErr *APIError
	switch {
	case e.Attempts == 0:
		outcome = "not sent"
	case errors.As(e.Err, &apiErr):
		outcome = "no success"
	}
	return fmt.Sprintf("chargebee: %s %s: %s: %s", e.Method, e.Route, outcome, e.summary())
}

// Format implements fmt.Formatter; it prints the text of Error.
func (e TransportError) Format(w fmt.State, verb rune) { redact.Format(w, verb, e.Error()) }

func (e *TransportError) summary() string { return redact.OneLine(fmt.Sprint(e.Err)) }

// Unwrap returns Err.
func (e *TransportError) Unwrap() error { return e.Err }

var (
	errAttemptTimeout = errors.New("attempt timeout")
	errLimiter        = errors.New("limiter")
)

// transportError returns the error of an attempt, or of the wait for one, that ended
// without a response.
func (c *call) transportError(ctx context.Context, err error) *TransportError {
	err = isolateOtherCall(withContextError(ctx, err))
	return &TransportError{
		Method:         c.method,
		Route:          c.route,
		Attempts:       c.attempts,
		IdempotencyKey: c.idempotencyKey,
		Err:            c.secrets().Error(err),
		kind:           kindOf(err),
	}
}

// kindOf classifies an error of a transport, a limiter or a context.
func kindOf(err error) failureKind {
	var otherCallErr otherCallError
	switch {
	case errors.As(err, &otherCallErr) && errors.Is(err, context.Canceled): // it is the cause, not what happened to this call
		return failureCanceled
	case isPermanent(err):
		return failurePermanent
	case errors.Is(err, errAttemptTimeout):
		return failureTimeout
	case errors.Is(err, context.DeadlineExceeded):
		return failureDeadline
	case errors.Is(err, context.Canceled):
		return failureCanceled
	case errors.Is(err, errLimiter):
		return failureLimiter
	}
	return failureConnection
}

// isPermanent reports whether err would recur at the next attempt.
func isPermanent(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var certificate x509.CertificateInvalidError
	var request *url.Error
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &hostname) ||
		errors.As(err, &certificate) || errors.As(err, &request) && request.Op == "parse"
}

// withContextError returns an error that matches err and, if ctx is done, the error of
// ctx and its cause, which some transports drop.
func withContextError(ctx context.Context, err error) error {
	for _, reason := range []error{ctx.Err(), context.Cause(ctx)} {
		if reason != nil && !errors.Is(err, reason) {
			err = fmt.Errorf("%w: %w", reason, err)
		}
	}
	return err
}

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

// secrets returns what the errors of a call must not show.
func (c *call) secrets() redact.Secrets {
	credentials := c.credentials()
	encodedKey := strings.TrimPrefix(credentials.authorization, "Basic ")
	return redact.New(append(c.tokens, credentials.apiKey, encodedKey)...)
}

// sanitizeError returns an error that matches err, without secrets in its text and
// without an error of another call.
func (c *call) sanitizeError(err error) error {
	return c.secrets().Error(isolateOtherCall(err))
}

// otherCallError is an error of another call, such as the cause with which an errgroup
// cancels the context of this one. errors.Is matches it, but errors.As must not take it
// for the error of this call.
type otherCallError struct{ err error }

func (e otherCallError) Error() string { return fmt.Sprint(e.err) }

func (e otherCallError) Is(target error) bool {
	switch target.(type) {
	case ErrorCode, ErrorType:
		return false
	}
	return errors.Is(e.err, target)
}

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
		return otherCallError{err}
	}
	return err
}
