package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/examples/internal/program"
	"github.com/typedbee/chargebee-go/examples/internal/stoppable"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// callers is the number of calls that a process makes at the same time.
const callers = 2

// work changes the entitlement for the duration of the settings, until a call fails, or
// until ctx is done. The limiter then stops new requests, while those in flight finish,
// because the context of a call is never canceled.
func work(ctx context.Context, s settings, site *program.Site, stdout io.Writer) error {
	var limiter chargebee.Limiter = newLocalLimiter(s.perMinute)
	if s.redis != "" {
		store := newRedisClient(s.redis)
		defer store.Close()
		if err := store.Ping(ctx).Err(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("redis: %w", err)
		}
		limiter = newRedisLimiter(store, site.Name, s.perMinute)
	}
	ctx, cancel := context.WithTimeout(ctx, s.duration)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	var sent, rejected atomic.Int64
	client, err := site.NewClient(
		chargebee.WithLimiter(stoppable.NewLimiter(ctx, limiter)),
		chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) {
			sent.Add(1)
			if a.StatusCode == http.StatusTooManyRequests {
				rejected.Add(1)
			}
		}),
	)
	if err != nil {
		return err
	}
	for range callers {
		group.Go(func() error {
			for ctx.Err() == nil {
				err := change(context.WithoutCancel(ctx), client, s)
				if err != nil && !errors.Is(err, stoppable.ErrStopped) {
					return err
				}
			}
			return nil
		})
	}
	err = group.Wait()
	fmt.Fprintf(stdout, "%d requests to %s, %d rejected by its rate limit\n", sent.Load(), site.Name, rejected.Load())
	return err
}

// newLocalLimiter returns a limiter for a site that only this process calls. It
// allows what newRedisLimiter allows to all processes together.
func newLocalLimiter(perMinute int) *rate.Limiter {
	limit := limitFor(perMinute)
	return rate.NewLimiter(rate.Limit(float64(limit.Rate)/limit.Period.Seconds()), limit.Burst)
}

func change(ctx context.Context, client *chargebee.Client, s settings) error {
	_, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, s.feature, chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action:           chargebee.ActionUpsert,
		ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: s.item, Value: s.value}},
	})
	return err
}
