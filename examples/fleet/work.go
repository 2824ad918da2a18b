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

var errStopped = errors.New("the process is stopped")

// stoppable is a limiter that lets nothing through once its process is stopped.
type stoppable struct {
	chargebee.Limiter
	process context.Context
}

func (s stoppable) Wait(call context.Context) error {
	call, cancel := context.WithCancel(call)
	defer cancel()
	defer context.AfterFunc(s.process, cancel)()
	err := s.Limiter.Wait(call)
	if s.process.Err() != nil {
		return errStopped
	}
	return err
}

// work is one process: it calls until its time is over or ctx is done, and lets
// the requests under way finish.
func work(ctx context.Context, s settings, getenv func(string) string, out io.Writer) error {
	site, apiKey := getenv("CHARGEBEE_SITE"), getenv("CHARGEBEE_API_KEY")
	if s.redis == "" || site == "" || apiKey == "" {
		return errors.New("a worker needs -redis, CHARGEBEE_SITE and CHARGEBEE_API_KEY")
	}
	ctx, cancel := context.WithTimeout(ctx, s.duration)
	defer cancel()
	store := newRedisClient(s.redis)
	defer store.Close()
	if err := store.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	var made, turnedAway atomic.Int64
	opts := []chargebee.ClientOption{
		chargebee.WithLimiter(stoppable{newLimiter(store, site, s.perMinute), ctx}),
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
	group, ctx := errgroup.WithContext(ctx)
	for range callers {
		group.Go(func() error {
			for ctx.Err() == nil {
				err := change(context.WithoutCancel(ctx), client, s)
				if err != nil && !errors.Is(err, errStopped) {
					return err
				}
			}
			return nil
		})
	}
	err = group.Wait()
	fmt.Fprintf(out, "%d requests, %d of them turned away\n", made.Load(), turnedAway.Load())
	return err
}

func change(ctx context.Context, client *chargebee.Client, s settings) error {
	_, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, s.feature, chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action:           chargebee.ActionUpsert,
		ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: s.item, Value: s.value}},
	})
	return err
}
