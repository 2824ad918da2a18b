package main

import (
	"context"
	"errors"
	"sync"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/examples/internal/stoppable"
)

const (
	// grace is how long requests under way may go on when the run is stopped.
	grace = 10 * time.Second
	// window is how long a key is counted on. Chargebee knows it for 30 minutes.
	window = 25 * time.Minute
)

// bulk is one run.
type bulk struct {
	client      *chargebee.Client
	runID       string
	resumed     bool
	concurrency int
	progress    progress
	stop        context.CancelCauseFunc // ends the context of apply
}

// apply sends the plan until ctx is done, and gives every change its outcome.
// The error says why it stopped before the end.
func (b *bulk) apply(ctx context.Context, plan plan) error {
	calls, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, hangUp) })()

	queue := make(chan batches)
	var workers sync.WaitGroup
	for range min(b.concurrency, len(plan)) {
		workers.Go(func() {
			for feature := range queue {
				for _, batch := range feature {
					b.send(ctx, calls, batch)
				}
			}
		})
	}
	for _, feature := range plan {
		queue <- feature
	}
	close(queue)
	workers.Wait()
	b.progress.end()
	return context.Cause(ctx)
}

// send makes the call of a batch, and again without what the server names as
// wrong. An error that every other call would get too stops the run.
func (b *bulk) send(ctx, calls context.Context, rest batch) {
	for len(rest.changes) > 0 && ctx.Err() == nil {
		answer, err := b.call(calls, rest)
		outcome := outcomeOf(err)
		settled, again := rest.changes, batch{}
		if outcome == refused {
			settled, again = rest.split(err)
		}
		b.settle(settled, outcome, reasonOf(answer, err))
		if isForAll(err) {
			b.stop(err)
		}
		rest = again
	}
	b.settle(rest.changes, notDone, stoppable.ErrStopped.Error())
}

func (b *bulk) call(ctx context.Context, batch batch) (*chargebee.UpsertOrRemoveItemEntitlementsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, window)
	defer cancel()
	return b.client.Features.UpsertOrRemoveItemEntitlements(ctx, batch.feature, batch.params(),
		chargebee.WithIdempotencyKey(batch.key(b.runID)))
}

func (b *bulk) settle(settled changes, outcome outcome, reason string) {
	if outcome != notDone {
		b.progress.add(len(settled))
	} else if b.resumed {
		outcome, reason = unknown, "an earlier run may have done it, this one did not: "+reason
	}
	for _, c := range settled {
		c.outcome, c.reason = outcome, reason
	}
}

func outcomeOf(err error) outcome {
	_, open := chargebee.OutcomeUnknown(err)
	var unreadable *chargebee.DecodeError
	var lost *chargebee.TransportError
	switch {
	case err == nil:
		return applied
	case open, errors.As(err, &unreadable): // a run under the same id finds out
		return unknown
	case errors.As(err, &lost), isTurnedAway(err):
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
