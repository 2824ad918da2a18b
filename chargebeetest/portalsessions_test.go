package chargebeetest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestPortalSessionCanBeActivatedOnce(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	login := server.AddPortalSession("zoe")
	session, ok := server.PortalSession(login.SessionID)
	require.True(t, ok)
	require.Equal(t, chargebee.PortalSessionStatusNotYetActivated, session.Status)

	resp, err := activate(t, client, login)
	require.NoError(t, err)
	require.Equal(t, "zoe", resp.PortalSession.CustomerID)
	require.Equal(t, chargebee.PortalSessionStatusActivated, resp.PortalSession.Status)
	require.Equal(t, time.Hour, resp.PortalSession.ExpiresAt.Sub(resp.PortalSession.CreatedAt.Time))
	require.Contains(t, string(resp.Body), `"object":"portal_session"`)
	session, _ = server.PortalSession(login.SessionID)
	require.Equal(t, resp.PortalSession, session)

	_, err = activate(t, client, login)
	apiErr := requireAPIError(t, err, 409, chargebee.ErrInvalidStateForRequest, "")
	require.False(t, apiErr.Retryable())
}

func TestPortalSessionExpiresAfterAnHour(t *testing.T) {
	t.Parallel()
	now := noon
	server, client := newServer(t, chargebeetest.WithClock(func() time.Time { return now }))
	login := server.AddPortalSession("zoe")
	now = now.Add(time.Hour)
	_, err := activate(t, client, login)
	requireAPIError(t, err, 409, chargebee.ErrInvalidStateForRequest, "")
	now = now.Add(-time.Second)
	_, err = activate(t, client, login)
	require.NoError(t, err)
}

func TestInvalidActivationsAreRejected(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	login := server.AddPortalSession("zoe")
	_, err := activate(t, client, chargebee.PortalReturn{SessionID: login.SessionID, Token: "forged"})
	require.JSONEq(t, `{
		"message": "token: does not match the portal session", "type": "invalid_request", "api_error_code": "param_wrong_value", "param": "token",
		"error_code": "param_wrong_value", "error_msg": "token: does not match the portal session", "http_status_code": 400
	}`, string(requireAPIError(t, err, 400, chargebee.ErrParamWrongValue, "token").Body))
	_, err = activate(t, client, chargebee.PortalReturn{SessionID: "unknown", Token: login.Token})
	requireAPIError(t, err, 404, chargebee.ErrResourceNotFound, "")
	_, err = client.Do(t.Context(), chargebee.Request{
		Method: "POST", Path: "/portal_sessions/{portal-session-id}/activate", PathValues: []string{login.SessionID},
	}, nil)
	requireAPIError(t, err, 400, chargebee.ErrParamWrongValue, "token")
}

// create creates a portal session for the customer zoe.
func create(t *testing.T, client *chargebee.Client, params chargebee.CreatePortalSessionParams) chargebee.PortalSession {
	t.Helper()
	params.CustomerID = "zoe"
	resp, err := client.PortalSessions.CreatePortalSession(t.Context(), params)
	require.NoError(t, err)
	return resp.PortalSession
}

func TestSessionIsCreatedForAKnownCustomer(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, chargebeetest.WithClock(func() time.Time { return noon }))
	require.NoError(t, server.AddCustomer("zoe"))
	resp, err := client.PortalSessions.CreatePortalSession(t.Context(), chargebee.CreatePortalSessionParams{
		CustomerID: "zoe", RedirectURL: "https://app.example.com/bye", ForwardURL: "https://app.example.com/billing",
	})
	require.NoError(t, err)
	session := resp.PortalSession
	require.Equal(t, chargebee.PortalSession{
		ID: session.ID, Token: session.Token,
		AccessURL:       strings.TrimSuffix(server.URL, "/api/v2") + "/portal/access/" + session.Token,
		RedirectURL:     "https://app.example.com/bye",
		Status:          "created",
		CreatedAt:       chargebee.Timestamp{Time: noon},
		ExpiresAt:       chargebee.Timestamp{Time: noon.Add(time.Hour)},
		CustomerID:      "zoe",
		LinkedCustomers: []chargebee.LinkedCustomer{{CustomerID: "zoe"}},
	}, session)
	require.Contains(t, string(resp.Body), `"object":"portal_session"`)
	require.Contains(t, string(resp.Body), `"object":"linked_customer"`)
	retrieved, err := client.PortalSessions.RetrievePortalSession(t.Context(), session.ID)
	require.NoError(t, err)
	require.Equal(t, session, retrieved.PortalSession)

	unknown := strings.Repeat("ä", 50) // a customer who was not added, with the longest ID
	created, err := client.PortalSessions.CreatePortalSession(t.Context(), chargebee.CreatePortalSessionParams{CustomerID: unknown})
	require.NoError(t, err)
	require.Equal(t, []chargebee.LinkedCustomer{{CustomerID: unknown}}, created.PortalSession.LinkedCustomers)
}

func TestInvalidCreationsAreRejected(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	require.NoError(t, server.AddCustomer("zoe"))
	longURL := "https://app.example.com/" + strings.Repeat("a", 226)
	for name, test := range map[string]struct {
		params chargebee.CreatePortalSessionParams
		status int
		code   chargebee.ErrorCode
		param  string
	}{
		"no customer":                    {chargebee.CreatePortalSessionParams{}, 400, chargebee.ErrParamWrongValue, "customer[id]"},
		"customer ID of 51 characters":   {chargebee.CreatePortalSessionParams{CustomerID: strings.Repeat("ä", 51)}, 400, chargebee.ErrParamWrongValue, "customer[id]"},
		"redirect_url of 251 characters": {chargebee.CreatePortalSessionParams{CustomerID: "zoe", RedirectURL: longURL + "a"}, 400, chargebee.ErrParamWrongValue, "redirect_url"},
		"forward_url of 251 characters":  {chargebee.CreatePortalSessionParams{CustomerID: "zoe", ForwardURL: longURL + "a"}, 400, chargebee.ErrParamWrongValue, "forward_url"},
		"relative redirect_url":          {chargebee.CreatePortalSessionParams{CustomerID: "zoe", RedirectURL: "/bye"}, 400, chargebee.ErrParamWrongValue, "redirect_url"},
		"script as forward_url":          {chargebee.CreatePortalSessionParams{CustomerID: "zoe", ForwardURL: "javascript:alert(1)"}, 400, chargebee.ErrParamWrongValue, "forward_url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client.PortalSessions.CreatePortalSession(t.Context(), test.params)
			requireAPIError(t, err, test.status, test.code, test.param)
		})
	}
	create(t, client, chargebee.CreatePortalSessionParams{RedirectURL: longURL, ForwardURL: longURL})
}

func TestActivatedSessionIsAsFullAsALiveOne(t *testing.T) {
	t.Parallel()
	now := noon
	server, client := newServer(t, chargebeetest.WithClock(func() time.Time { return now }))
	for name, test := range map[string]struct{ originIP, loginIP string }{
		"without an origin IP": {"", "127.0.0.1"},
		"with an origin IP":    {"192.0.2.7", "192.0.2.7"},
	} {
		login := server.AddPortalSession("zoe")
		resp, err := activate(t, client, login, chargebee.WithHeaders(chargebee.Headers{OriginIP: test.originIP}))
		require.NoError(t, err, name)
		require.Equal(t, chargebee.PortalSession{
			ID: login.SessionID, Token: login.Token,
			AccessURL:       "https://emulator-test.chargebeeportal.com/portal/access/" + login.Token,
			RedirectURL:     "https://emulator-test.chargebeeportal.com/portal/login",
			Status:          "activated",
			CreatedAt:       chargebee.Timestamp{Time: noon},
			ExpiresAt:       chargebee.Timestamp{Time: noon.Add(time.Hour)},
			CustomerID:      "zoe",
			LoginAt:         chargebee.Timestamp{Time: noon},
			LoginIPAddress:  test.loginIP,
			LinkedCustomers: []chargebee.LinkedCustomer{{CustomerID: "zoe"}},
		}, resp.PortalSession, name)
	}
}

func TestLogoutEndsASessionInAnyState(t *testing.T) {
	t.Parallel()
	now := noon
	server, client := newServer(t, chargebeetest.WithClock(func() time.Time { return now }))
	require.NoError(t, server.AddCustomer("zoe"))
	notYetActivated, activated := server.AddPortalSession("zoe"), server.AddPortalSession("zoe")
	_, err := activate(t, client, activated)
	require.NoError(t, err)
	created, loggedIn := create(t, client, chargebee.CreatePortalSessionParams{}), create(t, client, chargebee.CreatePortalSessionParams{})
	require.Equal(t, 200, serve(server, "GET", loggedIn.AccessURL, nil).Code)
	for id, status := range map[string]chargebee.PortalSessionStatus{
		created.ID: "created", loggedIn.ID: "logged_in", notYetActivated.SessionID: "not_yet_activated", activated.SessionID: "activated",
	} {
		now = noon.Add(time.Minute)
		before, _ := server.PortalSession(id)
		require.Equal(t, status, before.Status)
		resp, err := client.PortalSessions.LogoutPortalSession(t.Context(), id, chargebee.WithHeaders(chargebee.Headers{OriginIP: "192.0.2.7"}))
		require.NoError(t, err, status)
		loggedOut := before
		loggedOut.Status, loggedOut.LogoutAt, loggedOut.LogoutIPAddress = "logged_out", chargebee.Timestamp{Time: now}, "192.0.2.7"
		require.Equal(t, loggedOut, resp.PortalSession, status)

		now = now.Add(time.Minute)
		resp, err = client.PortalSessions.LogoutPortalSession(t.Context(), id)
		require.NoError(t, err, status)
		require.Equal(t, loggedOut, resp.PortalSession, status) // unchanged
	}
	require.Equal(t, 401, serve(server, "GET", created.AccessURL, nil).Code)

	resp, err := client.PortalSessions.LogoutPortalSession(t.Context(), server.AddPortalSession("zoe").SessionID)
	require.NoError(t, err)
	require.Empty(t, resp.PortalSession.LogoutIPAddress)
}

func TestUnknownSessionIsNotFound(t *testing.T) {
	t.Parallel()
	_, client := newServer(t)
	_, err := client.PortalSessions.RetrievePortalSession(t.Context(), "unknown")
	requireAPIError(t, err, 404, chargebee.ErrResourceNotFound, "")
	_, err = client.PortalSessions.LogoutPortalSession(t.Context(), "unknown")
	requireAPIError(t, err, 404, chargebee.ErrResourceNotFound, "")
}
