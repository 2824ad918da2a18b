package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

const createRoute = "/portal_sessions"

// openPortal presses the button that opens the portal, and returns the ID of the portal session.
func (b *browser) openPortal(t *testing.T) (portalSessionID string) {
	t.Helper()
	resp := b.send("POST", "/portal")
	require.Equal(t, 200, resp.status)
	accessURL, found := strings.CutPrefix(resp.header.Get("Refresh"), "0; url=")
	require.True(t, found)
	_, token, found := strings.Cut(accessURL, "/portal/access/")
	require.True(t, found)
	for _, text := range []string{resp.body, b.app.log.String()} {
		require.NotContains(t, text, token)
	}
	sessions := b.app.sessions
	sessions.mu.Lock()
	defer sessions.mu.Unlock()
	ids := sessions.byID[b.cookie("session")].portalSessionIDs
	return ids[len(ids)-1]
}

func TestButtonOpensPortalForCustomer(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	browser.logIn(t, "zoe")
	require.Contains(t, browser.send("GET", "/account").body, `<form method="post" action="/portal"><button class="button">Manage billing</button></form>`)
	session, ok := app.emulator.PortalSession(browser.openPortal(t))
	require.True(t, ok)
	require.Equal(t, "zoe", session.CustomerID)
	require.Equal(t, "http://localhost:8080/account", session.RedirectURL)
	requests := app.emulator.Requests()
	require.Equal(t, "192.0.2.1", requests[len(requests)-1].Header.Get("chargebee-request-origin-ip"))
}

func TestOnlyLoggedInCustomersOpenPortal(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	stranger, browser := app.newBrowser(), app.newBrowser()
	require.Equal(t, "/", stranger.send("POST", "/portal").path)
	stranger.setCookie("session", "forged")
	require.Equal(t, "/", stranger.send("POST", "/portal").path)

	browser.logIn(t, "zoe")
	require.Equal(t, 403, browser.send("POST", "/portal", "Sec-Fetch-Site", "cross-site").status)
	require.Equal(t, 403, browser.send("POST", "/portal", "Origin", "https://evil.example").status)
	require.Equal(t, 405, browser.send("GET", "/portal").status)
	require.Zero(t, app.calls(createRoute))
}

func TestPortalDoesNotOpenForEndedSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, browser, id := loggedIn(t)
		_, err := app.site.client.PortalSessions.LogoutPortalSession(t.Context(), id)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.Equal(t, "/not-logged-in/ended", browser.send("POST", "/portal").path)
		require.Zero(t, app.calls(createRoute))
	})
}

func TestPortalThatDoesNotOpenIsReported(t *testing.T) {
	t.Parallel()
	const body = `{"portal_session":{"id":"portal_1","status":"created","customer_id":"CUSTOMER","access_url":"URL"}}`
	created := func(customer, accessURL string) string {
		return strings.NewReplacer("CUSTOMER", customer, "URL", accessURL).Replace(body)
	}
	for name, fault := range map[string]chargebeetest.Fault{
		"Chargebee is down":                  {Status: 503},
		"Chargebee hangs":                    {Delay: time.Hour},
		"the customer is unknown":            {Status: 404, Body: `{"api_error_code":"resource_not_found"}`},
		"the session is of another customer": {Status: 200, Body: created("max", "https://acme-test.chargebee.com/portal/access/secret_token")},
		"the access URL is missing":          {Status: 200, Body: created("zoe", "")},
		"the access URL is not a URL":        {Status: 200, Body: created("zoe", "https://%zz/portal/access/secret_token")},
		"the access URL is a script":         {Status: 200, Body: created("zoe", "javascript:alert('secret_token')")},
		"the access URL is not https":        {Status: 200, Body: created("zoe", "http://acme.example/portal/access/secret_token")},
		"the access URL is relative":         {Status: 200, Body: created("zoe", "//acme.example/portal/access/secret_token")},
		"the access URL has a line feed":     {Status: 200, Body: created("zoe", `https://acme.example/portal/access/secret_token\r\nSet-Cookie: x=y`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				app, browser, _ := loggedIn(t)
				fault.Route = createRoute
				app.inject(9, fault)
				start := time.Now()
				resp := browser.send("POST", "/portal")
				require.LessOrEqual(t, time.Since(start), 10*time.Second)
				require.Equal(t, 503, resp.status)
				require.Empty(t, resp.header.Get("Refresh"))
				require.Empty(t, resp.header.Get("Set-Cookie"))
				require.Contains(t, resp.body, "We cannot open the billing portal now")
				require.NotContains(t, resp.body+app.log.String(), "secret_token")
				require.True(t, browser.isLoggedIn())
			})
		})
	}
}

func TestPortalVisitsAreLimitedPerSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, browser, _ := loggedIn(t)
		for range 100 {
			browser.send("POST", "/portal")
		}
		resp := browser.send("POST", "/portal")
		require.Equal(t, 429, resp.status)
		require.Equal(t, "15", resp.header.Get("Retry-After"))
		require.Contains(t, resp.body, "Please try again in a moment")
		require.Contains(t, resp.body, `href="/account">Back to your account</a>`)
		require.Equal(t, 2, app.calls(createRoute))

		other := app.newBrowser()
		other.logIn(t, "zoe")
		other.openPortal(t)
		time.Sleep(15 * time.Second)
		browser.openPortal(t)
	})
}

func TestLogoutWhilePortalOpensEndsThatPortalSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, browser, id := loggedIn(t)
		app.inject(1, chargebeetest.Fault{Route: createRoute, Delay: time.Second})
		opened := make(chan response)
		cookie := "session=" + browser.cookie("session")
		go func() { opened <- app.newBrowser().send("POST", "/portal", "Cookie", cookie) }()
		synctest.Wait() // for the call, which has begun
		require.Equal(t, "/", browser.send("POST", "/logout").path)
		resp := <-opened
		require.Equal(t, 503, resp.status)
		require.Empty(t, resp.header.Get("Refresh"))
		require.Equal(t, 2, app.calls("/logout"))
		require.Equal(t, "logged_out", app.status(t, id))
	})
}
