package main

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestRunsOnEmulatorByDefault(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), nil, env(nil), &out))

	require.Contains(t, out.String(), "Site: the embedded emulator.")
	require.Regexp(t, `Portal session portal_\w+ is activated\.\nCustomer zoe is logged in\.`, out.String())
	require.Contains(t, out.String(), "Upserted:\n  plan team is entitled to seats: 20\n")
	require.Contains(t, out.String(), "All entitlements to seats:\n  plan team: 20 seats\n")
	require.Contains(t, out.String(), "Removed:\n  plan team is entitled to seats: 20\n")
	require.NotContains(t, out.String(), "auth_session_token")
}

func TestBaseURLOverridesSite(t *testing.T) {
	server := chargebeetest.NewServer()
	defer server.Close()
	in, err := addSampleData(server)
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, run(t.Context(), []string{"-return-url", in.returnURL, "-feature", in.feature, "-item", in.item, "-value", in.value}, env(map[string]string{
		"CHARGEBEE_SITE": server.Site, "CHARGEBEE_API_KEY": server.APIKey, "CHARGEBEE_BASE_URL": server.URL,
	}), &out))
	require.Contains(t, out.String(), "Customer zoe is logged in.")
	require.Len(t, server.Requests(), 4)
}

func TestInvalidSettingsAreRejected(t *testing.T) {
	siteOnly := map[string]string{"CHARGEBEE_SITE": "acme-test"}
	apiKeyOnly := map[string]string{"CHARGEBEE_API_KEY": "test_key"}
	realSite := map[string]string{"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "test_key"}
	for _, test := range []struct {
		args    []string
		env     map[string]string
		message string
	}{
		{[]string{"acme-test"}, nil, "unknown argument: acme-test"},
		{[]string{"-feature", "seats"}, nil, "the flags are for a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY"},
		{[]string{"-feature", "seats"}, realSite, "a real site needs -return-url, -feature and -item; see -help"},
		{nil, siteOnly, "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY"},
		{nil, apiKeyOnly, "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY"},
	} {
		require.EqualError(t, run(t.Context(), test.args, env(test.env), io.Discard), test.message)
	}
}

func TestReturnURLWithoutSessionIsRejected(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), []string{"-return-url", "https://app.example.com/return?state=1", "-feature", "seats", "-item", "team"},
		env(map[string]string{"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "test_key"}), &out)
	require.ErrorContains(t, err, "auth_session_id must occur once in the return URL")
}

func TestHelpPrintsUsage(t *testing.T) {
	var out strings.Builder
	require.ErrorIs(t, run(t.Context(), []string{"-help"}, env(nil), &out), flag.ErrHelp)
	require.True(t, strings.HasPrefix(out.String(), "Usage of quickstart:\n"), out.String())
}

func TestFlagErrorsArePrintedOnlyByMain(t *testing.T) {
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	defer stderr.Close()
	defer func(original *os.File) { os.Stderr = original }(os.Stderr)
	os.Stderr = stderr
	require.EqualError(t, run(t.Context(), []string{"-unknown"}, env(nil), io.Discard), "flag provided but not defined: -unknown")
	printed, err := os.ReadFile(stderr.Name())
	require.NoError(t, err)
	require.Empty(t, string(printed))
}

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}
