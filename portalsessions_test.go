package chargebee_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// session has every field of Chargebee's contract.
const session = `{
	"id": "portal_1", "token": "tok_answer", "access_url": "https://acme-test.chargebeeportal.com/portal/access/tok_answer",
	"redirect_url": "https://app.example.com/bye", "status": "activated", "created_at": 1790000000, "expires_at": 1790003600,
	"customer_id": "cus_1", "login_at": 1790000010, "logout_at": 1790000020,
	"login_ipaddress": "203.0.113.7", "logout_ipaddress": "2001:db8::7",
	"linked_customers": [
		{"customer_id": "cus_1", "email": "zoë@exämple.com", "has_billing_address": true, "has_payment_method": false, "has_active_subscription": true},
		{"customer_id": "cus_2", "has_billing_address": false, "has_payment_method": true, "has_active_subscription": false}
	]}`

func at(seconds int64) chargebee.Timestamp {
	return chargebee.Timestamp{Time: time.Unix(seconds, 0).UTC()}
}

func TestActivateSendsTheTokenToTheSession(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, activated)
	_, err := activate(t, m.client(t))
	require.NoError(t, err)

	req := m.only(t)
	require.Equal(t, "POST", req.Method)
	require.Equal(t, "https://acme-test.chargebee.com/api/v2/portal_sessions/portal_1/activate", req.URL.String())
	require.Equal(t, "token=tok_secret", req.body)
	require.Equal(t, "application/x-www-form-urlencoded", req.Header.Get("Content-Type"))
}

func TestActivateReturnsEveryFieldOfTheSession(t *testing.T) {
	t.Parallel()
	resp, err := activate(t, newMock(t, http.StatusOK, `{"portal_session":`+session+`}`).client(t))
	require.NoError(t, err)

	require.Equal(t, chargebee.PortalSession{
		ID:              "portal_1",
		Token:           "tok_answer",
		AccessURL:       "https://acme-test.chargebeeportal.com/portal/access/tok_answer",
		RedirectURL:     "https://app.example.com/bye",
		Status:          chargebee.PortalSessionStatusActivated,
		CreatedAt:       at(1790000000),
		ExpiresAt:       at(1790003600),
		CustomerID:      "cus_1",
		LoginAt:         at(1790000010),
		LogoutAt:        at(1790000020),
		LoginIPAddress:  "203.0.113.7",
		LogoutIPAddress: "2001:db8::7",
		LinkedCustomers: []chargebee.LinkedCustomer{
			{CustomerID: "cus_1", Email: "zoë@exämple.com", HasBillingAddress: true, HasActiveSubscription: true},
			{CustomerID: "cus_2", HasPaymentMethod: true},
		},
	}, resp.PortalSession)
}

func TestTheJSONOfASessionIsChargebeesAgain(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"with every field":         session,
		"with few fields":          `{"id":"portal_1","status":"not_yet_activated","customer_id":"cus_1","created_at":1790000000}`,
		"after 2038":               `{"id":"portal_1","created_at":4102444800}`,
		"with an unknown status":   `{"id":"portal_1","status":"a_status_of_next_year"}`,
		"at the start of 1970":     `{"id":"portal_1","created_at":0}`,
		"with no linked customers": `{"id":"portal_1","linked_customers":[]}`,
		"before the start of 1970": `{"id":"portal_1","created_at":-1}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var decoded chargebee.PortalSession
			require.NoError(t, json.Unmarshal([]byte(want), &decoded))
			again, err := json.Marshal(decoded)
			require.NoError(t, err)
			require.JSONEq(t, want, string(again))
		})
	}
}

func TestAnAbsentTimestampIsNull(t *testing.T) {
	t.Parallel()
	var session chargebee.PortalSession
	require.NoError(t, json.Unmarshal([]byte(`{"created_at":1790000000}`), &session))
	require.NoError(t, json.Unmarshal([]byte(`{"created_at":null}`), &session))
	require.True(t, session.CreatedAt.IsZero())
	null, err := json.Marshal(session.CreatedAt)
	require.NoError(t, err)
	require.Equal(t, "null", string(null))
}

func TestTheJSONOfAResponseIsChargebeesAgain(t *testing.T) {
	t.Parallel()
	resp, err := activate(t, newMock(t, http.StatusOK, activated).client(t))
	require.NoError(t, err)
	again, err := json.Marshal(resp)
	require.NoError(t, err)
	require.JSONEq(t, activated, string(again))
}

func TestUnknownFieldsAndValuesOfASessionAreNoError(t *testing.T) {
	t.Parallel()
	const body = `{"portal_session":{"id":"portal_1","object":"portal_session","status":"a_status_of_next_year","new":{"a":[1]}},"other":1}`
	resp, err := activate(t, newMock(t, http.StatusOK, body).client(t))
	require.NoError(t, err)
	require.Equal(t, chargebee.PortalSessionStatus("a_status_of_next_year"), resp.PortalSession.Status)
	require.Equal(t, body, string(resp.Body))
	require.True(t, resp.PortalSession.CreatedAt.IsZero())
}

func TestASuccessWithoutASessionIsADecodeError(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"an empty body":             ``,
		"HTML":                      `<html>welcome</html>`,
		"an empty object":           `{}`,
		"null":                      `null`,
		"a list":                    `[]`,
		"a null session":            `{"portal_session":null}`,
		"a session without an id":   `{"portal_session":{"status":"activated","customer_id":"cus_1"}}`,
		"a session of another type": `{"portal_session":"portal_1"}`,
		"an id of another type":     `{"portal_session":{"id":1}}`,
		"a time that is text":       `{"portal_session":{"id":"portal_1","created_at":"yesterday"}}`,
		"a time that is no integer": `{"portal_session":{"id":"portal_1","created_at":1.5}}`,
		"a time beyond all time":    `{"portal_session":{"id":"portal_1","created_at":1e30}}`,
		"half an answer":            `{"portal_session":{"id":"portal_1"`,
		"an entitlement":            `{"item_entitlement":{"id":"ent_1"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := activate(t, newMock(t, http.StatusOK, body).client(t), chargebee.WithIdempotencyKey("login-1"))
			require.Nil(t, resp)
			var decodeErr *chargebee.DecodeError
			require.ErrorAs(t, err, &decodeErr)
			require.Equal(t, 200, decodeErr.Response.StatusCode)
			require.Equal(t, body, string(decodeErr.Response.Body))
			require.Equal(t, "login-1", decodeErr.Response.IdempotencyKey)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestADecodeErrorSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := activate(t, newMock(t, http.StatusOK, `{}`).client(t))
	require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: 200, but the body is not what was expected: portal_session.id is missing")
}

func TestParseReturnURL(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		url  string
		want chargebee.PortalReturn
		err  string
	}{
		"the two parameters are read": {
			url:  "https://app.example.com/return?auth_session_id=portal_1&auth_session_token=tok_secret",
			want: chargebee.PortalReturn{SessionID: "portal_1", Token: "tok_secret"},
		},
		"others do not matter, malformed ones neither": {
			url:  "/return?state=%zz&auth_session_token=a%2Bb+c&x=1;y&auth_session_id=portal%201",
			want: chargebee.PortalReturn{SessionID: "portal 1", Token: "a+b c"},
		},
		"the session is missing": {
			url: "/return?auth_session_token=tok_secret",
			err: "chargebee: auth_session_id must occur once in the return URL, and must not be empty",
		},
		"the token is empty": {
			url: "/return?auth_session_id=portal_1&auth_session_token=",
			err: "chargebee: auth_session_token must occur once in the return URL, and must not be empty",
		},
		"the token is there twice": {
			url: "/return?auth_session_id=portal_1&auth_session_token=a&auth_session_token=b",
			err: "chargebee: auth_session_token must occur once in the return URL, and must not be empty",
		},
		"both are missing": {
			url: "/return",
			err: "chargebee: auth_session_id must occur once in the return URL, and must not be empty\n" +
				"chargebee: auth_session_token must occur once in the return URL, and must not be empty",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(test.url)
			require.NoError(t, err)
			got, err := chargebee.ParseReturnURL(u)
			require.Equal(t, test.want, got)
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.err)
			var paramErr *chargebee.ParamError
			require.ErrorAs(t, err, &paramErr)
		})
	}
}

func TestParseReturnURLRefusesNil(t *testing.T) {
	t.Parallel()
	_, err := chargebee.ParseReturnURL(nil)
	require.EqualError(t, err, "chargebee: u must not be nil")
}
