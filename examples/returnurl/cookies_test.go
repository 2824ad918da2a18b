package main

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// decodeCookie returns the value of a cookie of gorilla/securecookie, which is Base64 for a time, a value in Base64
// and a signature.
func decodeCookie(t *testing.T, cookie string) string {
	t.Helper()
	decoded, err := base64.URLEncoding.DecodeString(cookie)
	require.NoError(t, err)
	parts := strings.SplitN(string(decoded), "|", 3)
	require.Len(t, parts, 3)
	value, err := base64.URLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	return string(value)
}

func TestLoginsInTwoTabsBothSucceed(t *testing.T) {
	t.Parallel()
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		app := newTestApp(t, "http://localhost:8080")
		browser := app.newBrowser()
		var returnURLs []string
		for range 2 {
			returnURL, _ := browser.beginLogin(t)
			returnURLs = append(returnURLs, returnURL)
		}
		for _, tab := range order {
			login := app.emulator.AddPortalSession(fmt.Sprint("customer-", tab))
			require.Equal(t, "/account", browser.send("GET", addSession(returnURLs[tab], login)).path)
			require.Contains(t, browser.send("GET", "/account").body, fmt.Sprint("customer-", tab))
		}
		require.Empty(t, browser.loginCookies())
	}
}

func TestCancellationInOneTabKeepsLoginInOther(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	returnURL, _ := browser.beginLogin(t)
	_, cancelURL := browser.beginLogin(t)
	browser.send("GET", cancelURL)
	require.Equal(t, "/account", browser.send("GET", addSession(returnURL, app.emulator.AddPortalSession("zoe"))).path)
}

func TestBrowserKeepsFiveNewestLogins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newTestApp(t, "http://localhost:8080")
		browser := app.newBrowser()
		var returnURLs []string
		for range 8 {
			returnURL, _ := browser.beginLogin(t)
			returnURLs = append(returnURLs, returnURL)
			time.Sleep(time.Second)
			require.LessOrEqual(t, len(browser.loginCookies()), 5)
		}
		for i, returnURL := range returnURLs {
			path := browser.send("GET", addSession(returnURL, app.emulator.AddPortalSession("zoe"))).path
			if i < 3 {
				require.Equal(t, "/not-logged-in/invalid-state", path)
			} else {
				require.Equal(t, "/account", path)
			}
		}
	})
}

func TestInvalidLoginCookiesAreCleared(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	browser.beginLogin(t)
	name, value := browser.loginCookie(t)
	for _, invalid := range []string{"login-00000000", "login-", "login-x" + strings.Repeat("y", 1000)} {
		browser.setCookie(invalid, value) // which is valid only with the other name
	}
	browser.setCookie("login-11111111", "forged")
	browser.setCookie("another", "cookie")
	browser.beginLogin(t)
	require.Len(t, browser.loginCookies(), 2)
	require.Contains(t, browser.loginCookies(), name)
	require.Equal(t, "cookie", browser.cookie("another"))
}

// Another host of the domain can set cookies for the application, but none with the prefix.
func TestHTTPSIgnoresCookiesWithoutPrefix(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "https://app.example.com")
	attacker, victim := app.newBrowser(), app.newBrowser()
	returnURL, _ := attacker.beginLogin(t)
	name, value := attacker.loginCookie(t)
	attackURL := addSession(returnURL, app.emulator.AddPortalSession("attacker"))
	victim.setCookie(strings.TrimPrefix(name, "__Host-"), value)
	require.Equal(t, "/not-logged-in/invalid-state", victim.send("GET", attackURL).path)

	require.Equal(t, "/account", attacker.send("GET", attackURL).path)
	victim.setCookie("session", attacker.cookie("__Host-session"))
	require.False(t, victim.isLoggedIn())
	victim.setCookie("login-11111111", "forged")
	require.Len(t, victim.send("GET", "/login").header.Values("Set-Cookie"), 1, "only that of the new login")
}
