package chargebee

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// APIError is a response with a status other than 2xx, redirects included, whatever
// its body. Match it with errors.As, or match its code or type with errors.Is.
//
// [OutcomeUnknown] tells a refusal from a response after which the call may have
// been applied.
//
// The strings that come from the body are as Chargebee sent them, except that echoes
// of the API key, of a parameter named token, and of access URLs are redacted. A Code
// of only lower-case letters and underscores is kept. Body is not redacted.
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

func (e *APIError) summary() string {
	var line strings.Builder
	line.WriteString(strconv.Itoa(e.StatusCode))
	if reason := cmp.Or(string(e.Code), http.StatusText(e.StatusCode)); reason != "" {
		line.WriteString(" " + oneLine(reason))
	}
	if e.Message != "" {
		line.WriteString(": " + oneLine(e.Message))
	}
	if e.Param != "" {
		line.WriteString(" (param " + oneLine(e.Param) + ")")
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

// apiError decodes the body of an error response as far as possible. If it is HTML,
// empty or cut off, or has other types, the fields stay empty. bodyErr is the error
// that ended the body early, or nil.
func (c *call) apiError(ctx context.Context, resp *Response, bodyErr error) *APIError {
	e := &APIError{
		StatusCode:     resp.StatusCode,
		Method:         c.method,
		Route:          c.route,
		Attempts:       resp.Attempts,
		RetryAfter:     retryAfter(resp.Header, time.Now()),
		IdempotencyKey: resp.IdempotencyKey,
		Header:         resp.Header,
		Body:           resp.Body,
		maybeApplied:   c.maybeApplied && !resp.IdempotencyReplayed,
	}
	if bodyErr != nil {
		e.bodyErr = c.secrets.sanitizeError(withContext(ctx, bodyErr))
	}
	var body struct {
		Type    text `json:"type"`
		Code    text `json:"api_error_code"`
		Param   text `json:"param"`
		Message text `json:"message"`
		CauseID text `json:"error_cause_id"`
	}
	if json.Unmarshal(resp.Body, &body) != nil {
		return e
	}
	e.Type = ErrorType(c.secrets.redactCode(string(body.Type)))
	e.Code = ErrorCode(c.secrets.redactCode(string(body.Code)))
	e.Param = c.secrets.redact(string(body.Param))
	e.Message = c.secrets.redact(string(body.Message))
	e.CauseID = c.secrets.redact(string(body.CauseID))
	return e
}

// text is a JSON string, or a list of them joined. Any other JSON leaves it empty.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	var scalar string
	var list []string
	switch {
	case json.Unmarshal(data, &scalar) == nil:
		*t = text(scalar)
	case json.Unmarshal(data, &list) == nil:
		*t = text(strings.Join(list, ", "))
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

func (e *ParamError) Error() string { return oneLine("chargebee: " + e.Field + " " + e.Reason) }

// DecodeError is a 2xx response whose body is not what the operation returns. By its
// status the server applied the call. Response has the body to examine.
type DecodeError struct {
	Method, Route string   // Route is the template: it carries no id
	Response      Response // status, header, body (at most 16 MiB) and idempotency key
	Err           error    // why the body could not be decoded
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("chargebee: %s %s: %d, but the body is not what was expected: %s",
		e.Method, e.Route, e.Response.StatusCode, oneLine(fmt.Sprint(e.Err)))
}

// Unwrap returns Err.
func (e *DecodeError) Unwrap() error { return e.Err }

func (c *call) decodeError(resp *Response, err error) *DecodeError {
	return &DecodeError{Method: c.method, Route: c.route, Response: *resp, Err: sanitizeErrorAs(err, c.secrets.redact(fmt.Sprint(err)))}
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

	nonRetryable bool // it would recur
	notApplied   bool // no attempt can have been applied; false in a TransportError that a test made
}

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

func (e *TransportError) summary() string { return oneLine(fmt.Sprint(e.Err)) }

// Unwrap returns Err.
func (e *TransportError) Unwrap() error { return e.Err }

var errAttemptTimeout = errors.New("attempt timeout")

// transportError returns the error of an attempt, or of the wait for one, that ended
// without a response.
func (c *call) transportError(ctx context.Context, err error) *TransportError {
	return &TransportError{
		Method:         c.method,
		Route:          c.route,
		Attempts:       c.attempts,
		IdempotencyKey: c.idempotencyKey,
		Err:            c.secrets.sanitizeError(withContext(ctx, err)),
		nonRetryable:   isPermanent(err),
	}
}

// withContext returns an error that matches err and, if ctx is done, the error of ctx
// and its cause, which some transports drop.
func withContext(ctx context.Context, err error) error {
	for _, reason := range []error{ctx.Err(), context.Cause(ctx)} {
		if reason != nil && !errors.Is(err, reason) {
			err = fmt.Errorf("%w: %w", reason, err)
		}
	}
	return err
}

// oneLine replaces control characters and line separators by spaces and truncates
// text to 300 characters, so that it fits on a line of a log.
func oneLine(text string) string {
	const limit = 300
	clean := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, text)
	characters := 0
	for i := range clean {
		if characters == limit {
			return clean[:i] + "…"
		}
		characters++
	}
	return clean
}
