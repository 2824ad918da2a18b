package chargebee_test

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// sessionJSON has every field that Chargebee documents.
const sessionJSON = `{
	"id": "portal_1", "token": "tok_answer", "access_url": "https://acme-test.chargebeeportal.com/portal/access/tok_answer",
	"redirect_url": "https://app.example.com/bye", "status": "activated", "created_at": 1790000000, "expires_at": 1790003600,
	"customer_id": "cus_1", "login_at": 1790000010, "logout_at": 1790000020,
	"login_ipaddress": "203.0.113.7", "logout_ipaddress": "2001:db8::7",
	"linked_customers": [
		{"customer_id": "cus_1", "email": "zoë@exämple.com", "has_billing_address": true, "has_payment_method": false, "has_active_subscription": true},
		{"customer_id": "cus_2", "has_billing_address": false, "has_payment_method": true, "has_active_subscription": false}
	]}`

func TestActivatePortalSessionReturnsEveryField(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(respond(200, `{"portal_session":`+sessionJSON+`}`))
	resp, err := newClient(t, transport).PortalSessions.ActivatePortalSession(t.Context(), "portal_1",
		chargebee.ActivatePortalSessionParams{Token: "tok & größe"})
	require.NoError(t, err)

	req := transport.onlyRequest(t)
	require.Equal(t, "POST", req.Method)
	require.Equal(t, "https://acme-test.chargebee.com/api/v2/portal_sessions/portal_1/activate", req.URL.String())
	require.Equal(t, "token=tok+%26+gr%C3%B6%C3%9Fe", req.body)

	require.Equal(t, chargebee.PortalSession{
		ID: "portal_1", Token: "tok_answer", Status: chargebee.PortalSessionStatusActivated, CustomerID: "cus_1",
		AccessURL:      "https://acme-test.chargebeeportal.com/portal/access/tok_answer",
		RedirectURL:    "https://app.example.com/bye",
		CreatedAt:      chargebee.Timestamp{Time: time.Unix(1790000000, 0).UTC()},
		ExpiresAt:      chargebee.Timestamp{Time: time.Unix(1790003600, 0).UTC()},
		LoginAt:        chargebee.Timestamp{Time: time.Unix(1790000010, 0).UTC()},
		LogoutAt:       chargebee.Timestamp{Time: time.Unix(1790000020, 0).UTC()},
		LoginIPAddress: "203.0.113.7", LogoutIPAddress: "2001:db8::7",
		LinkedCustomers: []chargebee.LinkedCustomer{
			{CustomerID: "cus_1", Email: "zoë@exämple.com", HasBillingAddress: true, HasActiveSubscription: true},
			{CustomerID: "cus_2", HasPaymentMethod: true},
		},
	}, resp.PortalSession)
}

func TestUnknownSessionFieldsAndStatusAreAccepted(t *testing.T) {
	t.Parallel()
	const body = `{"portal_session":{"id":"portal_1","customer_id":"cus_1","object":"portal_session","status":"a_status_of_next_year","new":{"a":[1]}},"other":1}`
	resp, err := activate(t.Context(), newClient(t, newFakeTransport(respond(200, body))))
	require.NoError(t, err)
	require.Equal(t, chargebee.PortalSession{ID: "portal_1", CustomerID: "cus_1", Status: "a_status_of_next_year"}, resp.PortalSession)
	require.Equal(t, body, string(resp.Body))
}

func TestPortalSessionJSONRoundTrips(t *testing.T) {
	t.Parallel()
	for _, want := range []string{
		sessionJSON, `{"id":"portal_1","status":"not_yet_activated","customer_id":"cus_1","created_at":1790000000}`,
		`{"id":"portal_1","status":"a_status_of_next_year"}`, `{"id":"portal_1","linked_customers":[]}`,
		`{"id":"portal_1","created_at":4102444800}`, `{"id":"portal_1","created_at":0}`, `{"id":"portal_1","created_at":-1}`,
	} {
		var session chargebee.PortalSession
		require.NoError(t, json.Unmarshal([]byte(want), &session), want)
		encoded, err := json.Marshal(session)
		require.NoError(t, err)
		require.JSONEq(t, want, string(encoded))
	}
	resp, err := activate(t.Context(), newClient(t, newFakeTransport(respond(200, activatedJSON))))
	require.NoError(t, err)
	encoded, err := json.Marshal(resp)
	require.NoError(t, err)
	require.JSONEq(t, activatedJSON, string(encoded))
}

func TestNullIsTheZeroTimestamp(t *testing.T) {
	t.Parallel()
	created := chargebee.Timestamp{Time: time.Unix(1790000000, 0)}
	require.NoError(t, json.Unmarshal([]byte("null"), &created))
	require.Equal(t, chargebee.Timestamp{}, created)
	encoded, err := json.Marshal(created)
	require.NoError(t, err)
	require.Equal(t, "null", string(encoded))
}

// Customers may be short, and would take much more memory than the body.
func TestSessionOfTooManyCustomersIsDecodeError(t *testing.T) {
	t.Parallel()
	for values, want := range map[int]string{100_000: "", 100_001: "too many values"} {
		const others = 2 // commas before the customers
		body := `{"portal_session":{"id":"portal_1","customer_id":"cus_1","linked_customers":[{}` + strings.Repeat(",{}", values-others) + `]}}`
		_, err := activate(t.Context(), newClient(t, newFakeTransport(respond(200, body))), chargebee.WithIdempotencyKey("login-1"))
		if want == "" {
			require.NoError(t, err)
			continue
		}
		requireError(t, invalidBody+want+suffix(1, true, "login-1"), err)
	}
}

func TestSuccessWithoutSessionIsDecodeError(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `<html>welcome</html>`, `{}`, `null`, `[]`, `{"item_entitlement":{"id":"ent_1"}}`,
		`{"portal_session":null}`, `{"portal_session":"portal_1"}`, `{"portal_session":{"id":"portal_1","customer_id":"cus_1"`,
		`{"portal_session":{"status":"activated","customer_id":"cus_1"}}`, `{"portal_session":{"id":1,"customer_id":"cus_1"}}`,
		`{"portal_session":{"id":"portal_1","customer_id":"cus_1","created_at":"yesterday"}}`,
		`{"portal_session":{"id":"portal_1","customer_id":"cus_1","created_at":1.5}}`,
		`{"portal_session":{"id":"portal_1","customer_id":"cus_1","created_at":1e30}}`,
	} {
		client := newClient(t, newFakeTransport(respond(200, body)))
		resp, err := activate(t.Context(), client, chargebee.WithIdempotencyKey("login-1"))
		require.Nil(t, resp, body)
		var decodeErr *chargebee.DecodeError
		require.ErrorAs(t, err, &decodeErr, body)
		require.Equal(t, 200, decodeErr.Response.StatusCode)
		require.Equal(t, body, string(decodeErr.Response.Body))
		require.Equal(t, []any{1, "login-1"}, []any{decodeErr.Attempts, decodeErr.IdempotencyKey})
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestParseReturnURL(t *testing.T) {
	t.Parallel()
	const (
		invalidID    = "chargebee: auth_session_id must occur once in the return URL, and must not be empty"
		invalidToken = "chargebee: auth_session_token must occur once in the return URL, and must not be empty"
	)
	for target, test := range map[string]struct {
		want chargebee.PortalReturn
		err  string
	}{
		"https://app.example.com/a?auth_session_id=portal_1&auth_session_token=tok_secret": {want: chargebee.PortalReturn{SessionID: "portal_1", Token: "tok_secret"}},
		"/?state=%zz&auth_session_token=a%2Bb+c&x=1;y&auth_session_id=portal%201":          {want: chargebee.PortalReturn{SessionID: "portal 1", Token: "a+b c"}},
		"/":                               {err: invalidID + "\n" + invalidToken},
		"/?auth_session_token=tok_secret": {err: invalidID},
		"/?auth_session_id=portal_1&auth_session_token=":                       {err: invalidToken},
		"/?auth_session_id=portal_1&auth_session_token=a&auth_session_token=b": {err: invalidToken},
	} {
		returnURL, err := url.Parse(target)
		require.NoError(t, err)
		found, err := chargebee.ParseReturnURL(returnURL)
		require.Equal(t, test.want, found, target)
		if test.err == "" {
			require.NoError(t, err, target)
			continue
		}
		require.EqualError(t, err, test.err, target)
		var paramErr *chargebee.ParamError
		require.ErrorAs(t, err, &paramErr)
	}
	_, err := chargebee.ParseReturnURL(nil)
	require.Equal(t, &chargebee.ParamError{Field: "u", Reason: reasonNil}, err)
}

func TestTimestampIsAWholeNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"1754000000": 1754000000, "1754000000.0": 1754000000, "1.754e9": 1754000000, "1754e6": 1754000000, "17540000000e-1": 1754000000,
		"0": 0, "-0.0": 0, "-1.0": -1, "1.5e1": 15, "9007199254740992.0": 1 << 53, "9223372036854775807": math.MaxInt64,
	} {
		var timestamp chargebee.Timestamp
		require.NoError(t, json.Unmarshal([]byte(text), &timestamp), text)
		require.Equal(t, want, timestamp.Unix(), text)
		require.Equal(t, time.UTC, timestamp.Location())
	}
	for _, text := range []string{
		"1754000000.5", "1.5", "1e-1", `"1754000000"`, "true", "{}", "[]", "1e400", "-1e400", "1e999999999", "9007199254740994.0", "9223372036854775808",
	} {
		require.Error(t, json.Unmarshal([]byte(text), new(chargebee.Timestamp)), text)
	}
}

func TestReturnHandler(t *testing.T) {
	t.Parallel()
	const target = "/return?auth_session_id=portal_1&auth_session_token=tok_secret"
	for name, test := range map[string]struct {
		method, target string
		response       httpmock.Responder
		status         int
		customer       string // that is signed in
		requests       int
	}{
		"signs the customer in":                         {"GET", target, respond(200, activatedJSON), 200, "cus_1", 1},
		"does not use up the login on HEAD":             {"HEAD", target, nil, 400, "", 0},
		"does not use up the login on POST":             {"POST", target, nil, 400, "", 0},
		"rejects a return URL that is not complete":     {"GET", "/return?auth_session_id=portal_1", nil, 400, "", 0},
		"rejects an id that leaves its place":           {"GET", "/return?auth_session_id=..%252Fcustomers%252Fzoe%252Fdelete%253F&auth_session_token=x", nil, 403, "", 0},
		"rejects what Chargebee rejects":                {"GET", target, respond(400, `{"api_error_code":"param_wrong_value"}`), 403, "", 1},
		"rejects a session that does not exist":         {"GET", target, respond(404, `{"api_error_code":"resource_not_found"}`), 403, "", 1},
		"does not sign in the customer of another":      {"GET", target, respond(200, `{"portal_session":{"id":"portal_2","customer_id":"cus_2"}}`), 503, "", 1},
		"does not sign in nobody":                       {"GET", target, respond(200, `{"portal_session":{"id":"portal_1","status":"activated"}}`), 503, "", 1},
		"says try again later in maintenance":           {"GET", target, respond(503, maintenanceJSON), 503, "", 1},
		"says try again later on a key of another site": {"GET", target, respond(401, `{"api_error_code":"api_authentication_failed"}`), 503, "", 1},
		"says try again later behind a captive portal":  {"GET", target, respond(200, `<html>`), 503, "", 1},
		"says try again later during an outage":         {"GET", target, failWith(io.EOF), 503, "", 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := newFakeTransport(test.response)
				customer := ""
				handler := returnHandler(newClient(t, transport), func(_ http.ResponseWriter, _ *http.Request, id string) { customer = id })
				w := httptest.NewRecorder()
				handler(w, httptest.NewRequest(test.method, test.target, nil))
				require.Equal(t, []any{test.status, test.customer, test.requests}, []any{w.Code, customer, len(transport.requests)})
			})
		})
	}
}

func TestCreatePortalSession(t *testing.T) {
	t.Parallel()
	const createdJSON = `{"portal_session":{"id":"portal_1","token":"tok_answer","access_url":"` + secretURL + `","status":"created","customer_id":"cus_1"}}`
	for body, params := range map[string]chargebee.CreatePortalSessionParams{
		"":                   {},
		"customer[id]=cus_1": {CustomerID: "cus_1"},
		"customer[id]=CUS_1": {CustomerID: "CUS_1"}, // whether case matters is undocumented
		"redirect_url=https://app.example.com/?a=b&c&forward_url=https://app.example.com/ü&customer[id]=cus_1": {
			CustomerID: "cus_1", RedirectURL: "https://app.example.com/?a=b&c", ForwardURL: "https://app.example.com/ü",
		},
	} {
		transport := newFakeTransport(respond(200, createdJSON))
		created, err := newClient(t, transport).PortalSessions.CreatePortalSession(t.Context(), params)
		require.NoError(t, err)
		require.Equal(t, secretURL, created.PortalSession.AccessURL)
		request := transport.onlyRequest(t)
		require.Equal(t, "POST https://acme-test.chargebee.com/api/v2/portal_sessions", request.Method+" "+request.URL.String())
		require.Equal(t, body, unescape(t, request.body))
	}
}

// With the access URL of another customer, a browser would enter that customer's portal.
func TestCreatedSessionOfAnotherCustomerIsDecodeError(t *testing.T) {
	t.Parallel()
	for body, reason := range map[string]string{
		`{"portal_session":{"id":"portal_1","access_url":"` + secretURL + `","customer_id":"cus_2"}}`: "portal_session.customer_id is that of another customer",
		`{"portal_session":{"id":"portal_1","access_url":"` + secretURL + `"}}`:                       "portal_session.customer_id is missing",
		`{"portal_session":{"access_url":"` + secretURL + `","customer_id":"cus_1"}}`:                 "portal_session.id is missing",
		`{"portal_session":{"id":"portal_1","customer_id":"cus_1"}}`:                                  "portal_session.access_url is missing",
	} {
		client := newClient(t, newFakeTransport(respond(200, body)))
		created, err := client.PortalSessions.CreatePortalSession(t.Context(), chargebee.CreatePortalSessionParams{CustomerID: "cus_1"}, chargebee.WithIdempotencyKey("sso-1"))
		require.Nil(t, created)
		require.EqualError(t, err, "chargebee: POST /portal_sessions: 200, but the body is not what was expected: "+reason+" (outcome unknown, idempotency key sso-1)")
	}
}

func TestRetrieveAndLogoutReturnTheSession(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(respond(200, `{"portal_session":{"id":"portal_1","status":"logged_out","customer_id":"cus_1","logout_at":1790000020}}`))
	client := newClient(t, transport)
	retrieved, err := client.PortalSessions.RetrievePortalSession(t.Context(), "portal_1")
	require.NoError(t, err)
	require.Equal(t, chargebee.PortalSession{
		ID: "portal_1", Status: chargebee.PortalSessionStatusLoggedOut, CustomerID: "cus_1", LogoutAt: chargebee.Timestamp{Time: time.Unix(1790000020, 0).UTC()},
	}, retrieved.PortalSession)
	loggedOut, err := client.PortalSessions.LogoutPortalSession(t.Context(), "portal_1", chargebee.WithIdempotencyKey("logout-1"))
	require.NoError(t, err)
	require.Equal(t, retrieved.PortalSession, loggedOut.PortalSession)

	const path = "https://acme-test.chargebee.com/api/v2/portal_sessions/portal_1"
	require.Equal(t, "GET "+path, transport.requests[0].Method+" "+transport.requests[0].URL.String())
	require.Equal(t, "POST "+path+"/logout", transport.requests[1].Method+" "+transport.requests[1].URL.String())
	require.Empty(t, transport.requests[0].body+transport.requests[1].body)
	require.Equal(t, "logout-1", transport.requests[1].Header.Get("chargebee-idempotency-key"))
}

func TestRetrieveAndLogoutRejectAnotherSession(t *testing.T) {
	t.Parallel()
	for body, reason := range map[string]string{
		`{"portal_session":{"id":"portal_2","customer_id":"cus_1"}}`: "portal_session.id is that of another session",
		`{"portal_session":{"id":"PORTAL_1","customer_id":"cus_1"}}`: "portal_session.id is that of another session",
		`{"portal_session":{"customer_id":"cus_1"}}`:                 "portal_session.id is missing",
		`{"portal_session":{"id":"portal_1"}}`:                       "portal_session.customer_id is missing",
	} {
		client := newClient(t, newFakeTransport(respond(200, body)))
		_, err := client.PortalSessions.RetrievePortalSession(t.Context(), "portal_1")
		require.EqualError(t, err, "chargebee: GET /portal_sessions/{portal-session-id}: 200, but the body is not what was expected: "+reason)
		_, err = client.PortalSessions.LogoutPortalSession(t.Context(), "portal_1", chargebee.WithIdempotencyKey("logout-1"))
		require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/logout: 200, but the body is not what was expected: "+
			reason+" (outcome unknown, idempotency key logout-1)")
	}
	transport := newFakeTransport(respond(200, activatedJSON))
	_, err := newClient(t, transport).PortalSessions.RetrievePortalSession(t.Context(), "../customers")
	require.Equal(t, &chargebee.ParamError{Field: "portal-session-id", Reason: reasonSlash}, err)
	_, err = newClient(t, transport).PortalSessions.LogoutPortalSession(t.Context(), "..")
	require.Equal(t, &chargebee.ParamError{Field: "portal-session-id", Reason: reasonDots}, err)
	require.Empty(t, transport.requests)
}

func TestHostedLoginURL(t *testing.T) {
	t.Parallel()
	for portalHost, want := range map[string]string{
		"acme-test.chargebeeportal.com": "https://acme-test.chargebeeportal.com/portal/login?cancel_url=https%3A%2F%2Fapp.example.com%2F&return_url=https%3A%2F%2Fapp.example.com%2Freturn%2F7%3Fa%3Db%26c",
		"billing.example.com:8443":      "https://billing.example.com:8443/portal/login?cancel_url=https%3A%2F%2Fapp.example.com%2F&return_url=https%3A%2F%2Fapp.example.com%2Freturn%2F7%3Fa%3Db%26c",
	} {
		got, err := chargebee.HostedLoginURL(portalHost, "https://app.example.com/return/7?a=b&c", "https://app.example.com/")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestHostedLoginURLRejectsInvalidArguments(t *testing.T) {
	t.Parallel()
	const (
		host       = "acme-test.chargebeeportal.com"
		page       = "http://localhost:8080/"
		reasonHost = "must be a host, such as acme-test.chargebeeportal.com, without a scheme and a path"
		reasonPage = "must be an absolute http or https URL, without a fragment"
	)
	try := func(portalHost, returnURL, cancelURL string) error {
		loginURL, err := chargebee.HostedLoginURL(portalHost, returnURL, cancelURL)
		require.Empty(t, loginURL)
		return err
	}
	rejections{
		"no host":                     {try("", page, page), "portalHost", reasonHost},
		"a URL for the host":          {try("https://"+host, page, page), "portalHost", reasonHost},
		"a host with a path":          {try(host+"/portal", page, page), "portalHost", reasonHost},
		"a host with a user":          {try("zoe@"+host, page, page), "portalHost", reasonHost},
		"a host with a query":         {try(host+"?", page, page), "portalHost", reasonHost},
		"a port that is none":         {try(host+":https", page, page), "portalHost", reasonHost},
		"a relative return URL":       {try(host, "/return", page), "return_url", reasonPage},
		"no return URL":               {try(host, "", page), "return_url", reasonPage},
		"a return URL without a host": {try(host, "https:///return", page), "return_url", reasonPage},
		"another scheme":              {try(host, "ftp://app.example.com/return", page), "return_url", reasonPage},
		"a script":                    {try(host, "javascript:alert(1)//a", page), "return_url", reasonPage},
		"a malformed return URL":      {try(host, "https://app.example.com/\n", page), "return_url", reasonPage},
		"a fragment":                  {try(host, page, page+"#"), "cancel_url", reasonPage},
		"no cancel URL":               {try(host, page, ""), "cancel_url", reasonPage},
	}.check(t)
	require.EqualError(t, try("", "", ""), "chargebee: portalHost "+reasonHost+"\nchargebee: return_url "+reasonPage+"\nchargebee: cancel_url "+reasonPage)
}
