package main

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	chargebee "github.com/typedbee/chargebee-go"
)

// readReturn reads the ID and the token of the portal session from the return URL. A postponed login already has them,
// and its URL has no query. readReturn reports whether Chargebee could have issued the values.
func (l *login) readReturn(u *url.URL) bool {
	if u.RawQuery != "" {
		returned, err := chargebee.ParseReturnURL(u)
		if err != nil {
			return false
		}
		l.SessionID, l.Token = returned.SessionID, returned.Token
	}
	return isPossible(l.SessionID) && isPossible(l.Token)
}

// isPossible reports whether text may be the ID or the token of a portal session. Chargebee documents that both have at
// most 70 characters, but not which. Only characters that a value in a URL would hardly have are rejected.
func isPossible(text string) bool {
	isImpossible := func(r rune) bool { return r == '/' || r == '\\' || unicode.IsSpace(r) || unicode.IsControl(r) }
	return text != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= 70 && !strings.ContainsFunc(text, isImpossible)
}
