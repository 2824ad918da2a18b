package chargebee_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// FuzzResponse checks that a call ends in a result or in one typed error, after at most
// five attempts, and that no error or log contains a secret, whatever a server responds.
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

// FuzzRetryAfter checks that a Retry-After header is read as the number of seconds or the date
// that it is, and that the next attempt waits for that time.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{
		"", "0", "1", " 7 ", "59.999999", "60", "61", "000000000000000000001", "9223372036.854775", "9223372036.854776", "99999999999999999999",
		"0.5", ".5", "5.", ".", "1.2.3", "-1", "+1", "1e3", "0x10", "1_000", "Inf", "NaN", "é", "1 s", "1, 2",
		"Sat, 01 Jan 2000 00:00:30 GMT", "Saturday, 01-Jan-00 00:00:30 GMT", "Sat Jan  1 00:00:30 2000",
		"Fri, 31 Dec 1999 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 2000 00:00:30 CET",
	} {
		f.Add(value, "")
		f.Add(value, "Sat, 01 Jan 2000 00:00:10 GMT")
		f.Add(value, "Sat, 01 Jan 10000 00:00:10 GMT")
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		if _, decimals, _ := strings.Cut(value, "."); len(decimals) > 6 {
			return // the wait is computed as a float64
		}
		synctest.Test(t, func(t *testing.T) {
			limited := func(req *http.Request) (*http.Response, error) {
				resp, err := respond(429, "{}")(req)
				resp.Header = http.Header{"Retry-After": {value}, "Date": {date}}
				return resp, err
			}
			transport := newFakeTransport(limited, respond(200, activatedJSON))
			want := readRetryAfter(value, date)
			_, err := activate(t.Context(), newClient(t, transport))
			if want > time.Minute {
				require.Len(t, transport.requests, 1)
				var apiErr *chargebee.APIError
				require.ErrorAs(t, err, &apiErr)
				require.InDelta(t, want, apiErr.RetryAfter, 1+1e-15*float64(want))
				return
			}
			require.NoError(t, err)
			require.Len(t, transport.requests, 2)
			least := cmp.Or(want, 250*time.Millisecond)
			wait := transport.waits()[0]
			require.GreaterOrEqual(t, wait, least-1)
			require.LessOrEqual(t, wait, least+250*time.Millisecond+1)
		})
	})
}

// readRetryAfter returns the wait that Retry-After requests of a response that arrives when a
// bubble begins.
func readRetryAfter(value, date string) time.Duration {
	value = strings.TrimSpace(value)
	if at, err := http.ParseTime(value); err == nil {
		now, err := http.ParseTime(date)
		if err != nil {
			now = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		return max(0, at.Sub(now))
	}
	if !regexp.MustCompile(`^([0-9]+\.?[0-9]*|\.[0-9]+)$`).MatchString(value) {
		return 0
	}
	seconds, _ := new(big.Rat).SetString(value)
	exact := new(big.Rat).Mul(seconds, big.NewRat(1e9, 1))
	nanoseconds := new(big.Int).Quo(exact.Num(), exact.Denom())
	if !nanoseconds.IsInt64() {
		return math.MaxInt64
	}
	return time.Duration(nanoseconds.Int64())
}

// FuzzRedaction checks that no error shows the key or the token, as they are or with any of
// their characters escaped as in a URL, or the secret of an access URL, wherever they are in a
// text.
func FuzzRedaction(f *testing.F) {
	f.Add("test_key", secretToken, "no ", " of ", uint64(0), uint8(0))
	f.Add("test_key", secretToken, "/a?token=", "&", uint64(0xffffffff), uint8(1))
	f.Add("abcd", "a b/c+d~e!f", "portal/access/", "token%3D", uint64(0xaaaa), uint8(2))
	f.Add("live_12345", "é%2F|\\\"", "%", "%26", uint64(0x5555), uint8(3))
	f.Add("test_key", "test_key_and_more", "tes", "t_key", uint64(3), uint8(4))
	f.Fuzz(func(t *testing.T, key, token, before, after string, escaped uint64, form uint8) {
		const portalSecret = "S3CR3T-0"
		if !isSecret(key) || !isSecret(token) || strings.Contains(before+after, portalSecret) {
			return
		}
		intros := []string{"portal/access/", "?token=", "portal%2faccess%2F", "auth_session_token%3d"}
		escape := func(secret string) string { return escapeSome(secret, escaped, form%2 == 1) }
		encodedKey := base64.RawStdEncoding.EncodeToString([]byte(key + ":"))
		text := strings.ToValidUTF8(strings.Join([]string{
			before, escape(key), after, escape(token), before, escape(encodedKey), after, intros[form%4], portalSecret, " ", before,
		}, ""), "")
		body, err := json.Marshal(map[string]any{
			"message": text, "type": text, "api_error_code": text, "param": []string{text}, "error_cause_id": text,
		})
		require.NoError(t, err)
		for _, responder := range []httpmock.Responder{respond(400, string(body)), failWith(errors.New(text))} {
			client, err := chargebee.NewClient("acme-test", key, chargebee.WithHTTPClient(&http.Client{Transport: newFakeTransport(responder)}), noRetries)
			if err != nil {
				return
			}
			_, err = client.Do(t.Context(), postCustomers, nil, chargebee.WithParam("token", token), chargebee.WithIdempotencyKey("key-1"))
			shown := allTextOf(err)
			for _, secret := range []string{key, token, encodedKey, portalSecret} {
				require.NotContains(t, shown, secret)
				require.NotContains(t, shown, escape(secret))
			}
		}
	})
}

// isSecret reports whether a text can be sought in an error, of whose own words it is no part.
func isSecret(text string) bool {
	const ownWords = "chargebee: POST /customers: 400 Bad Request: no response: [redacted] (param ) (outcome unknown, idempotency key key-1) <nil>"
	return len(text) >= 4 && utf8.ValidString(text) && !strings.Contains(ownWords, text) && !strings.ContainsAny(text, "[]") && strings.TrimSpace(text) != ""
}

// allTextOf returns what an error, its fields and the error that it wraps show, each on a line.
func allTextOf(err error) string {
	texts := []string{fmt.Sprint(err), fmt.Sprintf("%#v", err), fmt.Sprint(errors.Unwrap(err))}
	var apiErr *chargebee.APIError
	if errors.As(err, &apiErr) {
		texts = append(texts, apiErr.Message, string(apiErr.Type), string(apiErr.Code), apiErr.Param, apiErr.CauseID)
	}
	return strings.Join(texts, "\n")
}

// escapeSome escapes the characters of a text as in a URL that an encoder must escape, and
// those others whose bit is set.
func escapeSome(text string, bits uint64, isLower bool) string {
	format := "%%%02X"
	if isLower {
		format = "%%%02x"
	}
	var escaped strings.Builder
	for i, r := range text {
		mustEscape := r == '%' || r >= utf8.RuneSelf
		if bits == 0 || !mustEscape && bits>>(i%64)&1 == 0 {
			escaped.WriteRune(r)
			continue
		}
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&escaped, format, c)
		}
	}
	return escaped.String()
}
