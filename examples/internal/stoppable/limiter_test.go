package stoppable_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/examples/internal/stoppable"
)

// waiterFunc is a rate limiter in one function.
type waiterFunc func(context.Context) error

func (f waiterFunc) Wait(ctx context.Context) error { return f(ctx) }

func waitForCancel(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestStoppingEndsWaitImmediately(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		run, stop := context.WithCancel(t.Context())
		limiter := stoppable.NewLimiter(run, waiterFunc(waitForCancel))
		time.AfterFunc(time.Second, stop)
		start := time.Now()
		require.ErrorIs(t, limiter.Wait(t.Context()), stoppable.ErrStopped)
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestWaitFailsAfterStopping(t *testing.T) {
	t.Parallel()
	run, stop := context.WithCancel(t.Context())
	stop()
	limiter := stoppable.NewLimiter(run, waiterFunc(func(context.Context) error { return nil }))
	require.ErrorIs(t, limiter.Wait(t.Context()), stoppable.ErrStopped)
}

func TestUnderlyingLimiterDecidesUntilStopped(t *testing.T) {
	t.Parallel()
	errNoCapacity := errors.New("no capacity")
	for _, want := range []error{nil, errNoCapacity} {
		limiter := stoppable.NewLimiter(t.Context(), waiterFunc(func(context.Context) error { return want }))
		require.Equal(t, want, limiter.Wait(t.Context()))
	}
}

func TestContextOfCallEndsItsWait(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	limiter := stoppable.NewLimiter(t.Context(), waiterFunc(waitForCancel))
	require.Equal(t, context.Canceled, limiter.Wait(ctx))
}
