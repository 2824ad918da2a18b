package chargebee

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limiter is implemented by *rate.Limiter of golang.org/x/time/rate. Wait is called
// before every attempt, including retries. If it returns an error, the call returns
// a [*TransportError] that wraps it.
type Limiter interface {
	Wait(ctx context.Context) error
}

var errLimiter = errors.New("limiter")

// wait sleeps for d and then waits for the limiter.
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

// sleep waits for d. If ctx ends first, it returns the error of ctx.
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
