// Package failure classifies the errors with which a call can end without a response.
package failure

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"

	"github.com/typedbee/chargebee-go/internal/transport"
)

// Kind is the label of a failure, for metrics and logs.
type Kind string

// The kinds of failures.
const (
	Timeout      Kind = "attempt_timeout"
	Deadline     Kind = "deadline"
	Canceled     Kind = "canceled"
	Connection   Kind = "connection"
	NotProcessed Kind = "not_processed"
	Limiter      Kind = "limiter"
	Permanent    Kind = "permanent"
	Undecodable  Kind = "undecodable" // the body of a success
)

// What ended an attempt, or the wait for one, besides the network and the context.
var (
	ErrAttemptTimeout = errors.New("attempt timeout")
	ErrLimiter        = errors.New("limiter")
)

// KindOf classifies an error of a transport, a limiter or a context.
func KindOf(err error) Kind {
	var otherCallErr otherCallError
	switch {
	case errors.As(err, &otherCallErr) && errors.Is(err, context.Canceled): // it is the cause, not what happened to this call
		return Canceled
	case isPermanent(err):
		return Permanent
	case errors.Is(err, ErrAttemptTimeout):
		return Timeout
	case errors.Is(err, context.DeadlineExceeded):
		return Deadline
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, ErrLimiter):
		return Limiter
	case errors.Is(err, transport.ErrNotProcessed):
		return NotProcessed
	}
	return Connection
}

// isPermanent reports whether err would recur at the next attempt, or says so itself.
func isPermanent(err error) bool {
	var request *url.Error
	var self interface{ Retryable() bool }
	return transport.IsUntrusted(err) || errors.As(err, &request) && request.Op == "parse" ||
		errors.As(err, &self) && !self.Retryable()
}

// WithContext returns an error that matches err and, if ctx is done, the error of ctx and
// its cause, which some transports drop.
func WithContext(ctx context.Context, err error) error {
	err = WithoutNil(err)
	for _, reason := range []error{ctx.Err(), WithoutNil(context.Cause(ctx))} {
		if reason != nil && !errors.Is(err, reason) {
			err = fmt.Errorf("%w: %w", reason, err)
		}
	}
	return err
}

// WithoutNil replaces an error that is a nil pointer, because its methods may panic.
func WithoutNil(err error) error {
	if err != nil && IsNil(err) {
		return errors.New("<nil>")
	}
	return err
}

// IsNil reports whether v is nil, or a nil pointer or func in an interface.
func IsNil(v any) bool {
	if v == nil {
		return true
	}
	switch value := reflect.ValueOf(v); value.Kind() {
	case reflect.Pointer, reflect.Func:
		return value.IsNil()
	default:
		return false
	}
}

// Any reports whether one of the T in err satisfies f. It looks into wrapped and joined
// errors, but not into those that a T itself wraps.
func Any[T any](err error, f func(T) bool) bool {
	if IsNil(err) {
		return false
	}
	if match, ok := err.(T); ok {
		return f(match)
	}
	switch err := err.(type) { //nolint:errorlint // it walks the tree itself, because errors.As stops at the first match
	case interface{ Unwrap() error }:
		return Any(err.Unwrap(), f)
	case interface{ Unwrap() []error }:
		for _, err := range err.Unwrap() {
			if Any(err, f) {
				return true
			}
		}
	}
	return false
}

// OfOtherCall marks an error of another call, such as the cause with which an errgroup
// cancels the context of this one. errors.Is matches it, except for the targets that
// hidden names, but errors.As must not take it for the error of this call.
func OfOtherCall(err error, hidden func(target error) bool) error {
	return otherCallError{err, hidden}
}

type otherCallError struct {
	err    error
	hidden func(target error) bool
}

func (e otherCallError) Error() string { return fmt.Sprint(e.err) }

func (e otherCallError) Is(target error) bool { return !e.hidden(target) && errors.Is(e.err, target) }
