package chargebee

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// callState is the state of a call after its attempts so far.
type callState struct {
	attempts     int
	keySent      bool // the server may have seen the idempotency key
	maybeApplied bool // an attempt may have been applied without saying so
	lastAPIError *APIError
}

// next returns how long to wait before the attempt that follows one that ended with
// err. If that is 0, there is none, and the call ends with the error returned.
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

// errorAfter is an error and the error of an earlier attempt of the same call.
type errorAfter struct{ last, prior error }

func (s *errorAfter) Error() string {
	prior := fmt.Sprint(s.prior)
	if short, ok := s.prior.(interface{ summary() string }); ok {
		prior = short.summary()
	}
	return fmt.Sprint(s.last) + ", after " + prior
}

func (s *errorAfter) Unwrap() []error { return []error{s.last, s.prior} }

// interruptedError returns the error of a call that ends before its next attempt.
// last is the error of the previous attempt.
func (c *call) interruptedError(ctx context.Context, err, last error) *TransportError {
	e := c.transportError(ctx, err)
	e.notApplied = !c.maybeApplied
	e.Err = &errorAfter{e.Err, c.withLastAPIError(last)}
	return e
}

// withLastAPIError adds the last API error of the call to an error that has none.
func (c *call) withLastAPIError(err error) error {
	var transportErr *TransportError
	if c.lastAPIError == nil || !errors.As(err, &transportErr) {
		return err
	}
	whole := *transportErr
	whole.Err = &errorAfter{transportErr.Err, c.lastAPIError}
	return &whole
}

// isContextError reports whether err matches the end of ctx and its cause.
func isContextError(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err()) && errors.Is(err, context.Cause(ctx))
}
