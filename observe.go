package chargebee

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Limiter is what *rate.Limiter of golang.org/x/time/rate already is. Wait is
// called before every attempt; its error ends the call with a [*TransportError].
type Limiter interface {
	Wait(ctx context.Context) error
}

// Attempt describes one finished attempt, for metrics and traces.
type Attempt struct {
	Method, Route string        // Route is the template: it carries no id
	Number        int           // from 1
	StatusCode    int           // 0 if none was received
	Err           error         // nil for a 2xx that arrived whole, even if its body cannot be decoded
	Duration      time.Duration // from the connection to the last byte of the answer
	RetryIn       time.Duration // 0: this was the last
}

// wait returns when an attempt may start.
func (c *config) wait(ctx context.Context) error {
	if c.limiter != nil {
		if err := c.limiter.Wait(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// report tells the observer and the log. What is logged is a list of what may
// be: no message, because Chargebee's messages name ids.
func (c *config) report(ctx context.Context, a Attempt) {
	if c.observer != nil {
		c.observer(ctx, a)
	}
	level := slog.LevelDebug
	if a.Err != nil {
		level = slog.LevelWarn
	}
	if !c.logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", a.Method),
		slog.String("route", a.Route),
		slog.Int("attempt", a.Number),
		slog.Int("status", a.StatusCode),
		slog.Duration("duration", a.Duration),
	}
	var apiErr *APIError
	if errors.As(a.Err, &apiErr) && apiErr.Code != "" {
		attrs = append(attrs, slog.String("code", string(apiErr.Code)))
	}
	c.logger.LogAttrs(ctx, level, "chargebee attempt", attrs...)
}
