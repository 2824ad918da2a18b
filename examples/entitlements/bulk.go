package main

import (
	"context"
	"errors"
	"sync"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

// grace is how long calls under way may go on when the run is stopped.
const grace = 10 * time.Second

// bulk is one run.
type bulk struct {
	client      *chargebee.Client
	runID       string
	concurrency int
	progress    progress
}

// apply sends the plan until ctx is done, and gives every change its outcome.
// The error says why it stopped before the end.
func (b *bulk) apply(ctx context.Context, plan plan) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	calls, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, hangUp) })()

	queue := make(chan batches)
	var workers sync.WaitGroup
	for range b.concurrency {
		workers.Go(func() {
			for feature := range queue {
				for _, batch := range feature {
					if err := b.send(ctx, calls, batch); err != nil {
						stop(err)
					}
				}
			}
		})
	}
	for _, feature := range plan {
		queue <- feature
	}
	close(queue)
	workers.Wait()
	return context.Cause(ctx)
}

// send makes the call of a batch, and again without what the server names as
// wrong. The error is one that every other call would get too.
func (b *bulk) send(ctx, calls context.Context, rest batch) (fatal error) {
	for len(rest.changes) > 0 && ctx.Err() == nil && fatal == nil {
		answer, err := b.client.Features.UpsertOrRemoveItemEntitlements(calls, rest.feature, rest.params(),
			chargebee.WithIdempotencyKey(rest.key(b.runID)))
		outcome := outcomeOf(err)
		settled, again := rest.changes, batch{}
		if outcome == refused {
			settled, again = rest.split(err)
		}
		b.settle(settled, outcome, reasonOf(answer, err))
		if isForAll(err) {
			fatal = err
		}
		rest = again
	}
	b.settle(rest.changes, notDone, "the run was stopped")
	return fatal
}

func (b *bulk) settle(settled changes, outcome outcome, reason string) {
	for _, c := range settled {
		c.outcome, c.reason = outcome, reason
	}
	b.progress.add(len(settled))
}

func outcomeOf(err error) outcome {
	_, open := chargebee.OutcomeUnknown(err)
	var unreadable *chargebee.DecodeError
	var lost *chargebee.TransportError
	switch {
	case err == nil, errors.As(err, &unreadable):
		return applied
	case open:
		return unknown
	case errors.As(err, &lost):
		return notDone
	}
	return refused
}

func reasonOf(answer *chargebee.UpsertOrRemoveItemEntitlementsResponse, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case answer.IdempotencyReplayed:
		return "by an earlier attempt"
	}
	return ""
}
