package chargebeetest

import (
	"errors"
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"
)

const maxFields = 100_000

// parseForm reads a body as a form, in which each parameter may be there once.
// url.ParseQuery takes no more than 10,000 of them.
func parseForm(r Request) (url.Values, error) {
	form := make(url.Values)
	if len(r.Body) == 0 {
		return form, nil
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, errors.New("the content type is another")
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
			return nil, errors.New("an escape is malformed")
		case !utf8.ValidString(name) || !utf8.ValidString(value):
			return nil, errors.New("it is not UTF-8")
		case form.Has(name):
			return nil, errors.New("a parameter is there twice")
		case len(form) == maxFields:
			return nil, errors.New("it has more than 100,000 parameters")
		}
		form.Set(name, value)
	}
	return form, nil
}
