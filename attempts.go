package chargebee

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// history is what the attempts of a call have come to.
type history struct {
	attempts   int
	keySent    bool // the server may have seen the idempotency key
	inDoubt    bool // one of them may have been done, although it did not say so
	lastAnswer *APIError
}

// next is what follows an attempt that ended with err: the wait before another
// one or, if that is 0, the error that the call ends with.
func (c *call) next(ctx context.Context, err error) (time.Duration, error) {
	if err == nil {
		return 0, nil
	}
	if !c.retry.again(c.attempts, err, c.keySent) || isEnd(ctx, err) {
		return 0, c.withLastAnswer(err)
	}
	var asked time.Duration
	var answer *APIError
	if errors.As(err, &answer) {
		c.lastAnswer, asked = answer, answer.RetryAfter
	}
	_, c.inDoubt = OutcomeUnknown(err)
	c.keySent = c.idempotencyKey != ""

	delay := c.retry.delay(c.attempts, asked, rand.Float64()) //nolint:gosec // nobody gains by guessing a wait
	deadline, limited := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		return 0, c.stopError(ctx, ctx.Err(), err)
	case limited && time.Until(deadline) <= delay:
		return 0, c.stopError(ctx, fmt.Errorf("no time for another attempt: %w", context.DeadlineExceeded), err)
	}
	return delay, nil
}

// sequel is an error, and what happened before it in the same call.
type sequel struct{ last, before error }

func (s *sequel) Error() string {
	before := fmt.Sprint(s.before)
	if short, ok := s.before.(interface{ summary() string }); ok {
		before = short.summary()
	}
	return fmt.Sprint(s.last) + ", after " + before
}

func (s *sequel) Unwrap() []error { return []error{s.last, s.before} }

// stopError ends a call before its next attempt. last is the error of the
// attempt before.
func (c *call) stopError(ctx context.Context, err, last error) *TransportError {
	e := c.transportError(ctx, err)
	e.notDone = !c.inDoubt
	e.Err = &sequel{e.Err, c.withLastAnswer(last)}
	return e
}

// withLastAnswer adds the last answer of the call to an error without one.
func (c *call) withLastAnswer(err error) error {
	var lost *TransportError
	if c.lastAnswer == nil || !errors.As(err, &lost) {
		return err
	}
	whole := *lost
	whole.Err = &sequel{lost.Err, c.lastAnswer}
	return &whole
}

// isEnd reports whether err says already that the context is done, and why.
func isEnd(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err()) && errors.Is(err, context.Cause(ctx))
}
