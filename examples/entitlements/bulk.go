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
	// grace is how long requests in flight may take to finish after the run is stopped.
	grace = 10 * time.Second
	// keyWindow is how long the program relies on an idempotency key. Chargebee's keys
	// expire after 30 minutes.
	keyWindow = 25 * time.Minute
)

// bulk holds the settings of one run.
type bulk struct {
	client      *chargebee.Client
	runID       string
	resumed     bool
	concurrency int
	progress    progress
	stop        context.CancelCauseFunc // ends the context of apply
}

// apply sends the plan until ctx is done, and records the outcome of every change.
// The error says why the run stopped early.
func (b *bulk) apply(ctx context.Context, plan plan) error {
	calls, cancelCalls := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelCalls()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancelCalls) })()

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

// send makes the call of a batch. If the server rejects some of its entries, send
// repeats the call without them. An error that every other call would get as well
// stops the run.
func (b *bulk) send(ctx, calls context.Context, rest batch) {
	for len(rest.changes) > 0 && ctx.Err() == nil {
		resp, err := b.call(calls, rest)
		outcome := outcomeOf(err)
		finished, remaining := rest.changes, batch{}
		if outcome == rejected {
			finished, remaining = rest.split(err)
		}
		b.record(finished, outcome, reasonOf(resp, err))
		if affectsAllCalls(err) {
			b.stop(err)
		}
		rest = remaining
	}
	b.record(rest.changes, notProcessed, stoppable.ErrStopped.Error())
}

func (b *bulk) call(ctx context.Context, batch batch) (*chargebee.UpsertOrRemoveItemEntitlementsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, keyWindow)
	defer cancel()
	return b.client.Features.UpsertOrRemoveItemEntitlements(ctx, batch.feature, batch.params(),
		chargebee.WithIdempotencyKey(batch.key(b.runID)))
}

// record sets the outcome of changes. What a resumed run did not process may have
// been applied by an earlier run.
func (b *bulk) record(finished changes, outcome outcome, reason string) {
	if outcome != notProcessed {
		b.progress.add(len(finished))
	} else if b.resumed {
		outcome, reason = unknown, "not processed by this run, but possibly by an earlier one: "+reason
	}
	for _, c := range finished {
		c.outcome, c.reason = outcome, reason
	}
}

func outcomeOf(err error) outcome {
	_, maybeApplied := chargebee.OutcomeUnknown(err)
	var transportErr *chargebee.TransportError
	switch {
	case err == nil:
		return applied
	case maybeApplied: // another run with the same id will tell
		return unknown
	case errors.As(err, &transportErr), isNotProcessed(err):
		return notProcessed
	}
	return rejected
}

func reasonOf(resp *chargebee.UpsertOrRemoveItemEntitlementsResponse, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case resp.IdempotencyReplayed:
		return "applied by an earlier attempt"
	}
	return ""
}
