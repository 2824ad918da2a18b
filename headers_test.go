package chargebee_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// sharedHeaders returns the chargebee-* headers of a request except its idempotency key.
func sharedHeaders(req sentRequest) map[string]string {
	found := make(map[string]string)
	for name := range req.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "chargebee-") && lower != "chargebee-idempotency-key" {
			found[lower] = req.Header.Get(name)
		}
	}
	return found
}

func TestHeadersAreSent(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(respond(200, activatedJSON))
	client := newClient(t, transport, chargebee.WithUserAgent("first/1"), chargebee.WithUserAgent("acme-billing/1.4"))
	_, err := activate(t.Context(), client, chargebee.WithIdempotencyKey("login-1"), chargebee.WithHeaders(chargebee.Headers{
		OriginDevice: "Android", OriginUser: "zoe@example.com", OriginIP: "203.0.113.7", BusinessEntityID: "entity-1",
		EventActions: chargebee.EventAllDisabled, EventEmail: "a-setting-of-next-year", EventWebhook: "all-disabled",
	}))
	require.NoError(t, err)
	require.Equal(t, http.Header{
		"Accept":                          {"application/json"},
		"Authorization":                   {"Basic dGVzdF9rZXk6"}, // test_key and a colon
		"Chargebee-Business-Entity-Id":    {"entity-1"},
		"Chargebee-Event-Actions":         {"all-disabled"},
		"Chargebee-Event-Email":           {"a-setting-of-next-year"},
		"Chargebee-Event-Webhook":         {"all-disabled"},
		"Chargebee-Idempotency-Key":       {"login-1"},
		"Chargebee-Request-Origin-Device": {"Android"},
		"Chargebee-Request-Origin-Ip":     {"203.0.113.7"},
		"Chargebee-Request-Origin-User":   {"zoe@example.com"},
		"Content-Type":                    {"application/x-www-form-urlencoded"},
		"User-Agent":                      {"acme-billing/1.4 typedbee-chargebee-go/0.1.0"},
	}, transport.onlyRequest(t).Header)
}

func TestOriginUserIsSentInOneForm(t *testing.T) {
	t.Parallel()
	const plain, encoded = "chargebee-request-origin-user", "chargebee-request-origin-user-encoded"
	type headers = chargebee.Headers
	for name, test := range map[string]struct {
		ofClient, ofCall headers
		header, value    string
	}{
		"an ASCII address is sent as it is":           {headers{}, headers{OriginUser: "zoe@example.com"}, plain, "zoe@example.com"},
		"a local part of one letter is sent as it is": {headers{}, headers{OriginUser: "z@example.com"}, plain, "z@example.com"},
		"a non-ASCII first letter is encoded":         {headers{}, headers{OriginUser: "ë@example.com"}, encoded, "w6tAZXhhbXBsZS5jb20="},
		"a quoted local part is sent as it is":        {headers{}, headers{OriginUser: `"zoe @ home"@example.com`}, plain, `"zoe @ home"@example.com`},
		"consecutive dots are sent as they are":       {headers{}, headers{OriginUser: "zoe..z@example.com"}, plain, "zoe..z@example.com"},
		"a non-ASCII address is sent in Base64":       {headers{}, headers{OriginUser: "zoë@exämple.com"}, encoded, "em/Dq0BleMOkbXBsZS5jb20="},
		"Chargebee's sample is encoded as there":      {headers{}, headers{OriginUser: "user.квіточка@example.com"}, encoded, "dXNlci7QutCy0ZbRgtC+0YfQutCwQGV4YW1wbGUuY29t"},
		"an encoded address is sent as it is":         {headers{}, headers{OriginUserEncoded: "em9lQGV4YW1wbGUuY29t"}, encoded, "em9lQGV4YW1wbGUuY29t"},
		"the encoded address wins over the plain":     {headers{}, headers{OriginUser: "ada@example.com", OriginUserEncoded: "em9lQGV4YW1wbGUuY29t"}, encoded, "em9lQGV4YW1wbGUuY29t"},
		"a later plain one replaces an encoded one":   {headers{OriginUserEncoded: "YWRhQGV4YW1wbGUuY29t"}, headers{OriginUser: "zoe@example.com"}, plain, "zoe@example.com"},
		"a later encoded one replaces a plain one":    {headers{OriginUser: "ada@example.com"}, headers{OriginUserEncoded: "em9lQGV4YW1wbGUuY29t"}, encoded, "em9lQGV4YW1wbGUuY29t"},
		"a quoted colon is sent as it is":             {headers{}, headers{OriginUser: `"mailto:zoe"@example.com`}, plain, `"mailto:zoe"@example.com`},
		"a space in quotes is sent as it is":          {headers{}, headers{OriginUser: `"a b"@example.com`}, plain, `"a b"@example.com`},
		"an apostrophe and a tag are sent unchanged":  {headers{}, headers{OriginUser: "o'hara+tag@example.co.uk"}, plain, "o'hara+tag@example.co.uk"},
		"an encoding of a non-ASCII address":          {headers{}, headers{OriginUserEncoded: "em/Dq0BleMOkbXBsZS5jb20="}, encoded, "em/Dq0BleMOkbXBsZS5jb20="},
		"an encoding without padding":                 {headers{}, headers{OriginUserEncoded: "em/Dq0BleMOkbXBsZS5jb20"}, encoded, "em/Dq0BleMOkbXBsZS5jb20"},
		"an encoding with double padding":             {headers{}, headers{OriginUserEncoded: "YWRhQGV4YW1wbGUuYQ=="}, encoded, "YWRhQGV4YW1wbGUuYQ=="},
		"an encoding of a quoted local part":          {headers{}, headers{OriginUserEncoded: "ImEgYiJAZXhhbXBsZS5jb20="}, encoded, "ImEgYiJAZXhhbXBsZS5jb20="},
		"an empty field leaves the earlier user":      {headers{OriginUser: "ada@example.com"}, headers{}, plain, "ada@example.com"},
	} {
		transport := newFakeTransport(respond(200, activatedJSON))
		client := newClient(t, transport, chargebee.WithHeaders(test.ofClient))
		_, err := activate(t.Context(), client, chargebee.WithHeaders(test.ofCall))
		require.NoError(t, err, name)
		require.Equal(t, map[string]string{test.header: test.value}, sharedHeaders(transport.onlyRequest(t)), name)
	}
}

func TestOriginIPIsAnAddressOrAHostName(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"203.0.113.7", "0.0.0.0", "2001:db8::1", "2001:DB8:0:0:0:0:0:1", "::1", "::ffff:203.0.113.7", "localhost", "unknown", "a", "a7",
		"app.example.com", "App-1.Example.COM", "203.example.com", "7.7.7.com7", "1-2-3.example.com", "_app.my_host.example", "xn--exmple-cua.com",
		strings.Repeat("a", 63) + ".com", strings.Repeat("a.", 125) + "abc", // of 253 characters
	} {
		transport := newFakeTransport(respond(200, activatedJSON))
		_, err := activate(t.Context(), newClient(t, transport), chargebee.WithHeaders(chargebee.Headers{OriginIP: host}))
		require.NoError(t, err, host)
		require.Equal(t, map[string]string{"chargebee-request-origin-ip": host}, sharedHeaders(transport.onlyRequest(t)))
	}
}

func TestLaterHeadersWinFieldByField(t *testing.T) {
	t.Parallel()
	levels := func(ip, email, webhook, actions, entity, device string) chargebee.Headers {
		return chargebee.Headers{
			OriginIP: ip, EventEmail: chargebee.EventSetting(email), EventWebhook: chargebee.EventSetting(webhook),
			EventActions: chargebee.EventSetting(actions), BusinessEntityID: entity, OriginDevice: device,
		}
	}
	transport := newFakeTransport(respond(200, activatedJSON))
	client := newClient(t, transport,
		chargebee.WithHeaders(levels("first", "first", "first", "first", "first", "first")),
		chargebee.WithHeaders(levels("", "default", "default", "default", "default", "default")))
	ctx := chargebee.ContextWithHeaders(t.Context(), levels("", "", "outer", "outer", "outer", "outer"))
	ctx = chargebee.ContextWithHeaders(ctx, levels("", "", "", "inner", "inner", "inner"))

	_, err := activate(ctx, client,
		chargebee.WithHeaders(levels("", "", "", "", "call", "call")), chargebee.WithHeaders(levels("", "", "", "", "", "last")))
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"chargebee-request-origin-ip":     "first",
		"chargebee-event-email":           "default",
		"chargebee-event-webhook":         "outer",
		"chargebee-event-actions":         "inner",
		"chargebee-business-entity-id":    "call",
		"chargebee-request-origin-device": "last",
	}, sharedHeaders(transport.onlyRequest(t)))
}

func TestHeadersOfACallDoNotChangeTheClient(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(respond(200, activatedJSON))
	client := newClient(t, transport,
		chargebee.WithHeader("X-Job~", "job-17"), chargebee.WithHeader("X-Team", "first"), chargebee.WithHeader("X-Team", "billing"))
	_, err := activate(t.Context(), client, chargebee.WithHeader("x-team", "support"), chargebee.WithHeaders(chargebee.Headers{OriginIP: "203.0.113.7"}))
	require.NoError(t, err)
	_, err = activate(t.Context(), client)
	require.NoError(t, err)

	require.Equal(t, []string{"job-17"}, transport.requests[0].Header.Values("X-Job~"))
	require.Equal(t, []string{"support"}, transport.requests[0].Header.Values("X-Team"))
	require.Equal(t, []string{"billing"}, transport.requests[1].Header.Values("X-Team"))
	require.Empty(t, sharedHeaders(transport.requests[1]))
}

func TestOriginFromRequestTrustsNoForwardingHeader(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		remoteAddr, userAgent string
		want                  chargebee.Headers
	}{
		"an IPv4 peer":                {"203.0.113.7:4711", "Mozilla/5.0", chargebee.Headers{OriginIP: "203.0.113.7", OriginDevice: "Mozilla/5.0"}},
		"an IPv6 peer":                {"[2001:db8::7]:4711", "", chargebee.Headers{OriginIP: "2001:db8::7"}},
		"an IPv6 peer with a zone":    {"[fe80::7%eth0]:4711", "", chargebee.Headers{OriginIP: "fe80::7"}},
		"an IPv4-mapped IPv6 peer":    {"[::ffff:203.0.113.7]:4711", "", chargebee.Headers{OriginIP: "203.0.113.7"}},
		"an address without a port":   {"203.0.113.7", "", chargebee.Headers{OriginIP: "203.0.113.7"}},
		"a Unix socket":               {"@", "", chargebee.Headers{}},
		"no address":                  {"", "", chargebee.Headers{}},
		"a User-Agent between spaces": {"", " \x00 Mozilla/5.0 \x00 ", chargebee.Headers{OriginDevice: "Mozilla/5.0"}},
		"an invalid User-Agent":       {"", "a\tb\x00c\xff\u0085", chargebee.Headers{OriginDevice: "abc"}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/return", nil)
		r.RemoteAddr = test.remoteAddr
		r.Header.Set("User-Agent", test.userAgent)
		for _, forged := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip"} {
			r.Header.Set(forged, "198.51.100.66")
		}
		origin := chargebee.OriginFromRequest(r)
		require.Equal(t, test.want, origin, name)

		_, err := activate(t.Context(), newClient(t, newFakeTransport(respond(200, activatedJSON))), chargebee.WithHeaders(origin))
		require.NoError(t, err, name)
	}
	require.Equal(t, chargebee.Headers{}, chargebee.OriginFromRequest(nil))
}

func TestGETIsSentWithoutEventSettings(t *testing.T) {
	t.Parallel()
	all := chargebee.Headers{
		OriginDevice: "Android", OriginUser: "zoe@example.com", OriginIP: "203.0.113.7", BusinessEntityID: "entity-1",
		EventActions: chargebee.EventAllDisabled, EventEmail: chargebee.EventAllDisabled, EventWebhook: chargebee.EventAllDisabled,
	}
	transport := newFakeTransport(respond(200, activatedJSON))
	client := newClient(t, transport, chargebee.WithHeaders(all))
	ctx := chargebee.ContextWithHeaders(t.Context(), all)
	_, err := client.PortalSessions.RetrievePortalSession(ctx, "portal_1", chargebee.WithHeaders(all))
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"chargebee-request-origin-device": "Android",
		"chargebee-request-origin-user":   "zoe@example.com",
		"chargebee-request-origin-ip":     "203.0.113.7",
		"chargebee-business-entity-id":    "entity-1",
	}, sharedHeaders(transport.onlyRequest(t)))
	require.NotContains(t, transport.requests[0].Header, "Chargebee-Idempotency-Key")

	_, err = client.PortalSessions.RetrievePortalSession(ctx, "portal_1", chargebee.WithIdempotencyKey("given"))
	require.NoError(t, err)
	require.Equal(t, "given", transport.requests[1].Header.Get("chargebee-idempotency-key"))

	invalid := chargebee.WithHeaders(chargebee.Headers{EventEmail: "all\ndisabled"})
	_, err = client.PortalSessions.RetrievePortalSession(ctx, "portal_1", invalid)
	require.Equal(t, &chargebee.ParamError{Field: "chargebee-event-email", Reason: reasonControl}, err)
}
