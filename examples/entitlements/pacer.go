package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"golang.org/x/time/rate"
)

// limitPause is how long a run pauses when the site has reached its rate limit and does
// not say for how long. The limit counts the requests of a minute.
const limitPause = 15 * time.Second

// pacer is a rate limiter that pauses all calls of a run when the site responds to one
// of them with 429.
type pacer struct {
	limiter *rate.Limiter

	mu       sync.Mutex
	resumeAt time.Time
}

// newPacer returns a pacer that stays below the rate limit of a site, so that a window
// that does not begin with the run does not exceed it.
func newPacer(perMinute int) *pacer {
	limit := rate.Inf
	if perMinute > 0 {
		limit = rate.Limit(perMinute) * 0.95 / 60
	}
	return &pacer{limiter: rate.NewLimiter(limit, 1)}
}

// Wait implements chargebee.Limiter.
func (p *pacer) Wait(ctx context.Context) error {
	for {
		if err := p.limiter.Wait(ctx); err != nil {
			return err
		}
		pause := p.remainingPause()
		if pause <= 0 {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *pacer) remainingPause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.resumeAt)
}

// observe begins a pause after a 429.
func (p *pacer) observe(_ context.Context, a chargebee.Attempt) {
	if a.StatusCode != http.StatusTooManyRequests {
		return
	}
	pause := a.RetryIn
	if a.Code != chargebee.ErrLockTimeout {
		pause = max(pause, limitPause)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if resumeAt := time.Now().Add(pause); resumeAt.After(p.resumeAt) {
		p.resumeAt = resumeAt
	}
}
