package chargebee

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

const redacted = "[redacted]"

// credentials are the Authorization header and the secrets in it.
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

// secrets are the API key and the parameters named token of a call, in each encoding
// in which they are sent. The longest is first, because it may contain another.
type secrets []string

func (s *secrets) add(value string) {
	// Shorter ones would redact ordinary words, and protect nothing.
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

// redactAccessURLs redacts the secret part of access URLs, whose form is known from
// samples.
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

// redactCode keeps what looks like an error code. The token comes from a browser,
// which must not choose the code of an error.
func (s secrets) redactCode(code string) string {
	if strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") == "" {
		return code
	}
	return s.redact(code)
}

// redactQuote also redacts what follows the word "malformed", because there net/http
// quotes the response.
func (s secrets) redactQuote(text string) string {
	redactedText, _, malformed := strings.Cut(s.redact(text), "malformed")
	if malformed {
		redactedText += "malformed response"
	}
	return redactedText
}
