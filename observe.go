package chargebee

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"
)

// Attempt describes one finished attempt, for metrics and traces.
type Attempt struct {
	Method, Route string        // Route is the template: it carries no id
	Number        int           // from 1
	StatusCode    int           // 0 if none was received
	Err           error         // of this attempt alone; nil for a complete 2xx response, even if its body cannot be decoded
	Code          ErrorCode     // of Err, if it is up to 100 letters, digits and underscores, which the server chose; otherwise empty
	Failure       string        // a short label, for metrics, when Err is not an *APIError: attempt_timeout, deadline, canceled, connection, permanent or undecodable; otherwise empty
	Duration      time.Duration // from getting a connection to the last byte of the response
	RetryIn       time.Duration // the wait before the next attempt; 0: this was the last
}

// report passes an attempt to the observer and logs it.
func (c *config) report(ctx context.Context, a Attempt) {
	if c.observer != nil {
		c.observer(ctx, a)
	}
	if c.logger.Enabled(ctx, slog.LevelDebug) {
		c.logger.LogAttrs(ctx, slog.LevelDebug, "chargebee attempt", a.attrs()...)
	}
	if a.RetryIn > 0 {
		c.logger.LogAttrs(ctx, slog.LevelWarn, "chargebee retry", append(a.attrs(), slog.Duration("retry_in", a.RetryIn))...)
	}
}

// reportFailure logs a call that ends with an error.
func (c *config) reportFailure(ctx context.Context, call *call, err error) {
	if !c.logger.Enabled(ctx, slog.LevelWarn) {
		return
	}
	_, unknown := OutcomeUnknown(err)
	c.logger.LogAttrs(ctx, slog.LevelWarn, "chargebee call failed", append([]slog.Attr{
		slog.String("method", call.method),
		slog.String("route", call.route),
		slog.Int("attempts", call.attempts),
		slog.Int("status", statusCode(err)),
		slog.Bool("outcome_unknown", unknown),
	}, errorAttrs(errorCode(err), failureLabel(err))...)...)
}

// statusCode returns the status of the last response, or 0.
func statusCode(err error) int {
	var apiErr *APIError
	var decodeErr *DecodeError
	switch {
	case errors.As(err, &apiErr):
		return apiErr.StatusCode
	case errors.As(err, &decodeErr):
		return decodeErr.Response.StatusCode
	}
	return 0
}

func (a Attempt) attrs() []slog.Attr {
	return append([]slog.Attr{
		slog.String("method", a.Method),
		slog.String("route", a.Route),
		slog.Int("attempt", a.Number),
		slog.Int("status", a.StatusCode),
		slog.Duration("duration", a.Duration),
	}, errorAttrs(a.Code, a.Failure)...)
}

// errorAttrs returns the attributes of an error that may be logged. The message is
// not among them: Chargebee's contain ids, and a transport's may quote anything.
func errorAttrs(code ErrorCode, failure string) []slog.Attr {
	var attrs []slog.Attr
	if code != "" {
		attrs = append(attrs, slog.String("code", string(code)))
	}
	if failure != "" {
		attrs = append(attrs, slog.String("failure", failure))
	}
	return attrs
}

// errorCode returns the code of the last API error, or "".
func errorCode(err error) ErrorCode {
	if err == nil {
		return ""
	}
	var apiErr *APIError
	if errors.As(err, &apiErr) && readsAsCode(string(apiErr.Code)) {
		return apiErr.Code
	}
	return ""
}

// readsAsCode reports whether text looks like an error code, known or not. A body may
// have any text in its place.
func readsAsCode(text string) bool {
	notAllowed := func(c rune) bool { return c != '_' && !isAlphanumeric(c) }
	return len(text) <= 100 && !strings.ContainsFunc(text, notAllowed)
}

// failureLabel returns the label of an error that is not an API error, or "".
func failureLabel(err error) string {
	if err == nil {
		return ""
	}
	var transportErr *TransportError
	var decodeErr *DecodeError
	switch {
	case errors.As(err, &decodeErr):
		return "undecodable"
	case !errors.As(err, &transportErr):
		return ""
	case transportErr.nonRetryable:
		return "permanent"
	}
	why := transportErr.Err
	var last *errorAfter
	if errors.As(why, &last) {
		why = last.last
	}
	switch {
	case errors.Is(why, errAttemptTimeout):
		return "attempt_timeout"
	case errors.Is(why, context.DeadlineExceeded):
		return "deadline"
	case errors.Is(why, context.Canceled):
		return "canceled"
	case errors.Is(why, errLimiter):
		return "limiter"
	}
	return "connection"
}
