package chargebee

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/typedbee/chargebee-go/internal/failure"
	"github.com/typedbee/chargebee-go/internal/validate"
)

// Attempt describes one finished attempt, for metrics and traces.
type Attempt struct {
	Method, Route string        // Route is the template: it carries no id
	Number        int           // from 1
	StatusCode    int           // 0 if none was received
	Err           error         // of this attempt alone; nil for a complete 2xx response within the size limit, even if its body cannot be decoded
	Code          ErrorCode     // the error code of Err if it looks like one, with at most 100 letters, digits and underscores; otherwise empty
	Failure       string        // a short label, for metrics, when Err is not an *APIError: attempt_timeout, deadline, canceled, connection, not_processed, permanent or undecodable (longer than the size limit); otherwise empty
	Duration      time.Duration // from getting a connection to the last byte of the response
	RetryIn       time.Duration // the wait before the next attempt; 0: this was the last
}

// reportAttempt passes an attempt to the observer and logs it.
func (c *config) reportAttempt(ctx context.Context, call *call, resp *Response, err error, duration, retryIn time.Duration) {
	a := Attempt{
		Method:     call.method,
		Route:      call.route,
		Number:     call.number,
		StatusCode: resp.StatusCode,
		Err:        err,
		Duration:   duration,
		RetryIn:    retryIn,
	}
	if err != nil {
		_, a.Code, a.Failure = classify(err)
	}
	if c.observer != nil {
		c.observer(ctx, a)
	}
	if c.logger == nil {
		return
	}
	if c.logger.Enabled(ctx, slog.LevelDebug) {
		c.logger.LogAttrs(ctx, slog.LevelDebug, "chargebee attempt", a.attrs()...)
	}
	if a.RetryIn > 0 {
		c.logger.LogAttrs(ctx, slog.LevelWarn, "chargebee retry", append(a.attrs(), slog.Duration("retry_in", a.RetryIn))...)
	}
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

// logFailure logs a call that ends with an error. That the caller canceled it is no
// reason to warn: in a web server this is every browser tab that is closed.
func (c *config) logFailure(ctx context.Context, call *call, err error) {
	if c.logger == nil {
		return
	}
	status, code, label := classify(err)
	level := slog.LevelWarn
	if label == string(failure.Canceled) {
		level = slog.LevelInfo
	}
	key, unknown := OutcomeUnknown(err)
	attrs := append([]slog.Attr{
		slog.String("method", call.method),
		slog.String("route", call.route),
		slog.Int("attempts", call.number),
		slog.Int("status", status),
		slog.Bool("outcome_unknown", unknown),
	}, errorAttrs(code, label)...)
	if unknown {
		attrs = append(attrs, slog.String("idempotency_key", key))
	}
	c.logger.LogAttrs(ctx, level, "chargebee call failed", attrs...)
}

// errorAttrs returns the attributes of an error that may be logged. The message is
// not among them: Chargebee's contain ids, and a transport's may quote anything.
func errorAttrs(code ErrorCode, label string) []slog.Attr {
	var attrs []slog.Attr
	if code != "" {
		attrs = append(attrs, slog.String("code", string(code)))
	}
	if label != "" {
		attrs = append(attrs, slog.String("failure", label))
	}
	return attrs
}

// classify returns the status and code of the last response, and the label of an error
// that is not an API error. Each is empty if there is none.
func classify(err error) (status int, code ErrorCode, label string) {
	var (
		apiErr       *APIError
		decodeErr    *DecodeError
		transportErr *TransportError
	)
	if errors.As(err, &apiErr) {
		status = apiErr.StatusCode
		if looksLikeCode(string(apiErr.Code)) {
			code = apiErr.Code
		}
	}
	switch {
	case errors.As(err, &decodeErr):
		status, label = decodeErr.Response.StatusCode, string(failure.Undecodable)
	case errors.As(err, &transportErr):
		label = string(transportErr.kind)
	}
	return status, code, label
}

// looksLikeCode reports whether text looks like an error code, known or not. A body may
// have any text in its place.
func looksLikeCode(text string) bool {
	isOther := func(c rune) bool { return c != '_' && !validate.IsAlphanumeric(c) }
	return len(text) <= 100 && !strings.ContainsFunc(text, isOther)
}
