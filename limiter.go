package chargebee

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limiter is what *rate.Limiter of golang.org/x/time/rate already is. Wait is
// called before every attempt, retries included; its error ends the call with a
// [*TransportError] that holds it.
type Limiter interface {
	Wait(ctx context.Context) error
}

var errLimiter = errors.New("limiter")

// wait lets d pass, and then waits for the limiter.
func (c *config) wait(ctx context.Context, d time.Duration) error {
	if err := sleep(ctx, d); err != nil {
		return err
	}
	if c.limiter != nil {
		if err := c.limiter.Wait(ctx); err != nil {
			return fmt.Errorf("%w: %w", errLimiter, err)
		}
	}
	return ctx.Err()
}

// sleep returns after d, or with the reason when ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
