package chargebeetest

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	chargebee "github.com/typedbee/chargebee-go"
)

const maxParams = 100_000

// parseParams returns the parameters of a request: the query of a GET, or else the body.
func parseParams(r Request) (url.Values, *apiError) {
	part, parse := "body", parseForm
	if r.Method == http.MethodGet {
		part, parse = "query", parseQuery
	}
	params, err := parse(r)
	if err != nil {
		return nil, newAPIError(http.StatusBadRequest, chargebee.ErrInvalidRequest, "",
			"The "+part+" must be application/x-www-form-urlencoded: "+err.Error())
	}
	return params, nil
}

func parseQuery(r Request) (url.Values, error) { return parsePairs(r.rawQuery) }

// parseForm parses the body of a request.
func parseForm(r Request) (url.Values, error) {
	if len(r.Body) == 0 {
		return url.Values{}, nil
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, errors.New("the Content-Type is different")
	}
	return parsePairs(string(r.Body))
}

// parsePairs parses name=value pairs without duplicate names. It does not use
// url.ParseQuery, which accepts at most 10,000 parameters.
func parsePairs(text string) (url.Values, error) {
	params := make(url.Values)
	for pair := range strings.SplitSeq(text, "&") {
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
		case params.Has(name):
			return nil, errors.New("a parameter is duplicated")
		case len(params) == maxParams:
			return nil, errors.New("it has more than 100,000 parameters")
		}
		params.Set(name, value)
	}
	return params, nil
}
