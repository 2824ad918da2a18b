package chargebee

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/typedbee/chargebee-go/internal/form"
)

// paramErrors collects the invalid arguments of a call, which are reported together.
type paramErrors []error

func (r *paramErrors) add(field, reason string) {
	*r = append(*r, &ParamError{Field: field, Reason: reason})
}

func (r *paramErrors) addIf(bad bool, field, reason string) {
	if bad {
		r.add(field, reason)
	}
}

func (r paramErrors) err() error {
	if len(r) == 1 {
		return r[0]
	}
	return errors.Join(r...)
}

const (
	reasonNil      = form.ReasonNil
	reasonEmpty    = form.ReasonEmpty
	reasonUTF8     = form.ReasonUTF8
	reasonNegative = "must not be negative"
	reasonBraces   = "must name and close each {…}"
	reasonClient   = "must be made by NewClient"
)

// isNil reports whether v is nil, or a nil pointer or function in an interface.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch value := reflect.ValueOf(v); value.Kind() {
	case reflect.Pointer, reflect.Func:
		return value.IsNil()
	default:
		return false
	}
}

// invalidText returns why text cannot be in a header or a route, or "".
func invalidText(text string) string {
	switch {
	case !utf8.ValidString(text):
		return reasonUTF8
	case strings.ContainsFunc(text, unicode.IsControl):
		return "must not contain control characters"
	}
	return ""
}

func isAlphanumeric(c rune) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func (r *paramErrors) checkText(field, text string) {
	problem := invalidText(text)
	r.addIf(problem != "", field, problem)
}

// checkSite rejects what cannot be the first label of a host name.
func (r *paramErrors) checkSite(site string) {
	notAllowed := func(c rune) bool { return c != '-' && !isAlphanumeric(c) }
	if site == "" {
		r.add("site", reasonEmpty)
		return
	}
	bad := strings.ContainsFunc(site, notAllowed) || strings.Trim(site, "-") != site || len(site) > 63
	r.addIf(bad, "site", "must be the name alone, such as acme-test: letters, digits and inner hyphens")
}

// checkAPIKey rejects what cannot be a user name in HTTP Basic (RFC 7617).
func (r *paramErrors) checkAPIKey(apiKey string) {
	r.addIf(apiKey == "", "apiKey", reasonEmpty)
	r.addIf(strings.Contains(apiKey, ":"), "apiKey", "must not contain a colon")
	r.checkText("apiKey", apiKey)
}

// checkBaseURL does not quote the URL, which may contain a password.
func (r *paramErrors) checkBaseURL(rawURL string, insecureHTTP bool) {
	const field = "WithBaseURL"
	u, err := url.Parse(rawURL)
	switch {
	case err != nil || !utf8.ValidString(rawURL):
		r.add(field, "must be a URL")
	case u.Hostname() == "":
		r.add(field, "must have a host")
	case u.User != nil || strings.ContainsAny(rawURL, "?#"):
		r.add(field, "must have no user, query or fragment")
	case u.Port() != "" && !isPort(u.Port()):
		r.add(field, "must have a port up to 65535")
	case u.Scheme == "http" && !insecureHTTP && !isLoopback(u.Hostname()):
		r.add(field, "must be https on this host; WithInsecureHTTP allows http")
	case u.Scheme != "http" && u.Scheme != "https":
		r.add(field, "must be https")
	}
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

func (r *paramErrors) checkResult(result any) {
	v := reflect.ValueOf(result)
	r.addIf(result != nil && (v.Kind() != reflect.Pointer || v.IsNil()), "result", "must be nil or a pointer")
}

func (r *paramErrors) checkPathValue(name, value string) {
	r.addIf(value == "", name, reasonEmpty)
	r.addIf(value == "." || value == "..", name, "must not be a dot segment")
	r.addIf(!utf8.ValidString(value), name, reasonUTF8)
}

func (r *paramErrors) checkIdempotencyKey(key string) {
	const name = "chargebee-idempotency-key"
	invisible := func(c rune) bool { return c <= ' ' || c > '~' }
	r.addIf(key == "", name, reasonEmpty)
	r.addIf(strings.ContainsFunc(key, invisible), name, "must be visible ASCII")
	r.addIf(len(key) > 100, name, "must not be longer than 100 characters")
}

func (r *paramErrors) checkRetry(retry Retry) {
	r.addIf(retry.MaxAttempts < 0, "Retry.MaxAttempts", reasonNegative)
	r.addIf(retry.BaseDelay < 0, "Retry.BaseDelay", reasonNegative)
	r.addIf(retry.MaxDelay < 0, "Retry.MaxDelay", reasonNegative)
	r.addIf(retry.MaxRetryAfter < 0, "Retry.MaxRetryAfter", reasonNegative)
}

func (r *paramErrors) checkHeaders(h Headers) {
	for _, field := range h.fields() {
		if problem := invalidText(field.value); problem != "" {
			r.add(strings.ToLower(field.name), problem)
		}
	}
	r.addIf(h.OriginUser != "" && !isAddress(h.OriginUser), "chargebee-request-origin-user", "must be an address of the form local@domain")
}

// isAddress reports whether text has the form local@domain. The rest is for the server
// to judge.
func isAddress(text string) bool {
	at := strings.LastIndexByte(text, '@')
	if at < 1 || at == len(text)-1 || strings.ContainsAny(text[at+1:], " <>") {
		return false
	}
	local := text[:at]
	quoted := local[0] == '"' && local[len(local)-1] == '"'
	return quoted || !strings.ContainsAny(local, "@ <>")
}

// checkExtraHeader rejects a header that cannot be sent or that another option sets.
func (r *paramErrors) checkExtraHeader(name, value string) {
	separator := func(c rune) bool {
		return c <= ' ' || c > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	}
	r.addIf(name == "" || strings.ContainsFunc(name, separator), "WithHeader", "must have the name of a header")
	r.checkText(name, value)
	for _, field := range (Headers{}).fields() {
		r.addIf(strings.EqualFold(name, field.name), name, "is set with Headers")
	}
	switch http.CanonicalHeaderKey(name) {
	case headerIdempotencyKey:
		r.add(name, "is set with WithIdempotencyKey")
	case "User-Agent":
		r.add(name, "is set with WithUserAgent")
	case "Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Length", "Content-Type", "Host", "Transfer-Encoding":
		r.add(name, "is set by the client")
	}
}
