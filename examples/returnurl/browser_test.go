package main

import (
	"context"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// chromium is a tab of a real browser.
type chromium struct {
	ctx     context.Context //nolint:containedctx // it identifies the tab
	address string          // of the application

	mu         sync.Mutex
	returnURLs []string // return URLs that the browser requested
}

func openChromium(t *testing.T, address string) *chromium {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("needs a browser: chromium or google-chrome")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // in case the browser hangs
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &chromium{ctx: ctx, address: address}
	require.NoError(t, chromedp.Listen(ctx, b.recordReturnURL))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	return b
}

func (b *chromium) recordReturnURL(event any) {
	request, ok := event.(*network.EventRequestWillBeSent)
	if ok && strings.Contains(request.Request.URL, "auth_session_token=") {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.returnURLs = append(b.returnURLs, request.Request.URL)
	}
}

func (b *chromium) lastReturnURL() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.returnURLs[len(b.returnURLs)-1]
}

// open navigates to a path of the application or to a full URL.
func (b *chromium) open(t *testing.T, target string) {
	t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.address + target
	}
	require.NoError(t, chromedp.Do(b.ctx, chromedp.Navigate(target)))
}

// click clicks an element and waits for the next page.
func (b *chromium) click(t *testing.T, selector string) {
	t.Helper()
	_, err := chromedp.RunResponse(b.ctx, chromedp.Click(selector))
	require.NoError(t, err)
}

// query returns the result of an action in the tab.
func query[T any](t *testing.T, b *chromium, action chromedp.Action[T]) T {
	t.Helper()
	result, err := chromedp.Run(b.ctx, action)
	require.NoError(t, err)
	return result
}

// requirePage checks the URL and the heading of the page, and that the page contains no token.
func (b *chromium) requirePage(t *testing.T, path, heading string) {
	t.Helper()
	require.Equal(t, b.address+path, query(t, b, chromedp.Location()))
	require.Equal(t, heading, query(t, b, chromedp.Text("h1")))
	require.NotContains(t, query(t, b, chromedp.OuterHTML("html")), "auth_session")
}

func TestLoginInBrowser(t *testing.T) {
	t.Parallel()
	log := new(syncBuffer)
	b := openChromium(t, startApp(t, log))
	const home, logIn, logOut, zoe, cancel = `a[href="/"]`, `a[href="/login"]`, `form[action="/logout"] button`, `button[value="zoe"]`, `button[name="cancel"]`

	b.open(t, "/")
	b.requirePage(t, "/", "Welcome to Acme")
	b.click(t, logIn)
	b.click(t, zoe)
	b.requirePage(t, "/account", "You are logged in")
	require.Equal(t, "zoe", query(t, b, chromedp.Text("#customer")))
	require.Empty(t, query(t, b, chromedp.Evaluate[string]("document.cookie")))
	require.NotContains(t, query(t, b, chromedp.Evaluate[string]("document.referrer")), "auth_session")
	for _, entry := range query(t, b, chromedp.NavigationEntries()).Entries {
		require.NotContains(t, entry.URL, "auth_session")
	}

	b.click(t, logOut)
	b.requirePage(t, "/", "Welcome to Acme")
	usedURL := b.lastReturnURL()
	b.open(t, usedURL)
	b.requirePage(t, "/not-logged-in/invalid-state", "This login is no longer valid")
	b.open(t, "/account")
	b.requirePage(t, "/", "Welcome to Acme")

	b.click(t, logIn)
	login, err := url.Parse(query(t, b, chromedp.Location()))
	require.NoError(t, err)
	b.open(t, login.Query().Get("return_url")+"?auth_session_id=portal_1&auth_session_token=forged")
	b.requirePage(t, "/not-logged-in/rejected", "We could not confirm your login")
	b.open(t, "/account")
	b.requirePage(t, "/", "Welcome to Acme")

	b.click(t, logIn)
	b.click(t, cancel)
	b.requirePage(t, "/not-logged-in/canceled", "You canceled the login")
	b.click(t, home)
	b.requirePage(t, "/", "Welcome to Acme")

	require.Contains(t, log.String(), `route="GET /return/{state}" status=303`)
	_, token, _ := strings.Cut(usedURL, "auth_session_token=")
	require.NotContains(t, log.String(), token)
}
