package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/semaphore"
)

// redisLimiter is a chargebee.Limiter that many processes share through Redis. In
// any 60 seconds no more requests arrive than the limit allows, as long as each
// arrives within 2.4 seconds after its Wait returns.
//
// It fails closed: while Redis is unreachable or returns errors, no request is
// sent. Wait retries every second for 30 seconds and then returns the error of
// Redis. The call fails without having been sent, and is safe to repeat.
// Without Redis no process knows what the others send, and the site would soon
// reject requests of all of them.
//
// A login should not depend on Redis. Make its calls with a client that does not
// have this limiter, and set perMinute lower by the number of those calls.
//
// A Redis that loses its data, as in a restart without persistence, allows one
// more burst: 2 % of the limit, plus one request.
//
//	client, err := chargebee.NewClient(site, apiKey, chargebee.WithLimiter(newRedisLimiter(newRedisClient(addr), site, 150)))
type redisLimiter struct {
	store  allower
	key    string
	limit  redis_rate.Limit
	lock   *semaphore.Weighted // held by the one caller that asks Redis
	outage outage              // guarded by lock
	jitter time.Duration       // the longest random delay added to a wait
}

// allower is implemented by *redis_rate.Limiter.
type allower interface {
	Allow(ctx context.Context, key string, limit redis_rate.Limit) (*redis_rate.Result, error)
}

// newRedisLimiter returns a limiter that shares perMinute requests to a site, at
// least one, among all processes that use the same Redis.
func newRedisLimiter(client redis.UniversalClient, site string, perMinute int) *redisLimiter {
	limit := limitFor(perMinute)
	return &redisLimiter{
		store:  redis_rate.NewLimiter(client),
		key:    "chargebee:" + site,
		limit:  limit,
		lock:   semaphore.NewWeighted(1),
		jitter: limit.Period / time.Duration(limit.Rate),
	}
}

// limitFor returns a limit of perMinute requests, at least one, spread evenly.
//
// Redis counts a request when it is allowed, Chargebee when it arrives. The period
// is therefore 2.4 seconds longer than a minute, for requests that arrive late. The
// burst makes up for unused time, up to 2 % of the limit.
func limitFor(perMinute int) redis_rate.Limit {
	perMinute = max(1, perMinute)
	spare := min(max(1, perMinute/50), perMinute-1)
	return redis_rate.Limit{Rate: perMinute - spare, Burst: 1 + spare, Period: 62400 * time.Millisecond}
}

// newRedisClient returns a client that notices within a second that Redis is
// unreachable, and leaves retries to the limiter. It logs failed connections to
// stderr.
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

var errDeadline = fmt.Errorf("the wait would exceed the deadline: %w", context.DeadlineExceeded)

// Wait returns nil when the caller may send a request. Callers of the same process
// wait one after the other, so that they do not compete with each other.
func (l *redisLimiter) Wait(ctx context.Context) error {
	if err := l.lock.Acquire(ctx, 1); err != nil {
		return err
	}
	defer l.lock.Release(1)
	for {
		wait, err := l.allow(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case l.outage.isTooLong(err):
			return err
		case err == nil && wait == 0:
			return nil
		}
		if err := l.sleep(ctx, wait, err); err != nil {
			return err
		}
	}
}

// allow asks Redis once. It returns 0 if a request may be sent, and how long to
// wait otherwise. It returns immediately when ctx is done; the timeouts of the Redis
// client then end the abandoned query within a second.
func (l *redisLimiter) allow(ctx context.Context) (time.Duration, error) {
	type response struct {
		*redis_rate.Result
		err error
	}
	responses := make(chan response, 1)
	go func() {
		result, err := l.store.Allow(context.WithoutCancel(ctx), l.key, l.limit)
		responses <- response{result, err}
	}()
	select {
	case r := <-responses:
		switch {
		case r.err != nil:
			return retryInterval, fmt.Errorf("redis: %w", r.err)
		case r.Allowed > 0:
			return 0, nil
		}
		return max(r.RetryAfter, time.Millisecond), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// sleep waits for d and a random delay, so that the process closest to Redis does
// not always win. It waits for no more than a second, because the response of Redis
// may change in the meantime. If d ends after the deadline of ctx, it fails immediately,
// with redisErr if that is the reason for the wait.
func (l *redisLimiter) sleep(ctx context.Context, d time.Duration, redisErr error) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		if redisErr != nil {
			return fmt.Errorf("%w: %w", errDeadline, redisErr)
		}
		return errDeadline
	}
	select {
	case <-time.After(min(d+rand.N(l.jitter+1), retryInterval)): //nolint:gosec // it need not be unpredictable
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	retryInterval = time.Second
	maxOutage     = 30 * time.Second
	maxErrorGap   = 10 * time.Second // longer than a failed query and the wait for the next
)

// outage is a period in which every query to Redis failed.
type outage struct{ start, lastError time.Time }

// isTooLong records the result of the latest query, and reports whether Redis has
// been failing for too long. Errors that are far apart belong to different outages.
func (o *outage) isTooLong(err error) bool {
	if err == nil {
		*o = outage{}
		return false
	}
	now := time.Now()
	if now.Sub(o.lastError) > maxErrorGap {
		o.start = now
	}
	o.lastError = now
	return now.Sub(o.start) >= maxOutage
}
