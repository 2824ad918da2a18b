package main

import (
	"flag"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

func environment(site, apiKey, baseURL string) func(string) string {
	return func(name string) string {
		return map[string]string{"CHARGEBEE_SITE": site, "CHARGEBEE_API_KEY": apiKey, "CHARGEBEE_BASE_URL": baseURL}[name]
	}
}

// realSiteArgs are the arguments for a real site that has the sample data.
func realSiteArgs(in input) []string {
	return []string{"-return-url", in.returnURL, "-feature", in.feature, "-item", in.item, "-value", in.value}
}

const operationsOutput = `
Portal session portal_\w+ is activated\.
Customer zoe is logged in\.

Upserted:
  plan team is entitled to seats: 20

All entitlements to seats:
  plan team: 20 seats

Removed:
  plan team is no longer entitled to seats
$`

func TestRunsOnEmulatorByDefault(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), nil, environment("", "", ""), &out, io.Discard))
	require.Regexp(t, `^Site: the embedded emulator\. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site\.\n`+operationsOutput, out.String())
}

func TestRunsOnRealSite(t *testing.T) {
	t.Parallel()
	server := chargebeetest.NewServer()
	defer server.Close()
	in, err := addSampleData(server)
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, run(t.Context(), realSiteArgs(in), environment(server.Site, server.APIKey, server.URL), &out, io.Discard))
	require.Regexp(t, `^Site: emulator-test at 127\.0\.0\.1:\d+\n`+operationsOutput, out.String())
	require.Len(t, server.Requests(), 4)
	require.Empty(t, server.ItemEntitlements("seats"))
}

func TestRunEndsAtFirstError(t *testing.T) {
	t.Parallel()
	for failing := 1; failing <= 4; failing++ {
		server := chargebeetest.NewServer()
		defer server.Close()
		in, err := addSampleData(server)
		require.NoError(t, err)
		server.Inject(make([]chargebeetest.Fault, failing-1)...) // which change nothing
		server.Inject(chargebeetest.Fault{Status: http.StatusForbidden, Body: `{"message":"not today","api_error_code":"api_authorization_failed"}`})
		err = run(t.Context(), realSiteArgs(in), environment(server.Site, server.APIKey, server.URL), io.Discard, io.Discard)
		require.ErrorContains(t, err, "403 api_authorization_failed: not today")
		require.Len(t, server.Requests(), failing)
	}
}

func TestInvalidSettingsAreRejected(t *testing.T) {
	t.Parallel()
	noEnvironment, realSite := environment("", "", ""), environment("acme-test", "test_key", "")
	for name, test := range map[string]struct {
		args   []string
		getenv func(string) string
		reason string
	}{
		"an argument":               {[]string{"acme-test"}, noEnvironment, "unknown argument: acme-test"},
		"an unknown flag":           {[]string{"-unknown"}, noEnvironment, "flag provided but not defined: -unknown"},
		"a flag for the emulator":   {[]string{"-feature", "seats"}, noEnvironment, "the flags are for a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY"},
		"a site without an API key": {nil, environment("acme-test", "", ""), "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY"},
		"a real site without flags": {nil, realSite, "a real site needs -return-url, -feature and -item"},
		"a missing return URL":      {[]string{"-feature", "seats", "-item", "team"}, realSite, "a real site needs -return-url, -feature and -item"},
		"a missing feature":         {[]string{"-return-url", "/", "-item", "team"}, realSite, "a real site needs -return-url, -feature and -item"},
		"a missing item":            {[]string{"-return-url", "/", "-feature", "seats"}, realSite, "a real site needs -return-url, -feature and -item"},
		"a malformed return URL": {
			realSiteArgs(input{"https://app.example.com/%?auth_session_token=secret", "seats", "team", "20"}), realSite,
			"-return-url is not a URL",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), test.args, test.getenv, io.Discard, io.Discard)
			require.Equal(t, &program.UsageError{Reason: test.reason}, err)
		})
	}
}

func TestReturnURLWithoutSessionIsRejected(t *testing.T) {
	t.Parallel()
	args := realSiteArgs(input{"https://app.example.com/return?state=1", "seats", "team", "20"})
	err := run(t.Context(), args, environment("acme-test", "test_key", ""), io.Discard, io.Discard)
	require.Equal(t, &program.UsageError{Reason: `-return-url: chargebee: auth_session_id must occur once in the return URL, and must not be empty
chargebee: auth_session_token must occur once in the return URL, and must not be empty`}, err)
}

func TestHelpPrintsUsage(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.Equal(t, flag.ErrHelp, run(t.Context(), []string{"-help"}, environment("", "", ""), &out, io.Discard))
	require.True(t, strings.HasPrefix(out.String(), `Quickstart activates a portal session from a return URL, then upserts, lists and
removes an entitlement, and prints what the site returns.

Example:
  go run ./examples/quickstart
`), out.String())
	require.Contains(t, out.String(), program.Environment+"\nFlags:\n  -feature ID\n    \treal site: ID of a feature\n")
}
