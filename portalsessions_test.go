package chargebee_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

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
		require.Equal(t, "login-1", decodeErr.Response.IdempotencyKey)
		require.NotContains(t, err.Error(), "\n")
	}
	_, err := activate(t.Context(), newClient(t, newFakeTransport(respond(200, `{}`))))
	require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: 200, but the body is not what was expected: portal_session.id is missing")
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
