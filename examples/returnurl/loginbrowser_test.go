package main

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

const (
	homeLink     = `a[href="/"]`
	loginLink    = `a[href="/login"]`
	portalButton = `form[action="/portal"] button`
	logoutButton = `form[action="/logout"] button`
	zoeButton    = `button[value="zoe"]`        // of the emulator
	cancelButton = `button[name="cancel"]`      // of the emulator
	leaveButton  = `form[method="post"] button` // of the emulator's portal
)

func TestLoginInBrowser(t *testing.T) {
	t.Parallel()
	log := new(syncBuffer)
	testLoginInBrowser(t, openChromium(t, startApp(t, log)), log)
}

func TestLoginInBrowserOverHTTPS(t *testing.T) {
	t.Parallel()
	log := new(syncBuffer)
	certificate, key := writeCertificate(t)
	b := openChromium(t, startApp(t, log, "-tls-cert", certificate, "-tls-key", key))
	require.True(t, strings.HasPrefix(b.address, "https://localhost:"))

	b.open(t, "/")
	b.click(t, loginLink)
	b.requireSecureCookies(t, `^__Host-login-[0-9a-f]{8}$`)
	b.click(t, zoeButton)
	b.requirePage(t, "/account", "You are logged in")
	b.requireSecureCookies(t, `^__Host-session$`)
	b.click(t, logoutButton)
	b.requireSecureCookies(t)

	testLoginInBrowser(t, b, log)
}

// writeCertificate writes a certificate and its key to files. The browser accepts any certificate.
func writeCertificate(t *testing.T) (certificateFile, keyFile string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	certificate := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	certificateFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(certificateFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	return certificateFile, keyFile
}

// requireSecureCookies checks the cookies of the application, of which there is one for each pattern.
func (b *chromium) requireSecureCookies(t *testing.T, namePatterns ...string) {
	t.Helper()
	result, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{b.address}})
	require.NoError(t, err)
	require.Len(t, result.Cookies, len(namePatterns))
	for i, cookie := range result.Cookies {
		require.Regexp(t, namePatterns[i], cookie.Name)
		require.True(t, cookie.Secure)
		require.True(t, cookie.HTTPOnly)
		require.Equal(t, network.CookieSameSiteLax, cookie.SameSite)
		require.Equal(t, "/", cookie.Path)
		require.Equal(t, "localhost", cookie.Domain)
	}
}

func testLoginInBrowser(t *testing.T, b *chromium, log *syncBuffer) {
	t.Helper()
	b.open(t, "/")
	b.requirePage(t, "/", "Welcome to Acme")
	b.click(t, loginLink)
	b.click(t, zoeButton)
	b.requirePage(t, "/account", "You are logged in")
	require.Equal(t, "zoe", query(t, b, chromedp.Text("#customer")))
	require.Empty(t, query(t, b, chromedp.Evaluate[string]("document.cookie")))
	require.NotContains(t, query(t, b, chromedp.Evaluate[string]("document.referrer")), "auth_session")
	for _, entry := range query(t, b, chromedp.NavigationEntries()).Entries {
		require.NotContains(t, entry.URL, "auth_session")
	}
	b.visitPortal(t, log)

	b.click(t, logoutButton)
	b.requirePage(t, "/", "Welcome to Acme")
	usedURL := b.lastReturnURL()
	b.open(t, usedURL)
	b.requirePage(t, "/not-logged-in/invalid-state", "This login is no longer valid")
	b.open(t, "/account")
	b.requirePage(t, "/", "Welcome to Acme")

	b.click(t, loginLink)
	login, err := url.Parse(query(t, b, chromedp.Location()))
	require.NoError(t, err)
	b.open(t, login.Query().Get("return_url")+"?auth_session_id=portal_1&auth_session_token=forged")
	b.requirePage(t, "/not-logged-in/rejected", "We could not confirm your login")
	b.open(t, "/account")
	b.requirePage(t, "/", "Welcome to Acme")

	b.click(t, loginLink)
	b.click(t, cancelButton)
	b.requirePage(t, "/not-logged-in/canceled", "You canceled the login")
	b.click(t, homeLink)
	b.requirePage(t, "/", "Welcome to Acme")
	b.logInTwice(t)

	require.Contains(t, log.String(), `route="GET /return/{state}" status=303`)
	_, token, _ := strings.Cut(usedURL, "auth_session_token=")
	require.NotContains(t, log.String(), token)
}

// visitPortal enters the portal from the account page, and returns to the account page by a logout there.
func (b *chromium) visitPortal(t *testing.T, log *syncBuffer) {
	t.Helper()
	b.click(t, portalButton)
	b.waitForHeading(t, "Portal of emulator-test")
	location := query(t, b, chromedp.Location())
	_, token, found := strings.Cut(location, "/portal/access/")
	require.True(t, found, location)
	require.NotContains(t, log.String(), token)
	require.Empty(t, query(t, b, chromedp.Evaluate[string]("document.referrer")))
	require.Contains(t, query(t, b, chromedp.Text("p")), "Customer zoe is in the portal")
	entries := query(t, b, chromedp.NavigationEntries()).Entries
	require.Equal(t, b.address+"/account", entries[len(entries)-2].URL, "the back button leads to the account page")
	b.click(t, leaveButton)
	b.requirePage(t, "/account", "You are logged in")
}

// logInTwice begins two logins before it completes them, as in two tabs.
func (b *chromium) logInTwice(t *testing.T) {
	t.Helper()
	b.open(t, "/login")
	first := query(t, b, chromedp.Location())
	b.open(t, "/login")
	second := query(t, b, chromedp.Location())
	require.NotEqual(t, first, second)
	for loginPage, customer := range map[string]string{first: "zoe", second: "max"} { // in any order
		b.open(t, loginPage)
		b.click(t, `button[value="`+customer+`"]`)
		b.requirePage(t, "/account", "You are logged in")
		require.Equal(t, customer, query(t, b, chromedp.Text("#customer")))
	}
}
