package comparison_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	cb3 "github.com/chargebee/chargebee-go/v3"
	cb4 "github.com/chargebee/chargebee-go/v4"
	chargebee "github.com/typedbee/chargebee-go"
)

var statusInText = regexp.MustCompile(`http_status_code: (\d+)`)

// describe says what a program can learn from err.
func describe(err error) string {
	var (
		apiErr       *chargebee.APIError
		decodeErr    *chargebee.DecodeError
		paramErr     *chargebee.ParamError
		transportErr *chargebee.TransportError
		v3Err        *cb3.Error
		v4Err        *cb4.Error
		syntaxErr    *json.SyntaxError
	)
	switch {
	case err == nil:
		return "no error"
	case errors.As(err, &transportErr):
		return "`TransportError`"
	case errors.As(err, &apiErr):
		return fmt.Sprintf("`APIError`, %d", apiErr.StatusCode)
	case errors.As(err, &decodeErr):
		return "`DecodeError`"
	case errors.As(err, &paramErr):
		return "`ParamError`"
	case errors.As(err, &v3Err):
		return fmt.Sprintf("`Error`, %d", v3Err.HTTPStatusCode)
	case errors.As(err, &v4Err):
		return fmt.Sprintf("`Error`, %d", v4Err.HTTPStatusCode)
	case errors.As(err, &syntaxErr):
		return "an error of encoding/json"
	}
	if match := statusInText.FindStringSubmatch(err.Error()); match != nil {
		return "an error whose text says " + match[1]
	}
	return "an error without a status"
}

// after says when something happened.
func after(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return "immediately"
	case d >= time.Hour:
		return fmt.Sprintf("after %.0f h", d.Hours())
	case d >= 10*time.Second:
		return fmt.Sprintf("after %.0f s", d.Seconds())
	}
	return fmt.Sprintf("after %.1f s", d.Seconds())
}

func percent(part, whole int) string {
	return fmt.Sprintf("%.0f%%", 100*float64(part)/float64(whole))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
