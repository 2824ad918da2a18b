package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

func TestLogInAndOut(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	require.Contains(t, browser.send("GET", "/").body, `href="/login">Log in</a>`)
	require.Equal(t, "/", browser.send("GET", "/account").path)

	returnURL, _ := browser.beginLogin(t)
	require.Regexp(t, `^http://localhost:8080/return/[A-Z2-7]{26}$`, returnURL)
	login := app.emulator.AddPortalSession("zoe")
	resp := browser.send("GET", addSession(returnURL, login))
	require.Equal(t, "/account", resp.path)
	require.Equal(t, 200, resp.status)
	require.Contains(t, resp.body, `Hello, <b id="customer">zoe</b>`)
	require.True(t, browser.isLoggedIn())

	resp = browser.send("POST", "/logout")
	require.Equal(t, "/", resp.path)
	require.False(t, browser.isLoggedIn())
}

func TestTokenIsNeitherLoggedNorDisplayed(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	for _, token := range []string{"", "forged_token"} {
		browser := app.newBrowser()
		returnURL, _ := browser.beginLogin(t)
		login := app.emulator.AddPortalSession("zoe")
		if token != "" {
			login.Token = token
		}
		resp := browser.send("GET", addSession(returnURL, login))
		for _, text := range []string{app.log.String(), resp.path, resp.body, resp.header.Get("Location")} {
			require.NotContains(t, text, login.Token)
			require.NotContains(t, text, login.SessionID)
			require.NotContains(t, text, strings.TrimPrefix(returnURL, "http://localhost:8080/return/"))
		}
	}
	require.Contains(t, app.log.String(), `route="GET /return/{state}" status=303`)
	require.Contains(t, app.log.String(), "portal_sessions")
}

func TestEveryResponseHasSecurityHeaders(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	for _, target := range []string{"/", "/login", "/return/x", "/canceled/x", "/account", "/not-logged-in/rejected", "/style.css", "/unknown"} {
		r := httptest.NewRequest("GET", target, nil)
		recorder := httptest.NewRecorder()
		app.handler.ServeHTTP(recorder, r)
		header := recorder.Header()
		require.Equal(t, "no-referrer", header.Get("Referrer-Policy"), target)
		require.Equal(t, "no-store", header.Get("Cache-Control"), target)
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"), target)
		require.Equal(t, "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			header.Get("Content-Security-Policy"), target)
	}
	require.Contains(t, browser.send("GET", "/style.css").body, ".button")
}

func TestReturnURLWorksOnlyOnce(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	returnURL, _ := browser.beginLogin(t)
	target := addSession(returnURL, app.emulator.AddPortalSession("zoe"))
	require.Equal(t, "/account", browser.send("GET", target).path)

	resp := browser.send("GET", target)
	require.Equal(t, "/not-logged-in/invalid-state", resp.path)
	require.Equal(t, 403, resp.status)
	require.Contains(t, resp.body, "This login is no longer valid")
	require.True(t, browser.isLoggedIn(), "the session remains valid")

	browser.send("POST", "/logout")
	require.Equal(t, "/not-logged-in/invalid-state", browser.send("GET", target).path)
	require.False(t, browser.isLoggedIn())
	other := app.newBrowser()
	require.Equal(t, "/not-logged-in/invalid-state", other.send("GET", target).path)
	require.False(t, other.isLoggedIn())
	require.Equal(t, 1, app.calls("activate"))
}

// The application must reject the second login itself: how Chargebee responds to a second activation is undocumented.
func TestCopiedLoginCookieIsInvalidAfterLogin(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	for name, end := range map[string]func(b *browser, returnURL, cancelURL string){
		"the customer returned": func(b *browser, returnURL, _ string) {
			b.send("GET", addSession(returnURL, app.emulator.AddPortalSession("zoe")))
		},
		"the customer canceled": func(b *browser, _, cancelURL string) { b.send("GET", cancelURL) },
	} {
		browser, attacker := app.newBrowser(), app.newBrowser()
		returnURL, cancelURL := browser.beginLogin(t)
		attacker.setCookie(browser.loginCookie(t))
		end(browser, returnURL, cancelURL)
		resp := attacker.send("GET", addSession(returnURL, app.emulator.AddPortalSession("zoe")))
		require.Equal(t, "/not-logged-in/invalid-state", resp.path, name)
		require.False(t, attacker.isLoggedIn(), name)
	}
}

func TestHEADAndPOSTDoNotConsumeReturnURL(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	returnURL, cancelURL := browser.beginLogin(t)
	target := addSession(returnURL, app.emulator.AddPortalSession("zoe"))
	require.Equal(t, 404, browser.send("HEAD", target).status)
	require.Equal(t, 404, browser.send("HEAD", cancelURL).status)
	require.Equal(t, 405, browser.send("POST", target).status)
	require.Empty(t, app.emulator.Requests())
	require.Equal(t, "/account", browser.send("GET", target).path)
}

func TestMalformedReturnURLDoesNotStayInAddressBar(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	returnURL, _ := browser.beginLogin(t)
	query := "?auth_session_id=portal_1&auth_session_token=token_1"
	for _, target := range []string{returnURL + "/" + query, returnURL + "/x" + query, "/return/" + query, "/return" + query} {
		require.Equal(t, "/not-logged-in/incomplete", browser.send("GET", target).path, target)
	}
	require.Empty(t, app.emulator.Requests())
}

func TestCustomerIPIsSentToChargebee(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	returnURL, _ := browser.beginLogin(t)
	browser.send("GET", addSession(returnURL, app.emulator.AddPortalSession("zoe")), "X-Forwarded-For", "203.0.113.7")
	require.Equal(t, "192.0.2.1", app.emulator.Requests()[0].Header.Get("chargebee-request-origin-ip"))
}

func TestForgedLoginsAreRejected(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	login := app.emulator.AddPortalSession("zoe")
	for name, forged := range map[string]chargebee.PortalReturn{
		"a wrong token":      {SessionID: login.SessionID, Token: "forged"},
		"an unknown session": {SessionID: "portal_unknown", Token: login.Token},
	} {
		returnURL, _ := browser.beginLogin(t)
		resp := browser.send("GET", addSession(returnURL, forged))
		require.Equal(t, "/not-logged-in/rejected", resp.path, name)
		require.Equal(t, 403, resp.status, name)
		require.Contains(t, resp.body, "We could not confirm your login", name)
		require.False(t, browser.isLoggedIn(), name)
		require.Equal(t, "/not-logged-in/invalid-state", browser.send("GET", addSession(returnURL, login)).path, name)
	}
}

func TestLoginCSRFIsRejectedWithoutRequest(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	attacker, victim := app.newBrowser(), app.newBrowser()
	returnURL, cancelURL := attacker.beginLogin(t)
	attackURL := addSession(returnURL, app.emulator.AddPortalSession("attacker"))

	require.Equal(t, "/not-logged-in/invalid-state", victim.send("GET", attackURL).path)
	ownReturnURL, _ := victim.beginLogin(t)
	require.Equal(t, "/not-logged-in/invalid-state", victim.send("GET", attackURL).path)
	require.False(t, victim.isLoggedIn())
	require.Empty(t, app.emulator.Requests())

	victim.send("GET", cancelURL)
	require.Equal(t, "/account", victim.send("GET", addSession(ownReturnURL, app.emulator.AddPortalSession("zoe"))).path, "the victim's own login is still valid")
}

func TestCanceledLoginCannotBeCompleted(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	returnURL, cancelURL := browser.beginLogin(t)
	resp := browser.send("GET", cancelURL)
	require.Equal(t, "/not-logged-in/canceled", resp.path)
	require.Equal(t, 200, resp.status)
	require.Contains(t, resp.body, "You canceled the login")
	require.False(t, browser.isLoggedIn())
	require.Equal(t, "/not-logged-in/invalid-state", browser.send("GET", addSession(returnURL, app.emulator.AddPortalSession("zoe"))).path)
}

func TestIncompleteReturnURLIsRejectedWithoutRequest(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	for _, query := range []string{"", "?auth_session_id=x", "?auth_session_token=x", "?auth_session_id=x&auth_session_id=y&auth_session_token=z"} {
		returnURL, _ := browser.beginLogin(t)
		resp := browser.send("GET", returnURL+query)
		require.Equal(t, "/not-logged-in/incomplete", resp.path)
		require.Equal(t, 400, resp.status)
		require.False(t, browser.isLoggedIn())
	}
	require.Empty(t, app.emulator.Requests())
}

func TestFailedActivationDeniesAccess(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]chargebeetest.Fault{
		"Chargebee is down":              slices.Repeat([]chargebeetest.Fault{{Status: 503, Body: "<html>"}}, 5),
		"Chargebee is in maintenance":    {{Status: 503, Body: `{"api_error_code":"site_not_ready"}`}},
		"the site does not exist":        {{Status: 404, Body: `{"api_error_code":"site_not_found"}`}},
		"a captive portal responds":      {{Status: 200, Body: "<html>"}},
		"a firewall challenges":          {{Status: 202}},
		"Chargebee is slow":              {{Delay: time.Hour}, {Delay: time.Hour}, {Delay: time.Hour}},
		"the API key is invalid":         {{Status: 401, Body: `{"api_error_code":"api_authentication_failed"}`}},
		"the session has no customer":    {{Status: 200, Body: `{"portal_session":{"id":"SESSION","status":"activated"}}`}},
		"the session is a different one": {{Status: 200, Body: `{"portal_session":{"id":"portal_1","status":"activated","customer_id":"max"}}`}},
		"the response has no session":    {{Status: 200, Body: `{}`}},
		"the response is a redirect":     {{Status: 302}},
		"every connection is lost":       slices.Repeat([]chargebeetest.Fault{{Cut: chargebeetest.CutBefore}}, 5),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				app := newTestApp(t, "http://localhost:8080")
				browser := app.newBrowser()
				returnURL, _ := browser.beginLogin(t)
				login := app.emulator.AddPortalSession("zoe")
				for _, fault := range faults {
					fault.Body = strings.ReplaceAll(fault.Body, "SESSION", login.SessionID)
					app.emulator.Inject(fault)
				}
				start := time.Now()
				resp := browser.send("GET", addSession(returnURL, login))
				require.Equal(t, "/not-logged-in/unavailable", resp.path)
				require.Equal(t, 503, resp.status)
				require.False(t, browser.isLoggedIn())
				require.LessOrEqual(t, time.Since(start), 20*time.Second)
			})
		})
	}
}

func TestLostResponseIsRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newTestApp(t, "http://localhost:8080")
		browser := app.newBrowser()
		app.emulator.Inject(chargebeetest.Fault{Cut: chargebeetest.CutAfter})
		browser.logIn(t, "zoe")
	})
}

func TestLoginsAndSessionsExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newTestApp(t, "http://localhost:8080")
		browser := app.newBrowser()
		returnURL, _ := browser.beginLogin(t)
		name, value := browser.loginCookie(t)
		time.Sleep(10*time.Minute + 2*time.Second)
		browser.setCookie(name, value) // like a browser that ignores Max-Age
		require.Equal(t, "/not-logged-in/invalid-state", browser.send("GET", addSession(returnURL, app.emulator.AddPortalSession("zoe"))).path)

		browser.logIn(t, "zoe")
		require.True(t, browser.isLoggedIn())
		session := browser.cookie("session")
		time.Sleep(time.Hour + 2*time.Second)
		browser.setCookie("session", session)
		require.False(t, browser.isLoggedIn())
	})
}

func TestLogoutInvalidatesCopiedCookie(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser, attacker := app.newBrowser(), app.newBrowser()
	browser.logIn(t, "zoe")
	attacker.setCookie("session", browser.cookie("session"))
	require.True(t, attacker.isLoggedIn())
	browser.send("POST", "/logout")
	require.False(t, attacker.isLoggedIn())
}

func TestLogoutKeepsOtherSessions(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	zoe, other := app.newBrowser(), app.newBrowser()
	zoe.logIn(t, "zoe")
	other.logIn(t, "max")
	zoe.send("POST", "/logout")
	require.True(t, other.isLoggedIn())
}

func TestLoginEndsPreviousSession(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser, attacker := app.newBrowser(), app.newBrowser()
	browser.logIn(t, "zoe")
	attacker.setCookie("session", browser.cookie("session"))
	browser.logIn(t, "max")
	require.True(t, browser.isLoggedIn())
	require.False(t, attacker.isLoggedIn())
}

func TestEndedSessionStaysInvalidUntilCookieExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newTestApp(t, "http://localhost:8080")
		zoe, other, attacker := app.newBrowser(), app.newBrowser(), app.newBrowser()
		zoe.logIn(t, "zoe")
		attacker.setCookie("session", zoe.cookie("session"))
		zoe.send("POST", "/logout")
		for range 61 {
			time.Sleep(time.Minute)
			other.logIn(t, "max")
			require.False(t, attacker.isLoggedIn())
		}
	})
}

func TestSlowAttemptIsRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newTestApp(t, "http://localhost:8080")
		app.emulator.Inject(chargebeetest.Fault{Delay: time.Hour})
		start := time.Now()
		app.newBrowser().logIn(t, "zoe")
		require.Less(t, time.Since(start), 10*time.Second)
	})
}

func TestCrossSiteLogoutIsRejected(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	browser.logIn(t, "zoe")
	require.Equal(t, 405, browser.send("GET", "/logout").status)
	require.Equal(t, 403, browser.send("POST", "/logout", "Sec-Fetch-Site", "cross-site").status)
	require.Equal(t, 403, browser.send("POST", "/logout", "Origin", "https://evil.example").status)
	require.True(t, browser.isLoggedIn())
}

func TestInvalidSessionCookiesAreIgnored(t *testing.T) {
	t.Parallel()
	app, otherApp := newTestApp(t, "http://localhost:8080"), newTestApp(t, "http://localhost:8080")
	otherBrowser := otherApp.newBrowser()
	returnURL, _ := otherBrowser.beginLogin(t)
	_, loginCookie := otherBrowser.loginCookie(t)
	otherBrowser.send("GET", addSession(returnURL, otherApp.emulator.AddPortalSession("zoe")))
	for name, value := range map[string]string{
		"no value":                         "",
		"an invented value":                "zoe",
		"a session of another application": otherBrowser.cookie("session"),
		"a login":                          loginCookie,
	} {
		browser := app.newBrowser()
		browser.setCookie("session", value)
		require.False(t, browser.isLoggedIn(), name)
	}
	tampered := []byte(otherBrowser.cookie("session"))
	middle := &tampered[len(tampered)/2]
	if *middle == 'x' {
		*middle = 'y'
	} else {
		*middle = 'x'
	}
	otherBrowser.setCookie("session", string(tampered))
	require.False(t, otherBrowser.isLoggedIn())
}

func TestHTTPSCookiesAreSecureAndHostOnly(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "https://app.example.com")
	browser := app.newBrowser()
	resp := browser.send("GET", "/login")
	require.Regexp(t, `^__Host-login-[0-9a-f]{8}=\S+; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax$`, resp.header.Get("Set-Cookie"))

	location, err := url.Parse(resp.header.Get("Location"))
	require.NoError(t, err)
	r := httptest.NewRequest("GET", addSession(location.Query().Get("return_url"), app.emulator.AddPortalSession("zoe")), nil)
	name, value := browser.loginCookie(t)
	r.AddCookie(&http.Cookie{Name: name, Value: value})
	recorder := httptest.NewRecorder()
	app.handler.ServeHTTP(recorder, r)
	require.Equal(t, "/account", recorder.Header().Get("Location"))
	cookies := recorder.Header().Values("Set-Cookie")
	require.Len(t, cookies, 2)
	require.Equal(t, name+"=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax", cookies[0])
	require.Regexp(t, `^__Host-session=\S+; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax$`, cookies[1])
}

func TestRequestsCannotChooseRedirectTargets(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	const evil = "https%3A%2F%2Fevil.example"
	for _, target := range []string{
		"/login?next=" + evil + "&return_url=" + evil + "&cancel_url=" + evil,
		"/return/x?next=" + evil, "/return/" + evil, "/canceled/" + evil, "/account?next=" + evil, "/not-logged-in/" + evil, "//evil.example", "/%2F/evil.example", `/\evil.example`,
	} {
		r := httptest.NewRequest("GET", "http://localhost:8080"+target, nil)
		r.Host = "evil.example"
		recorder := httptest.NewRecorder()
		app.handler.ServeHTTP(recorder, r)
		location, err := url.Parse(recorder.Header().Get("Location"))
		require.NoError(t, err)
		require.Contains(t, []string{"", "acme-test.chargebeeportal.com"}, location.Host, target)
		require.NotContains(t, location.RawQuery, "evil", target)
		require.NotRegexp(t, `^[/\\\\]{2}`, location.String(), target)
	}
}

func TestInsecureAndMalformedURLsAreRejected(t *testing.T) {
	t.Parallel()
	newAppErr := func(publicURL, portalHost string) error {
		_, err := newApp(testConfig(publicURL), site{loginURL: hostedLogin(portalHost)}, slog.New(slog.DiscardHandler))
		return err
	}
	for _, valid := range []string{"https://app.example.com", "https://app.example.com:8443", "http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"} {
		require.NoError(t, newAppErr(valid, "acme-test.chargebeeportal.com"), valid)
	}
	for _, invalid := range []string{
		"", "app.example.com", "http://app.example.com", "ftp://app.example.com", "https://app.example.com/", "https://app.example.com/app",
		"https://app.example.com?x=1", "https://app.example.com?", "https://app.example.com#", "https://u:p@app.example.com", "http://:8080",
	} {
		var usageErr *program.UsageError
		require.ErrorAs(t, newAppErr(invalid, "acme-test.chargebeeportal.com"), &usageErr, invalid)
		require.Contains(t, usageErr.Reason, "-url must be ", invalid)
	}
	for _, invalid := range []string{"", "/portal/login", "https://acme.example", "acme.example/portal"} {
		var usageErr *program.UsageError
		require.ErrorAs(t, newAppErr("https://app.example.com", invalid), &usageErr, invalid)
		require.Contains(t, usageErr.Reason, "-portal-host must be ", invalid)
	}
}

func TestLoginBeginsAtTheHostedLoginPage(t *testing.T) {
	t.Parallel()
	app, err := newApp(testConfig("https://app.example.com"), site{loginURL: hostedLogin("billing.acme.example")}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	recorder := httptest.NewRecorder()
	app.handler().ServeHTTP(recorder, httptest.NewRequest("GET", "/login", nil))
	require.Regexp(t, `^https://billing\.acme\.example/portal/login\?cancel_url=https%3A%2F%2Fapp\.example\.com%2Fcanceled%2F\w{26}&return_url=https%3A%2F%2Fapp\.example\.com%2Freturn%2F\w{26}$`,
		recorder.Header().Get("Location"))
}

func TestServerHasTimeouts(t *testing.T) {
	t.Parallel()
	server := newServer(nil, nil, slog.New(slog.DiscardHandler))
	require.Equal(t, 5*time.Second, server.ReadHeaderTimeout)
	require.Equal(t, 10*time.Second, server.ReadTimeout)
	require.Equal(t, 30*time.Second, server.WriteTimeout)
	require.Equal(t, time.Minute, server.IdleTimeout)
}
