package chargebeetest_test

import (
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
