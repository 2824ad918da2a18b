// Package stoppable makes a rate limiter stop together with the program that uses it.
package stoppable

import (
	"context"
	"errors"
)

// ErrStopped is the error of every Wait after the program has been told to stop.
var ErrStopped = errors.New("the run was stopped")

// Waiter is a rate limiter, such as *rate.Limiter of golang.org/x/time/rate.
type Waiter interface {
	Wait(ctx context.Context) error
}

// Limiter is a rate limiter that stops with its program. A call that waits in it
// then fails with ErrStopped, and so does every later attempt of any call. A
// request that has already been sent is not affected: its call has a context of
// its own, and can still receive the response.
type Limiter struct {
	waiter Waiter
	run    context.Context
}

// NewLimiter returns a Limiter that waits for waiter until run is done.
func NewLimiter(run context.Context, waiter Waiter) *Limiter {
	return &Limiter{waiter, run}
}

// Wait waits for the underlying limiter. It returns ErrStopped as soon as the run
// is done, and the error of the underlying limiter otherwise.
func (l *Limiter) Wait(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.run, cancel)()
	err := l.waiter.Wait(ctx)
	if l.run.Err() != nil {
		return ErrStopped
	}
	return err
}
