package main

import (
	"context"
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
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("ignore-certificate-errors", true))
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

// waitForHeading waits for the page with a heading, to which the current page refreshes.
func (b *chromium) waitForHeading(t *testing.T, heading string) {
	t.Helper()
	query(t, b, chromedp.WaitVisible("//h1[text()='"+heading+"']"))
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
