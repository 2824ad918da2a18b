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

var errGone = errors.New("connection refused")

// script is a Redis that gives answers as told, one by one, and the last one
// from then on.
type script struct {
	t       *testing.T
	mu      sync.Mutex
	answers []any // a wait, an error, or letThrough
	asked   []time.Time
	takes   time.Duration
}

func (s *script) Allow(_ context.Context, key string, limit redis_rate.Limit) (*redis_rate.Result, error) {
	require.Equal(s.t, "chargebee:acme-test", key)
	require.Equal(s.t, redis_rate.Limit{Rate: 147, Burst: 4, Period: 62400 * time.Millisecond}, limit)
	time.Sleep(s.takes)
	switch answer := s.next().(type) {
	case error:
		return nil, answer
	case time.Duration:
		return &redis_rate.Result{RetryAfter: answer}, nil
	}
	return &redis_rate.Result{Allowed: 1, RetryAfter: -1}, nil
}

func (s *script) next() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, time.Now())
	answer := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	return answer
}

const letThrough = "let through"

func scripted(t *testing.T, answers ...any) (*limiter, *script) {
	t.Helper()
	script := &script{t: t, answers: answers}
	l := newLimiter(nil, "acme-test", 150)
	l.allow, l.late = script, 0
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

func TestPatienceBeginsAnewWhenNobodyHasAskedForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, script := scripted(t, errGone)
		_, err := waited(t.Context(), l)
		require.ErrorIs(t, err, errGone)
		time.Sleep(10*time.Second + 1)
		script.answers = []any{errGone, letThrough}
		d, err := waited(t.Context(), l)
		require.NoError(t, err)
		require.Equal(t, time.Second, d)
	})
}

func TestADeadlineInAnOutageTellsOfIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := scripted(t, errGone)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		d, err := waited(ctx, l)
		require.EqualError(t, err, "no turn in time: context deadline exceeded: redis: connection refused")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errGone)
		require.Equal(t, 9*time.Second, d)
	})
}

func TestALongWaitIsAskedForAgainEverySecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := scripted(t, time.Hour, time.Hour, letThrough) // as if the clock of Redis had been set back, and right again
		d, err := waited(t.Context(), l)
		require.NoError(t, err)
		require.Equal(t, 2*time.Second, d)
	})
}

func TestARefusalWithoutAWaitIsStillARefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := scripted(t, time.Duration(0), -time.Hour, letThrough)
		d, err := waited(t.Context(), l)
		require.NoError(t, err)
		require.Equal(t, 2*time.Millisecond, d)
	})
}

func TestACallerIsLateByChanceButNotByMoreThanATurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waits := make(map[time.Duration]bool)
		for range 50 {
			l, _ := scripted(t, 100*time.Millisecond, letThrough)
			l.late = newLimiter(nil, "acme-test", 150).late
			d, err := waited(t.Context(), l)
			require.NoError(t, err)
			require.GreaterOrEqual(t, d, 100*time.Millisecond)
			require.LessOrEqual(t, d, 100*time.Millisecond+62400*time.Millisecond/147)
			waits[d] = true
		}
		require.Greater(t, len(waits), 25)
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
	for name, answer := range map[string]any{"for the limit": 999 * time.Millisecond, "for redis": errGone} {
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

func TestCancellingEndsAQuestionThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, script := scripted(t, letThrough)
		script.takes = time.Second
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		d, err := waited(ctx, l)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 50*time.Millisecond, d)
		time.Sleep(time.Second) // and the question is over by itself
	})
}

func TestWhoWaitsForHisTurnObeysHisOwnContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := scripted(t, time.Millisecond)
		holder, leave := context.WithCancel(t.Context())
		defer leave()
		go func() { _ = l.Wait(holder) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		d, err := waited(ctx, l)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 3*time.Second, d)
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

func TestTheLimitLeavesTimeForWhatIsLate(t *testing.T) {
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
		require.Equal(t, perMinute, limit.Rate+limit.Burst-1) // the most that it grants in its period
		if perMinute >= 20 {
			require.GreaterOrEqual(t, float64(limit.Rate)*60/62.4, 0.9*float64(perMinute))
		}
	}
}
