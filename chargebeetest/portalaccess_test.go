package chargebeetest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// newServerForAccess returns a server that knows the customer zoe, and a client.
func newServerForAccess(t *testing.T, opts ...chargebeetest.Option) (*chargebeetest.Server, *chargebee.Client) {
	t.Helper()
	server, client := newServer(t, opts...)
	require.NoError(t, server.AddCustomer("zoe"))
	return server, client
}

func requireExpired(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	require.Equal(t, 401, w.Code)
	require.Contains(t, w.Body.String(), "<title>Unauthorized</title>")
	require.Contains(t, w.Body.String(), "The token has expired.")
	require.NotContains(t, w.Body.String(), "<form")
}

func TestAccessURLLogsInOnceAndOut(t *testing.T) {
	t.Parallel()
	now := noon
	server, client := newServerForAccess(t, chargebeetest.WithClock(func() time.Time { return now }))
	session := create(t, client, chargebee.CreatePortalSessionParams{RedirectURL: "https://app.example.com/bye"})
	requireExpired(t, serve(server, "POST", session.AccessURL, nil)) // not logged in
	now = now.Add(time.Minute)

	w := serve(server, "GET", session.AccessURL, nil)
	require.Equal(t, 200, w.Code)
	require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
	require.Contains(t, w.Body.String(), "<title>Portal of "+server.Site+"</title>")
	require.Contains(t, w.Body.String(), "Customer zoe is in the portal")
	require.Contains(t, w.Body.String(), "<button>Log out</button>")
	loggedIn, _ := server.PortalSession(session.ID)
	require.Equal(t, chargebee.PortalSessionStatusLoggedIn, loggedIn.Status)
	require.Equal(t, now, loggedIn.LoginAt.Time)
	require.Equal(t, "192.0.2.1", loggedIn.LoginIPAddress) // of httptest
	requireExpired(t, serve(server, "GET", session.AccessURL, nil))

	now = now.Add(2 * time.Hour) // a session that is logged in does not expire
	w = serve(server, "POST", session.AccessURL, nil)
	require.Equal(t, 303, w.Code)
	require.Equal(t, "https://app.example.com/bye", w.Header().Get("Location"))
	loggedOut, _ := server.PortalSession(session.ID)
	require.Equal(t, chargebee.PortalSessionStatusLoggedOut, loggedOut.Status)
	require.Equal(t, now, loggedOut.LogoutAt.Time)
	require.Equal(t, "192.0.2.1", loggedOut.LogoutIPAddress)
	requireExpired(t, serve(server, "POST", session.AccessURL, nil))
	requireExpired(t, serve(server, "GET", session.AccessURL, nil))
	require.Len(t, server.Requests(), 1) // without those of the portal
}

func TestAccessURLRedirectsToTheForwardURL(t *testing.T) {
	t.Parallel()
	server, client := newServerForAccess(t)
	session := create(t, client, chargebee.CreatePortalSessionParams{ForwardURL: "https://app.example.com/billing?a=b&c=d"})
	w := serve(server, "GET", session.AccessURL, nil)
	require.Equal(t, 303, w.Code)
	require.Equal(t, "https://app.example.com/billing?a=b&c=d", w.Header().Get("Location"))
	w = serve(server, "POST", session.AccessURL, nil)
	require.Equal(t, 200, w.Code)
	require.Contains(t, w.Body.String(), "<title>Portal of "+server.Site+"</title>")
	require.Contains(t, w.Body.String(), "Customer zoe is logged out.")
	require.NotContains(t, w.Body.String(), "<form")
}

func TestAccessURLExpiresAfterAnHour(t *testing.T) {
	t.Parallel()
	now := noon
	server, client := newServerForAccess(t, chargebeetest.WithClock(func() time.Time { return now }))
	session := create(t, client, chargebee.CreatePortalSessionParams{})
	now = noon.Add(time.Hour)
	requireExpired(t, serve(server, "GET", session.AccessURL, nil))
	created, _ := server.PortalSession(session.ID)
	require.Equal(t, session, created)
	now = noon.Add(time.Hour - time.Second)
	require.Equal(t, 200, serve(server, "GET", session.AccessURL, nil).Code)
}

func TestUnusableAccessURLsAreRejected(t *testing.T) {
	t.Parallel()
	server, client := newServerForAccess(t)
	requireExpired(t, serve(server, "GET", "/portal/access/unknown", nil))
	requireExpired(t, serve(server, "POST", "/portal/access/unknown", nil))
	requireExpired(t, serve(server, "GET", "/portal/access/", nil))
	requireExpired(t, serve(server, "GET", "/portal/access/"+server.AddPortalSession("zoe").Token, nil))

	session := create(t, client, chargebee.CreatePortalSessionParams{})
	w := serve(server, "HEAD", session.AccessURL, nil) // as a link scanner may send
	require.Equal(t, 405, w.Code)
	require.Equal(t, "GET, POST", w.Header().Get("Allow"))
	created, _ := server.PortalSession(session.ID)
	require.Equal(t, session, created)
}

func TestPortalPageEscapesTheCustomer(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	require.NoError(t, server.AddCustomer("<b>max"))
	resp, err := client.PortalSessions.CreatePortalSession(t.Context(), chargebee.CreatePortalSessionParams{CustomerID: "<b>max"})
	require.NoError(t, err)
	w := serve(server, "GET", resp.PortalSession.AccessURL, nil)
	require.Contains(t, w.Body.String(), "Customer &lt;b&gt;max is in the portal")
}

func TestBrowserReachesTheAccessURL(t *testing.T) {
	t.Parallel()
	server, client := newServerForAccess(t)
	session := create(t, client, chargebee.CreatePortalSessionParams{})
	resp, err := http.Get(session.AccessURL)
	require.NoError(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(page), "Customer zoe is in the portal")
	loggedIn, _ := server.PortalSession(session.ID)
	require.Equal(t, "127.0.0.1", loggedIn.LoginIPAddress)
}

func TestLoginIPAddressIsThatOfTheBrowser(t *testing.T) {
	t.Parallel()
	server, client := newServerForAccess(t)
	for remoteAddr, ip := range map[string]string{"198.51.100.7:4711": "198.51.100.7", "[2001:db8::1]:4711": "2001:db8::1", "pipe": "pipe"} {
		r := httptest.NewRequest("POST", server.LoginURL+"?return_url=https://app.example.com/&customer_id=zoe", nil)
		r.RemoteAddr = remoteAddr
		r.PostForm = map[string][]string{"customer_id": {"zoe"}}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		location, err := w.Result().Location()
		require.NoError(t, err)
		login, err := chargebee.ParseReturnURL(location)
		require.NoError(t, err)
		activated, err := activate(t, client, login)
		require.NoError(t, err)
		require.Equal(t, ip, activated.PortalSession.LoginIPAddress)
	}
}
