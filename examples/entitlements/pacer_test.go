package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func TestThePaceIsFivePercentBelowTheRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(150)
		start := time.Now()
		for range 1 + 1425 {
			require.NoError(t, pacer.Wait(t.Context()))
		}
		require.InDelta(t, 10*time.Minute, time.Since(start), float64(time.Millisecond)) // 142.5 a minute
	})
}

func TestARateOfZeroIsNoLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(0)
		start := time.Now()
		for range 1000 {
			require.NoError(t, pacer.Wait(t.Context()))
		}
		require.Zero(t, time.Since(start))
	})
}

func TestAResponse429PausesAllCalls(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		attempt chargebee.Attempt
		pause   time.Duration
	}{
		"the site says for how long":         {chargebee.Attempt{StatusCode: 429, Code: chargebee.ErrAPIRequestLimitExceeded, RetryIn: 40 * time.Second}, 40 * time.Second},
		"the site does not say for how long": {chargebee.Attempt{StatusCode: 429, RetryIn: time.Second}, 15 * time.Second},
		"the call is not repeated":           {chargebee.Attempt{StatusCode: 429}, 15 * time.Second},
		"a resource is locked":               {chargebee.Attempt{StatusCode: 429, Code: chargebee.ErrLockTimeout, RetryIn: time.Second}, time.Second},
		"any other failure":                  {chargebee.Attempt{StatusCode: 503, RetryIn: 40 * time.Second}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pacer := newPacer(0)
				start := time.Now()
				pacer.observe(t.Context(), test.attempt)
				require.NoError(t, pacer.Wait(t.Context()))
				require.Equal(t, test.pause, time.Since(start))
			})
		})
	}
}

func TestAShorterPauseDoesNotShortenALongerOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(0)
		start := time.Now()
		pacer.observe(t.Context(), chargebee.Attempt{StatusCode: 429, RetryIn: time.Minute})
		pacer.observe(t.Context(), chargebee.Attempt{StatusCode: 429, RetryIn: 20 * time.Second})
		require.NoError(t, pacer.Wait(t.Context()))
		require.Equal(t, time.Minute, time.Since(start))
	})
}

func TestCallsResumeOneByOneAfterAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(60) // a request every 1.05 s
		require.NoError(t, pacer.Wait(t.Context()))
		pacer.observe(t.Context(), chargebee.Attempt{StatusCode: 429, RetryIn: 30 * time.Second})
		start := time.Now()
		passed := make(chan time.Duration, 4)
		for range 4 {
			go func() {
				if pacer.Wait(t.Context()) == nil {
					passed <- time.Since(start)
				}
			}()
		}
		previous := time.Duration(0)
		for range 4 {
			at := <-passed
			require.GreaterOrEqual(t, at, 30*time.Second)
			if previous > 0 {
				require.GreaterOrEqual(t, at-previous, time.Second)
			}
			previous = at
		}
	})
}

func TestAPauseEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pacer := newPacer(0)
		pacer.observe(t.Context(), chargebee.Attempt{StatusCode: 429, RetryIn: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		require.ErrorIs(t, pacer.Wait(ctx), context.Canceled)
		require.Equal(t, time.Second, time.Since(start))
	})
}
