// Package validate checks arguments. Each check returns the reason why its argument is
// invalid, or "".
package validate

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reasons that several arguments have in common.
const (
	ReasonNil      = "must not be nil"
	ReasonEmpty    = "must not be empty"
	ReasonNegative = "must not be negative"
	ReasonUTF8     = "must be valid UTF-8"
)

// Site checks the first label of a host name.
func Site(site string) string {
	isOther := func(c rune) bool { return c != '-' && !IsAlphanumeric(c) }
	switch {
	case site == "":
		return ReasonEmpty
	case strings.ContainsFunc(site, isOther), strings.Trim(site, "-") != site, len(site) > 63:
		return "must be the name alone, such as acme-test: letters, digits and inner hyphens"
	}
	return ""
}

// APIKey checks a user name of HTTP Basic (RFC 7617).
func APIKey(apiKey string) string {
	switch {
	case apiKey == "":
		return ReasonEmpty
	case strings.Contains(apiKey, ":"):
		return "must not contain a colon"
	}
	return Text(apiKey)
}

// BaseURL does not quote the URL, which may contain a password.
func BaseURL(rawURL string, insecureHTTP bool) string {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil || !utf8.ValidString(rawURL):
		return "must be a URL"
	case u.Hostname() == "":
		return "must have a host"
	case u.User != nil || strings.ContainsAny(rawURL, "?#"):
		return "must have no user, query or fragment"
	case u.Port() != "" && !isPort(u.Port()):
		return "must have a port up to 65535"
	case u.Scheme == "http" && !insecureHTTP && !isLoopback(u.Hostname()):
		return "must be https on this host; WithInsecureHTTP allows http"
	case u.Scheme != "http" && u.Scheme != "https":
		return "must be https"
	}
	return ""
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// PathValue checks a value that is escaped before it is put into a path.
func PathValue(value string) string {
	switch {
	case value == "":
		return ReasonEmpty
	case value == "." || value == "..":
		return "must not be a dot segment"
	case !utf8.ValidString(value):
		return ReasonUTF8
	}
	return ""
}

// IdempotencyKey checks a value of chargebee-idempotency-key.
func IdempotencyKey(key string) string {
	isInvisible := func(c rune) bool { return c <= ' ' || c > '~' }
	switch {
	case key == "":
		return ReasonEmpty
	case strings.ContainsFunc(key, isInvisible):
		return "must be visible ASCII"
	case len(key) > 100:
		return "must not be longer than 100 characters"
	}
	return ""
}

// HeaderName checks the name of a header (RFC 9110, token).
func HeaderName(name string) string {
	isSeparator := func(c rune) bool {
		return c <= ' ' || c > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	}
	if name == "" || strings.ContainsFunc(name, isSeparator) {
		return "must have the name of a header"
	}
	return ""
}

// Text checks what goes into a header or a log as it is.
func Text(text string) string {
	switch {
	case !utf8.ValidString(text):
		return ReasonUTF8
	case strings.ContainsFunc(text, unicode.IsControl):
		return "must not contain control characters"
	}
	return ""
}

// EmailAddress checks that an address has the form local@domain. The rest is for the
// server to judge.
func EmailAddress(address string) string {
	const reason = "must be an address of the form local@domain"
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at == len(address)-1 || strings.ContainsAny(address[at+1:], " <>") {
		return reason
	}
	local := address[:at]
	isQuoted := local[0] == '"' && local[len(local)-1] == '"'
	if !isQuoted && strings.ContainsAny(local, "@ <>") {
		return reason
	}
	return ""
}

// IsAlphanumeric reports whether c is an ASCII letter or digit.
func IsAlphanumeric(c rune) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
