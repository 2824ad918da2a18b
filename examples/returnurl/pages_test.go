package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// handlerFunc is a handler that passes the client of a request to f.
func handlerFunc(f func(client string)) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(clientOf(r).String()) })
}

func TestErrorPagesHaveOneLookAndLinkToLogin(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	for name, test := range map[string]struct {
		method, path string
		header       []string
		status       int
		heading      string
	}{
		"no such page":         {"GET", "/unknown", nil, 404, "This page does not exist"},
		"no such reason":       {"GET", "/not-logged-in/unknown", nil, 404, "This page does not exist"},
		"wrong method":         {"GET", "/logout", nil, 405, "This page cannot be opened directly"},
		"from another website": {"POST", "/logout", []string{"Sec-Fetch-Site", "cross-site"}, 403, "This request came from another website"},
		"login not valid":      {"GET", "/return/x", nil, 403, "This login is no longer valid"},
		"link not complete":    {"GET", "/return/", nil, 400, "This link is incomplete"},
		"rejected":             {"GET", "/not-logged-in/rejected", nil, 403, "We could not confirm your login"},
		"unavailable":          {"GET", "/not-logged-in/unavailable", nil, 503, "We could not confirm your login"},
		"canceled":             {"GET", "/canceled/x", nil, 200, "You canceled the login"},
		"session has ended":    {"GET", "/not-logged-in/ended", nil, 403, "Your session has ended"},
		"logged out only here": {"GET", "/not-logged-in/logged-out-here", nil, 200, "You are logged out here"},
		"login not confirmed":  {"GET", "/not-logged-in/unconfirmed", nil, 503, "We cannot confirm your login now"},
		"portal does not open": {"GET", "/not-logged-in/no-portal", nil, 503, "We cannot open the billing portal now"},
	} {
		resp := app.newBrowser().send(test.method, test.path, test.header...)
		require.Equal(t, test.status, resp.status, name)
		require.Equal(t, "text/html; charset=utf-8", resp.header.Get("Content-Type"), name)
		require.Contains(t, resp.body, "<h1>"+test.heading+"</h1>", name)
		require.Contains(t, resp.body, `<link rel="stylesheet" href="/style.css">`, name)
		require.Contains(t, resp.body, `<meta name="color-scheme" content="light dark">`, name)
		require.Contains(t, resp.body, `href="/login">Log in</a>`, name)
		require.Equal(t, "no-store", resp.header.Get("Cache-Control"), name)
		require.NotEmpty(t, resp.header.Get("Content-Security-Policy"), name)
	}
	require.Equal(t, "POST", app.newBrowser().send("GET", "/logout").header.Get("Allow"))
}

func TestEveryStatusHasMessage(t *testing.T) {
	t.Parallel()
	for status, heading := range map[int]string{
		400: "This request is invalid", 403: "This request came from another website", 404: "This page does not exist",
		405: "This page cannot be opened directly", 429: "Please try again in a moment", 500: "Something went wrong", 503: "Something went wrong",
	} {
		app := newTestApp(t, "http://localhost:8080")
		recorder := httptest.NewRecorder()
		app.pages.replaceErrors(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "internal detail", status) })).
			ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
		require.Equal(t, status, recorder.Code)
		require.Contains(t, recorder.Body.String(), "<h1>"+heading+"</h1>")
		require.NotContains(t, recorder.Body.String(), "internal detail")
	}
}

func TestPanicIsReportedWithoutItsValue(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	log := new(syncBuffer)
	panicking := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret_token") })
	recorder := httptest.NewRecorder()
	app.pages.replaceErrors(recoverPanics(slog.New(slog.NewTextHandler(log, nil)), panicking)).
		ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
	require.Equal(t, 500, recorder.Code)
	require.Contains(t, recorder.Body.String(), "<h1>Something went wrong</h1>")
	require.Contains(t, log.String(), "type=string")
	require.NotContains(t, log.String()+recorder.Body.String(), "secret_token")

	aborting := recoverPanics(slog.New(slog.DiscardHandler), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { aborting.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) })
}

func TestPageThatCannotBeRenderedIsAnError(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	recorder := httptest.NewRecorder()
	app.pages.replaceErrors(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { app.pages.render(w, 200, "unknown", nil) })).
		ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
	require.Equal(t, 500, recorder.Code)
	require.Contains(t, recorder.Body.String(), "<h1>Something went wrong</h1>")
	require.Contains(t, app.log.String(), "cannot render page")
}

func TestCustomerIDIsEscaped(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	browser.logIn(t, `<script>alert("x")</script>`)
	body := browser.send("GET", "/account").body
	require.Contains(t, body, "&lt;script&gt;")
	require.NotContains(t, body, "<script>")
}
