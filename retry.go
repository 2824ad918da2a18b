package chargebee

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/typedbee/chargebee-go/internal/validate"
)

// Retry configures how many times a call is sent and how long it waits in between.
// The zero value, and each zero field, means the default.
//
// A call is retried if the response is an [APIError] that is Retryable, or if no
// complete response arrived: the connection was refused, reset or closed, or the
// attempt timed out. Nothing else is retried: no other response, and no failure
// that would recur, such as an untrusted certificate. The 409 of a request that is
// still in progress is retried only if the idempotency key was sent before, by an
// earlier attempt, or perhaps by an earlier call because it is the caller's own.
//
// Every attempt has the same path, headers, body and idempotency key. Chargebee
// keeps a key for 30 minutes: keep the call's total time, retries included, well
// under that.
//
// The backoff is exponential with full jitter: a random time of up to BaseDelay
// after the first attempt, and of up to twice as long after each further one, but
// never more than MaxDelay. If the response has a Retry-After header, the random
// time is added to it. If Retry-After exceeds MaxRetryAfter, or if the wait would
// pass the deadline of the call's context, the call returns immediately.
type Retry struct {
	MaxAttempts   int           // 0: 3. 1: no retry
	BaseDelay     time.Duration // 0: 500 ms
	MaxDelay      time.Duration // 0: 8 s
	MaxRetryAfter time.Duration // 0: 60 s
}

func (r Retry) withDefaults() Retry {
	return Retry{
		MaxAttempts:   cmp.Or(r.MaxAttempts, 3),
		BaseDelay:     cmp.Or(r.BaseDelay, 500*time.Millisecond),
		MaxDelay:      cmp.Or(r.MaxDelay, 8*time.Second),
		MaxRetryAfter: cmp.Or(r.MaxRetryAfter, 60*time.Second),
	}
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

// afterAttempt returns how long to wait before the attempt that follows one that failed
// with err. If that is 0, there is none, and the call ends with finalErr.
func (c *call) afterAttempt(ctx context.Context, err error) (retryIn time.Duration, finalErr error) {
	if !c.shouldRetry(err) || isContextError(ctx, err) {
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
	deadline, hasDeadline := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		return 0, c.interruptedError(ctx, ctx.Err(), err)
	case hasDeadline && time.Until(deadline) <= backoff:
		return 0, c.interruptedError(ctx, fmt.Errorf("no time for another attempt: %w", context.DeadlineExceeded), err)
	}
	return backoff, nil
}

// shouldRetry reports whether to retry after an attempt that failed with err.
func (c *call) shouldRetry(err error) bool {
	var transportErr *TransportError
	var apiErr *APIError
	switch {
	case c.attempts >= c.retry.MaxAttempts:
		return false
	case errors.As(err, &transportErr):
		return transportErr.kind != failurePermanent
	case errors.As(err, &apiErr):
		return apiErr.Retryable() && apiErr.RetryAfter <= c.retry.MaxRetryAfter &&
			(apiErr.StatusCode != http.StatusConflict || c.keySent)
	}
	return false
}

// isContextError reports whether err matches the end of ctx and its cause.
func isContextError(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err()) && errors.Is(err, context.Cause(ctx))
}

// backoff returns the wait after the given number of attempts: exponential with
// full jitter, on top of Retry-After. It is at least 1 ns, because 0 means that there is
// no retry. random is in [0, 1).
func (r Retry) backoff(attempts int, retryAfter time.Duration, random float64) time.Duration {
	ceiling := math.Min(float64(r.MaxDelay), math.Ldexp(float64(r.BaseDelay), attempts-1))
	jitter := max(1, time.Duration(random*ceiling))
	return retryAfter + min(jitter, math.MaxInt64-retryAfter)
}

// parseRetryAfter returns the wait that the Retry-After header requests, in seconds or
// as an HTTP date. It is 0 if the header is absent, malformed, or in the past, and
// at most 292 years, the longest Duration.
func parseRetryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	seconds, _ := strconv.ParseUint(value, 10, 64) // 0 if malformed, the maximum if out of range
	const limit = math.MaxInt64 / time.Second
	return time.Duration(min(seconds, uint64(limit))) * time.Second
}

// sleep returns after d, or as soon as ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// interruptedError returns the error of a call that ends before its next attempt.
// prior is the error of the previous attempt.
func (c *call) interruptedError(ctx context.Context, err, prior error) *TransportError {
	e := c.transportError(ctx, err)
	e.notApplied = !c.maybeApplied
	e.Err = &retriedError{e.Err, c.withLastAPIError(prior)}
	return e
}

// withLastAPIError adds the last API error of the call to err if it is a
// *TransportError.
func (c *call) withLastAPIError(err error) error {
	var transportErr *TransportError
	if c.lastAPIError == nil || !errors.As(err, &transportErr) {
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
