package chargebee

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// history is what the attempts of a call have come to.
type callState struct {
	attempts     int
	keySent      bool // the server may have seen the idempotency key
	maybeApplied bool // one of them may have been done, although it did not say so
	lastAPIError *APIError
}

// next is what follows an attempt that ended with err: the wait before another
// one or, if that is 0, the error that the call ends with.
func (c *call) next(ctx context.Context, err error) (time.Duration, error) {
	if err == nil {
		return 0, nil
	}
	if !c.retry.shouldRetry(c.attempts, err, c.keySent) || isContextError(ctx, err) {
		return 0, c.withLastAPIError(err)
	}
	var retryAfter time.Duration
	var apiErr *APIError
	if errors.As(err, &apiErr) {
		c.lastAPIError, retryAfter = apiErr, apiErr.RetryAfter
	}
	_, c.maybeApplied = OutcomeUnknown(err)
	c.keySent = c.idempotencyKey != ""

	backoff := c.retry.backoff(c.attempts, retryAfter, rand.Float64()) //nolint:gosec // nobody gains by guessing a wait
	deadline, limited := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		return 0, c.interruptedError(ctx, ctx.Err(), err)
	case limited && time.Until(deadline) <= backoff:
		return 0, c.interruptedError(ctx, fmt.Errorf("no time for another attempt: %w", context.DeadlineExceeded), err)
	}
	return backoff, nil
}

// sequel is an error, and what happened before it in the same call.
type errorAfter struct{ last, prior error }

func (s *errorAfter) Error() string {
	prior := fmt.Sprint(s.prior)
	if short, ok := s.prior.(interface{ summary() string }); ok {
		prior = short.summary()
	}
	return fmt.Sprint(s.last) + ", after " + prior
}

func (s *errorAfter) Unwrap() []error { return []error{s.last, s.prior} }

// stopError ends a call before its next attempt. last is the error of the
// attempt before.
func (c *call) interruptedError(ctx context.Context, err, last error) *TransportError {
	e := c.transportError(ctx, err)
	e.notApplied = !c.maybeApplied
	e.Err = &errorAfter{e.Err, c.withLastAPIError(last)}
	return e
}

// withLastAnswer adds the last answer of the call to an error without one.
func (c *call) withLastAPIError(err error) error {
	var transportErr *TransportError
	if c.lastAPIError == nil || !errors.As(err, &transportErr) {
		return err
	}
	whole := *transportErr
	whole.Err = &errorAfter{transportErr.Err, c.lastAPIError}
	return &whole
}

// isEnd reports whether err says already that the context is done, and why.
func isContextError(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err()) && errors.Is(err, context.Cause(ctx))
}
