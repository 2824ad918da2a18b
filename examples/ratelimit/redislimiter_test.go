package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

var errUnreachable = errors.New("connection refused")

// fakeRedis returns the given responses one by one, and the last one from then on.
type fakeRedis struct {
	t         *testing.T
	latency   time.Duration
	mu        sync.Mutex
	responses []any // each a wait, an error, or allowed
	requests  int
}

func (f *fakeRedis) Allow(_ context.Context, key string, limit redis_rate.Limit) (*redis_rate.Result, error) {
	require.Equal(f.t, "chargebee:acme-test", key)
	require.Equal(f.t, redis_rate.Limit{Rate: 147, Burst: 4, Period: 62400 * time.Millisecond}, limit)
	time.Sleep(f.latency)
	switch response := f.next().(type) {
	case error:
		return nil, response
	case time.Duration:
		return &redis_rate.Result{RetryAfter: response}, nil
	}
	return &redis_rate.Result{Allowed: 1, RetryAfter: -1}, nil
}

func (f *fakeRedis) next() any {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	response := f.responses[0]
	if len(f.responses) > 1 {
		f.responses = f.responses[1:]
	}
	return response
}

const allowed = "allowed"

func newFakeRedis(t *testing.T, responses ...any) (*redisLimiter, *fakeRedis) {
	t.Helper()
	fake := &fakeRedis{t: t, responses: responses}
	l := newRedisLimiter(nil, "acme-test", 150)
	l.store, l.jitter = fake, 0
	return l, fake
}

// measureWait returns how long Wait takes, and its error.
func measureWait(ctx context.Context, l *redisLimiter) (time.Duration, error) {
	start := time.Now()
	err := l.Wait(ctx)
	return time.Since(start), err
}

func TestWait(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		responses []any
		wait      time.Duration
		requests  int
	}{
		"it takes as long as Redis requires":              {[]any{400 * time.Millisecond, 100 * time.Millisecond, allowed}, 500 * time.Millisecond, 3},
		"it retries every second while Redis is down":     {[]any{errUnreachable, errUnreachable, errUnreachable, allowed}, 3 * time.Second, 4},
		"it checks a long wait every second":              {[]any{time.Hour, time.Hour, allowed}, 2 * time.Second, 3}, // the clock of Redis is set back
		"a rejection without a wait is still a rejection": {[]any{time.Duration(0), -time.Hour, allowed}, 2 * time.Millisecond, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, fake := newFakeRedis(t, test.responses...)
				d, err := measureWait(t.Context(), l)
				require.NoError(t, err)
				require.Equal(t, test.wait, d)
				require.Equal(t, test.requests, fake.requests)
			})
		})
	}
}

func TestWaitFailsIfItWouldExceedTheDeadline(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		response any
		deadline time.Duration
		wait     time.Duration
		want     string
		cause    error
	}{
		"the limit is reached": {2 * time.Second, 2 * time.Second, 0, "the wait would exceed the deadline: context deadline exceeded", context.DeadlineExceeded},
		"Redis is unreachable": {errUnreachable, 10 * time.Second, 9 * time.Second,
			"the wait would exceed the deadline: context deadline exceeded: redis: connection refused", errUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, _ := newFakeRedis(t, test.response)
				ctx, cancel := context.WithTimeout(t.Context(), test.deadline)
				defer cancel()
				d, err := measureWait(ctx, l)
				require.EqualError(t, err, test.want)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, test.cause)
				require.Equal(t, test.wait, d)
			})
		})
	}
}

func TestWaitFailsAfterThirtySecondsWithoutRedis(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := newFakeRedis(t, errUnreachable)
		d, err := measureWait(t.Context(), l)
		require.EqualError(t, err, "redis: connection refused")
		require.ErrorIs(t, err, errUnreachable)
		require.Equal(t, 30*time.Second, d)

		d, err = measureWait(t.Context(), l) // the outage is not over for the next caller
		require.ErrorIs(t, err, errUnreachable)
		require.Zero(t, d)
	})
}

func TestAResponseOfRedisEndsTheOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, fake := newFakeRedis(t, errUnreachable)
		_, err := measureWait(t.Context(), l)
		require.ErrorIs(t, err, errUnreachable)
		fake.responses = []any{allowed, errUnreachable, allowed}
		for _, want := range []time.Duration{0, time.Second} {
			d, err := measureWait(t.Context(), l)
			require.NoError(t, err)
			require.Equal(t, want, d)
		}
	})
}

func TestErrorsTenSecondsApartAreDifferentOutages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, fake := newFakeRedis(t, errUnreachable)
		_, err := measureWait(t.Context(), l)
		require.ErrorIs(t, err, errUnreachable)
		time.Sleep(10*time.Second + 1)
		fake.responses = []any{errUnreachable, allowed}
		d, err := measureWait(t.Context(), l)
		require.NoError(t, err)
		require.Equal(t, time.Second, d)
	})
}

func TestJitterIsRandomAndAtMostOneInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waits := make(map[time.Duration]bool)
		for range 50 {
			l, _ := newFakeRedis(t, 100*time.Millisecond, allowed)
			l.jitter = newRedisLimiter(nil, "acme-test", 150).jitter
			d, err := measureWait(t.Context(), l)
			require.NoError(t, err)
			require.GreaterOrEqual(t, d, 100*time.Millisecond)
			require.LessOrEqual(t, d, 100*time.Millisecond+62400*time.Millisecond/147)
			waits[d] = true
		}
		require.Greater(t, len(waits), 25)
	})
}

func TestACallIsNotSentWithoutRedis(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := newFakeRedis(t, errUnreachable)
		client, err := chargebee.NewClient("acme-test", "key", chargebee.WithLimiter(l), chargebee.WithHTTPClient(&http.Client{Transport: noTransport{t}}))
		require.NoError(t, err)
		err = change(t.Context(), client, settings{feature: "seats", item: "team"})
		require.EqualError(t, err, "chargebee: POST /features/{feature-id}/item_entitlements: not sent: limiter: redis: connection refused")
		require.ErrorIs(t, err, errUnreachable)
		_, unknown := chargebee.OutcomeUnknown(err)
		require.False(t, unknown)
	})
}

// noTransport fails the test when a request is sent.
type noTransport struct{ t *testing.T }

func (n noTransport) RoundTrip(*http.Request) (*http.Response, error) {
	n.t.Error("a request was sent")
	return nil, errors.New("no transport")
}

func TestCancelingEndsEveryWaitImmediately(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]any{"for the limit": 999 * time.Millisecond, "for redis": errUnreachable} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, _ := newFakeRedis(t, response)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(1500*time.Millisecond, cancel)
				start := time.Now()
				ended := make(chan error)
				for range 2 { // one asks Redis, the other waits for the lock
					go func() { ended <- l.Wait(ctx) }()
				}
				for range 2 {
					require.ErrorIs(t, <-ended, context.Canceled)
					require.Equal(t, 1500*time.Millisecond, time.Since(start))
				}
			})
		})
	}
}

func TestCancelingEndsAQueryThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, fake := newFakeRedis(t, allowed)
		fake.latency = time.Second
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		d, err := measureWait(ctx, l)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 50*time.Millisecond, d)
		time.Sleep(time.Second) // until the abandoned query ends
	})
}

func TestACallerWaitingForTheLockObeysItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := newFakeRedis(t, time.Millisecond)
		holder, release := context.WithCancel(t.Context())
		defer release()
		go func() { _ = l.Wait(holder) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		d, err := measureWait(ctx, l)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 3*time.Second, d)
	})
}

func TestTheCallersOfAProcessAskRedisOneByOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, fake := newFakeRedis(t, allowed)
		fake.latency = 10 * time.Millisecond
		start := time.Now()
		done := make(chan error)
		for range 20 {
			go func() { done <- l.Wait(t.Context()) }()
		}
		for range 20 {
			require.NoError(t, <-done)
		}
		require.Equal(t, 200*time.Millisecond, time.Since(start))
	})
}

func TestTheLimitLeavesTimeForLateRequests(t *testing.T) {
	t.Parallel()
	const period = 62400 * time.Millisecond
	for perMinute, want := range map[int]redis_rate.Limit{
		-1:   {Rate: 1, Burst: 1, Period: period},
		1:    {Rate: 1, Burst: 1, Period: period},
		2:    {Rate: 1, Burst: 2, Period: period},
		10:   {Rate: 9, Burst: 2, Period: period},
		150:  {Rate: 147, Burst: 4, Period: period},
		3500: {Rate: 3430, Burst: 71, Period: period},
	} {
		require.Equal(t, want, limitFor(perMinute))
	}
	for perMinute := 1; perMinute <= 10_000; perMinute++ {
		limit := limitFor(perMinute)
		require.Equal(t, perMinute, limit.Rate+limit.Burst-1) // the most that it allows in its period
		if perMinute >= 20 {
			require.GreaterOrEqual(t, float64(limit.Rate)*60/62.4, 0.9*float64(perMinute))
		}
	}
}
