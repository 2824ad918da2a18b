package chargebee_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// chargebeeHeaders is what a request has of the chargebee-* family, but for its
// random key.
func chargebeeHeaders(req *http.Request) map[string]string {
	found := make(map[string]string)
	for name := range req.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "chargebee-") && lower != "chargebee-idempotency-key" {
			found[lower] = req.Header.Get(name)
		}
	}
	return found
}

func TestTheSharedHeadersAreSent(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, activated)
	_, err := activate(t, m.client(t), chargebee.WithHeaders(chargebee.Headers{
		OriginDevice:     "Android",
		OriginUser:       "zoe@exämple.com",
		OriginIP:         "203.0.113.7",
		EventActions:     chargebee.EventAllDisabled,
		EventEmail:       "a-setting-of-next-year",
		EventWebhook:     chargebee.EventAllDisabled,
		BusinessEntityID: "entity-1",
	}))
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"chargebee-request-origin-device":       "Android",
		"chargebee-request-origin-user-encoded": "em9lQGV4w6RtcGxlLmNvbQ==",
		"chargebee-request-origin-ip":           "203.0.113.7",
		"chargebee-event-actions":               "all-disabled",
		"chargebee-event-email":                 "a-setting-of-next-year",
		"chargebee-event-webhook":               "all-disabled",
		"chargebee-business-entity-id":          "entity-1",
	}, chargebeeHeaders(m.only(t).Request))
}

func TestOneFormOfTheOriginUserIsSent(t *testing.T) {
	t.Parallel()
	const plain, encoded = "chargebee-request-origin-user", "chargebee-request-origin-user-encoded"
	for name, test := range map[string]struct {
		headers chargebee.Headers
		want    map[string]string
	}{
		"an ASCII address goes out plainly": {
			chargebee.Headers{OriginUser: "zoe@example.com"}, map[string]string{plain: "zoe@example.com"},
		},
		"another goes out in Base64, with its padding": {
			chargebee.Headers{OriginUser: "zoë@exämple.com"}, map[string]string{encoded: "em/Dq0BleMOkbXBsZS5jb20="},
		},
		"the vendor's own sample is encoded as in its contract": {
			chargebee.Headers{OriginUser: "user.квіточка@example.com"}, map[string]string{encoded: "dXNlci7QutCy0ZbRgtC+0YfQutCwQGV4YW1wbGUuY29t"},
		},
		"an encoded one goes out as it is": {
			chargebee.Headers{OriginUserEncoded: "em9lQGV4YW1wbGUuY29t"}, map[string]string{encoded: "em9lQGV4YW1wbGUuY29t"},
		},
		"the encoded one wins": {
			chargebee.Headers{OriginUser: "zoe@example.com", OriginUserEncoded: "em9lQGV4YW1wbGUuY29t"}, map[string]string{encoded: "em9lQGV4YW1wbGUuY29t"},
		},
		"a quoted local part is an address": {
			chargebee.Headers{OriginUser: `"zoe @ home"@example.com`}, map[string]string{plain: `"zoe @ home"@example.com`},
		},
		"dots in a row are too": {
			chargebee.Headers{OriginUser: "zoe..z@example.com"}, map[string]string{plain: "zoe..z@example.com"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, http.StatusOK, activated)
			_, err := activate(t, m.client(t), chargebee.WithHeaders(test.headers))
			require.NoError(t, err)
			require.Equal(t, test.want, chargebeeHeaders(m.only(t).Request))
		})
	}
}

func TestHeadersAreMergedFieldByField(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, activated)
	levels := func(ip, email, webhook, actions, entity, device string) chargebee.Headers {
		return chargebee.Headers{
			OriginIP: ip, EventEmail: chargebee.EventSetting(email), EventWebhook: chargebee.EventSetting(webhook),
			EventActions: chargebee.EventSetting(actions), BusinessEntityID: entity, OriginDevice: device,
		}
	}
	client := m.client(t,
		chargebee.WithHeaders(levels("first", "first", "first", "first", "first", "first")),
		chargebee.WithHeaders(levels("", "default", "default", "default", "default", "default")))
	ctx := chargebee.ContextWithHeaders(t.Context(), levels("", "", "outer", "outer", "outer", "outer"))
	ctx = chargebee.ContextWithHeaders(ctx, levels("", "", "", "inner", "inner", "inner"))

	_, err := client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: "tok_secret"},
		chargebee.WithHeaders(levels("", "", "", "", "call", "call")), chargebee.WithHeaders(levels("", "", "", "", "", "last")))
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"chargebee-request-origin-ip":     "first",
		"chargebee-event-email":           "default",
		"chargebee-event-webhook":         "outer",
		"chargebee-event-actions":         "inner",
		"chargebee-business-entity-id":    "call",
		"chargebee-request-origin-device": "last",
	}, chargebeeHeaders(m.only(t).Request))
}

func TestALaterOriginUserReplacesBothFormsOfAnEarlierOne(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		earlier, later chargebee.Headers
		want           map[string]string
	}{
		"plain over encoded": {
			chargebee.Headers{OriginUserEncoded: "YWRhQGV4YW1wbGUuY29t"}, chargebee.Headers{OriginUser: "zoe@example.com"},
			map[string]string{"chargebee-request-origin-user": "zoe@example.com"},
		},
		"encoded over plain": {
			chargebee.Headers{OriginUser: "ada@example.com"}, chargebee.Headers{OriginUserEncoded: "em9lQGV4YW1wbGUuY29t"},
			map[string]string{"chargebee-request-origin-user-encoded": "em9lQGV4YW1wbGUuY29t"},
		},
		"nothing over plain": {
			chargebee.Headers{OriginUser: "ada@example.com"}, chargebee.Headers{},
			map[string]string{"chargebee-request-origin-user": "ada@example.com"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, http.StatusOK, activated)
			_, err := activate(t, m.client(t, chargebee.WithHeaders(test.earlier)), chargebee.WithHeaders(test.later))
			require.NoError(t, err)
			require.Equal(t, test.want, chargebeeHeaders(m.only(t).Request))
		})
	}
}

func TestACallLeavesTheClientsHeadersAlone(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, activated)
	client := m.client(t, chargebee.WithHeader("X-Team", "billing"))
	_, err := activate(t, client, chargebee.WithHeader("x-team", "support"), chargebee.WithHeaders(chargebee.Headers{OriginIP: "203.0.113.7"}))
	require.NoError(t, err)
	_, err = activate(t, client)
	require.NoError(t, err)

	require.Equal(t, "support", m.sent[0].Header.Get("X-Team"))
	require.Equal(t, []string{"billing"}, m.sent[1].Header.Values("X-Team"))
	require.Empty(t, chargebeeHeaders(m.sent[1].Request))
}

func TestTheHeadersThatEveryCallHas(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, activated)
	_, err := activate(t, m.client(t, chargebee.WithUserAgent("acme-billing/1.4")), chargebee.WithIdempotencyKey("login-1"))
	require.NoError(t, err)
	require.Equal(t, http.Header{
		"Accept":                    {"application/json"},
		"Authorization":             {"Basic dGVzdF9rZXk6"}, // test_key and a colon
		"Chargebee-Idempotency-Key": {"login-1"},
		"Content-Type":              {"application/x-www-form-urlencoded"},
		"User-Agent":                {"acme-billing/1.4 typedbee-chargebee-go/0.1.0"},
	}, m.only(t).Header)
}

func TestOriginFromRequest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		remoteAddr, userAgent string
		want                  chargebee.Headers
	}{
		"a device with spaces and control characters around it": {"", " \x00 Mozilla/5.0 \x00 ", chargebee.Headers{OriginDevice: "Mozilla/5.0"}},
		"an IPv4 peer":                {"203.0.113.7:4711", "Mozilla/5.0", chargebee.Headers{OriginIP: "203.0.113.7", OriginDevice: "Mozilla/5.0"}},
		"an IPv6 peer":                {"[2001:db8::7]:4711", "", chargebee.Headers{OriginIP: "2001:db8::7"}},
		"an IPv6 peer with a zone":    {"[fe80::7%eth0]:4711", "", chargebee.Headers{OriginIP: "fe80::7"}},
		"an IPv4 peer over IPv6":      {"[::ffff:203.0.113.7]:4711", "", chargebee.Headers{OriginIP: "203.0.113.7"}},
		"an address without a port":   {"203.0.113.7", "", chargebee.Headers{OriginIP: "203.0.113.7"}},
		"a Unix socket":               {"@", "", chargebee.Headers{}},
		"no address":                  {"", "", chargebee.Headers{}},
		"a device no header can have": {"203.0.113.7:1", "a\tb\x00c\xff\u0085", chargebee.Headers{OriginIP: "203.0.113.7", OriginDevice: "abc"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/return", nil)
			r.RemoteAddr = test.remoteAddr
			r.Header.Set("User-Agent", test.userAgent)
			for _, forged := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip"} {
				r.Header.Set(forged, "198.51.100.66")
			}
			origin := chargebee.OriginFromRequest(r)
			require.Equal(t, test.want, origin)

			_, err := activate(t, newMock(t, http.StatusOK, activated).client(t), chargebee.WithHeaders(origin))
			require.NoError(t, err)
		})
	}
}

func TestOriginFromNoRequestIsEmpty(t *testing.T) {
	t.Parallel()
	require.Equal(t, chargebee.Headers{}, chargebee.OriginFromRequest(nil))
}

func TestHeadersThatCannotBeSentAreRefused(t *testing.T) {
	t.Parallel()
	const control, address = "must not contain control characters", "must be an address of the form local@domain"
	for name, test := range map[string]struct {
		headers       chargebee.Headers
		field, reason string
	}{
		"a line break in the device":        {chargebee.Headers{OriginDevice: "a\r\nAuthorization: b"}, "chargebee-request-origin-device", control},
		"a NUL in the address":              {chargebee.Headers{OriginIP: "\x00"}, "chargebee-request-origin-ip", control},
		"a C1 control in the entity":        {chargebee.Headers{BusinessEntityID: "a\u0085"}, "chargebee-business-entity-id", control},
		"a tab in an event setting":         {chargebee.Headers{EventActions: "all\tdisabled"}, "chargebee-event-actions", control},
		"a DEL in an event setting":         {chargebee.Headers{EventEmail: "\x7f"}, "chargebee-event-email", control},
		"an escape in an event setting":     {chargebee.Headers{EventWebhook: "\x1b[0m"}, "chargebee-event-webhook", control},
		"a line break in the encoded user":  {chargebee.Headers{OriginUserEncoded: "em9l\n"}, "chargebee-request-origin-user-encoded", control},
		"broken UTF-8":                      {chargebee.Headers{OriginDevice: "\xff"}, "chargebee-request-origin-device", "must be valid UTF-8"},
		"a user without a domain":           {chargebee.Headers{OriginUser: "zoe"}, "chargebee-request-origin-user", address},
		"a user with an empty domain":       {chargebee.Headers{OriginUser: "zoe@"}, "chargebee-request-origin-user", address},
		"a user with an empty local part":   {chargebee.Headers{OriginUser: "@example.com"}, "chargebee-request-origin-user", address},
		"a user with a display name":        {chargebee.Headers{OriginUser: "Zoë <zoe@example.com>"}, "chargebee-request-origin-user", address},
		"a user with a space in the name":   {chargebee.Headers{OriginUser: "zoe smith@example.com"}, "chargebee-request-origin-user", address},
		"a user with half a quote":          {chargebee.Headers{OriginUser: `"a b@example.com`}, "chargebee-request-origin-user", address},
		"a user with half a bracket":        {chargebee.Headers{OriginUser: "<zoe@example.com"}, "chargebee-request-origin-user", address},
		"a user in brackets":                {chargebee.Headers{OriginUser: "<zoe@example.com>"}, "chargebee-request-origin-user", address},
		"a user with a space in the domain": {chargebee.Headers{OriginUser: "zoe@example com"}, "chargebee-request-origin-user", address},
		"a user with two at signs":          {chargebee.Headers{OriginUser: "zoe@home@example.com"}, "chargebee-request-origin-user", address},
	} {
		want := &chargebee.ParamError{Field: test.field, Reason: test.reason}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, http.StatusOK, activated)
			client := m.client(t)
			_, err := activate(t, client, chargebee.WithHeaders(test.headers))
			require.Equal(t, want, err)

			ctx := chargebee.ContextWithHeaders(t.Context(), test.headers)
			_, err = client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: "tok_secret"})
			require.Equal(t, want, err)
			require.Empty(t, m.sent)

			client, err = chargebee.NewClient("acme-test", "test_key", chargebee.WithHeaders(test.headers))
			require.Nil(t, client)
			require.Equal(t, want, err)
		})
	}
}

func TestWithHeaderRefusesWhatIsNotTheCallersToSet(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ header, value, field, reason string }{
		"the authorization":     {"authorization", "Basic eA==", "authorization", "is set by the client"},
		"the content type":      {"Content-Type", "application/json", "Content-Type", "is set by the client"},
		"the accepted type":     {"Accept", "text/html", "Accept", "is set by the client"},
		"the connection":        {"Connection", "close", "Connection", "is set by the client"},
		"the length":            {"Content-Length", "1", "Content-Length", "is set by the client"},
		"the transfer encoding": {"Transfer-Encoding", "chunked", "Transfer-Encoding", "is set by the client"},
		"the accepted encoding": {"Accept-Encoding", "br", "Accept-Encoding", "is set by the client"},
		"the host":              {"Host", "example.com", "Host", "is set by the client"},
		"the user agent":        {"User-Agent", "x", "User-Agent", "is set with WithUserAgent"},
		"a shared header":       {"chargebee-event-email", "all-disabled", "chargebee-event-email", "is set with Headers"},
		"the idempotency key":   {"chargebee-idempotency-key", "k", "chargebee-idempotency-key", "is set with WithIdempotencyKey"},
		"no name":               {"", "x", "WithHeader", "must have the name of a header"},
		"a name with a space":   {"X Team", "x", "WithHeader", "must have the name of a header"},
		"a name with a break":   {"X-Team\r\nX", "x", "WithHeader", "must have the name of a header"},
		"a name beyond ASCII":   {"X-Größe", "x", "WithHeader", "must have the name of a header"},
		"a value with a break":  {"X-Team", "a\nb", "X-Team", "must not contain control characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := &chargebee.ParamError{Field: test.field, Reason: test.reason}
			m := newMock(t, http.StatusOK, activated)
			_, err := activate(t, m.client(t), chargebee.WithHeader(test.header, test.value))
			require.Equal(t, want, err)
			require.Empty(t, m.sent)

			_, err = chargebee.NewClient("acme-test", "test_key", chargebee.WithHeader(test.header, test.value))
			require.Equal(t, want, err)
		})
	}
}

func TestAHeaderNameHasNoSeparators(t *testing.T) {
	t.Parallel()
	for _, separator := range `"(),/:;<=>?@[\]{}` + " \t\x7fé" {
		_, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithHeader("X"+string(separator)+"Team", "x"))
		require.EqualError(t, err, "chargebee: WithHeader must have the name of a header")
	}
}

func TestOfTwoUserAgentsTheLastWins(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, activated)
	_, err := activate(t, m.client(t, chargebee.WithUserAgent("first/1"), chargebee.WithUserAgent("last/2")))
	require.NoError(t, err)
	require.Equal(t, "last/2 typedbee-chargebee-go/0.1.0", m.only(t).Header.Get("User-Agent"))
}
