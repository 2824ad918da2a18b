// Package redact removes secrets from text.
package redact

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Placeholder replaces a secret.
const Placeholder = "[redacted]"

// Secrets are values that must not appear in text.
type Secrets struct{ encodings []string } // the longest first, because it may contain another

// New returns the secrets among values. A value of less than four characters is not
// one: redacting it would mutilate ordinary words and protect nothing.
func New(values ...string) Secrets {
	var s Secrets
	for _, value := range values {
		if len(value) < 4 {
			continue
		}
		encodings := []string{value}
		if query, path := url.QueryEscape(value), url.PathEscape(value); query != value || path != value {
			inJSON := strings.ReplaceAll(value, "/", `\/`)
			encodings = append(encodings, query, path, lowerHex(query), lowerHex(path), inJSON)
		}
		for _, encoding := range encodings {
			if !slices.Contains(s.encodings, encoding) {
				s.encodings = append(s.encodings, encoding)
			}
		}
	}
	slices.SortFunc(s.encodings, func(a, b string) int { return len(b) - len(a) })
	return s
}

// lowerHex returns the other form of an escaped value, with %2f instead of %2F.
func lowerHex(escaped string) string {
	lower := []byte(escaped)
	for i, c := range lower {
		if c == '%' {
			lower[i+1] |= 'a' - 'A' // which a digit has already
			lower[i+2] |= 'a' - 'A'
		}
	}
	return string(lower)
}

// Text replaces the secrets in text, as they are and escaped as in a URL, and the
// secrets of URLs. Its time is linear in the length of text.
func (s Secrets) Text(text string) string {
	for _, encoding := range s.encodings {
		text = strings.ReplaceAll(text, encoding, Placeholder)
	}
	return redactURLs(text)
}

// redactURLs replaces what follows portal/access/ in a URL, and the value of a query
// parameter whose name ends in token.
func redactURLs(text string) string {
	var redacted strings.Builder
	written := 0
	for i := range len(text) {
		start := i + introLength(text[i:])
		if start == i || i < written {
			continue
		}
		isEscaped := text[start-1] != '=' // and so is the & that ends a parameter
		end := start
		for end < len(text) && !endsURL(text[end]) && (!isEscaped || !endsEscapedParam(text[end:])) {
			end++
		}
		if end > start {
			redacted.WriteString(text[written:start] + Placeholder)
			written = end
		}
	}
	if written == 0 {
		return text
	}
	redacted.WriteString(text[written:])
	return redacted.String()
}

// introLength returns the length of what comes before a secret, if text begins with it,
// in any case, and as it is or escaped once or twice.
func introLength(text string) int {
	var intros []string
	switch text[0] {
	case 'p', 'P':
		intros = []string{"portal/access/", `portal\/access\/`, "portal%2Faccess%2F", "portal%252Faccess%252F"}
	case 't', 'T':
		intros = []string{"token=", "token%3D", "token%253D", `token\u003D`}
	}
	for _, intro := range intros {
		if len(text) >= len(intro) && strings.EqualFold(text[:len(intro)], intro) {
			return len(intro)
		}
	}
	return 0
}

// endsURL reports whether c ends a URL or a query parameter.
func endsURL(c byte) bool { return strings.IndexByte(" \t\r\n\"'<>&", c) >= 0 }

func endsEscapedParam(rest string) bool {
	return strings.HasPrefix(rest, "%26") || strings.HasPrefix(rest, "%2526")
}

// Error returns err, or an error that matches what err matches if the text of err has a
// secret. If err is an error of net/http that quotes a response which is not HTTP, the
// text is replaced as a whole, because a quoted secret may be escaped.
func (s Secrets) Error(err error) error {
	text := fmt.Sprint(err) // not err.Error(), which may panic
	redacted := s.Text(text)
	switch {
	case quotesResponse(text):
		redacted = "malformed HTTP response"
	case strings.Contains(text, "invalid proxy address"): // which may have a password
		redacted = "invalid proxy address"
	}
	if redacted == text {
		return err
	}
	return &redactedError{redacted, func(target error) bool { return errors.Is(err, target) }}
}

type redactedError struct {
	text string
	is   func(error) bool // a func, because fmt cannot print what it captures
}

func (e *redactedError) Error() string        { return e.text }
func (e *redactedError) Is(target error) bool { return e.is(target) }

func quotesResponse(text string) bool {
	for _, phrase := range []string{
		"malformed HTTP", "malformed MIME header", "bad Content-Length", "multiple Content-Length headers", "transfer encoding",
	} {
		if strings.Contains(text, phrase) {
			return true
		}
	}
	return false
}
