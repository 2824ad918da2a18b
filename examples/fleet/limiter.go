package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// limiter is a chargebee.Limiter that many processes share by way of Redis: in
// any 60 seconds they send no more calls together than it allows.
//
// While Redis does not answer, nothing is sent: Wait asks again every second, for
// half a minute, and then returns the error of Redis. The call ends with it as one
// that was never sent, and is safe to repeat. To go on without Redis would have
// every process guess what the others do, and the site turn all of them away. A
// login should not depend on Redis: let it call without the limiter, and give the
// fleet so much less than the site allows.
//
// A Redis that forgets, by a restart without persistence, allows one more burst.
type limiter struct {
	allow allower
	key   string
	limit redis_rate.Limit

	turn     chan struct{} // held by the one caller who asks
	goneFrom time.Time     // when Redis ceased to answer, or zero; of whoever holds the turn
}

// allower is what *redis_rate.Limiter is.
type allower interface {
	Allow(ctx context.Context, key string, limit redis_rate.Limit) (*redis_rate.Result, error)
}

const (
	askAgain = time.Second
	patience = 30 * time.Second
)

// newLimiter shares perMinute calls to a site among all processes that have the
// same Redis.
//
// Redis counts when it lets a call go, and Chargebee when it arrives. So that
// calls which are late do not make a minute too full, 4 % are left for them: no
// more than that may be under way at the same time.
func newLimiter(client redis.UniversalClient, site string, perMinute int) *limiter {
	return &limiter{
		allow: redis_rate.NewLimiter(client),
		key:   "chargebee:" + site,
		limit: redis_rate.Limit{Rate: perMinute - perMinute*6/100, Burst: 1 + perMinute/50, Period: time.Minute},
		turn:  make(chan struct{}, 1),
	}
}

// newRedisClient is made to notice within a second that Redis is gone, and
// leaves it to the limiter to ask again.
func newRedisClient(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:                  addr,
		DialTimeout:           time.Second,
		DialerRetries:         1,
		ReadTimeout:           time.Second,
		WriteTimeout:          time.Second,
		MaxRetries:            -1,
		ContextTimeoutEnabled: true,
	})
}

// Wait returns when the caller may send. The callers of a process are let
// through one by one, so that they do not outbid each other.
func (l *limiter) Wait(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		wait, err := l.ask(ctx)
		if err != nil || wait == 0 {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// ask returns 0 if the caller may send, or how long to wait before the next question.
func (l *limiter) ask(ctx context.Context) (time.Duration, error) {
	answer, err := l.allow.Allow(ctx, l.key, l.limit)
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err != nil:
		return askAgain, l.gone(err)
	}
	l.goneFrom = time.Time{}
	return max(0, answer.RetryAfter), nil
}

// gone is the error of a Redis that has not answered for too long.
func (l *limiter) gone(err error) error {
	if l.goneFrom.IsZero() {
		l.goneFrom = time.Now()
	}
	if time.Since(l.goneFrom) < patience {
		return nil
	}
	return fmt.Errorf("redis: %w", err)
}

// sleep returns after d, or at once if that would be after the deadline.
func sleep(ctx context.Context, d time.Duration) error {
	if deadline, limited := ctx.Deadline(); limited && time.Until(deadline) <= d {
		return fmt.Errorf("no turn in time: %w", context.DeadlineExceeded)
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
