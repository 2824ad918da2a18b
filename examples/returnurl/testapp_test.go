package main

import (
	"bytes"
	"cmp"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// testApp is the application and its emulator, both called in memory.
type testApp struct {
	*app
	emulator *chargebeetest.Server
	handler  http.Handler
	log      *syncBuffer
}

// syncBuffer is a buffer for concurrent use.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

const loginPage = "https://acme-test.chargebeeportal.com/portal/login"

// testConfig has limits that only the tests of the limits reach.
func testConfig(publicURL string) config {
	return config{publicURL: publicURL, loginsPerMinute: 1000, loginsPerClient: 1000}
}

func newTestApp(t *testing.T, publicURL string) *testApp {
	t.Helper()
	return newTestAppWith(t, testConfig(publicURL))
}

func newTestAppWith(t *testing.T, config config, opts ...chargebeetest.Option) *testApp {
	t.Helper()
	a := &testApp{emulator: chargebeetest.NewServer(opts...), log: new(syncBuffer)}
	t.Cleanup(a.emulator.Close)
	require.NoError(t, a.emulator.AddCustomer("zoe"))
	logger := slog.New(slog.NewTextHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client, err := a.emulator.NewClient(chargebee.WithLogger(logger), chargebee.WithHTTPClient(&http.Client{Transport: a.emulator.Transport()}))
	require.NoError(t, err)
	a.app, err = newApp(config, site{client: client, loginURL: hostedLogin("acme-test.chargebeeportal.com")}, logger)
	require.NoError(t, err)
	a.handler = a.app.handler()
	return a
}

// status returns the status of a portal session at the emulator.
func (a *testApp) status(t *testing.T, portalSessionID string) string {
	t.Helper()
	session, ok := a.emulator.PortalSession(portalSessionID)
	require.True(t, ok)
	return string(session.Status)
}

// replaceID inserts the ID of a portal session into a response.
func replaceID(body, id string) string { return strings.ReplaceAll(body, "SESSION", id) }

// inject makes the next n calls of a route fail.
func (a *testApp) inject(n int, fault chargebeetest.Fault) {
	for range n {
		a.emulator.Inject(fault)
	}
}

// calls returns how many requests the emulator got whose path ends with suffix.
func (a *testApp) calls(suffix string) int {
	count := 0
	for _, request := range a.emulator.Requests() {
		if strings.HasSuffix(request.Path, suffix) {
			count++
		}
	}
	return count
}

// browser keeps cookies and follows redirects within the application.
type browser struct {
	app  *testApp
	jar  http.CookieJar
	addr string // of the client; the default is that of httptest
}

func (a *testApp) newBrowser() *browser {
	jar, _ := cookiejar.New(nil) // cannot fail
	return &browser{app: a, jar: jar}
}

// response is the response after the last redirect.
type response struct {
	path   string
	status int
	header http.Header
	body   string
}

func (b *browser) send(method, target string, header ...string) response {
	u, _ := url.Parse(b.app.publicURL)
	u, _ = u.Parse(target)
	for {
		r := httptest.NewRequest(method, u.String(), nil)
		r.RemoteAddr = cmp.Or(b.addr, r.RemoteAddr)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		for _, cookie := range b.jar.Cookies(u) {
			r.AddCookie(cookie)
		}
		recorder := httptest.NewRecorder()
		b.app.handler.ServeHTTP(recorder, r)
		resp := recorder.Result()
		b.jar.SetCookies(u, resp.Cookies())
		location, err := resp.Location()
		if err == nil {
			location = u.ResolveReference(location)
		}
		if err != nil || location.Host != u.Host {
			return response{u.RequestURI(), resp.StatusCode, resp.Header, recorder.Body.String()}
		}
		method, u = http.MethodGet, location
	}
}

// loginCookie returns the name and the value of the cookie of a login, which must be the only one.
func (b *browser) loginCookie(t *testing.T) (name, value string) {
	t.Helper()
	names := b.loginCookies()
	require.Len(t, names, 1)
	return names[0], b.cookie(names[0])
}

func (b *browser) loginCookies() []string {
	u, _ := url.Parse(b.app.publicURL)
	var names []string
	for _, cookie := range b.jar.Cookies(u) {
		if strings.HasPrefix(strings.TrimPrefix(cookie.Name, "__Host-"), "login-") {
			names = append(names, cookie.Name)
		}
	}
	return names
}

func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.app.publicURL)
	for _, cookie := range b.jar.Cookies(u) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

func (b *browser) setCookie(name, value string) {
	u, _ := url.Parse(b.app.publicURL)
	b.jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// beginLogin returns the URLs that the application passes to the hosted login page.
func (b *browser) beginLogin(t *testing.T) (returnURL, cancelURL string) {
	t.Helper()
	resp := b.send("GET", "/login")
	require.Equal(t, 303, resp.status)
	page, query, _ := strings.Cut(resp.header.Get("Location"), "?")
	require.Equal(t, loginPage, page)
	values, err := url.ParseQuery(query)
	require.NoError(t, err)
	require.Len(t, values, 2)
	return values.Get("return_url"), values.Get("cancel_url")
}

// addSession adds to returnURL what Chargebee appends after a login.
func addSession(returnURL string, login chargebee.PortalReturn) string {
	return returnURL + "?" + url.Values{"auth_session_id": {login.SessionID}, "auth_session_token": {login.Token}}.Encode()
}

// logIn logs a customer in and returns the ID of the portal session.
func (b *browser) logIn(t *testing.T, customer string) (portalSessionID string) {
	t.Helper()
	returnURL, _ := b.beginLogin(t)
	login := b.app.emulator.AddPortalSession(customer)
	require.Equal(t, "/account", b.send("GET", addSession(returnURL, login)).path)
	return login.SessionID
}

func (b *browser) isLoggedIn() bool { return b.send("GET", "/").path == "/account" }
