package main

import (
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// longID is the longest ID that a customer can have, without a place to break.
var longID = strings.Repeat("W", 50)

// serveApp serves an application whose emulator has the customer longID.
func serveApp(t *testing.T) (address string) {
	t.Helper()
	emulator := chargebeetest.NewServer()
	t.Cleanup(emulator.Close)
	require.NoError(t, emulator.AddCustomer(longID))
	client, err := emulator.NewClient()
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	address = localURL("http", "localhost:0", listener)
	app, err := newApp(testConfig(address), site{client: client, loginURL: emulatedLogin(emulator.LoginURL)}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(app.handler())
	require.NoError(t, server.Listener.Close())
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return address
}

func (b *chromium) setScheme(t *testing.T, scheme string) {
	t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(t, err)
}

// eachPage calls check with the name of each page that the browser can see, which it displays at that time.
func (b *chromium) eachPage(t *testing.T, check func(name string)) {
	t.Helper()
	open := func(path string) {
		b.open(t, path)
		check(path)
	}
	open("/")
	b.click(t, loginLink)
	check("login page of the emulator")
	b.click(t, `button[value="`+longID+`"]`)
	check("/account")
	b.click(t, portalButton)
	b.waitForHeading(t, "Portal of emulator-test")
	check("portal of the emulator")
	portal := query(t, b, chromedp.Location())
	b.click(t, leaveButton)
	b.open(t, portal)
	check("expired portal of the emulator")
	b.open(t, "/account")
	b.click(t, portalButton)
	b.waitForHeading(t, "Portal of emulator-test")
	b.open(t, "/account")
	b.click(t, portalButton)
	check("too many visits to the portal")
	b.click(t, `a[href="/account"]`)
	b.click(t, logoutButton)
	for reason := range newMessages() {
		open("/not-logged-in/" + reason)
	}
	open("/unknown")
	open("/logout")
	open("/canceled/x")
}

func TestPagesFitNarrowWindowInBrowser(t *testing.T) {
	t.Parallel()
	b := openChromium(t, serveApp(t))
	backgrounds := make(map[string]string)
	for _, scheme := range []string{"light", "dark"} {
		b.setScheme(t, scheme)
		query(t, b, chromedp.EmulateViewport(320, 640, chromedp.EmulateMobile))
		b.eachPage(t, func(name string) {
			require.Equal(t, 320, query(t, b, chromedp.Evaluate[int]("window.innerWidth")), name)
			require.LessOrEqual(t, query(t, b, chromedp.Evaluate[int]("document.documentElement.scrollWidth")), 320, name)
			background := query(t, b, chromedp.Evaluate[string]("getComputedStyle(document.body).backgroundColor"))
			require.NotEqual(t, "rgba(0, 0, 0, 0)", background, name)
			if scheme == "light" {
				backgrounds[name] = background
			} else {
				require.NotEqual(t, backgrounds[name], background, name)
			}
		})
	}
	require.Len(t, backgrounds, 18)
}
