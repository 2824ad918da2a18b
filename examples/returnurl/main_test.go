package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// start runs the application against the embedded emulator until the test ends.
func start(t *testing.T, logger *slog.Logger) (address string) {
	t.Helper()
	printed, out := io.Pipe()
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-addr", "localhost:0"}, env(nil), out, logger) }()
	t.Cleanup(func() {
		interrupt()
		require.NoError(t, <-ended)
	})
	for scanner := bufio.NewScanner(printed); scanner.Scan(); {
		if address, found := strings.CutPrefix(scanner.Text(), "Open "); found {
			return address
		}
	}
	t.Fatal("it does not say where it listens")
	return ""
}

func TestItRunsAgainstTheEmbeddedEmulatorWithoutSettings(t *testing.T) {
	t.Parallel()
	address := start(t, slog.New(slog.DiscardHandler))
	require.Regexp(t, `^http://localhost:\d+$`, address)
	resp, err := http.Get(address + "/login") // and on to the login page
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "127.0.0.1", resp.Request.URL.Hostname())
	require.Equal(t, "/portal/login", resp.Request.URL.Path)
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(page), `value="zoe"`)
}

func TestARealSiteHasItsLoginPageAtChargebee(t *testing.T) {
	t.Parallel()
	logger := slog.New(slog.DiscardHandler)
	acme := env(map[string]string{"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "test_key"})
	live, err := connect(acme, "", logger)
	require.NoError(t, err)
	require.Equal(t, "https://acme-test.chargebeeportal.com/portal/login", live.loginURL)
	live, err = connect(acme, "https://billing.acme.example/portal/login", logger)
	require.NoError(t, err)
	require.Equal(t, "https://billing.acme.example/portal/login", live.loginURL)
}

func TestABaseURLLeadsItElsewhere(t *testing.T) {
	t.Parallel()
	server := chargebeetest.NewServer()
	defer server.Close()
	live, err := connect(env(map[string]string{
		"CHARGEBEE_SITE": server.Site, "CHARGEBEE_API_KEY": server.APIKey, "CHARGEBEE_BASE_URL": server.URL,
	}), server.LoginURL, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	login := server.AddPortalSession("zoe")
	_, err = live.client.PortalSessions.ActivatePortalSession(t.Context(), login.SessionID, chargebee.ActivatePortalSessionParams{Token: login.Token})
	require.NoError(t, err)
}

func TestWhatCannotWorkIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	one := map[string]string{"CHARGEBEE_SITE": "acme-test"}
	for problem, test := range map[string]struct {
		args []string
		env  map[string]string
	}{
		"a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY":             {nil, one},
		"-login-url is for a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY": {[]string{"-login-url", "https://x"}, nil},
		"unknown argument: here":              {[]string{"here"}, nil},
		"-login-url must be a URL with https": {[]string{"-addr", "localhost:0", "-login-url", "http://billing.acme.example"}, map[string]string{"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "test_key"}},
		"-url must be https, or http on this machine, and a host, and nothing else":                    {[]string{"-addr", "localhost:0", "-url", "app.example.com"}, nil},
		"chargebee: site must be the name alone, such as acme-test: letters, digits and inner hyphens": {nil, map[string]string{"CHARGEBEE_SITE": "https://x", "CHARGEBEE_API_KEY": "test_key"}},
	} {
		err := run(t.Context(), test.args, env(test.env), io.Discard, slog.New(slog.DiscardHandler))
		require.EqualError(t, err, problem)
	}
}
