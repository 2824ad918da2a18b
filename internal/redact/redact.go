// Package redact removes secrets from text.
package redact

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Placeholder replaces a secret.
const Placeholder = "[redacted]"

// Secrets are values that must not appear in text.
type Secrets struct {
	values []string  // the longest first, because it may begin with another
	starts [256]bool // the bytes with which a value begins, as it is or escaped
}

// New returns the secrets among values.
func New(values ...string) Secrets {
	var none Secrets
	none.starts['%'], none.starts['\\'], none.starts['+'] = true, true, true
	return none.With(values...)
}

// With returns s and the secrets among values. A value of less than four characters is not
// one: redacting it would mutilate ordinary words and protect nothing.
func (s Secrets) With(values ...string) Secrets {
	s.values = slices.DeleteFunc(slices.Concat(s.values, values), func(value string) bool { return len(value) < 4 })
	slices.SortFunc(s.values, func(a, b string) int { return len(b) - len(a) })
	for _, value := range s.values {
		s.starts[value[0]] = true
	}
	return s
}

// Text replaces the secrets in text, as they are and with characters escaped as in a URL,
// and the secrets of URLs. Secrets that overlap are replaced together. Its time is linear
// in the length of text.
func (s Secrets) Text(text string) string {
	var redacted strings.Builder
	end := 0 // of the secret that was replaced last
	for i := range len(text) {
		if !s.starts[text[i]] {
			continue
		}
		length := encodedLength(text[i:], s.values)
		if length == 0 {
			continue
		}
		if i >= end {
			redacted.WriteString(text[end:i] + Placeholder)
		}
		end = max(end, i+length)
	}
	if end > 0 {
		text = redacted.String() + text[end:]
	}
	return redactURLs(text)
}

// encodedLength returns the length of the first of values that text begins with, or 0.
func encodedLength(text string, values []string) int {
	for _, value := range values {
		if length := prefixLength(text, value); length > 0 {
			return length
		}
	}
	return 0
}

// prefixLength returns the length of value at the beginning of text, as it is or with
// characters escaped. It is 0 if text does not begin with value.
func prefixLength(text, value string) int {
	if strings.HasPrefix(text, value) {
		return len(value)
	}
	length := 0
	for i := range len(value) {
		size := charLength(text[length:], value[i])
		if size == 0 {
			return 0
		}
		length += size
	}
	return length
}

// charLength returns the length of c at the beginning of text: escaped as in a URL, as a
// slash in JSON, or as it is. It is 0 if text does not begin with c.
func charLength(text string, c byte) int {
	const digits = "0123456789ABCDEF"
	switch {
	case text == "":
		return 0
	case text[0] == '%' && len(text) > 2 && strings.EqualFold(text[1:3], string([]byte{digits[c>>4], digits[c&15]})):
		return len("%XX")
	case c == '/' && strings.HasPrefix(text, `\/`):
		return len(`\/`)
	case text[0] == c, text[0] == '+' && c == ' ':
		return 1
	}
	return 0
}

// redactURLs replaces what follows portal/access/ in a URL, and the value of a query
// parameter whose name ends in token.
func redactURLs(text string) string {
	if !strings.ContainsAny(text, `/=%\`) { // as every intro does
		return text
	}
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
