package chargebee

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/typedbee/chargebee-go/internal/failure"
	"github.com/typedbee/chargebee-go/internal/retry"
	"github.com/typedbee/chargebee-go/internal/validate"
)

// Retry configures how many times a call is sent and how long it waits in between.
// The zero value, and each zero field, means the default.
//
// A call is retried if the response is an [APIError] that is Retryable, or if no
// complete response arrived: the connection was refused, reset or closed, or the
// attempt timed out. Nothing else is retried: no other response, and no failure
// that would recur, such as an untrusted certificate, or an error of a transport
// wrapper that has a method Retryable() bool and returns false.
//
// Every attempt has the same path, headers, body and idempotency key. Chargebee
// keeps a key for 30 minutes: keep the call's total time, retries included, well
// under that.
//
// The backoff is exponential with equal jitter: a random time between half of
// BaseDelay and BaseDelay after the first attempt, and twice as long after each
// further one, but never more than MaxDelay. If the response has a Retry-After header,
// that time replaces the half that is not random. If Retry-After exceeds
// MaxRetryAfter, or if the wait would pass the deadline of the call's context, the
// call returns immediately.
//
// Two kinds of attempts do not count against MaxAttempts:
//   - A request that the server provably did not process, because it closed the
//     connection first, is sent again up to ten times in a call: three times
//     immediately, and then after the backoff.
//   - After the 409 that says that an earlier request with the same key is still in
//     progress, the call is retried with growing waits until the deadline of the
//     context, or for a minute if there is none. The key must have been sent before: by
//     an earlier attempt, or perhaps by an earlier call, if [WithIdempotencyKey] set it.
//     If MaxAttempts is 1, the 409 is returned.
type Retry struct {
	MaxAttempts   int           // 0: 5. 1: no retry
	BaseDelay     time.Duration // 0: 500 ms
	MaxDelay      time.Duration // 0: 8 s
	MaxRetryAfter time.Duration // 0: 60 s
}

func (r Retry) withDefaults() Retry {
	return Retry{
		MaxAttempts:   cmp.Or(r.MaxAttempts, 5),
		BaseDelay:     cmp.Or(r.BaseDelay, 500*time.Millisecond),
		MaxDelay:      cmp.Or(r.MaxDelay, 8*time.Second),
		MaxRetryAfter: cmp.Or(r.MaxRetryAfter, 60*time.Second),
	}
}

func (r Retry) policy() retry.Policy {
	return retry.Policy{MaxAttempts: r.MaxAttempts, BaseDelay: r.BaseDelay, MaxDelay: r.MaxDelay}
}

func (r Retry) validate(invalid *paramErrors) {
	if r.MaxAttempts < 0 {
		invalid.add("Retry.MaxAttempts", validate.ReasonNegative)
	}
	if r.BaseDelay < 0 {
		invalid.add("Retry.BaseDelay", validate.ReasonNegative)
	}
	if r.MaxDelay < 0 {
		invalid.add("Retry.MaxDelay", validate.ReasonNegative)
	}
	if r.MaxRetryAfter < 0 {
		invalid.add("Retry.MaxRetryAfter", validate.ReasonNegative)
	}
}

// attempts is the state of a call's attempts so far.
type attempts struct {
	number       int // of all attempts
	waits        retry.Waits
	keySent      bool // the server may have seen the idempotency key
	maybeApplied bool // an attempt may have been applied without saying so
	lastAPIError *APIError
}

// afterAttempt returns how long to wait before the attempt that follows one that failed
// with err. If that is 0, there is none, and the call ends with finalErr.
func (c *call) afterAttempt(ctx context.Context, err error) (retryIn time.Duration, finalErr error) {
	wait := c.nextWait(ctx, err)
	if wait == 0 || isContextError(ctx, err) {
		return 0, c.withLastAPIError(err)
	}
	var transportErr *TransportError
	wasSent := !errors.As(err, &transportErr) || !transportErr.notApplied
	c.keySent = c.idempotencyKey != "" && (c.keySent || wasSent)
	_, c.maybeApplied = OutcomeUnknown(err)

	deadline, hasDeadline := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		return 0, c.interruptedError(ctx, ctx.Err(), err)
	case hasDeadline && time.Until(deadline) <= wait:
		return 0, c.interruptedError(ctx, fmt.Errorf("no time for another attempt: %w", context.DeadlineExceeded), err)
	}
	return wait, nil
}

// nextWait returns how long to wait after an attempt that failed with err. It is 0 if
// there must not be another attempt.
func (c *call) nextWait(ctx context.Context, err error) time.Duration {
	policy := c.retry.policy()
	switch err := err.(type) { //nolint:errorlint // send returns it unwrapped
	case *APIError:
		c.lastAPIError = err
		switch {
		case !err.Retryable() || err.RetryAfter > c.retry.MaxRetryAfter || err.inProgress() && !c.keySent:
			return 0
		case err.inProgress():
			return c.waits.InProgress(ctx, policy, err.RetryAfter)
		}
		return c.waits.Counted(policy, err.RetryAfter)
	case *TransportError:
		switch err.kind {
		case failure.Permanent:
			return 0
		case failure.NotProcessed:
			return c.waits.NotProcessed(policy)
		}
		return c.waits.Counted(policy, 0)
	}
	return 0 // a *DecodeError
}

// isContextError reports whether err matches the end of ctx and its cause.
func isContextError(ctx context.Context, err error) bool {
	return errors.Is(err, ctx.Err()) && errors.Is(err, context.Cause(ctx))
}

// interruptedError returns the error of a call that ends before its next attempt.
// prior is the error of the previous attempt.
func (c *call) interruptedError(ctx context.Context, err, prior error) *TransportError {
	e := c.transportError(ctx, err, true)
	e.Err = &retriedError{e.Err, c.withLastAPIError(prior)}
	return e
}

// withLastAPIError adds the last API error of the call to err if it is a
// *TransportError.
func (c *call) withLastAPIError(err error) error {
	transportErr, ok := err.(*TransportError) //nolint:errorlint // send returns it unwrapped
	if c.lastAPIError == nil || !ok {
		return err
	}
	both := *transportErr
	both.Err = &retriedError{transportErr.Err, c.lastAPIError}
	return &both
}

// retriedError is the last error of a call that was retried, and an earlier one.
type retriedError struct{ last, prior error }

func (e *retriedError) Error() string {
	prior := fmt.Sprint(e.prior)
	if short, ok := e.prior.(interface{ summary() string }); ok { // without the call, which last names
		prior = short.summary()
	}
	return fmt.Sprint(e.last) + ", after " + prior
}

func (e *retriedError) Unwrap() []error { return []error{e.last, e.prior} }
