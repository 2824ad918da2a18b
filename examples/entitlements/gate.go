package main

import (
	"context"
	"errors"

	"golang.org/x/time/rate"
)

var errStopped = errors.New("the run was stopped")

// gate is a rate limiter that lets nothing through once the run is stopped.
type gate struct {
	limiter *rate.Limiter
	run     context.Context
}

// newGate lets perMinute requests through in a minute, evenly; 0 is no limit.
func newGate(run context.Context, perMinute int) gate {
	limit := rate.Inf
	if perMinute > 0 {
		limit = rate.Limit(perMinute) / 60
	}
	return gate{rate.NewLimiter(limit, 1), run}
}

func (g gate) Wait(call context.Context) error {
	call, cancel := context.WithCancel(call)
	defer cancel()
	defer context.AfterFunc(g.run, cancel)()
	err := g.limiter.Wait(call)
	if g.run.Err() != nil {
		return errStopped
	}
	return err
}
