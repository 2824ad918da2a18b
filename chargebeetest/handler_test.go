package chargebeetest_test

import (
	"bufio"
	"cmp"
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

// requireErrorBody checks the status and the code of a response.
func requireErrorBody(t *testing.T, w *httptest.ResponseRecorder, status int, code chargebee.ErrorCode, name string) {
	t.Helper()
	require.Equal(t, status, w.Code, name)
	require.Equal(t, "application/json;charset=utf-8", w.Header().Get("Content-Type"), name)
	require.Contains(t, w.Body.String(), `"api_error_code":"`+string(code)+`"`, name)
}

func TestUnknownOperationsAreRejected(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	for name, test := range map[string]struct {
		method, path string
		status       int
		code         chargebee.ErrorCode
	}{
		"another method":                       {"PUT", seatsPath, 405, chargebee.ErrHTTPMethodNotSupported},
		"HEAD":                                 {"HEAD", seatsPath, 405, chargebee.ErrHTTPMethodNotSupported},
		"OPTIONS":                              {"OPTIONS", seatsPath, 405, chargebee.ErrHTTPMethodNotSupported},
		"feature ID too long":                  {"POST", "/api/v2/features/" + strings.Repeat("a", 51) + "/item_entitlements", 400, chargebee.ErrParamWrongValue},
		"ID to retrieve too long":              {"GET", "/api/v2/features/" + strings.Repeat("a", 51), 400, chargebee.ErrParamWrongValue},
		"feature ID of a list too long":        {"GET", "/api/v2/features/" + strings.Repeat("a", 51) + "/item_entitlements", 400, chargebee.ErrParamWrongValue},
		"session ID too long":                  {"POST", "/api/v2/portal_sessions/" + strings.Repeat("a", 71) + "/activate", 400, chargebee.ErrParamWrongValue},
		"longest feature ID":                   {"POST", "/api/v2/features/" + strings.Repeat("a", 50) + "/item_entitlements", 404, chargebee.ErrResourceNotFound},
		"longest session ID":                   {"POST", "/api/v2/portal_sessions/" + strings.Repeat("a", 70) + "/activate", 404, chargebee.ErrResourceNotFound},
		"ID of a session to retrieve too long": {"GET", "/api/v2/portal_sessions/" + strings.Repeat("a", 71), 400, chargebee.ErrParamWrongValue},
		"ID of a session to log out too long":  {"POST", "/api/v2/portal_sessions/" + strings.Repeat("a", 71) + "/logout", 400, chargebee.ErrParamWrongValue},
	} {
		w := serve(server, test.method, test.path, strings.NewReader("action=upsert&token="+strings.Repeat("t", 70)))
		requireErrorBody(t, w, test.status, test.code, name)
	}
	w := serve(server, "POST", "/api/v2/portal_sessions/x/activate", strings.NewReader("token="+strings.Repeat("t", 71)))
	requireErrorBody(t, w, 400, chargebee.ErrParamWrongValue, "token too long")
	w = serve(server, "POST", "/api/v2/portal_sessions/x/activate", nil)
	requireErrorBody(t, w, 400, chargebee.ErrParamWrongValue, "no token")
}

func TestUnknownPathsAreNotImplemented(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	for path, message := range map[string]string{
		"/api/v2/customers":                         "POST /customers: serve it with Server.Handle",
		"/api/v2/customers/zoe?limit=1":             "POST /customers/zoe: serve it with Server.Handle",
		"/features/seats/item_entitlements":         "POST /features/seats/item_entitlements: paths of the API begin with /api/v2",
		"/api/v2":                                   "POST /api/v2: paths of the API begin with /api/v2",
		"/api/v2//features/seats/item_entitlements": "POST //features/seats/item_entitlements: serve it with Server.Handle",
		"/api/v2/" + strings.Repeat("x", 1000):      "POST /" + strings.Repeat("x", 194) + ": serve it with Server.Handle",
	} {
		w := serve(server, "POST", path, strings.NewReader(seatsForm))
		require.Equal(t, 501, w.Code, path)
		require.JSONEq(t, `{"message":"chargebeetest does not emulate `+message+`"}`, w.Body.String())
	}
	_, err := client.Do(t.Context(), chargebee.Request{Method: "GET", Path: "/customers"}, nil)
	requireAPIError(t, err, 501, "", "")
}

func TestInvalidFormsAreRejected(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	for name, test := range map[string]struct {
		contentType, body string
		code              chargebee.ErrorCode
	}{
		"JSON":                          {"application/json", `{"action":"upsert"}`, chargebee.ErrInvalidRequest},
		"malformed percent-encoding":    {"", "action=%zz", chargebee.ErrInvalidRequest},
		"name that is not UTF-8":        {"", "action=upsert&%ff=x", chargebee.ErrInvalidRequest},
		"value that is not UTF-8":       {"", "action=upsert&item_entitlements[item_id][0]=%ff", chargebee.ErrInvalidRequest},
		"duplicate parameter":           {"", "action=upsert&action=remove", chargebee.ErrInvalidRequest},
		"no parameters":                 {"", "", chargebee.ErrParamWrongValue},
		"no parameters as plain text":   {"text/plain", "", chargebee.ErrParamWrongValue},
		"JSON of one byte":              {"application/json", "1", chargebee.ErrInvalidRequest},
		"no action":                     {"", "item_entitlements[item_id][0]=team", chargebee.ErrParamWrongValue},
		"index that is not a number":    {"", "action=upsert&item_entitlements[item_id][x]=a", chargebee.ErrInvalidRequest},
		"index with leading zeros":      {"", "action=upsert&item_entitlements[item_id][00]=team", chargebee.ErrInvalidRequest},
		"index without closing bracket": {"", "action=upsert&item_entitlements[item_id][0=team", chargebee.ErrInvalidRequest},
		"negative index":                {"", "action=upsert&item_entitlements[item_id][-1]=a", chargebee.ErrInvalidRequest},
		"field without an index":        {"", "action=upsert&item_entitlements[note]=x", chargebee.ErrInvalidRequest},
	} {
		contentType := cmp.Or(test.contentType, "application/x-www-form-urlencoded")
		w := serve(server, "POST", seatsPath, strings.NewReader(test.body), "Content-Type", contentType)
		requireErrorBody(t, w, 400, test.code, name)
	}
	for _, valid := range []string{
		"&&action=upsert&&", "action=upsert&note=x",
		"action=upsert&item_entitlements[item_id][0]=team&item_entitlements[note][0]=x&item_entitlements[note][7]=x",
	} {
		require.Equal(t, 200, serve(server, "POST", seatsPath, strings.NewReader(valid)).Code, valid)
	}
	require.Len(t, server.ItemEntitlements("seats"), 1)
	w := serve(server, "POST", seatsPath, iotest.ErrReader(io.ErrUnexpectedEOF))
	require.Equal(t, 400, w.Code)
	require.Contains(t, w.Body.String(), `"message":"The body cannot be read"`)
}

func TestChargebeeHeadersAreValidated(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	for name, test := range map[string]struct{ valid, invalid string }{
		"chargebee-event-actions":      {"all-disabled", "some-disabled"},
		"chargebee-event-email":        {"all-disabled", "All-Disabled"},
		"chargebee-event-webhook":      {"all-disabled", "none"},
		"chargebee-business-entity-id": {strings.Repeat("a", 50), strings.Repeat("a", 51)},
		"chargebee-idempotency-key":    {strings.Repeat("ä", 100), strings.Repeat("a", 101)},
	} {
		w := serve(server, "POST", seatsPath, strings.NewReader(seatsForm), name, test.valid)
		require.Equal(t, 200, w.Code, name)
		w = serve(server, "POST", seatsPath, strings.NewReader(seatsForm), name, test.invalid)
		requireErrorBody(t, w, 400, chargebee.ErrParamWrongValue, name)
		require.Contains(t, w.Body.String(), `"param":"`+name+`"`)
	}
}

func TestAPIKeyIsTheUserNameOfBasicAuth(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	for authorization, status := range map[string]int{
		basicAuth(server.APIKey + ":"):  200,
		basicAuth(server.APIKey):        200, // as some of the vendor's clients send it
		basicAuth(server.APIKey + "::"): 401,
		basicAuth(server.APIKey + ":x"): 401,
		basicAuth(":" + server.APIKey):  401,
		basicAuth("live_key:"):          401,
		"Bearer " + server.APIKey:       401,
		"Basic " + server.APIKey:        401,
		server.APIKey:                   401,
		"":                              401,
		strings.Replace(basicAuth(server.APIKey+":"), "Basic", "basic", 1):  200,
		strings.Replace(basicAuth(server.APIKey+":"), "Basic", "Bearer", 1): 401,
		basicAuth(server.APIKey+":") + "x":                                  401,
	} {
		w := serve(server, "POST", seatsPath, strings.NewReader(seatsForm), "Authorization", authorization)
		require.Equal(t, status, w.Code, authorization)
		require.Equal(t, status == 401, strings.Contains(w.Body.String(), `"type":"untyped","api_error_code":"api_authentication_failed"`), authorization)
	}
}

func TestErrorsAreReportedInADocumentedOrder(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t, chargebeetest.WithRateLimit(9))
	w := serve(server, "POST", seatsPath, strings.NewReader(seatsForm), "chargebee-idempotency-key", "key-1")
	require.Equal(t, 200, w.Code)
	tooLong, unknown := "/api/v2/features/"+strings.Repeat("a", 51)+"/item_entitlements", "/api/v2/features/unknown/item_entitlements"
	apiKey := basicAuth(server.APIKey + ":")
	for _, test := range []struct{ first, authorization, method, path, event, body, idempotencyKey, message string }{
		{"path", apiKey, "GET", "/unknown", "x", "action=%zz", "key-1", "chargebeetest does not emulate GET /unknown: paths of the API begin with /api/v2"},
		{"method", apiKey, "PUT", tooLong, "x", "action=%zz", "key-1", "The http method is not allowed for this URL"},
		{"ID in the path", apiKey, "POST", tooLong, "x", "action=%zz", "key-1", "The ID in the path is too long"},
		{"headers", apiKey, "POST", unknown, "x", "action=%zz", "key-1", "chargebee-event-email: must be all-disabled"},
		{"length of the body", apiKey, "POST", unknown, "all-disabled", strings.Repeat("a", 8<<20+1), "key-1", "The body is longer than 8 MiB"},
		{"idempotency key", apiKey, "POST", unknown, "all-disabled", "action=%zz", "key-1", "The idempotency key was used with another path, body or chargebee-* header"},
		{"form", apiKey, "POST", unknown, "all-disabled", "action=%zz", "key-2", "The body must be application/x-www-form-urlencoded: a percent-encoding is malformed"},
		{"parameters", apiKey, "POST", unknown, "all-disabled", "action=x", "key-2", "action: must be upsert or remove"},
		{"rate limit", apiKey, "GET", "/unknown", "x", "action=%zz", "key-1", "Sorry, you have exceeded the API request limit"},
		{"API key", "", "GET", "/unknown", "x", "action=%zz", "key-1", "Sorry, authentication failed. Invalid api key"},
	} {
		w := serve(server, test.method, test.path, strings.NewReader(test.body), "Authorization", test.authorization,
			"chargebee-event-email", test.event, "chargebee-idempotency-key", test.idempotencyKey)
		require.Contains(t, w.Body.String(), `"message":"`+test.message+`"`, test.first)
	}
}

// repeated is an endless body that consists of one byte.
type repeated byte

func (b repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

func TestHostileBodiesAreRejectedWithLittleMemory(t *testing.T) {
	var manyParams strings.Builder
	for i := range 100_001 {
		manyParams.WriteString("a" + strconv.Itoa(i) + "=&")
	}
	for name, test := range map[string]struct {
		body  io.Reader
		code  chargebee.ErrorCode
		limit uint64 // of allocated bytes
	}{
		"100 MB of one parameter":        {io.LimitReader(repeated('a'), 100<<20), chargebee.ErrInvalidRequest, 80 << 20},
		"100 MB with a Content-Length":   {strings.NewReader(strings.Repeat("a", 100<<20)), chargebee.ErrInvalidRequest, 1 << 20},
		"name of eight million bytes":    {strings.NewReader("action=upsert&item_entitlements[" + strings.Repeat("<", 8<<20-100)), chargebee.ErrInvalidRequest, 80 << 20},
		"thousands of duplicates":        {strings.NewReader(strings.Repeat("action=upsert&", 100_000)), chargebee.ErrInvalidRequest, 8 << 20},
		"more than 100,000 parameters":   {strings.NewReader(manyParams.String()), chargebee.ErrInvalidRequest, 80 << 20},
		"index of 1,000,000,000":         {strings.NewReader("action=upsert&item_entitlements[value][1000000000]=a"), chargebee.ErrParamWrongValue, 1 << 20},
		"index that overflows every int": {strings.NewReader("action=upsert&item_entitlements[item_id][99999999999999999999]=team"), chargebee.ErrInvalidRequest, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := newServer(t, chargebeetest.WithoutRequests())
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			w := serve(server, "POST", seatsPath, test.body)
			runtime.ReadMemStats(&after)

			requireErrorBody(t, w, 400, test.code, name)
			require.Less(t, w.Body.Len(), 3000)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, test.limit)
			require.Empty(t, server.ItemEntitlements("seats"))
		})
	}
}

func TestClientThatSendsAHostileBodyToItsEndReceivesTheResponse(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	address := strings.TrimSuffix(strings.TrimPrefix(server.URL, "http://"), "/api/v2")
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	const size = 50 << 20
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nAuthorization: %s\r\n\r\n",
		seatsPath, size, basicAuth(server.APIKey+":"))
	require.NoError(t, err)
	_, err = io.Copy(conn, io.LimitReader(repeated('a'), size))
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 400, resp.StatusCode)
	_, err = activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
}
