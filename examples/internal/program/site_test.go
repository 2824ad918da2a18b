package program_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

func environment(site, apiKey, baseURL string) func(string) string {
	return func(name string) string {
		return map[string]string{"CHARGEBEE_SITE": site, "CHARGEBEE_API_KEY": apiKey, "CHARGEBEE_BASE_URL": baseURL}[name]
	}
}

func TestEmulatorIsUsedWithoutVariables(t *testing.T) {
	t.Parallel()
	site, err := program.OpenSite(environment("", "", ""), chargebeetest.WithRateLimit(1))
	require.NoError(t, err)
	defer site.Close()
	require.Equal(t, program.Site{
		Name: "emulator-test", APIKey: site.Emulator.APIKey, BaseURL: site.Emulator.URL, Emulator: site.Emulator,
	}, *site)
	require.Equal(t, "the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site.", site.String())

	client, err := site.NewClient(chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1}))
	require.NoError(t, err)
	_, err = client.Features.RetrieveFeature(t.Context(), "seats")
	require.ErrorIs(t, err, chargebee.ErrResourceNotFound)
	_, err = client.Features.RetrieveFeature(t.Context(), "seats") // the option sets the limit of the emulator
	require.ErrorContains(t, err, "429")
	require.Len(t, site.Emulator.Requests(), 2)
}

func TestCloseStopsEmulator(t *testing.T) {
	t.Parallel()
	site, err := program.OpenSite(environment("", "", ""))
	require.NoError(t, err)
	client, err := site.NewClient(chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1}))
	require.NoError(t, err)
	site.Close()
	_, err = client.Features.RetrieveFeature(t.Context(), "seats")
	var transportErr *chargebee.TransportError
	require.ErrorAs(t, err, &transportErr)
}

func TestRealSiteNeedsNameAndAPIKey(t *testing.T) {
	t.Parallel()
	for name, getenv := range map[string]func(string) string{
		"only the name":       environment("acme-test", "", ""),
		"only the API key":    environment("", "key_secret", ""),
		"only the base URL":   environment("", "", "https://127.0.0.1:1/api/v2"),
		"all but the name":    environment("", "key_secret", "https://127.0.0.1:1/api/v2"),
		"all but the API key": environment("acme-test", "", "https://127.0.0.1:1/api/v2"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site, err := program.OpenSite(getenv)
			require.Nil(t, site)
			require.Equal(t, &program.UsageError{Reason: "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY"}, err)
		})
	}
}

func TestHTTPNeedsConsentOnOtherHosts(t *testing.T) {
	t.Parallel()
	variables := map[string]string{
		"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "key_secret", "CHARGEBEE_BASE_URL": "http://chargebee.test:8080/api/v2",
	}
	getenv := func(name string) string { return variables[name] }
	site, err := program.OpenSite(getenv)
	require.NoError(t, err)
	_, err = site.NewClient()
	require.EqualError(t, err, "chargebee: WithBaseURL must be https on this host; WithInsecureHTTP allows http")

	variables["CHARGEBEE_INSECURE_HTTP"] = "1"
	site, err = program.OpenSite(getenv)
	require.NoError(t, err)
	_, err = site.NewClient()
	require.NoError(t, err)

	site, err = program.OpenSite(func(name string) string {
		return map[string]string{"CHARGEBEE_INSECURE_HTTP": "1"}[name]
	})
	require.NoError(t, err)
	defer site.Close()
	require.NotNil(t, site.Emulator)
}

func TestInvalidSiteIsRejectedByNewClient(t *testing.T) {
	t.Parallel()
	site, err := program.OpenSite(environment("acme/test", "key_secret", ""))
	require.NoError(t, err)
	_, err = site.NewClient()
	var paramErr *chargebee.ParamError
	require.ErrorAs(t, err, &paramErr)
	require.Equal(t, "site", paramErr.Field)
}

func TestBaseURLOverridesURLOfRealSite(t *testing.T) {
	t.Parallel()
	server := chargebeetest.NewServer()
	defer server.Close()
	site, err := program.OpenSite(environment(server.Site, server.APIKey, server.URL))
	require.NoError(t, err)
	defer site.Close() // does nothing for a real site
	require.Nil(t, site.Emulator)

	client, err := site.NewClient()
	require.NoError(t, err)
	_, err = client.Features.RetrieveFeature(t.Context(), "seats")
	require.ErrorIs(t, err, chargebee.ErrResourceNotFound)
	require.Len(t, server.Requests(), 1)
}

func TestStringOfRealSiteNamesHostOfBaseURL(t *testing.T) {
	t.Parallel()
	for baseURL, want := range map[string]string{
		"":                                   "acme-test",
		"http://127.0.0.1:8080/api/v2":       "acme-test at 127.0.0.1:8080",
		"https://zoe:secret@example.com/api": "acme-test at example.com",
		"example.com":                        "acme-test",
		"http://%":                           "acme-test",
	} {
		site, err := program.OpenSite(environment("acme-test", "test_key", baseURL))
		require.NoError(t, err)
		require.Equal(t, want, site.String())
	}
}

func TestRealSiteIsCalledThroughProxyOfEnvironment(t *testing.T) {
	t.Parallel()
	requests := make(chan *http.Request, 10)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer proxy.Close()
	process := newProcess(t, "call site")
	process.Env = append(process.Env, "CHARGEBEE_SITE=acme-test", "CHARGEBEE_API_KEY=key_secret", "HTTPS_PROXY="+proxy.URL)
	stdout, stderr, status := runProcess(t, process)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "Bad Gateway")
	require.NotContains(t, stderr, "key_secret")
	require.Equal(t, 1, status)

	require.Len(t, requests, 1)
	request := <-requests
	require.Equal(t, "CONNECT acme-test.chargebee.com:443", request.Method+" "+request.Host)
	require.Empty(t, request.Header.Get("Authorization"))
}

func TestPrintedAndLoggedSiteOmitsAPIKey(t *testing.T) {
	t.Parallel()
	site, err := program.OpenSite(environment("acme-test", "key_secret", ""))
	require.NoError(t, err)
	for _, value := range []any{site, *site} {
		for format, want := range map[string]string{
			"%v": "acme-test", "%+v": "acme-test", "%s": "acme-test", "%#v": `"acme-test"`, "%q": `"acme-test"`, "%x": "61636d652d74657374",
		} {
			require.Equal(t, want, fmt.Sprintf(format, value), format)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("start", "site", value)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "site", value)
		require.Regexp(t, `site=acme-test\n.*"site":"acme-test"}\n$`, log.String())
	}

	emulator, err := program.OpenSite(environment("", "", ""))
	require.NoError(t, err)
	defer emulator.Close()
	require.Equal(t, emulator.String(), fmt.Sprintf("%+v", emulator))
}
