package chargebee_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// Whatever a server answers, a call ends in a result or in one typed error,
// after three attempts at most, and nothing that it sent is in a message.
func FuzzAnswer(f *testing.F) {
	const asJSON = "Content-Type: application/json\r\n"
	for _, status := range []int{100, 101, 102, 200, 201, 204, 302, 400, 401, 404, 409, 422, 429, 500, 503, 504, 600, 999} {
		f.Add(true, status, asJSON, activated)
		f.Add(false, status, asJSON, `{"message":"no `+secretToken+`","type":"`+secretKey+`","api_error_code":"`+secretToken+`","param":["a","`+secretKey+`"],"error_cause_id":"t0k%2Ben%2Fsecret"}`)
	}
	for _, body := range []string{
		``, `{}`, `null`, `[]`, `"x"`, `{"message":"m","type":"t","api_error_code":"c","param":"p"}`, `{"param":[1]}`, `{"param":{}}`, `{"param":null,"message":7}`,
		`<html>503</html>`, `{"message":"a`, "\xff\xfe", `{"message":"\ud800"}`, `{"message":"a\u2028b\u0007"}`, `{"portal_session":{"id":1}}`,
		`{"list":[{"item_entitlement":{"id":"ent_1"}}]}`, `{"list":[{}]}`, `{"list":[null]}`, `{"message":"a\u2029b"}`, `{"list":null,"item_entitlement":{"id":"ent_1"}}`, noneLeft,
		`{"message":"https://acme.chargebeeportal.com/portal/access/live_k3y"}`, `{"message":"The previous request is still in progress."}`,
	} {
		f.Add(true, 200, "", body)
		f.Add(false, 200, "", body)
		f.Add(true, 409, "", body)
	}
	for _, header := range []string{
		"Retry-After: 0\r\n", "Retry-After: 1\r\nRetry-After: 2\r\n", "Retry-After: 99999999999999999999\r\n", "Retry-After: -1\r\n", "Retry-After: Mon, 01 Jan 0001 00:00:00 GMT\r\n",
		"Chargebee-Idempotency-Replayed: true\r\n", "Location: %zz\r\n", "Location: https://example.com/\r\nSet-Cookie: a=b\r\n", "no colon\r\n",
	} {
		f.Add(true, 429, header, `{}`)
		f.Add(true, 302, header, `{}`)
	}
	f.Fuzz(func(t *testing.T, login bool, status int, header, body string) {
		parsed, _ := textproto.NewReader(bufio.NewReader(strings.NewReader(header + "\r\n"))).ReadMIMEHeader() // what is well-formed of it
		sent := 0
		var log bytes.Buffer
		client, err := chargebee.NewClient("acme", secretKey,
			chargebee.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
				sent++
				answer, err := answering(status, body).RoundTrip(req)
				answer.Header = http.Header(parsed)
				return answer, err
			})}),
			chargebee.WithRetry(chargebee.Retry{BaseDelay: 1, MaxDelay: 1, MaxRetryAfter: 1}), // nanoseconds
			chargebee.WithLogger(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		require.NoError(t, err)

		var answer chargebee.Response
		if login {
			resp, problem := client.PortalSessions.ActivatePortalSession(t.Context(), "portal_1", chargebee.ActivatePortalSessionParams{Token: secretToken})
			require.Equal(t, problem == nil, resp != nil)
			if err = problem; err == nil {
				require.NotEmpty(t, resp.PortalSession.ID)
				answer = resp.Response
			}
		} else {
			resp, problem := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{Action: secretToken},
				chargebee.WithParam("token", secretToken))
			require.Equal(t, problem == nil, resp != nil)
			if err = problem; err == nil {
				require.NotContains(t, resp.ItemEntitlements, chargebee.ItemEntitlement{})
				answer = resp.Response
			}
		}

		var refused *chargebee.APIError
		var unreadable *chargebee.DecodeError
		switch {
		case errors.As(err, &refused):
			require.Equal(t, status, refused.StatusCode)
			require.Equal(t, sent, refused.Attempts)
			require.GreaterOrEqual(t, refused.RetryAfter.Nanoseconds(), int64(0))
			require.False(t, 200 <= status && status <= 299)
		case errors.As(err, &unreadable):
			answer = unreadable.Response
			_, unknown := chargebee.OutcomeUnknown(err)
			require.False(t, unknown)
			fallthrough
		default:
			require.Equal(t, status, answer.StatusCode)
			require.Equal(t, sent, answer.Attempts)
			require.Equal(t, body, string(answer.Body))
			require.True(t, 200 <= status && status <= 299)
			require.Equal(t, 1, sent)
		}
		require.LessOrEqual(t, sent, 3)

		line := fmt.Sprint(err)
		require.False(t, strings.ContainsFunc(line, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) }), line)
		require.LessOrEqual(t, utf8.RuneCountInString(line), 1000)
		require.True(t, utf8.ValidString(line))
		requireNothingSent(t, log.String()+line+fmt.Sprintf("%+v %#v", err, err))
	})
}

// A return URL is accepted if and only if it has each parameter once.
func FuzzParseReturnURL(f *testing.F) {
	for _, raw := range []string{
		"/return?auth_session_id=portal_1&auth_session_token=tok_secret", "?auth_session_id=a&auth_session_id=b&auth_session_token=c", "?auth_session_id=&auth_session_token", "?auth_session_id=a&auth_session_id=b&auth_session_id=c&auth_session_token=d",
		"?auth_session_id=%61&auth%5Fsession%5Ftoken=b+c", "?auth_session_id=a;auth_session_token=b", "?auth_session_id=%zz&auth_session_id=a&auth_session_token=b",
		"#?auth_session_id=a", "https://user:pw@[::1]:1/?auth_session_token=%00%ff&auth_session_id=%2e%2e", "", "//", "mailto:auth_session_id=a",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		found := map[string][]string{}
		for pair := range strings.SplitSeq(u.RawQuery, "&") {
			name, value, _ := strings.Cut(pair, "=")
			name, badName := url.QueryUnescape(name)
			value, badValue := url.QueryUnescape(value)
			if badName == nil && badValue == nil && !strings.Contains(pair, ";") {
				found[name] = append(found[name], value)
			}
		}
		var refusals []string
		for _, name := range []string{"auth_session_id", "auth_session_token"} {
			if values := found[name]; len(values) != 1 || values[0] == "" {
				refusals = append(refusals, "chargebee: "+name+" must occur once in the return URL, and must not be empty")
			}
		}

		got, err := chargebee.ParseReturnURL(u)
		if len(refusals) > 0 {
			require.EqualError(t, err, strings.Join(refusals, "\n"))
			require.Zero(t, got)
			return
		}
		require.NoError(t, err)
		require.Equal(t, chargebee.PortalReturn{SessionID: found["auth_session_id"][0], Token: found["auth_session_token"][0]}, got)
	})
}

// What is sent parses back to what was given, whatever the text.
func FuzzEntriesParseBack(f *testing.F) {
	f.Add("team", "plan", "20", "extra", "", "unlimited", uint8(2))
	f.Add("team", "plan", "20", "extra", "", "unlimited", uint8(200))
	f.Add("a&b=c", "[0]", "%5D", "é\x00\n+ ;", "]", "\u2028", uint8(12))
	f.Fuzz(func(t *testing.T, item, itemType, value, otherItem, otherType, otherValue string, count uint8) {
		var entries []chargebee.ItemEntitlementParams
		want := url.Values{"action": {"upsert"}}
		for i := range int(count) {
			entry := chargebee.ItemEntitlementParams{ItemID: item, ItemType: chargebee.ItemType(itemType), Value: value}
			if i%2 == 1 {
				entry = chargebee.ItemEntitlementParams{ItemID: otherItem, ItemType: chargebee.ItemType(otherType), Value: otherValue}
			}
			entries = append(entries, entry)
			want.Set(fmt.Sprintf("item_entitlements[item_id][%d]", i), entry.ItemID)
			if entry.ItemType != "" {
				want.Set(fmt.Sprintf("item_entitlements[item_type][%d]", i), string(entry.ItemType))
			}
			if entry.Value != "" {
				want.Set(fmt.Sprintf("item_entitlements[value][%d]", i), entry.Value)
			}
		}
		m := newMock(t, http.StatusOK, noneLeft)
		_, err := upsert(t, m.client(t), entries...)
		meant := func(e chargebee.ItemEntitlementParams) bool {
			return e.ItemID != "" && utf8.ValidString(e.ItemID+"|"+string(e.ItemType)+"|"+e.Value)
		}
		if slices.ContainsFunc(entries, func(e chargebee.ItemEntitlementParams) bool { return !meant(e) }) {
			var refused *chargebee.ParamError
			require.ErrorAs(t, err, &refused)
			return
		}
		require.NoError(t, err)
		got, err := url.ParseQuery(m.only(t).body)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func FuzzPathValuesStayInTheirSegment(f *testing.F) {
	for _, id := range []string{"portal_1", "a/b", "a/../b", "?x=1#y", "%2F", "é", "..;", `a\b`, "\x00", "https://example.com/"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		m := newMock(t, http.StatusOK, activated)
		_, err := m.client(t).PortalSessions.ActivatePortalSession(t.Context(), id, chargebee.ActivatePortalSessionParams{Token: "tok_secret"})
		if id == "" || id == "." || id == ".." || !utf8.ValidString(id) {
			var refused *chargebee.ParamError
			require.ErrorAs(t, err, &refused)
			return
		}
		require.NoError(t, err)
		u := m.only(t).URL
		require.Equal(t, "acme-test.chargebee.com", u.Host)
		require.Empty(t, u.RawQuery)
		segments := strings.Split(u.EscapedPath(), "/")
		require.Len(t, segments, 6)
		unescaped, err := url.PathUnescape(segments[4])
		require.NoError(t, err)
		require.Equal(t, id, unescaped)
	})
}
