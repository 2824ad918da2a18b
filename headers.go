package chargebee

import (
	"cmp"
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/typedbee/chargebee-go/internal/validate"
)

// Headers are the chargebee-* headers that operations share. Set them for a client
// or for one call with [WithHeaders], and in a context with [ContextWithHeaders].
// Field by field, the call overrides the context, and the context overrides the
// client; OriginUser and OriginUserEncoded count as one field. An empty field
// overrides nothing. A GET is sent without the three event headers. How they combine is
// undocumented.
//
// See https://apidocs.chargebee.com/docs/api/advanced-features.
type Headers struct {
	OriginDevice      string       // chargebee-request-origin-device: the customer's device, such as "Android"
	OriginUser        string       // chargebee-request-origin-user: the user's email address; a non-ASCII one is Base64-encoded automatically and sent as -user-encoded
	OriginUserEncoded string       // chargebee-request-origin-user-encoded: the standard Base64 encoding of the address in UTF-8; overrides OriginUser
	OriginIP          string       // chargebee-request-origin-ip: the customer's IP address or host name, without port or zone
	EventActions      EventSetting // chargebee-event-actions: EventAllDisabled skips all actions of the events that the call causes
	EventEmail        EventSetting // chargebee-event-email: EventAllDisabled skips emails only
	EventWebhook      EventSetting // chargebee-event-webhook: EventAllDisabled skips webhooks only
	BusinessEntityID  string       // chargebee-business-entity-id: Chargebee takes at most 50 characters; must equal the operation's own business_entity_id, if it has one; early access
}

// EventSetting is the value of an event header. Unknown values are sent unchanged.
type EventSetting string

// EventAllDisabled is the only value that Chargebee documents.
const EventAllDisabled EventSetting = "all-disabled"

// In canonical form, so that net/http does not have to convert them.
const (
	headerOriginDevice        = "Chargebee-Request-Origin-Device"
	headerOriginUser          = "Chargebee-Request-Origin-User"
	headerOriginUserEncoded   = "Chargebee-Request-Origin-User-Encoded"
	headerOriginIP            = "Chargebee-Request-Origin-Ip"
	headerEventActions        = "Chargebee-Event-Actions"
	headerEventEmail          = "Chargebee-Event-Email"
	headerEventWebhook        = "Chargebee-Event-Webhook"
	headerBusinessEntityID    = "Chargebee-Business-Entity-Id"
	headerIdempotencyKey      = "Chargebee-Idempotency-Key"
	headerIdempotencyReplayed = "Chargebee-Idempotency-Replayed"
)

type headersKey struct{}

// ContextWithHeaders returns a context whose calls send h, in addition to the
// client's headers and to those that ctx already has. If a header is invalid, the
// call returns a [*ParamError].
func ContextWithHeaders(ctx context.Context, h Headers) context.Context {
	if ctx == nil { // the call will reject it
		return nil
	}
	if outer, ok := ctx.Value(headersKey{}).(Headers); ok {
		h = outer.override(h)
	}
	return context.WithValue(ctx, headersKey{}, h)
}

// OriginFromRequest returns the origin headers for calls made on behalf of an
// incoming request: its peer address as OriginIP, without port or zone, and its
// User-Agent as OriginDevice, without control characters. Either is empty if r does
// not have it, and both are empty if r is nil.
//
// It trusts no forwarding header, because any client can send one. Behind a proxy
// of yours the peer is the proxy: set OriginIP from a header that your proxy sets.
func OriginFromRequest(r *http.Request) Headers {
	if r == nil {
		return Headers{}
	}
	return Headers{OriginIP: peerIP(r.RemoteAddr), OriginDevice: stripControl(r.UserAgent())}
}

func peerIP(remoteAddr string) string {
	host, _, err := net.SplitHostPort(remoteAddr)
	if err != nil {
		host = remoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	return ip.Unmap().WithZone("").String()
}

// stripControl removes what a header value must not contain.
func stripControl(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "")))
}

// override returns h with the fields that are set in by.
func (h Headers) override(by Headers) Headers {
	if by.OriginUser != "" || by.OriginUserEncoded != "" {
		h.OriginUser, h.OriginUserEncoded = by.OriginUser, by.OriginUserEncoded
	}
	h.OriginDevice = cmp.Or(by.OriginDevice, h.OriginDevice)
	h.OriginIP = cmp.Or(by.OriginIP, h.OriginIP)
	h.EventActions = cmp.Or(by.EventActions, h.EventActions)
	h.EventEmail = cmp.Or(by.EventEmail, h.EventEmail)
	h.EventWebhook = cmp.Or(by.EventWebhook, h.EventWebhook)
	h.BusinessEntityID = cmp.Or(by.BusinessEntityID, h.BusinessEntityID)
	return h
}

type headerField struct{ name, value string }

// fields returns the eight headers and their values.
func (h Headers) fields() [8]headerField {
	return [...]headerField{
		{headerOriginDevice, h.OriginDevice},
		{headerOriginUser, h.OriginUser},
		{headerOriginUserEncoded, h.OriginUserEncoded},
		{headerOriginIP, h.OriginIP},
		{headerEventActions, string(h.EventActions)},
		{headerEventEmail, string(h.EventEmail)},
		{headerEventWebhook, string(h.EventWebhook)},
		{headerBusinessEntityID, h.BusinessEntityID},
	}
}

// apply sets the headers of h that are not empty. It sends one form of the user, not both.
func (h Headers) apply(header http.Header) {
	switch {
	case h.OriginUserEncoded != "":
		h.OriginUser = ""
	case !isASCII(h.OriginUser):
		h.OriginUserEncoded = base64.StdEncoding.EncodeToString([]byte(h.OriginUser))
		h.OriginUser = ""
	}
	for _, field := range h.fields() {
		if field.value != "" {
			header[field.name] = []string{field.value}
		}
	}
}

// forGET returns h without the event settings, because a GET causes no events.
func (h Headers) forGET() Headers {
	h.EventActions, h.EventEmail, h.EventWebhook = "", "", ""
	return h
}

// validate reports the headers that cannot be sent.
func (h Headers) validate(invalid *paramErrors) {
	for _, field := range h.fields() {
		if field.value != "" {
			invalid.addReason(strings.ToLower(field.name), cmp.Or(validate.Text(field.value), field.checkOrigin(), validate.HeaderValue(field.value)))
		}
	}
}

// checkOrigin returns the reason why a header about the origin is malformed, or "".
func (f headerField) checkOrigin() string {
	switch f.name {
	case headerOriginUser:
		return validate.EmailAddress(f.value)
	case headerOriginUserEncoded:
		return validate.EncodedEmailAddress(f.value)
	case headerOriginIP:
		return validate.Host(f.value)
	}
	return ""
}

// validateExtraHeader rejects a header that cannot be sent, and one that another option
// or the client sets.
func validateExtraHeader(invalid *paramErrors, name, value string) {
	invalid.addReason("WithHeader", validate.HeaderName(name))
	invalid.addReason(name, validate.HeaderValue(value))
	for _, field := range (Headers{}).fields() {
		if strings.EqualFold(name, field.name) {
			invalid.add(name, "is set with Headers")
		}
	}
	switch http.CanonicalHeaderKey(name) {
	case headerIdempotencyKey, "Idempotency-Key", "X-Idempotency-Key": // net/http resends a request with one of the latter
		invalid.add(name, "is set with WithIdempotencyKey")
	case "User-Agent":
		invalid.add(name, "is set with WithUserAgent")
	case "Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Length", "Content-Type", "Expect", "Host", "Http2-Settings",
		"Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		invalid.add(name, "is set by the client")
	}
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}
