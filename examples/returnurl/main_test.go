package main

import (
	"bufio"
	"context"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// startApp runs the application against the embedded emulator until the test ends.
func startApp(t *testing.T, logger *slog.Logger) (address string) {
	t.Helper()
	reader, writer := io.Pipe()
	ctx, interrupt := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"-addr", "localhost:0"}, env(nil), writer, logger) }()
	t.Cleanup(func() {
		interrupt()
		require.NoError(t, <-done)
	})
	for scanner := bufio.NewScanner(reader); scanner.Scan(); {
		if address, found := strings.CutPrefix(scanner.Text(), "Open "); found {
			return address
		}
	}
	t.Fatal("the application did not print its URL")
	return ""
}

func TestRunsOnEmulatorByDefault(t *testing.T) {
	t.Parallel()
	address := startApp(t, slog.New(slog.DiscardHandler))
	require.Regexp(t, `^http://localhost:\d+$`, address)
	resp, err := http.Get(address + "/login") // follows the redirect to the login page
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "127.0.0.1", resp.Request.URL.Hostname())
	require.Equal(t, "/portal/login", resp.Request.URL.Path)
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(page), `value="zoe"`)
}

func TestRealSiteUsesChargebeeLoginPage(t *testing.T) {
	t.Parallel()
	logger := slog.New(slog.DiscardHandler)
	acme := env(map[string]string{"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "test_key"})
	realSite, err := openSite(acme, "", logger)
	require.NoError(t, err)
	loginURL, err := realSite.loginURL("https://a.example", "https://b.example")
	require.NoError(t, err)
	require.Equal(t, "https://acme-test.chargebeeportal.com/portal/login?cancel_url=https%3A%2F%2Fb.example&return_url=https%3A%2F%2Fa.example", loginURL)
	realSite, err = openSite(acme, "billing.acme.example", logger)
	require.NoError(t, err)
	loginURL, err = realSite.loginURL("https://a.example", "https://b.example")
	require.NoError(t, err)
	require.Equal(t, "https://billing.acme.example/portal/login?cancel_url=https%3A%2F%2Fb.example&return_url=https%3A%2F%2Fa.example", loginURL)
}

func TestBaseURLOverridesSite(t *testing.T) {
	t.Parallel()
	server := chargebeetest.NewServer()
	defer server.Close()
	realSite, err := openSite(env(map[string]string{
		"CHARGEBEE_SITE": server.Site, "CHARGEBEE_API_KEY": server.APIKey, "CHARGEBEE_BASE_URL": server.URL,
	}), "", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	login := server.AddPortalSession("zoe")
	_, err = realSite.client.PortalSessions.ActivatePortalSession(t.Context(), login.SessionID, chargebee.ActivatePortalSessionParams{Token: login.Token})
	require.NoError(t, err)
}

func TestInvalidSettingsAreRejected(t *testing.T) {
	t.Parallel()
	siteOnly := map[string]string{"CHARGEBEE_SITE": "acme-test"}
	for message, test := range map[string]struct {
		args []string
		env  map[string]string
	}{
		"a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY":               {nil, siteOnly},
		"-portal-host is for a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY": {[]string{"-portal-host", "x"}, nil},
		"unknown argument: here": {[]string{"here"}, nil},
		"chargebee: portalHost must be a host, such as acme-test.chargebeeportal.com, without a scheme and a path": {[]string{"-addr", "localhost:0", "-portal-host", "http://billing.acme.example"}, map[string]string{"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "test_key"}},
		"-url must be https:// and a host, without a path (http:// only for a loopback host)":                      {[]string{"-addr", "localhost:0", "-url", "app.example.com"}, nil},
		"chargebee: site must be the name alone, such as acme-test: letters, digits and inner hyphens":             {nil, map[string]string{"CHARGEBEE_SITE": "https://x", "CHARGEBEE_API_KEY": "test_key"}},
	} {
		err := run(t.Context(), test.args, env(test.env), io.Discard, slog.New(slog.DiscardHandler))
		require.EqualError(t, err, message)
	}
}

func TestHelpPrintsUsage(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.ErrorIs(t, run(t.Context(), []string{"-help"}, env(nil), &out, slog.New(slog.DiscardHandler)), flag.ErrHelp)
	require.True(t, strings.HasPrefix(out.String(), "Usage of returnurl:\n"), out.String())
}

// This test replaces os.Stderr, so it cannot run in parallel with others.
func TestFlagErrorsArePrintedOnlyByMain(t *testing.T) {
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	defer stderr.Close()
	defer func(original *os.File) { os.Stderr = original }(os.Stderr)
	os.Stderr = stderr
	require.EqualError(t, run(t.Context(), []string{"-unknown"}, env(nil), io.Discard, slog.New(slog.DiscardHandler)), "flag provided but not defined: -unknown")
	printed, err := os.ReadFile(stderr.Name())
	require.NoError(t, err)
	require.Empty(t, string(printed))
}
