package main

import (
	"context"
	"log/slog"
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
	ctx     context.Context //nolint:containedctx // it is the tab
	address string          // of the application

	mu      sync.Mutex
	returns []string // the return URLs that the browser opened
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
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // if the browser hangs
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &chromium{ctx: ctx, address: address}
	require.NoError(t, chromedp.Listen(ctx, b.listen))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	return b
}

func (b *chromium) listen(event any) {
	request, ok := event.(*network.EventRequestWillBeSent)
	if ok && strings.Contains(request.Request.URL, "auth_session_token=") {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.returns = append(b.returns, request.Request.URL)
	}
}

func (b *chromium) lastReturn() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.returns[len(b.returns)-1]
}

// open goes to a path of the application, or to another URL.
func (b *chromium) open(t *testing.T, target string) {
	t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.address + target
	}
	require.NoError(t, chromedp.Do(b.ctx, chromedp.Navigate(target)))
}

// click clicks on what leads to another page.
func (b *chromium) click(t *testing.T, selector string) {
	t.Helper()
	_, err := chromedp.RunResponse(b.ctx, chromedp.Click(selector))
	require.NoError(t, err)
}

// see returns what the browser shows.
func see[T any](t *testing.T, b *chromium, action chromedp.Action[T]) T {
	t.Helper()
	result, err := chromedp.Run(b.ctx, action)
	require.NoError(t, err)
	return result
}

// requirePage looks at the address and at the heading. No page has a token.
func (b *chromium) requirePage(t *testing.T, path, heading string) {
	t.Helper()
	require.Equal(t, b.address+path, see(t, b, chromedp.Location()))
	require.Equal(t, heading, see(t, b, chromedp.Text("h1")))
	require.NotContains(t, see(t, b, chromedp.OuterHTML("html")), "auth_session")
}

func TestInABrowser(t *testing.T) {
	t.Parallel()
	log := new(safeBuffer)
	b := openChromium(t, start(t, slog.New(slog.NewTextHandler(log, nil))))
	const home, logIn, logOut, zoe, cancel = `a[href="/"]`, `a[href="/login"]`, `form[action="/logout"] button`, `button[value="zoe"]`, `button[name="cancel"]`

	b.open(t, "/")
	b.requirePage(t, "/", "Welcome to Acme")
	b.click(t, logIn)
	b.click(t, zoe)
	b.requirePage(t, "/account", "You are logged in")
	require.Equal(t, "zoe", see(t, b, chromedp.Text("#customer")))
	require.Empty(t, see(t, b, chromedp.Evaluate[string]("document.cookie")))
	require.NotContains(t, see(t, b, chromedp.Evaluate[string]("document.referrer")), "auth_session")
	for _, entry := range see(t, b, chromedp.NavigationEntries()).Entries {
		require.NotContains(t, entry.URL, "auth_session")
	}

	b.click(t, logOut)
	b.requirePage(t, "/", "Welcome to Acme")
	used := b.lastReturn()
	b.open(t, used)
	b.requirePage(t, "/not-logged-in/not-begun", "This login is over")
	b.open(t, "/account")
	b.requirePage(t, "/", "Welcome to Acme")

	b.click(t, logIn)
	login, err := url.Parse(see(t, b, chromedp.Location()))
	require.NoError(t, err)
	b.open(t, login.Query().Get("return_url")+"?auth_session_id=portal_1&auth_session_token=forged")
	b.requirePage(t, "/not-logged-in/refused", "We could not confirm your login")
	b.open(t, "/account")
	b.requirePage(t, "/", "Welcome to Acme")

	b.click(t, logIn)
	b.click(t, cancel)
	b.requirePage(t, "/not-logged-in/cancelled", "You cancelled the login")
	b.click(t, home)
	b.requirePage(t, "/", "Welcome to Acme")

	require.Contains(t, log.String(), `route="GET /return/{state}" status=303`)
	_, token, _ := strings.Cut(used, "auth_session_token=")
	require.NotContains(t, log.String(), token)
}
