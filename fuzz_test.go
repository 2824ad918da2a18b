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
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// FuzzResponse checks that a call ends in a result or in one typed error, after at most
// three attempts, and that no error or log contains a secret, whatever a server responds.
func FuzzResponse(f *testing.F) {
	const leakyJSON = `{"message":"no ` + secretToken + `","type":"` + secretToken + `","api_error_code":"` + secretToken + `",` +
		`"param":["a","` + secretKey + `"],"error_cause_id":"t0k%2Ben%2Fsecret"}`
	for _, status := range []int{100, 101, 200, 204, 302, 400, 409, 429, 500, 503, 600, 999} {
		f.Add(true, status, "Content-Type: application/json\r\n", activatedJSON)
		f.Add(false, status, "Content-Type: application/json\r\n", leakyJSON)
	}
	for _, body := range []string{
		``, `null`, `[]`, `<html>503</html>`, `{"message":"a`, "\xff\xfe", `{"message":"m","type":"t","api_error_code":"c","param":"p"}`,
		`{"param":[1]}`, `{"param":null,"message":7}`, `{"message":"\ud800"}`, `{"message":"a\u2028b\u0007\u2029"}`,
		`{"message":"` + strings.Repeat("a", 1000) + `"}`, `{"message":"https://acme.chargebeeportal.com/portal/access/test_key"}`,
		`{"message":"The previous request is still in progress."}`, `{"portal_session":{"id":1}}`, emptyListJSON, `{"list":[{}]}`, `{"list":[null]}`,
		`{"list":[{"item_entitlement":{"id":"ent_1"}}]}`, `{"list":null,"item_entitlement":{"id":"ent_1"}}`,
	} {
		f.Add(true, 200, "", body)
		f.Add(false, 200, "", body)
		f.Add(true, 409, "", body)
	}
	for _, header := range []string{
		"Retry-After: 0\r\n", "Retry-After: 1\r\nRetry-After: 2\r\n", "Retry-After: 99999999999999999999\r\n", "Retry-After: -1\r\n",
		"Retry-After: Mon, 01 Jan 0001 00:00:00 GMT\r\n", "Chargebee-Idempotency-Replayed: true\r\n", "Location: %zz\r\n",
		"Location: https://example.com/\r\nSet-Cookie: a=b\r\n", "no colon\r\n",
	} {
		f.Add(true, 429, header, `{}`)
		f.Add(true, 302, header, `{}`)
	}
	f.Fuzz(func(t *testing.T, activation bool, status int, header, body string) {
		wellFormed, _ := textproto.NewReader(bufio.NewReader(strings.NewReader(header + "\r\n"))).ReadMIMEHeader()
		transport := newFakeTransport(func(req *http.Request) (*http.Response, error) {
			resp, err := respond(status, body)(req)
			resp.Header = http.Header(wellFormed)
			return resp, err
		})
		var logged bytes.Buffer
		client := newClient(t, transport,
			chargebee.WithRetry(chargebee.Retry{BaseDelay: 1, MaxDelay: 1, MaxRetryAfter: 1}), // nanoseconds
			chargebee.WithLogger(slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))))

		var resp chargebee.Response
		var err error
		if activation {
			var activated *chargebee.PortalSessionResponse
			if activated, err = activateSecretly(t.Context(), client); err == nil {
				require.NotEmpty(t, activated.PortalSession.ID)
				resp = activated.Response
			}
		} else {
			var upserted *chargebee.UpsertOrRemoveItemEntitlementsResponse
			upserted, err = client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats",
				chargebee.UpsertOrRemoveItemEntitlementsParams{Action: secretToken}, chargebee.WithParam("token", secretToken))
			if err == nil {
				require.NotContains(t, upserted.ItemEntitlements, chargebee.ItemEntitlement{})
				resp = upserted.Response
			}
		}

		attempts := len(transport.requests)
		require.LessOrEqual(t, attempts, 5)
		var apiErr *chargebee.APIError
		var decodeErr *chargebee.DecodeError
		if errors.As(err, &apiErr) {
			require.False(t, 200 <= status && status <= 299)
			require.Equal(t, []int{status, attempts}, []int{apiErr.StatusCode, apiErr.Attempts})
			require.GreaterOrEqual(t, apiErr.RetryAfter, time.Duration(0))
		} else {
			if errors.As(err, &decodeErr) {
				resp = decodeErr.Response
			}
			require.True(t, 200 <= status && status <= 299)
			require.Equal(t, []int{status, 1, 1}, []int{resp.StatusCode, resp.Attempts, attempts})
			require.Equal(t, body, string(resp.Body))
		}

		line := fmt.Sprint(err)
		require.False(t, strings.ContainsFunc(line, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) }), line)
		require.LessOrEqual(t, utf8.RuneCountInString(line), 1000)
		require.True(t, utf8.ValidString(line))
		requireNoSecret(t, logged.String()+line+fmt.Sprintf("%+v %#v", err, err))
	})
}

// FuzzReturnURL checks that a return URL is accepted if and only if it has each parameter exactly once.
func FuzzReturnURL(f *testing.F) {
	for _, rawURL := range []string{
		"/return?auth_session_id=portal_1&auth_session_token=tok_secret", "", "//", "#?auth_session_id=a", "mailto:auth_session_id=a",
		"?auth_session_id=a&auth_session_id=b&auth_session_token=c", "?auth_session_id=&auth_session_token",
		"?auth_session_id=a&auth_session_id=b&auth_session_id=c&auth_session_token=d",
		"?auth_session_id=%61&auth%5Fsession%5Ftoken=b+c", "?auth_session_id=a;auth_session_token=b",
		"?auth_session_id=%zz&auth_session_id=a&auth_session_token=b",
		"https://user:pw@[::1]:1/?auth_session_token=%00%ff&auth_session_id=%2e%2e",
	} {
		f.Add(rawURL)
	}
	f.Fuzz(func(t *testing.T, rawURL string) {
		u, err := url.Parse(rawURL)
		if err != nil {
			return
		}
		query, _ := url.ParseQuery(u.RawQuery) // without the malformed parameters
		ids, tokens := query["auth_session_id"], query["auth_session_token"]
		got, err := chargebee.ParseReturnURL(u)
		if len(ids) != 1 || ids[0] == "" || len(tokens) != 1 || tokens[0] == "" {
			require.Error(t, err)
			require.Zero(t, got)
			return
		}
		require.NoError(t, err)
		require.Equal(t, chargebee.PortalReturn{SessionID: ids[0], Token: tokens[0]}, got)
	})
}
