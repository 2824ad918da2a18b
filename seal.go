package chargebee

import (
	"errors"
	"fmt"
)

// seal makes err, which comes from a transport, a limiter or a context, fit for
// the error of a call. It is returned as it is, unless it repeats a secret, or
// holds an error of this package: that would be another call's, as in an
// errgroup, where the error of one call is the cause that ends the others. Then
// errors.Is still sees into it, and errors.As does not.
func (s secrets) sanitizeError(err error) error {
	return sanitizeErrorAs(err, s.redactQuote(fmt.Sprint(err))) // Sprint, here and elsewhere: an Error method may panic
}

func sanitizeErrorAs(err error, redactedText string) error {
	if redactedText == fmt.Sprint(err) && !containsPackageError(err) {
		return err
	}
	return &redactedError{text: redactedText, is: func(target error) bool { return !isErrorCode(target) && errors.Is(err, target) }}
}

type redactedError struct {
	text string
	is   func(error) bool // a function, because no print can look into one
}

func (e *redactedError) Error() string        { return e.text }
func (e *redactedError) Is(target error) bool { return e.is(target) }

// holdsOurs reports whether err holds an error that errors.As or errors.Is
// would take for that of the call.
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
	switch target.(type) { //nolint:errorlint // it is what the caller of errors.Is looks for
	case ErrorCode, ErrorType:
		return true
	}
	return false
}
