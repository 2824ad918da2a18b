// Package retry decides how long a call waits before its next attempt.
package retry

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// Policy configures the waits. No field is 0.
type Policy struct {
	MaxAttempts         int
	BaseDelay, MaxDelay time.Duration
}

// Waits counts what a call has waited for. Its methods return the next wait, or 0 if
// there must not be another attempt.
type Waits struct {
	counted      int // attempts that count against MaxAttempts
	notProcessed int
	inProgress   int
	inProgressAt time.Time // when the first response said so
}

// Counted returns the wait after an attempt that counts against MaxAttempts.
func (w *Waits) Counted(p Policy, retryAfter time.Duration) time.Duration {
	w.counted++
	if w.counted >= p.MaxAttempts {
		return 0
	}
	return p.Backoff(w.counted, retryAfter, randomFloat())
}

// NotProcessed returns the wait after an attempt that the server did not process. The
// first ones are followed by another at once. A backoff follows the others, so that calls
// that were rejected together do not meet again on the next connection.
func (w *Waits) NotProcessed(p Policy) time.Duration {
	const atOnce, limit = 3, 10
	w.notProcessed++
	switch {
	case w.notProcessed <= atOnce:
		return 1
	case w.notProcessed <= limit:
		return p.Backoff(w.notProcessed-atOnce, 0, randomFloat())
	}
	return w.Counted(p, 0)
}

// InProgress returns the wait before the request is sent again to get the response to the
// previous one. It is at most half of the time that is left, so that the call gets the
// response even if that is ready only shortly before the deadline of ctx.
func (w *Waits) InProgress(ctx context.Context, p Policy, retryAfter time.Duration) time.Duration {
	const shortest, withoutDeadline = 100 * time.Millisecond, time.Minute
	if p.MaxAttempts == 1 {
		return 0
	}
	if w.inProgress == 0 {
		w.inProgressAt = time.Now()
	}
	w.inProgress++
	deadline, hasDeadline := ctx.Deadline()
	if !hasDeadline {
		deadline = w.inProgressAt.Add(withoutDeadline)
	}
	left := time.Until(deadline)
	wait := max(shortest, retryAfter, min(left/2, p.Backoff(w.inProgress, retryAfter, randomFloat())))
	if !hasDeadline && wait >= left {
		return 0
	}
	return wait
}

// Backoff returns the wait after the given number of attempts: exponential with equal
// jitter. Retry-After replaces the half that is not random. It is at least 1 ns, because
// 0 means that there is no retry. random is in [0, 1).
func (p Policy) Backoff(attempts int, retryAfter time.Duration, random float64) time.Duration {
	half := math.Min(float64(p.MaxDelay), math.Ldexp(float64(p.BaseDelay), attempts-1)) / 2
	least := max(1, cmp.Or(retryAfter, time.Duration(half)))
	return least + min(time.Duration(random*half), math.MaxInt64-least)
}

func randomFloat() float64 { return rand.Float64() } //nolint:gosec // nobody gains by guessing a wait

// Sleep returns after d, or as soon as ctx is done.
func Sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
