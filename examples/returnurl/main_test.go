package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// startApp runs the application against the embedded emulator until the test ends.
func startApp(t *testing.T, stderr io.Writer, args ...string) (address string) {
	t.Helper()
	reader, writer := io.Pipe()
	ctx, interrupt := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, append([]string{"-addr", "localhost:0"}, args...), env(nil), writer, stderr) }()
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
	address := startApp(t, io.Discard)
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

func TestLogsGoToStderr(t *testing.T) {
	t.Parallel()
	stderr := new(syncBuffer)
	resp, err := http.Get(startApp(t, stderr) + "/")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Eventually(t, func() bool { return strings.Contains(stderr.String(), `route="GET /{$}" status=200`) }, 10*time.Second, time.Millisecond)
}

func TestRealSiteUsesChargebeeLoginPage(t *testing.T) {
	t.Parallel()
	logger := slog.New(slog.DiscardHandler)
	acme := env(map[string]string{"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "test_key"})
	realSite, err := openSite(acme, "", 150, logger)
	require.NoError(t, err)
	require.Equal(t, "acme-test", realSite.name)
	loginURL, err := realSite.loginURL("https://a.example", "https://b.example")
	require.NoError(t, err)
	require.Equal(t, "https://acme-test.chargebeeportal.com/portal/login?cancel_url=https%3A%2F%2Fb.example&return_url=https%3A%2F%2Fa.example", loginURL)
	realSite, err = openSite(acme, "billing.acme.example", 150, logger)
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
	}), "", 150, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	login := server.AddPortalSession("zoe")
	_, err = realSite.client.PortalSessions.ActivatePortalSession(t.Context(), login.SessionID, chargebee.ActivatePortalSessionParams{Token: login.Token})
	require.NoError(t, err)
}

func TestAllCallsOfTheProgramAreLimited(t *testing.T) {
	t.Parallel()
	server := chargebeetest.NewServer()
	defer server.Close()
	realSite, err := openSite(env(map[string]string{
		"CHARGEBEE_SITE": server.Site, "CHARGEBEE_API_KEY": server.APIKey, "CHARGEBEE_BASE_URL": server.URL,
	}), "", 6, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // in which the limiter lets no third call pass
	defer cancel()
	for range 3 {
		_, err = realSite.client.PortalSessions.RetrievePortalSession(ctx, "portal_1")
	}
	require.ErrorContains(t, err, "rate: Wait(n=1) would exceed context deadline")
	require.Len(t, server.Requests(), 2)
}

func TestInvalidArgumentsAreUsageErrors(t *testing.T) {
	t.Parallel()
	acme := map[string]string{"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "test_key"}
	for reason, test := range map[string]struct {
		args []string
		env  map[string]string
	}{
		"a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY":               {nil, map[string]string{"CHARGEBEE_SITE": "acme-test"}},
		"-portal-host is for a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY": {[]string{"-portal-host", "x"}, nil},
		"unknown argument: here":                  {[]string{"here"}, nil},
		"flag provided but not defined: -unknown": {[]string{"-unknown"}, nil},
		"the limits must be at least 2":           {[]string{"-logins-per-minute", "1"}, nil},
		"-proxies must not be negative":           {[]string{"-proxies", "-1"}, nil},
		"https needs both -tls-cert and -tls-key": {[]string{"-tls-cert", "cert.pem"}, nil},
		"-portal-host must be a host, such as acme-test.chargebeeportal.com, without a scheme and a path": {[]string{"-addr", "localhost:0", "-portal-host", "http://billing.acme.example"}, acme},
		"-url must be https:// and a host, without a path (http:// only for a loopback host)":             {[]string{"-addr", "localhost:0", "-url", "app.example.com"}, nil},
	} {
		var usageErr *program.UsageError
		require.ErrorAs(t, run(t.Context(), test.args, env(test.env), io.Discard, io.Discard), &usageErr)
		require.Equal(t, reason, usageErr.Reason)
	}
}

func TestInvalidSiteIsRejected(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), nil, env(map[string]string{"CHARGEBEE_SITE": "https://x", "CHARGEBEE_API_KEY": "test_key"}), io.Discard, io.Discard)
	require.EqualError(t, err, "chargebee: site must be the name alone, such as acme-test: letters, digits and inner hyphens")
}

func TestMissingCertificateIsReported(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.pem")
	err := run(t.Context(), []string{"-tls-cert", missing, "-tls-key", missing}, env(nil), io.Discard, io.Discard)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestHelpBeginsWithPurposeAndExample(t *testing.T) {
	t.Parallel()
	var help strings.Builder
	require.ErrorIs(t, run(t.Context(), []string{"-help"}, env(nil), &help, io.Discard), flag.ErrHelp)
	require.True(t, strings.HasPrefix(help.String(), "Returnurl is a web application whose customers log in at Chargebee's hosted\nportal.\n\nExample:\n  go run -C examples/returnurl .\n"), help.String())
	_, rest, found := strings.Cut(help.String(), "\nEnvironment variables:\n")
	require.True(t, found)
	require.Contains(t, rest, "\nFlags:\n  -addr address\n")
}

// This test replaces os.Stderr, so it cannot run in parallel with others.
func TestFlagErrorsArePrintedOnlyByMain(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	defer file.Close()
	defer func(original *os.File) { os.Stderr = original }(os.Stderr)
	os.Stderr = file
	var stdout, stderr bytes.Buffer
	require.Error(t, run(t.Context(), []string{"-unknown"}, env(nil), &stdout, &stderr))
	printed, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	require.Empty(t, string(printed)+stdout.String()+stderr.String())
}
