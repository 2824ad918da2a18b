package chargebeetest_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestWhatIsNoCallOfTheAPIIsAnsweredInChargebeesShape(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	const form, path = "application/x-www-form-urlencoded", "/api/v2/features/seats/item_entitlements"
	for name, test := range map[string]struct {
		method, path, key, password, contentType, body string
		status                                         int
		code                                           chargebee.ErrorCode
	}{
		"no key":                  {"POST", path, "", "", form, "action=upsert", 401, chargebee.ErrAPIAuthenticationFailed},
		"another key":             {"POST", path, "live_key", "", form, "action=upsert", 401, chargebee.ErrAPIAuthenticationFailed},
		"a password":              {"POST", path, server.APIKey, "x", form, "action=upsert", 401, chargebee.ErrAPIAuthenticationFailed},
		"an unknown path":         {"POST", "/api/v2/features/seats", server.APIKey, "", form, "action=upsert", 404, chargebee.ErrResourceNotFound},
		"a path above the API":    {"POST", "/features/seats/item_entitlements", server.APIKey, "", form, "action=upsert", 404, chargebee.ErrResourceNotFound},
		"a path that is doubled":  {"POST", "/api/v2//features/seats/item_entitlements", server.APIKey, "", form, "action=upsert", 404, chargebee.ErrResourceNotFound},
		"another method":          {"GET", path, server.APIKey, "", "", "", 405, chargebee.ErrHTTPMethodNotSupported},
		"a JSON body":             {"POST", path, server.APIKey, "", "application/json", `{"action":"upsert"}`, 400, chargebee.ErrInvalidRequest},
		"a body that is no form":  {"POST", path, server.APIKey, "", form, "action=%zz", 400, chargebee.ErrInvalidRequest},
		"an empty body":           {"POST", path, server.APIKey, "", form, "", 400, chargebee.ErrParamWrongValue},
		"an index that is none":   {"POST", path, server.APIKey, "", form, "action=upsert&item_entitlements[item_id][x]=a", 400, chargebee.ErrInvalidRequest},
		"a parameter twice":       {"POST", path, server.APIKey, "", form, "action=upsert&action=remove", 400, chargebee.ErrInvalidRequest},
		"an index written oddly":  {"POST", path, server.APIKey, "", form, "action=upsert&item_entitlements[item_id][00]=team", 400, chargebee.ErrInvalidRequest},
		"an index left open":      {"POST", path, server.APIKey, "", form, "action=upsert&item_entitlements[item_id][0=team", 400, chargebee.ErrInvalidRequest},
		"a negative index":        {"POST", path, server.APIKey, "", form, "action=upsert&item_entitlements[item_id][-1]=a", 400, chargebee.ErrInvalidRequest},
		"a field without index":   {"POST", path, server.APIKey, "", form, "action=upsert&item_entitlements[note]=x", 400, chargebee.ErrInvalidRequest},
		"an index without item":   {"POST", path, server.APIKey, "", form, "action=upsert&item_entitlements[value][1000000000]=a", 400, chargebee.ErrParamWrongValue},
		"an id too long":          {"POST", "/api/v2/features/" + strings.Repeat("a", 51) + "/item_entitlements", server.APIKey, "", form, "action=upsert", 400, chargebee.ErrParamWrongValue},
		"a session id too long":   {"POST", "/api/v2/portal_sessions/" + strings.Repeat("a", 71) + "/activate", server.APIKey, "", form, "token=t", 400, chargebee.ErrParamWrongValue},
		"a token too long":        {"POST", "/api/v2/portal_sessions/x/activate", server.APIKey, "", form, "token=" + strings.Repeat("a", 71), 400, chargebee.ErrParamWrongValue},
		"a name that is no text":  {"POST", path, server.APIKey, "", form, "action=upsert&%ff=x", 400, chargebee.ErrInvalidRequest},
		"a value that is no text": {"POST", path, server.APIKey, "", form, "action=upsert&item_entitlements[item_id][0]=%ff", 400, chargebee.ErrInvalidRequest},
		"an action left out":      {"POST", path, server.APIKey, "", form, "item_entitlements[item_id][0]=team", 400, chargebee.ErrParamWrongValue},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
			r.Header.Set("Content-Type", test.contentType)
			if test.key != "" {
				r.SetBasicAuth(test.key, test.password)
			}
			w := httptest.NewRecorder()
			server.ServeHTTP(w, r)
			require.Equal(t, test.status, w.Code)
			require.Equal(t, "application/json;charset=utf-8", w.Header().Get("Content-Type"))
			require.Contains(t, w.Body.String(), `"api_error_code":"`+string(test.code)+`"`)
			require.Contains(t, w.Body.String(), `"message":"`)
		})
	}
}

func TestAnErrorHasAllOfTheVendorsAttributes(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	_, err := activate(t, client, chargebee.PortalReturn{SessionID: server.AddPortalSession("zoe").SessionID, Token: "forged"})
	var apiErr *chargebee.APIError
	require.ErrorAs(t, err, &apiErr)
	require.JSONEq(t, `{
		"message": "token: does not match the portal session", "type": "invalid_request", "api_error_code": "param_wrong_value", "param": "token",
		"error_code": "param_wrong_value", "error_msg": "token: does not match the portal session", "http_status_code": 400
	}`, string(apiErr.Body))
}

func TestTheTypeOfAnErrorFollowsItsStatus(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	stranger, err := chargebee.NewClient(server.Site, "another_key", chargebee.WithBaseURL(server.URL))
	require.NoError(t, err)
	_, err = activate(t, stranger, server.AddPortalSession("zoe"))
	require.ErrorIs(t, err, chargebee.ErrTypeUntyped)
	_, err = change(t, client, "replace")
	require.ErrorIs(t, err, chargebee.ErrTypeInvalidRequest)
}

func TestTheHeadersOfACallAreChecked(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	entries := chargebee.UpsertOrRemoveItemEntitlementsParams{Action: chargebee.ActionUpsert, ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "team"}}}
	for param, headers := range map[string]chargebee.Headers{
		"chargebee-event-actions":      {EventActions: "some-disabled"},
		"chargebee-event-email":        {EventEmail: "All-Disabled"},
		"chargebee-event-webhook":      {EventWebhook: "none"},
		"chargebee-business-entity-id": {BusinessEntityID: strings.Repeat("a", 51)},
	} {
		_, err := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats", entries, chargebee.WithHeaders(headers))
		requireRefused(t, err, 400, chargebee.ErrParamWrongValue, param)
	}
	require.Empty(t, server.ItemEntitlements("seats"))
	_, err := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats", entries, chargebee.WithHeaders(chargebee.Headers{
		OriginUser: "zoë@exämple.com", OriginDevice: "Android", OriginIP: "203.0.113.7", BusinessEntityID: strings.Repeat("a", 50),
		EventActions: chargebee.EventAllDisabled, EventEmail: chargebee.EventAllDisabled, EventWebhook: chargebee.EventAllDisabled,
	}))
	require.NoError(t, err)
}

func TestAKeyTravelsInHTTPBasic(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for authorization, status := range map[string]int{
		basic(server.APIKey + ":"):  200,
		basic(server.APIKey):        200, // as some of the vendor's clients send it
		basic(server.APIKey + "::"): 401,
		basic(":" + server.APIKey):  401,
		"Bearer " + server.APIKey:   401,
		"Basic " + server.APIKey:    401,
		server.APIKey:               401,
		strings.Replace(basic(server.APIKey+":"), "Basic", "basic", 1): 200,
		strings.ToLower(basic("x") + ":"):                              401,
	} {
		w := post(server, strings.NewReader("action=upsert"), authorization)
		require.Equal(t, status, w.Code, authorization)
	}
}

// post sends a change of entitlements straight to the handler; a reader that is no strings.Reader
// goes without a length.
func post(server *chargebeetest.Server, body io.Reader, authorization string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/api/v2/features/seats/item_entitlements", body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	return w
}

// endless is a body of so many bytes, without an end that is known before.
func endless(pattern string, size int64) io.Reader {
	return io.LimitReader(&repeating{pattern: pattern}, size)
}

type repeating struct {
	pattern string
	at      int
}

func (r *repeating) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.pattern[r.at]
		r.at = (r.at + 1) % len(r.pattern)
	}
	return len(p), nil
}

func distinctFields(count int) io.Reader {
	var body strings.Builder
	for i := range count {
		body.WriteString("a" + strconv.Itoa(i) + "=&")
	}
	return strings.NewReader(body.String())
}

func TestABodyThatBreaksOffIsRefused(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(server.APIKey+":"))
	w := post(server, iotest.ErrReader(io.ErrUnexpectedEOF), basic)
	require.Equal(t, 400, w.Code)
	require.Contains(t, w.Body.String(), `"message":"The body cannot be read"`)
}

func TestAHostileBodyCostsLittle(t *testing.T) {
	for name, test := range map[string]struct {
		body  func() io.Reader
		code  chargebee.ErrorCode
		limit uint64 // bytes allocated on the way
	}{
		"100 MB of one parameter":      {func() io.Reader { return endless("a", 100<<20) }, chargebee.ErrInvalidRequest, 80 << 20},
		"100 MB of the same parameter": {func() io.Reader { return endless("a=1&", 100<<20) }, chargebee.ErrInvalidRequest, 80 << 20},
		"100 MB, announced":            {func() io.Reader { return strings.NewReader(strings.Repeat("a", 100<<20)) }, chargebee.ErrInvalidRequest, 1 << 20},
		"a name of eight million characters": {func() io.Reader {
			return strings.NewReader("action=upsert&item_entitlements[" + strings.Repeat("<", 8<<20-100))
		}, chargebee.ErrInvalidRequest, 80 << 20},
		"thousands of duplicates":       {func() io.Reader { return strings.NewReader(strings.Repeat("action=upsert&", 100_000)) }, chargebee.ErrInvalidRequest, 8 << 20},
		"more parameters than it takes": {func() io.Reader { return distinctFields(100_001) }, chargebee.ErrInvalidRequest, 80 << 20},
		"an index of 1,000,000,000":     {func() io.Reader { return strings.NewReader("action=upsert&item_entitlements[value][1000000000]=a") }, chargebee.ErrParamWrongValue, 1 << 20},
		"an index that no integer type holds": {func() io.Reader {
			return strings.NewReader("action=upsert&item_entitlements[item_id][99999999999999999999]=team")
		}, chargebee.ErrInvalidRequest, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := newServer(t, chargebeetest.WithoutRequests())
			authorization := "Basic " + base64.StdEncoding.EncodeToString([]byte(server.APIKey+":"))
			body := test.body()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			w := post(server, body, authorization)
			runtime.ReadMemStats(&after)

			require.Equal(t, 400, w.Code)
			require.Contains(t, w.Body.String(), `"api_error_code":"`+string(test.code)+`"`)
			require.Less(t, w.Body.Len(), 3000)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, test.limit)
			require.Empty(t, server.ItemEntitlements("seats"))
		})
	}
}

func TestAHostileBodyGetsItsAnswerOverTheWireToo(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/features/seats/item_entitlements", endless("a=1&", 100<<20))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(server.APIKey, "")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 400, resp.StatusCode)

	require.Nil(t, server.Requests()[0].Body)
	_, err = activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
}

func TestAClientThatListensOnlyAfterItHasSentEverythingIsHeard(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	address := strings.TrimSuffix(strings.TrimPrefix(server.URL, "http://"), "/api/v2")
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	const size = 50 << 20
	_, err = fmt.Fprintf(conn, "POST /api/v2/features/seats/item_entitlements HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
	require.NoError(t, err)
	_, err = io.Copy(conn, endless("a", size))
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 401, resp.StatusCode)
}

func TestEmptyPairsAreNoParameters(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	authorization := "Basic " + base64.StdEncoding.EncodeToString([]byte(server.APIKey+":"))
	w := post(server, strings.NewReader("&&action=upsert&&"), authorization)
	require.Equal(t, 200, w.Code)
}

func TestWhatIsWrongFirstIsAnsweredFirst(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, chargebeetest.WithRateLimit(8))
	_, err := upsertWith(t.Context(), client, "20", chargebee.WithIdempotencyKey("key-1"))
	require.NoError(t, err)
	long, nowhere := "/api/v2/features/"+strings.Repeat("a", 51)+"/item_entitlements", "/api/v2/features/nowhere/item_entitlements"
	for _, test := range []struct{ first, method, path, event, body, idempotencyKey, answer string }{
		{"the path", "GET", "/unknown", "x", "action=%zz", "key-1", "There is no operation at this path"},
		{"the method", "GET", long, "x", "action=%zz", "key-1", "The http method is not allowed for this URL"},
		{"the id in the path", "POST", long, "x", "action=%zz", "key-1", "The ID in the path is too long"},
		{"the headers", "POST", nowhere, "x", "action=%zz", "key-1", "chargebee-event-email: must be all-disabled"},
		{"the body", "POST", nowhere, "all-disabled", "action=%zz", "key-1", "The body must be application/x-www-form-urlencoded: a percent-encoding is malformed"},
		{"the idempotency key", "POST", nowhere, "all-disabled", "action=x", "key-1", "The idempotency key was used with another path, body or chargebee-* header"},
		{"the parameters", "POST", nowhere, "all-disabled", "action=x", "key-2", "action: must be upsert or remove"},
		{"the rate limit", "GET", "/unknown", "x", "action=%zz", "key-1", "Sorry, you have exceeded the API request limit"},
		{"the key", "GET", "/unknown", "x", "action=%zz", "key-1", "Sorry, authentication failed. Invalid api key"},
	} {
		r := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("chargebee-event-email", test.event)
		r.Header.Set("chargebee-idempotency-key", test.idempotencyKey)
		if test.first != "the key" {
			r.SetBasicAuth(server.APIKey, "")
		}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		require.Contains(t, w.Body.String(), `"message":"`+test.answer+`"`, test.first)
	}
}
