package chargebee

import (
	"errors"
	"fmt"
)

// sanitizeError returns err unless its text contains a secret, or it wraps an error of
// this package. Such an error belongs to another call, as in an errgroup, where the
// error of one call is the cause that cancels the others. For these it returns an
// error that errors.Is matches like err, and that hides err from errors.As.
func (s secrets) sanitizeError(err error) error {
	return sanitizeErrorAs(err, s.redactQuote(fmt.Sprint(err))) // Sprint, because an Error method may panic
}

func sanitizeErrorAs(err error, redactedText string) error {
	if redactedText == fmt.Sprint(err) && !containsPackageError(err) {
		return err
	}
	return &redactedError{text: redactedText, is: func(target error) bool { return !isErrorCode(target) && errors.Is(err, target) }}
}

type redactedError struct {
	text string
	is   func(error) bool // a func, because fmt cannot print what it captures
}

func (e *redactedError) Error() string        { return e.text }
func (e *redactedError) Is(target error) bool { return e.is(target) }

// containsPackageError reports whether err wraps an error that errors.As or errors.Is
// would take for the error of the call.
func containsPackageError(err error) bool {
	var (
		apiErr       *APIError
		transportErr *TransportError
		decodeErr    *DecodeError
		refused      *ParamError
		code         ErrorCode
		group        ErrorType
	)
	return errors.As(err, &apiErr) || errors.As(err, &transportErr) || errors.As(err, &decodeErr) ||
		errors.As(err, &refused) || errors.As(err, &code) || errors.As(err, &group)
}

func isErrorCode(target error) bool {
	switch target.(type) { //nolint:errorlint // target is the argument of errors.Is
	case ErrorCode, ErrorType:
		return true
	}
	return false
}
