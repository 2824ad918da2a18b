// Package redact removes secrets from text.
package redact

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
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
		if len(value) >= 4 {
			s.encodings = append(s.encodings, value, url.QueryEscape(value), url.PathEscape(value))
		}
	}
	slices.SortFunc(s.encodings, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	s.encodings = slices.Compact(s.encodings)
	return s
}

// Text replaces the secrets in text, as they are and escaped as in a URL, and the
// secret part of each access URL. Its time is linear in the length of text.
func (s Secrets) Text(text string) string {
	for _, encoding := range s.encodings {
		text = strings.ReplaceAll(text, encoding, Placeholder)
	}
	return redactAccessURLs(text)
}

// redactAccessURLs replaces what follows /portal/access/, the known form of an access
// URL.
func redactAccessURLs(text string) string {
	const path = "/portal/access/"
	var redacted strings.Builder
	before, rest, found := strings.Cut(text, path)
	for ; found; before, rest, found = strings.Cut(rest, path) {
		redacted.WriteString(before + path + Placeholder)
		end := strings.IndexFunc(rest, endsURL)
		if end < 0 {
			end = len(rest)
		}
		rest = rest[end:]
	}
	if redacted.Len() == 0 {
		return text
	}
	redacted.WriteString(before)
	return redacted.String()
}

func endsURL(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune(`"'<>`, c) }

// Error returns err, or an error that matches what err matches if the text of err has a
// secret. If err is an error of net/http that quotes a response which is not HTTP, the
// text is replaced as a whole, because a quoted secret may be escaped.
func (s Secrets) Error(err error) error {
	text := fmt.Sprint(err) // not err.Error(), which may panic
	redacted := s.Text(text)
	if quotesResponse(text) {
		redacted = "malformed HTTP response"
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
