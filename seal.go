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
func (s secrets) seal(err error) error {
	return sealAs(err, s.blankQuote(fmt.Sprint(err))) // Sprint, here and elsewhere: an Error method may panic
}

func sealAs(err error, blanked string) error {
	if blanked == fmt.Sprint(err) && !holdsOurs(err) {
		return err
	}
	return &sealedError{text: blanked, is: func(target error) bool { return !isCode(target) && errors.Is(err, target) }}
}

type sealedError struct {
	text string
	is   func(error) bool // a function, because no print can look into one
}

func (e *sealedError) Error() string        { return e.text }
func (e *sealedError) Is(target error) bool { return e.is(target) }

// holdsOurs reports whether err holds an error that errors.As or errors.Is
// would take for that of the call.
func holdsOurs(err error) bool {
	var (
		answer     *APIError
		lost       *TransportError
		unreadable *DecodeError
		refused    *ParamError
		code       ErrorCode
		group      ErrorType
	)
	return errors.As(err, &answer) || errors.As(err, &lost) || errors.As(err, &unreadable) ||
		errors.As(err, &refused) || errors.As(err, &code) || errors.As(err, &group)
}

func isCode(target error) bool {
	switch target.(type) { //nolint:errorlint // it is what the caller of errors.Is looks for
	case ErrorCode, ErrorType:
		return true
	}
	return false
}
