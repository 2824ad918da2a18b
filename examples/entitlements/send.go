package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/examples/internal/stoppable"
)

// maxUnavailable is how many calls in a row may fail, each after all its attempts, before
// the run stops.
const maxUnavailable = 3

// grace is how long calls in flight may take to finish after a run is stopped.
const grace = 10 * time.Second

// sender makes the calls of a plan.
type sender struct {
	api      api
	progress progress
	stop     context.CancelCauseFunc // stops the run

	unavailable atomic.Int32 // calls in a row for which the site was unavailable
}

// sendChanges makes the calls of a plan until ctx is done, and records the outcome of
// each change. The error says why the run stopped early.
func sendChanges(ctx context.Context, api api, s settings, plan *plan, progress progress) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	calls, cancelCalls := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelCalls()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancelCalls) })()

	sender := &sender{api: api, progress: progress, stop: stop}
	var workers sync.WaitGroup
	for _, lane := range lanes(plan, s.concurrency, s.batch, api.oneFeature()) {
		workers.Go(func() {
			for _, batch := range lane {
				sender.send(ctx, calls, batch)
			}
		})
	}
	workers.Wait()
	progress.end()
	if ctx.Err() != nil {
		return fmt.Errorf("the run was stopped: %w", context.Cause(ctx))
	}
	return nil
}

// send makes the call of a batch. If the server rejects some of its entries, send
// repeats the call without them.
func (s *sender) send(ctx, calls context.Context, rest batch) {
	for len(rest.changes) > 0 && ctx.Err() == nil {
		err := s.api.change(calls, rest.action, rest.changes)
		outcome := outcomeOf(err)
		finished, remaining := rest.changes, batch{}
		if outcome == rejected {
			finished, remaining, err = rest.split(err)
		}
		record(finished, outcome, err)
		s.progress.add(len(finished))
		s.stopIfUseless(err)
		rest = remaining
	}
	record(rest.changes, notSent, stoppable.ErrStopped)
}

// stopIfUseless stops the run if the other calls are likely to fail as well.
func (s *sender) stopIfUseless(err error) {
	isUnavailable := chargebee.Unavailable(err)
	if !isUnavailable {
		s.unavailable.Store(0)
	}
	if affectsAllCalls(err) || isUnavailable && s.unavailable.Add(1) == maxUnavailable {
		s.stop(err)
	}
}

func record(changes []*change, outcome outcome, err error) {
	reason := ""
	if err != nil {
		reason = err.Error()
	}
	for _, c := range changes {
		c.outcome, c.reason = outcome, reason
	}
}

func outcomeOf(err error) outcome {
	_, maybeApplied := chargebee.OutcomeUnknown(err)
	var transportErr *chargebee.TransportError
	switch {
	case err == nil:
		return accepted
	case maybeApplied:
		return unknown
	case errors.As(err, &transportErr), chargebee.Unavailable(err):
		return notSent
	}
	return rejected
}
