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

// APIError is any answer outside 2xx, redirects included, whatever its body. Match
// it with errors.As, or match its code or type with errors.Is.
//
// [OutcomeUnknown] tells a refusal from an answer that leaves open whether the
// call was done.
//
// The strings that come from the body are as Chargebee sent them, except that
// echoes of the API key and of a parameter named token are blanked, and access
// URLs. A Code of only lower-case letters and underscores is kept. In Body nothing
// is blanked.
type APIError struct {
	StatusCode     int           // from HTTP, never from the body
	Type           ErrorType     // empty if the body had none
	Code           ErrorCode     // api_error_code; empty if the body was not Chargebee's
	Param          string        // the parameter at fault, in the API's notation; several are joined by ", "
	Message        string        // meant for developers, not for end customers
	CauseID        string        // error_cause_id: the payment gateway's reason
	Method, Route  string        // Route is the template: it carries no id
	Attempts       int           // how often it was tried
	RetryAfter     time.Duration // what the Retry-After header asks for; 0 if absent, past or malformed
	IdempotencyKey string        // the key it was sent under, if any
	Header         http.Header   `json:"-"`
	Body           []byte        `json:"-"` // as received; at most 64 KiB are read

	bodyErr      error // what ended the body too early, or nil
	maybeApplied bool  // an earlier attempt may have been done
}

// Error is one line: the call, the status and code, and the message that
// Chargebee meant for developers, without control characters and cut at 300
// characters. A body that is not Chargebee's does not appear in it.
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

// Is reports whether target is the [ErrorCode] or the [ErrorType] of e.
func (e *APIError) Is(target error) bool {
	switch target := target.(type) {
	case ErrorCode:
		return target != "" && target == e.Code
	case ErrorType:
		return target != "" && target == e.Type
	}
	return false
}

// Unwrap returns what ended the body before it was whole, such as a lost
// connection or the end of the context; nil if nothing did.
func (e *APIError) Unwrap() error { return e.bodyErr }

// apiError reads what it can from an answer's body. A body that is HTML, empty,
// cut short or of other types leaves the fields empty: the status stands by
// itself. cut is what ended the body too early, or nil.
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

// text is a JSON string, or a list of them joined; anything else leaves it empty.
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

// ParamError says that a call or a client was refused before any I/O. Several
// problems of one call are joined with errors.Join, each a *ParamError.
type ParamError struct {
	// Field is the argument in the API's own notation, such as
	// item_entitlements[item_id][3], portal-session-id or
	// chargebee-request-origin-user; or the Go name where the API has none.
	Field string
	// Reason says what is wrong with it, without repeating the value.
	Reason string
}

func (e *ParamError) Error() string { return oneLine("chargebee: " + e.Field + " " + e.Reason) }

// DecodeError is a 2xx whose body is not what the operation returns. The
// server did the work, as far as its status tells; Response has what is needed
// to find out.
type DecodeError struct {
	Method, Route string   // Route is the template: it carries no id
	Response      Response // status, header, body (at most 16 MiB) and idempotency key
	Err           error    // why the body could not be read
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("chargebee: %s %s: %d, but the body is not what was expected: %s",
		e.Method, e.Route, e.Response.StatusCode, oneLine(fmt.Sprint(e.Err)))
}

// Unwrap returns what went wrong while decoding.
func (e *DecodeError) Unwrap() error { return e.Err }

func (c *call) decodeError(resp *Response, err error) *DecodeError {
	return &DecodeError{Method: c.method, Route: c.route, Response: *resp, Err: sanitizeErrorAs(err, c.secrets.redact(fmt.Sprint(err)))}
}

// TransportError says that the call ended without an answer to go by: the
// connection failed, the answer was cut off, the time was up, or the caller's
// context was done.
//
// With Attempts at 0 nothing was sent. Otherwise [OutcomeUnknown] tells whether
// it may have been done, and how to repeat it under IdempotencyKey.
type TransportError struct {
	Method, Route  string // Route is the template: it carries no id
	Attempts       int    // how often it was tried
	IdempotencyKey string // the key it was sent under, if any

	// Err matches the network's error, and context.Canceled,
	// context.DeadlineExceeded and the cause of a context that is done. It
	// holds the last *APIError too, if an earlier attempt got one.
	Err error

	nonRetryable bool // it would be the same again
	notApplied   bool // no attempt can have been carried out; a test double's says nothing of it, and is unknown
}

func (e *TransportError) Error() string {
	outcome := "no answer"
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

// Unwrap returns the cause.
func (e *TransportError) Unwrap() error { return e.Err }

var errAttemptTimeout = errors.New("attempt timeout")

// transportError is how an attempt, or the wait for one, ended without an answer.
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

// withContext makes sure that err matches the end of the context and its
// cause, whatever the transport made of them.
func withContext(ctx context.Context, err error) error {
	for _, reason := range []error{ctx.Err(), context.Cause(ctx)} {
		if reason != nil && !errors.Is(err, reason) {
			err = fmt.Errorf("%w: %w", reason, err)
		}
	}
	return err
}

// oneLine makes foreign text fit for a line of a log: no control characters,
// no line separators, 300 characters at most.
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
