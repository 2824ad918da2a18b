// Package validate checks arguments. Each check returns the reason why its argument is
// invalid, or "".
package validate

import (
	"net"
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

// APIKey checks a key that is sent as the user name of HTTP Basic (RFC 7617). Keys that
// are copied from elsewhere often bring quotes, spaces or a whole header with them.
func APIKey(apiKey string) string {
	switch invalidText := Text(apiKey); {
	case apiKey == "":
		return ReasonEmpty
	case strings.HasPrefix(apiKey, "Basic"), strings.HasPrefix(strings.ToLower(apiKey), "basic "):
		return "must be the key alone, without Basic"
	case invalidText != "":
		return invalidText
	case strings.ContainsFunc(apiKey, isInvisible):
		return "must be visible ASCII, without spaces"
	case strings.ContainsAny(apiKey, "\"'`"):
		return "must not contain quotes"
	case strings.Contains(apiKey, ":"):
		return "must not contain a colon"
	}
	return ""
}

// isInvisible reports whether c is not visible ASCII.
func isInvisible(c rune) bool { return c <= ' ' || c > '~' }

// BaseURL does not quote the URL, which may contain a password.
func BaseURL(rawURL string, insecureHTTP bool) string {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil || strings.ContainsAny(rawURL, ` \{}`) || Text(rawURL) != "":
		return "must be a URL"
	case u.Hostname() == "":
		return "must have a host"
	case u.User != nil || strings.ContainsAny(rawURL, "?#"):
		return "must have no user, query or fragment"
	case u.Port() != "" && !isPort(u.Port()):
		return "must have a port up to 65535"
	case isChargebee(u.Hostname()) && strings.TrimRight(u.EscapedPath(), "/") != "/api/v2":
		return "must have the path /api/v2 on chargebee.com: add /api/v2 after the host"
	}
	return scheme(u, insecureHTTP)
}

// HostPort checks the host of a URL, which may have a port.
func HostPort(hostPort string) string {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		host, port = hostPort, "443"
	}
	if Host(host) != "" || !isPort(port) {
		return "must be a host, such as acme-test.chargebeeportal.com, without a scheme and a path"
	}
	return ""
}

// WebURL checks an absolute URL to which a query will be appended.
func WebURL(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Contains(rawURL, "#") {
		return "must be an absolute http or https URL, without a fragment"
	}
	return ""
}

func scheme(u *url.URL, insecureHTTP bool) string {
	switch {
	case u.Scheme == "http" && !insecureHTTP && !isLoopback(u.Hostname()):
		return "must be https on this host; WithInsecureHTTP allows http"
	case u.Scheme != "http" && u.Scheme != "https":
		return "must be https"
	}
	return ""
}

// isChargebee reports whether host is chargebee.com or a subdomain of it.
func isChargebee(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "chargebee.com" || strings.HasSuffix(host, ".chargebee.com")
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// IdempotencyKey checks a value of chargebee-idempotency-key.
func IdempotencyKey(key string) string {
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

// HeaderValue checks the value of a header. net/http would remove spaces around it.
func HeaderValue(value string) string {
	if reason := Text(value); reason != "" {
		return reason
	}
	if strings.Trim(value, " ") != value {
		return "must not begin or end with a space"
	}
	return ""
}

// Text checks what goes into a header, a URL or a log as it is.
func Text(text string) string {
	switch {
	case !utf8.ValidString(text):
		return ReasonUTF8
	case strings.ContainsFunc(text, unicode.IsControl):
		return "must not contain control characters"
	}
	return ""
}

// IsAlphanumeric reports whether c is an ASCII letter or digit.
func IsAlphanumeric(c rune) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// Path checks the template of an absolute path, which has neither empty nor dot segments.
func Path(path string) string {
	const reason = "must be an absolute, clean path, such as /features/{feature-id}"
	relative, isAbsolute := strings.CutPrefix(path, "/")
	switch {
	case strings.Contains(path, "?"):
		return "must not have a query: use Params"
	case !isAbsolute, strings.ContainsAny(path, `#%\ `), Text(path) != "":
		return reason
	}
	for more := true; more; {
		var segment string
		segment, relative, more = strings.Cut(relative, "/")
		if segment == "" || segment == "." || segment == ".." {
			return reason
		}
	}
	return ""
}

const maxEscapings = 8

// PathValue checks a value that becomes one segment of a path. A gateway may unescape
// the path, even repeatedly, before it routes the request. So the value must not
// change the path in any unescaped form either.
func PathValue(value string) string {
	isUnusual := func(c rune) bool { return c != '_' && c != '-' && !IsAlphanumeric(c) }
	switch {
	case value == "":
		return ReasonEmpty
	case !strings.ContainsFunc(value, isUnusual): // nearly all ids
		return ""
	case !utf8.ValidString(value):
		return ReasonUTF8
	}
	for range maxEscapings + 1 {
		switch {
		case strings.ContainsAny(value, `/\`):
			return "must not contain a slash or backslash, not even escaped"
		case isDotSegment(value):
			return "must not be a dot segment, not even escaped"
		}
		unescaped := unescape(value)
		switch {
		case unescaped == value:
			return ""
		case !utf8.ValidString(unescaped): // such as an overlong dot
			return ReasonUTF8
		}
		value = unescaped
	}
	return "must not be escaped more than 8 times"
}

// isDotSegment reports whether segment is "." or "..". Path parameters and what would
// begin a query or fragment do not count: some servers resolve "..;x" like "..".
func isDotSegment(segment string) bool {
	if end := strings.IndexAny(segment, ";?#"); end >= 0 {
		segment = segment[:end]
	}
	segment = strings.TrimFunc(segment, func(c rune) bool { return c <= ' ' })
	return segment == "." || segment == ".."
}

// unescape replaces each valid %XX and, unlike [net/url.PathUnescape], keeps invalid ones.
func unescape(escaped string) string {
	unescaped := make([]byte, 0, len(escaped))
	for len(escaped) > 0 {
		char, size := escaped[0], 1
		if char == '%' && len(escaped) > 2 {
			if code, err := strconv.ParseUint(escaped[1:3], 16, 8); err == nil {
				char, size = byte(code), 3
			}
		}
		unescaped = append(unescaped, char)
		escaped = escaped[size:]
	}
	return string(unescaped)
}
