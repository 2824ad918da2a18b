package chargebee

import (
	"errors"
	"fmt"
)

// seal returns err, which is of a transport, a decoder, a limiter or a context,
// or, where it could do harm in the error of a call, an error that only
// errors.Is can look into. It does harm if it repeats a secret, and if it holds
// an error of this package: that would be another call's, as in an errgroup,
// where the error of one call is the cause that ends the others.
func (s secrets) seal(err error) error {
	text := fmt.Sprint(err)
	blanked := s.blankQuote(text)
	if blanked == text && !holdsOurs(err) {
		return err
	}
	return &sealedError{text: blanked, is: func(target error) bool { return !isCode(target) && errors.Is(err, target) }}
}

type sealedError struct {
	text string
	is   func(error) bool
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
