package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// world is the application with its emulator. Both are called in memory.
type world struct {
	emulator *chargebeetest.Server
	app      *app
	handler  http.Handler
	log      *safeBuffer
}

// safeBuffer is a log that may be read while it is written.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

const loginPage = "https://acme-test.chargebeeportal.com/portal/login"

func newWorld(t *testing.T, publicURL string) *world {
	t.Helper()
	w := &world{emulator: chargebeetest.NewServer(), log: new(safeBuffer)}
	t.Cleanup(w.emulator.Close)
	require.NoError(t, w.emulator.AddCustomer("zoe"))
	logger := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client, err := w.emulator.NewClient(chargebee.WithLogger(logger), chargebee.WithHTTPClient(&http.Client{Transport: w.emulator.Transport()}))
	require.NoError(t, err)
	w.app, err = newApp(publicURL, site{client: client, loginURL: loginPage}, logger)
	require.NoError(t, err)
	w.handler = w.app.handler()
	return w
}

// browser keeps cookies, and follows redirects within the application.
type browser struct {
	world *world
	jar   http.CookieJar
}

func (w *world) newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{w, jar}
}

// visited is where a browser ended up.
type visited struct {
	path   string
	status int
	header http.Header
	page   string
}

func (b *browser) open(method, target string, header ...string) visited {
	u, _ := url.Parse(b.world.app.publicURL)
	u, _ = u.Parse(target)
	for {
		r := httptest.NewRequest(method, u.String(), nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		for _, cookie := range b.jar.Cookies(u) {
			r.AddCookie(cookie)
		}
		recorder := httptest.NewRecorder()
		b.world.handler.ServeHTTP(recorder, r)
		resp := recorder.Result()
		b.jar.SetCookies(u, resp.Cookies())
		location, err := resp.Location()
		if err == nil {
			location = u.ResolveReference(location)
		}
		if err != nil || location.Host != u.Host {
			return visited{u.RequestURI(), resp.StatusCode, resp.Header, recorder.Body.String()}
		}
		method, u = http.MethodGet, location
	}
}

// beginLogin returns the URLs that the hosted login page is given.
func (b *browser) beginLogin(t *testing.T) (returnURL, cancelURL string) {
	t.Helper()
	sent := b.open("GET", "/login")
	require.Equal(t, 303, sent.status)
	page, query, _ := strings.Cut(sent.header.Get("Location"), "?")
	require.Equal(t, loginPage, page)
	values, err := url.ParseQuery(query)
	require.NoError(t, err)
	require.Len(t, values, 2)
	return values.Get("return_url"), values.Get("cancel_url")
}

func withSession(returnURL string, login chargebee.PortalReturn) string {
	return returnURL + "?" + url.Values{"auth_session_id": {login.SessionID}, "auth_session_token": {login.Token}}.Encode()
}

func (b *browser) logIn(t *testing.T, customer string) {
	t.Helper()
	returnURL, _ := b.beginLogin(t)
	require.Equal(t, "/account", b.open("GET", withSession(returnURL, b.world.emulator.AddPortalSession(customer))).path)
}

func (b *browser) isLoggedIn() bool { return b.open("GET", "/").path == "/account" }

func TestACustomerLogsInAndOut(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	browser := world.newBrowser(t)
	require.Contains(t, browser.open("GET", "/").page, `href="/login">Log in</a>`)
	require.Equal(t, "/", browser.open("GET", "/account").path)

	returnURL, _ := browser.beginLogin(t)
	require.Regexp(t, `^http://localhost:8080/return/[A-Z2-7]{26}$`, returnURL)
	login := world.emulator.AddPortalSession("zoe")
	came := browser.open("GET", withSession(returnURL, login))
	require.Equal(t, "/account", came.path)
	require.Equal(t, 200, came.status)
	require.Contains(t, came.page, `Hello, <b id="customer">zoe</b>`)
	require.True(t, browser.isLoggedIn())

	came = browser.open("POST", "/logout")
	require.Equal(t, "/", came.path)
	require.False(t, browser.isLoggedIn())
}

func TestTheTokenIsInNoLogAndNoPage(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	for _, token := range []string{"", "forged_token"} {
		browser := world.newBrowser(t)
		returnURL, _ := browser.beginLogin(t)
		login := world.emulator.AddPortalSession("zoe")
		if token != "" {
			login.Token = token
		}
		came := browser.open("GET", withSession(returnURL, login))
		for _, text := range []string{world.log.String(), came.path, came.page, came.header.Get("Location")} {
			require.NotContains(t, text, login.Token)
			require.NotContains(t, text, login.SessionID)
			require.NotContains(t, text, strings.TrimPrefix(returnURL, "http://localhost:8080/return/"))
		}
	}
	require.Contains(t, world.log.String(), `route="GET /return/{state}" status=303`)
	require.Contains(t, world.log.String(), "portal_sessions")
}

func TestEveryAnswerKeepsItselfToItself(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	browser := world.newBrowser(t)
	for _, target := range []string{"/", "/login", "/return/x", "/cancelled/x", "/account", "/not-logged-in/refused", "/style.css", "/unknown"} {
		r := httptest.NewRequest("GET", target, nil)
		recorder := httptest.NewRecorder()
		world.handler.ServeHTTP(recorder, r)
		header := recorder.Header()
		require.Equal(t, "no-referrer", header.Get("Referrer-Policy"), target)
		require.Equal(t, "no-store", header.Get("Cache-Control"), target)
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"), target)
		require.Equal(t, "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			header.Get("Content-Security-Policy"), target)
	}
	require.Contains(t, browser.open("GET", "/style.css").page, ".button")
}

func TestNobodyComesInTwiceWithOneReturnURL(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	first := world.newBrowser(t)
	returnURL, _ := first.beginLogin(t)
	target := withSession(returnURL, world.emulator.AddPortalSession("zoe"))
	require.Equal(t, "/account", first.open("GET", target).path)

	again := first.open("GET", target)
	require.Equal(t, "/not-logged-in/not-begun", again.path)
	require.Equal(t, 403, again.status)
	require.Contains(t, again.page, "This login is over")
	require.True(t, first.isLoggedIn(), "the session of the first visit goes on")

	first.open("POST", "/logout")
	require.Equal(t, "/not-logged-in/not-begun", first.open("GET", target).path)
	require.False(t, first.isLoggedIn())
	other := world.newBrowser(t)
	require.Equal(t, "/not-logged-in/not-begun", other.open("GET", target).path)
	require.False(t, other.isLoggedIn())
	require.Len(t, world.emulator.Requests(), 1)
}

// Chargebee may answer a second activation as it likes.
func TestALoginIsOverOnceItHasComeBackWhateverTheBrowserKeeps(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	for name, end := range map[string]func(b *browser, returnURL, cancelURL string){
		"back": func(b *browser, returnURL, _ string) {
			b.open("GET", withSession(returnURL, world.emulator.AddPortalSession("zoe")))
		},
		"cancelled": func(b *browser, _, cancelURL string) { b.open("GET", cancelURL) },
	} {
		browser, copied := world.newBrowser(t), world.newBrowser(t)
		returnURL, cancelURL := browser.beginLogin(t)
		copied.setCookie("login", browser.cookie("login"))
		end(browser, returnURL, cancelURL)
		came := copied.open("GET", withSession(returnURL, world.emulator.AddPortalSession("zoe")))
		require.Equal(t, "/not-logged-in/not-begun", came.path, name)
		require.False(t, copied.isLoggedIn(), name)
	}
}

func TestWhatOnlyLooksAtTheReturnURLUsesNothingUp(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	browser := world.newBrowser(t)
	returnURL, _ := browser.beginLogin(t)
	target := withSession(returnURL, world.emulator.AddPortalSession("zoe"))
	require.Equal(t, 404, browser.open("HEAD", target).status)
	require.Equal(t, 405, browser.open("POST", target).status)
	require.Empty(t, world.emulator.Requests())
	require.Equal(t, "/account", browser.open("GET", target).path)
}

func TestAReturnURLOfAnotherFormLeavesNoTokenInTheAddressBar(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	browser := world.newBrowser(t)
	returnURL, _ := browser.beginLogin(t)
	query := "?auth_session_id=portal_1&auth_session_token=token_1"
	for _, target := range []string{returnURL + "/" + query, returnURL + "/x" + query, "/return/" + query, "/return" + query} {
		require.Equal(t, "/not-logged-in/incomplete", browser.open("GET", target).path, target)
	}
	require.Empty(t, world.emulator.Requests())
}

func TestChargebeeIsToldTheCustomersAddress(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	browser := world.newBrowser(t)
	returnURL, _ := browser.beginLogin(t)
	browser.open("GET", withSession(returnURL, world.emulator.AddPortalSession("zoe")), "X-Forwarded-For", "203.0.113.7")
	require.Equal(t, "192.0.2.1", world.emulator.Requests()[0].Header.Get("chargebee-request-origin-ip"))
}

func TestAForgedTokenIsRefused(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	browser := world.newBrowser(t)
	login := world.emulator.AddPortalSession("zoe")
	for name, forged := range map[string]chargebee.PortalReturn{
		"a wrong token":      {SessionID: login.SessionID, Token: "forged"},
		"an unknown session": {SessionID: "portal_unknown", Token: login.Token},
	} {
		returnURL, _ := browser.beginLogin(t)
		came := browser.open("GET", withSession(returnURL, forged))
		require.Equal(t, "/not-logged-in/refused", came.path, name)
		require.Equal(t, 403, came.status, name)
		require.Contains(t, came.page, "We could not confirm your login", name)
		require.False(t, browser.isLoggedIn(), name)
		require.Equal(t, "/not-logged-in/not-begun", browser.open("GET", withSession(returnURL, login)).path, name)
	}
}

func TestALoginOfAnotherBrowserIsRefusedUnasked(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	attacker, victim := world.newBrowser(t), world.newBrowser(t)
	returnURL, cancelURL := attacker.beginLogin(t)
	trap := withSession(returnURL, world.emulator.AddPortalSession("attacker"))

	require.Equal(t, "/not-logged-in/not-begun", victim.open("GET", trap).path)
	own, _ := victim.beginLogin(t)
	require.Equal(t, "/not-logged-in/not-begun", victim.open("GET", trap).path)
	require.False(t, victim.isLoggedIn())
	require.Empty(t, world.emulator.Requests())

	victim.open("GET", cancelURL)
	require.Equal(t, "/account", victim.open("GET", withSession(own, world.emulator.AddPortalSession("zoe"))).path, "the victim's own login goes on")
}

func TestACancelledLoginIsOver(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	browser := world.newBrowser(t)
	returnURL, cancelURL := browser.beginLogin(t)
	came := browser.open("GET", cancelURL)
	require.Equal(t, "/not-logged-in/cancelled", came.path)
	require.Equal(t, 200, came.status)
	require.Contains(t, came.page, "You cancelled the login")
	require.False(t, browser.isLoggedIn())
	require.Equal(t, "/not-logged-in/not-begun", browser.open("GET", withSession(returnURL, world.emulator.AddPortalSession("zoe"))).path)
}

func TestAnIncompleteReturnURLIsRefusedUnasked(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	browser := world.newBrowser(t)
	for _, query := range []string{"", "?auth_session_id=x", "?auth_session_token=x", "?auth_session_id=x&auth_session_id=y&auth_session_token=z"} {
		returnURL, _ := browser.beginLogin(t)
		came := browser.open("GET", returnURL+query)
		require.Equal(t, "/not-logged-in/incomplete", came.path)
		require.Equal(t, 400, came.status)
		require.False(t, browser.isLoggedIn())
	}
	require.Empty(t, world.emulator.Requests())
}

func TestWithoutAnAnswerFromChargebeeNobodyComesIn(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]chargebeetest.Fault{
		"it is down":                       {{Status: 503, Body: "<html>"}, {Status: 503}, {Status: 503}},
		"it is slow":                       {{Delay: time.Hour}, {Delay: time.Hour}, {Delay: time.Hour}},
		"it does not accept our key":       {{Status: 401, Body: `{"api_error_code":"api_authentication_failed"}`}},
		"it answers without a customer":    {{Status: 200, Body: `{"portal_session":{"id":"SESSION","status":"activated"}}`}},
		"it answers of another session":    {{Status: 200, Body: `{"portal_session":{"id":"portal_1","status":"activated","customer_id":"max"}}`}},
		"it answers something else":        {{Status: 200, Body: `{}`}},
		"it sends us elsewhere":            {{Status: 302}},
		"the connection is lost each time": {{Cut: chargebeetest.CutBefore}, {Cut: chargebeetest.CutBefore}, {Cut: chargebeetest.CutBefore}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				world := newWorld(t, "http://localhost:8080")
				browser := world.newBrowser(t)
				returnURL, _ := browser.beginLogin(t)
				login := world.emulator.AddPortalSession("zoe")
				for _, fault := range faults {
					fault.Body = strings.ReplaceAll(fault.Body, "SESSION", login.SessionID)
					world.emulator.Inject(fault)
				}
				start := time.Now()
				came := browser.open("GET", withSession(returnURL, login))
				require.Equal(t, "/not-logged-in/unavailable", came.path)
				require.Equal(t, 503, came.status)
				require.False(t, browser.isLoggedIn())
				require.LessOrEqual(t, time.Since(start), 20*time.Second)
			})
		})
	}
}

func TestALostAnswerDoesNotLockTheCustomerOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		world := newWorld(t, "http://localhost:8080")
		browser := world.newBrowser(t)
		world.emulator.Inject(chargebeetest.Fault{Cut: chargebeetest.CutAfter})
		browser.logIn(t, "zoe")
	})
}

func TestLoginsAndSessionsGetTooOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		world := newWorld(t, "http://localhost:8080")
		browser := world.newBrowser(t)
		returnURL, _ := browser.beginLogin(t)
		begun := browser.cookie("login")
		time.Sleep(10*time.Minute + 2*time.Second)
		browser.setCookie("login", begun) // as a browser would that ignores Max-Age
		require.Equal(t, "/not-logged-in/not-begun", browser.open("GET", withSession(returnURL, world.emulator.AddPortalSession("zoe"))).path)

		browser.logIn(t, "zoe")
		require.True(t, browser.isLoggedIn())
		session := browser.cookie("session")
		time.Sleep(time.Hour + 2*time.Second)
		browser.setCookie("session", session)
		require.False(t, browser.isLoggedIn())
	})
}

func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.world.app.publicURL)
	for _, cookie := range b.jar.Cookies(u) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

func (b *browser) setCookie(name, value string) {
	u, _ := url.Parse(b.world.app.publicURL)
	b.jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

func TestALogoutEndsEveryCopyOfTheCookie(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	browser, thief := world.newBrowser(t), world.newBrowser(t)
	browser.logIn(t, "zoe")
	thief.setCookie("session", browser.cookie("session"))
	require.True(t, thief.isLoggedIn())
	browser.open("POST", "/logout")
	require.False(t, thief.isLoggedIn())
}

func TestALogoutEndsNoOtherSession(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	zoe, other := world.newBrowser(t), world.newBrowser(t)
	zoe.logIn(t, "zoe")
	other.logIn(t, "max")
	zoe.open("POST", "/logout")
	require.True(t, other.isLoggedIn())
}

func TestANewLoginEndsTheFormerSession(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	browser, thief := world.newBrowser(t), world.newBrowser(t)
	browser.logIn(t, "zoe")
	thief.setCookie("session", browser.cookie("session"))
	browser.logIn(t, "max")
	require.True(t, browser.isLoggedIn())
	require.False(t, thief.isLoggedIn())
}

func TestAnEndedSessionStaysEndedAsLongAsItsCookieIsGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		world := newWorld(t, "http://localhost:8080")
		zoe, other, thief := world.newBrowser(t), world.newBrowser(t), world.newBrowser(t)
		zoe.logIn(t, "zoe")
		thief.setCookie("session", zoe.cookie("session"))
		zoe.open("POST", "/logout")
		for range 61 {
			time.Sleep(time.Minute)
			other.logIn(t, "max")
			require.False(t, thief.isLoggedIn())
		}
	})
}

func TestASlowAttemptLeavesTimeForAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		world := newWorld(t, "http://localhost:8080")
		world.emulator.Inject(chargebeetest.Fault{Delay: time.Hour})
		start := time.Now()
		world.newBrowser(t).logIn(t, "zoe")
		require.Less(t, time.Since(start), 10*time.Second)
	})
}

func TestNobodyIsLoggedOutFromAnotherSite(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	browser := world.newBrowser(t)
	browser.logIn(t, "zoe")
	require.Equal(t, 405, browser.open("GET", "/logout").status)
	require.Equal(t, 403, browser.open("POST", "/logout", "Sec-Fetch-Site", "cross-site").status)
	require.Equal(t, 403, browser.open("POST", "/logout", "Origin", "https://evil.example").status)
	require.True(t, browser.isLoggedIn())
}

func TestACookieThatIsNotOursIsNoSession(t *testing.T) {
	t.Parallel()
	world, other := newWorld(t, "http://localhost:8080"), newWorld(t, "http://localhost:8080")
	foreign := other.newBrowser(t)
	returnURL, _ := foreign.beginLogin(t)
	login := foreign.cookie("login")
	foreign.open("GET", withSession(returnURL, other.emulator.AddPortalSession("zoe")))
	for name, value := range map[string]string{
		"none":                      "",
		"something":                 "zoe",
		"one signed by another key": foreign.cookie("session"),
		"one of another name":       login,
	} {
		browser := world.newBrowser(t)
		browser.setCookie("session", value)
		require.False(t, browser.isLoggedIn(), name)
	}
	tampered := foreign.cookie("session")
	foreign.setCookie("session", tampered[:len(tampered)/2]+"x"+tampered[len(tampered)/2+1:])
	require.False(t, foreign.isLoggedIn())
}

func TestCookiesOverHTTPSAreBoundToTheHost(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "https://app.example.com")
	browser := world.newBrowser(t)
	sent := browser.open("GET", "/login")
	require.Regexp(t, `^__Host-login=\S+; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax$`, sent.header.Get("Set-Cookie"))

	location, err := url.Parse(sent.header.Get("Location"))
	require.NoError(t, err)
	r := httptest.NewRequest("GET", withSession(location.Query().Get("return_url"), world.emulator.AddPortalSession("zoe")), nil)
	r.AddCookie(&http.Cookie{Name: "__Host-login", Value: browser.cookie("__Host-login")})
	recorder := httptest.NewRecorder()
	world.handler.ServeHTTP(recorder, r)
	require.Equal(t, "/account", recorder.Header().Get("Location"))
	set := recorder.Header().Values("Set-Cookie")
	require.Len(t, set, 2)
	require.Equal(t, "__Host-login=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax", set[0])
	require.Regexp(t, `^__Host-session=\S+; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax$`, set[1])
}

func TestNoRedirectIsTakenFromARequest(t *testing.T) {
	t.Parallel()
	world := newWorld(t, "http://localhost:8080")
	const evil = "https%3A%2F%2Fevil.example"
	for _, target := range []string{
		"/login?next=" + evil + "&return_url=" + evil + "&cancel_url=" + evil,
		"/return/x?next=" + evil, "/return/" + evil, "/cancelled/" + evil, "/account?next=" + evil, "/not-logged-in/" + evil, "//evil.example", "/%2F/evil.example", `/\evil.example`,
	} {
		r := httptest.NewRequest("GET", "http://localhost:8080"+target, nil)
		r.Host = "evil.example"
		recorder := httptest.NewRecorder()
		world.handler.ServeHTTP(recorder, r)
		location, err := url.Parse(recorder.Header().Get("Location"))
		require.NoError(t, err)
		require.Contains(t, []string{"", "acme-test.chargebeeportal.com"}, location.Host, target)
		require.NotContains(t, location.RawQuery, "evil", target)
		require.NotRegexp(t, `^[/\\\\]{2}`, location.String(), target)
	}
}

func TestTheAddressIsAHostAndNothingElse(t *testing.T) {
	t.Parallel()
	at := func(publicURL, loginURL string) error {
		_, err := newApp(publicURL, site{loginURL: loginURL}, slog.New(slog.DiscardHandler))
		return err
	}
	for _, good := range []string{"https://app.example.com", "https://app.example.com:8443", "http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"} {
		require.NoError(t, at(good, loginPage), good)
	}
	for _, bad := range []string{
		"", "app.example.com", "http://app.example.com", "ftp://app.example.com", "https://app.example.com/", "https://app.example.com/app",
		"https://app.example.com?x=1", "https://app.example.com?", "https://app.example.com#", "https://u:p@app.example.com", "http://:8080",
	} {
		require.Error(t, at(bad, loginPage), bad)
	}
	for _, bad := range []string{"", "/portal/login", "http://acme.example/login", "https://"} {
		require.Error(t, at("https://app.example.com", bad), bad)
	}
}

func TestTheLoginPageKeepsItsOwnQuery(t *testing.T) {
	t.Parallel()
	app, err := newApp("https://app.example.com", site{loginURL: loginPage + "?lang=de"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	recorder := httptest.NewRecorder()
	app.handler().ServeHTTP(recorder, httptest.NewRequest("GET", "/login", nil))
	require.Regexp(t, `^https://acme-test\.chargebeeportal\.com/portal/login\?cancel_url=https%3A%2F%2Fapp\.example\.com%2Fcancelled%2F\w{26}&lang=de&return_url=https%3A%2F%2Fapp\.example\.com%2Freturn%2F\w{26}$`,
		recorder.Header().Get("Location"))
}

func TestTheServerGivesNobodyForever(t *testing.T) {
	t.Parallel()
	server := newServer(nil, slog.New(slog.DiscardHandler))
	require.Equal(t, 5*time.Second, server.ReadHeaderTimeout)
	require.Equal(t, 10*time.Second, server.ReadTimeout)
	require.Equal(t, 30*time.Second, server.WriteTimeout)
	require.Equal(t, time.Minute, server.IdleTimeout)
}
