package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// limiter is a chargebee.Limiter that many processes share by way of Redis: in
// any 60 seconds no more calls arrive than it allows, as long as each arrives
// within 2.4 seconds of its turn.
//
// While Redis does not answer, or answers with an error, nothing is sent: Wait
// asks again, for half a minute, and then returns the error of Redis. The call
// ends with it as one that was never sent, and is safe to repeat. To go on without
// Redis would have every process guess what the others do, and the site turn all
// of them away. A login should not depend on Redis: let it call without the
// limiter, and give the fleet so much less than the site allows.
//
// A Redis that forgets, by a restart without persistence, allows one more burst,
// which is 2 % of the limit and one.
//
//	client, err := chargebee.NewClient(site, apiKey, chargebee.WithLimiter(newLimiter(newRedisClient(addr), site, 150)))
type limiter struct {
	allow allower
	key   string
	limit redis_rate.Limit
	turn  chan struct{} // held by the one caller who asks
	gone  outage        // of whoever holds the turn
	late  time.Duration // by how much a caller may be late by chance
}

// allower is what *redis_rate.Limiter is.
type allower interface {
	Allow(ctx context.Context, key string, limit redis_rate.Limit) (*redis_rate.Result, error)
}

// newLimiter shares perMinute calls to a site, at least one, among all processes
// that have the same Redis.
func newLimiter(client redis.UniversalClient, site string, perMinute int) *limiter {
	limit := limitFor(perMinute)
	return &limiter{
		allow: redis_rate.NewLimiter(client),
		key:   "chargebee:" + site,
		limit: limit,
		turn:  make(chan struct{}, 1),
		late:  limit.Period / time.Duration(limit.Rate),
	}
}

// limitFor spreads perMinute calls evenly.
//
// Redis counts when it lets a call go, and Chargebee when it arrives. So the
// minute of Redis has 2.4 seconds more, for calls that are late. Turns that nobody
// asked for in time are made up for, up to 2 % of the limit.
func limitFor(perMinute int) redis_rate.Limit {
	perMinute = max(1, perMinute)
	spare := min(max(1, perMinute/50), perMinute-1)
	return redis_rate.Limit{Rate: perMinute - spare, Burst: 1 + spare, Period: 62400 * time.Millisecond}
}

// newRedisClient is made to notice within a second that Redis is gone, and
// leaves it to the limiter to ask again. It logs failed connections to stderr.
func newRedisClient(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:          addr,
		DialTimeout:   time.Second,
		DialerRetries: 1,
		ReadTimeout:   time.Second,
		WriteTimeout:  time.Second,
		MaxRetries:    -1,
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
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case l.gone.isTooLong(err):
			return fmt.Errorf("redis: %w", err)
		case err == nil && wait == 0:
			return nil
		}
		if err := l.sleep(ctx, wait, err); err != nil {
			return err
		}
	}
}

// ask returns 0 if the caller may send, or how long to wait. It returns at once
// when ctx is done: the question is then over within a second, by itself.
func (l *limiter) ask(ctx context.Context) (time.Duration, error) {
	type reply struct {
		*redis_rate.Result
		err error
	}
	replies := make(chan reply, 1)
	go func() {
		result, err := l.allow.Allow(context.WithoutCancel(ctx), l.key, l.limit)
		replies <- reply{result, err}
	}()
	select {
	case r := <-replies:
		switch {
		case r.err != nil:
			return askAgain, r.err
		case r.Allowed > 0:
			return 0, nil
		}
		return max(r.RetryAfter, time.Millisecond), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// sleep returns after d, a little later by chance, so that the process next to
// Redis does not always come first; or after a second, because Redis may have
// changed its mind. It returns at once if d would end after the deadline.
func (l *limiter) sleep(ctx context.Context, d time.Duration, reason error) error {
	if deadline, limited := ctx.Deadline(); limited && time.Until(deadline) <= d {
		return noTurn(reason)
	}
	select {
	case <-time.After(min(d+rand.N(l.late+1), askAgain)): //nolint:gosec // nobody gains by guessing it
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// noTurn is a deadline that comes before the turn, and what Redis said if that
// is the reason.
func noTurn(reason error) error {
	if reason == nil {
		return fmt.Errorf("no turn in time: %w", context.DeadlineExceeded)
	}
	return fmt.Errorf("no turn in time: %w: redis: %w", context.DeadlineExceeded, reason)
}

const (
	askAgain  = time.Second
	patience  = 30 * time.Second
	forgotten = 10 * time.Second // longer than a question that fails, and the wait for the next
)

// outage is a time in which every question failed.
type outage struct{ from, last time.Time }

// isTooLong takes the result of the newest question, and reports whether it ends
// the patience.
func (o *outage) isTooLong(err error) bool {
	if err == nil {
		*o = outage{}
		return false
	}
	now := time.Now()
	if now.Sub(o.last) > forgotten {
		o.from = now
	}
	o.last = now
	return now.Sub(o.from) >= patience
}
