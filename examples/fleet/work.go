package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	chargebee "github.com/typedbee/chargebee-go"
	"golang.org/x/sync/errgroup"
)

// callers is how many calls a process has under way at most.
const callers = 2

// work is one process: it calls until its time is over or ctx is done, and lets
// the calls under way finish.
func work(ctx context.Context, s settings, getenv func(string) string, out io.Writer) error {
	site, apiKey := getenv("CHARGEBEE_SITE"), getenv("CHARGEBEE_API_KEY")
	if s.redis == "" || site == "" || apiKey == "" {
		return errors.New("a worker needs -redis, CHARGEBEE_SITE and CHARGEBEE_API_KEY")
	}
	store := newRedisClient(s.redis)
	defer store.Close()
	var made, turnedAway atomic.Int64
	opts := []chargebee.ClientOption{
		chargebee.WithLimiter(newLimiter(store, site, s.perMinute)),
		chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) {
			made.Add(1)
			if a.StatusCode == http.StatusTooManyRequests {
				turnedAway.Add(1)
			}
		}),
	}
	if baseURL := getenv("CHARGEBEE_BASE_URL"); baseURL != "" {
		opts = append(opts, chargebee.WithBaseURL(baseURL))
	}
	client, err := chargebee.NewClient(site, apiKey, opts...)
	if err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(ctx, s.duration)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for range callers {
		group.Go(func() error {
			for ctx.Err() == nil {
				if err := change(context.WithoutCancel(ctx), client, s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = group.Wait()
	fmt.Fprintf(out, "%d calls, %d of them turned away\n", made.Load(), turnedAway.Load())
	return err
}

func change(ctx context.Context, client *chargebee.Client, s settings) error {
	_, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, s.feature, chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action:           chargebee.ActionUpsert,
		ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: s.item, Value: s.value}},
	})
	return err
}
