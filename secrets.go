package chargebee

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

const redacted = "[redacted]"

// credentials are how a key travels, and what of it must not be read.
type credentials struct {
	authorization string
	secrets       secrets
}

func basicAuth(apiKey string) func() credentials {
	encoded := base64.StdEncoding.EncodeToString([]byte(apiKey + ":"))
	c := credentials{authorization: "Basic " + encoded}
	c.secrets.add(apiKey)
	c.secrets.add(encoded)
	return func() credentials { return c }
}

// secrets are what a call carries and nobody may read in a message: the API
// key and the parameters named token, in each form in which they travel. The
// longest is first, because it may contain another.
type secrets []string

func (s *secrets) add(value string) {
	// Shorter ones would blank ordinary words, and protect nothing.
	if len(value) < 4 {
		return
	}
	*s = append(*s, value)
	for _, escaped := range []string{url.QueryEscape(value), url.PathEscape(value)} {
		if escaped != value {
			*s = append(*s, escaped)
		}
	}
	slices.SortFunc(*s, func(a, b string) int { return len(b) - len(a) })
}

func (s secrets) redact(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, redacted)
	}
	return redactAccessURLs(text)
}

// blankAccessURLs blanks the part of an access URL that lets its bearer in, as
// far as samples of such URLs tell.
func redactAccessURLs(text string) string {
	const path = "/portal/access/"
	prior, after, found := strings.Cut(text, path)
	if !found {
		return text
	}
	end := strings.IndexFunc(after, func(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune(`"'<>`, c) })
	if end < 0 {
		end = len(after)
	}
	return prior + path + redacted + redactAccessURLs(after[end:])
}

// blankCode leaves alone what reads as a code. The token comes from a browser,
// which must not choose the code of an error.
func (s secrets) redactCode(code string) string {
	if strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") == "" {
		return code
	}
	return s.redact(code)
}

// blankQuote blanks what follows the word "malformed" too: there net/http quotes
// what it received, which may be anything.
func (s secrets) redactQuote(text string) string {
	redactedText, _, malformed := strings.Cut(s.redact(text), "malformed")
	if malformed {
		redactedText += "malformed answer"
	}
	return redactedText
}
