package chargebeetest

import (
	"errors"
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"
)

const maxParams = 100_000

// parseForm decodes the body of a request as a form without duplicate parameters.
// It does not use url.ParseQuery, which accepts at most 10,000 parameters.
func parseForm(r Request) (url.Values, error) {
	form := make(url.Values)
	if len(r.Body) == 0 {
		return form, nil
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, errors.New("the Content-Type is different")
	}
	for pair := range strings.SplitSeq(string(r.Body), "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		switch {
		case nameErr != nil || valueErr != nil:
			return nil, errors.New("a percent-encoding is malformed")
		case !utf8.ValidString(name) || !utf8.ValidString(value):
			return nil, errors.New("it is not valid UTF-8")
		case form.Has(name):
			return nil, errors.New("a parameter is duplicated")
		case len(form) == maxParams:
			return nil, errors.New("it has more than 100,000 parameters")
		}
		form.Set(name, value)
	}
	return form, nil
}
