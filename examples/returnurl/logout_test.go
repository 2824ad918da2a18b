package main

import (
	"context"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

const logoutRoute = "/portal_sessions/{portal-session-id}/logout"

func TestLogoutEndsPortalSession(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	id := browser.logIn(t, "zoe")
	require.Equal(t, "activated", app.status(t, id))
	require.Equal(t, "/", browser.send("POST", "/logout").path)
	require.Equal(t, "logged_out", app.status(t, id))
	require.Equal(t, "192.0.2.1", app.emulator.Requests()[1].Header.Get("chargebee-request-origin-ip"))

	require.Equal(t, "/", browser.send("POST", "/logout").path)
	require.Equal(t, 1, app.calls("/logout"), "a browser that is not logged in does not call Chargebee")
}

func TestLogoutReportsPortalSessionThatHasNotEnded(t *testing.T) {
	t.Parallel()
	const session = `{"portal_session":{"id":"SESSION","status":"activated","customer_id":"zoe"}}`
	for name, fault := range map[string]chargebeetest.Fault{
		"Chargebee is down":                  {Status: 503, Body: "<html>"},
		"Chargebee hangs":                    {Delay: time.Hour},
		"every connection is lost":           {Cut: chargebeetest.CutBefore},
		"the session is unknown":             {Status: 404, Body: `{"api_error_code":"resource_not_found"}`},
		"the state of the session forbids":   {Status: 409, Body: `{"api_error_code":"invalid_state_for_request"}`},
		"the API key is invalid":             {Status: 401, Body: `{"api_error_code":"api_authentication_failed"}`},
		"the response is no session":         {Status: 200, Body: `{}`},
		"the session is still activated":     {Status: 200, Body: session},
		"the response is an error that says": {Status: 409, Body: `{"api_error_code":"invalid_state_for_request","message":"logged_out"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				app := newTestApp(t, "http://localhost:8080")
				browser := app.newBrowser()
				fault.Route, fault.Body = logoutRoute, replaceID(fault.Body, browser.logIn(t, "zoe"))
				app.inject(9, fault)
				start := time.Now()
				resp := browser.send("POST", "/logout")
				require.LessOrEqual(t, time.Since(start), 5*time.Second)
				require.Equal(t, "/not-logged-in/logged-out-here", resp.path)
				require.Equal(t, 200, resp.status)
				require.Contains(t, resp.body, "You are logged out here")
				require.Contains(t, resp.body, "We could not end your session at our billing provider.")
				require.False(t, browser.isLoggedIn())
			})
		})
	}
}

func TestLogoutEndsApplicationSessionBeforeItCallsChargebee(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newTestApp(t, "http://localhost:8080")
		browser, attacker := app.newBrowser(), app.newBrowser()
		browser.logIn(t, "zoe")
		attacker.setCookie("session", browser.cookie("session"))
		app.inject(9, chargebeetest.Fault{Route: logoutRoute, Delay: time.Hour})
		done := make(chan response)
		go func() { done <- browser.send("POST", "/logout") }()
		synctest.Wait() // Chargebee does not respond
		require.False(t, attacker.isLoggedIn())
		require.Equal(t, "/not-logged-in/logged-out-here", (<-done).path)
	})
}

func TestLogoutContinuesIfBrowserDisconnects(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	id := browser.logIn(t, "zoe")
	ctx, disconnect := context.WithCancel(t.Context())
	disconnect()
	r := httptest.NewRequestWithContext(ctx, "POST", "/logout", nil)
	r.Header.Set("Cookie", "session="+browser.cookie("session"))
	app.handler.ServeHTTP(httptest.NewRecorder(), r)
	require.Equal(t, "logged_out", app.status(t, id))
}

func TestConcurrentLogoutsMakeOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newTestApp(t, "http://localhost:8080")
		browser := app.newBrowser()
		browser.logIn(t, "zoe")
		app.inject(1, chargebeetest.Fault{Route: logoutRoute, Delay: time.Second})
		cookie := "session=" + browser.cookie("session")
		for range 20 {
			go app.newBrowser().send("POST", "/logout", "Cookie", cookie)
		}
		time.Sleep(time.Minute)
		require.Equal(t, 1, app.calls("/logout"))
	})
}

func TestLogoutEndsPortalSessionsOfVisitsAndOfReplacedLogins(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	first := browser.logIn(t, "zoe")
	second := browser.logIn(t, "zoe")
	visit := browser.openPortal(t)
	require.Equal(t, "created", app.status(t, visit))
	require.Equal(t, "activated", app.status(t, first))
	require.Equal(t, "/", browser.send("POST", "/logout").path)
	for _, id := range []string{first, second, visit} {
		require.Equal(t, "logged_out", app.status(t, id))
	}
}

func TestLogoutReportsAnyPortalSessionThatHasNotEnded(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	browser.logIn(t, "zoe")
	browser.openPortal(t)
	app.inject(1, chargebeetest.Fault{Route: logoutRoute, Status: 404, Body: `{"api_error_code":"resource_not_found"}`})
	require.Equal(t, "/not-logged-in/logged-out-here", browser.send("POST", "/logout").path)
}

func TestPortalSessionsOfOneSessionAreBounded(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	var ids []string
	for range 7 {
		ids = append(ids, browser.logIn(t, "zoe"))
	}
	browser.send("POST", "/logout")
	require.Equal(t, 5, app.calls("/logout"))
	require.Equal(t, "activated", app.status(t, ids[1]))
	require.Equal(t, "logged_out", app.status(t, ids[2]))
	require.Equal(t, "logged_out", app.status(t, ids[6]))
}

func TestLogoutEndsPortalSessionOfLoginAfterManyVisits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newTestApp(t, "http://localhost:8080")
		browser := app.newBrowser()
		login := browser.logIn(t, "zoe")
		var visits []string
		for range 7 {
			visits = append(visits, browser.openPortal(t))
			time.Sleep(15 * time.Second)
		}
		require.Equal(t, "/", browser.send("POST", "/logout").path)
		require.Equal(t, "logged_out", app.status(t, login))
		require.Equal(t, "logged_out", app.status(t, visits[6]))
		require.Equal(t, 5, app.calls("/logout"))
	})
}
