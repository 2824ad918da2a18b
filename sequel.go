package chargebee

import (
	"context"
	"errors"
	"fmt"
)

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
// attempt before, or nil.
func (c *call) stopError(ctx context.Context, err, last error) *TransportError {
	e := c.transportError(ctx, err)
	e.notDone = !c.inDoubt
	if last != nil {
		e.Err = &sequel{e.Err, c.withLastAnswer(last)}
	}
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
