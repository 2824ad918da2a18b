package main

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

var errGone = errors.New("connection refused")

// script is a Redis that gives answers as told, one by one, and the last one
// from then on.
type script struct {
	t       *testing.T
	answers []any // a wait, or an error
	asked   []time.Time
	asking  bool
	takes   time.Duration
}

func (s *script) Allow(_ context.Context, key string, limit redis_rate.Limit) (*redis_rate.Result, error) {
	require.False(s.t, s.asking, "two callers of a process ask at the same time")
	s.asking = true
	time.Sleep(s.takes)
	s.asking = false
	require.Equal(s.t, "chargebee:acme-test", key)
	require.Equal(s.t, redis_rate.Limit{Rate: 141, Burst: 4, Period: time.Minute}, limit)
	s.asked = append(s.asked, time.Now())
	answer := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	if err, is := answer.(error); is {
		return nil, err
	}
	return &redis_rate.Result{RetryAfter: answer.(time.Duration)}, nil
}

const letThrough time.Duration = -1 // as redis_rate says it

func scripted(t *testing.T, answers ...any) (*limiter, *script) {
	t.Helper()
	script := &script{t: t, answers: answers}
	l := newLimiter(nil, "acme-test", 150)
	l.allow = script
	return l, script
}

// waited is how long a caller waits, and with what result.
func waited(ctx context.Context, l *limiter) (time.Duration, error) {
	start := time.Now()
	err := l.Wait(ctx)
	return time.Since(start), err
}

func TestACallerWaitsAsLongAsRedisSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, script := scripted(t, 400*time.Millisecond, 100*time.Millisecond, letThrough)
		d, err := waited(t.Context(), l)
		require.NoError(t, err)
		require.Equal(t, 500*time.Millisecond, d)
		require.Len(t, script.asked, 3)
	})
}

func TestWhileRedisIsGoneACallerAsksEverySecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, script := scripted(t, errGone, errGone, errGone, letThrough)
		d, err := waited(t.Context(), l)
		require.NoError(t, err)
		require.Equal(t, 3*time.Second, d)
		require.Len(t, script.asked, 4)
	})
}

func TestPatienceEndsAfterThirtySecondsWithoutRedis(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := scripted(t, errGone)
		d, err := waited(t.Context(), l)
		require.EqualError(t, err, "redis: connection refused")
		require.ErrorIs(t, err, errGone)
		require.Equal(t, 30*time.Second, d)

		d, err = waited(t.Context(), l) // and does not begin anew for the next caller
		require.ErrorIs(t, err, errGone)
		require.Zero(t, d)
	})
}

func TestPatienceBeginsAnewWhenRedisHasAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, script := scripted(t, errGone)
		_, err := waited(t.Context(), l)
		require.ErrorIs(t, err, errGone)
		script.answers = []any{letThrough, errGone, letThrough}
		for _, want := range []time.Duration{0, time.Second} {
			d, err := waited(t.Context(), l)
			require.NoError(t, err)
			require.Equal(t, want, d)
		}
	})
}

func TestACallWithoutRedisIsNeverSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := scripted(t, errGone)
		client, err := chargebee.NewClient("acme-test", "key", chargebee.WithLimiter(l), chargebee.WithHTTPClient(&http.Client{Transport: nobody{t}}))
		require.NoError(t, err)
		err = change(t.Context(), client, settings{feature: "seats", item: "team"})
		require.EqualError(t, err, "chargebee: POST /features/{feature-id}/item_entitlements: not sent: limiter: redis: connection refused")
		require.ErrorIs(t, err, errGone)
		_, unknown := chargebee.OutcomeUnknown(err)
		require.False(t, unknown)
	})
}

type nobody struct{ t *testing.T }

func (n nobody) RoundTrip(*http.Request) (*http.Response, error) {
	n.t.Error("a call was sent")
	return nil, errors.New("nobody is here")
}

func TestCancellingEndsEveryWaitAtOnce(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]any{"for the limit": time.Hour, "for redis": errGone} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, _ := scripted(t, answer)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(1500*time.Millisecond, cancel)
				start := time.Now()
				ended := make(chan error)
				for range 2 { // one who asks, and one who waits for his turn
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

func TestATurnAfterTheDeadlineIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := scripted(t, 2*time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		d, err := waited(ctx, l)
		require.EqualError(t, err, "no turn in time: context deadline exceeded")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, d)
	})
}

func TestTheCallersOfAProcessAskOneByOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, script := scripted(t, letThrough)
		script.takes = 10 * time.Millisecond
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

func TestTheLimitLeavesRoomForWhatIsLate(t *testing.T) {
	t.Parallel()
	for perMinute, want := range map[int]redis_rate.Limit{
		1:    {Rate: 1, Burst: 1, Period: time.Minute},
		10:   {Rate: 10, Burst: 1, Period: time.Minute},
		150:  {Rate: 141, Burst: 4, Period: time.Minute},
		1000: {Rate: 940, Burst: 21, Period: time.Minute},
		3500: {Rate: 3290, Burst: 71, Period: time.Minute},
	} {
		require.Equal(t, want, newLimiter(nil, "acme-test", perMinute).limit)
	}
	for perMinute := 1; perMinute <= 10_000; perMinute++ {
		limit := newLimiter(nil, "acme-test", perMinute).limit
		fullest := limit.Rate + limit.Burst - 1 // of any minute, where nothing is late
		require.LessOrEqual(t, fullest+perMinute*4/100, perMinute)
		require.GreaterOrEqual(t, limit.Rate*10, perMinute*9)
	}
}
