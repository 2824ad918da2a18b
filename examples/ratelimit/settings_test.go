package main

import (
	"bytes"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

func TestInvalidSettingsAreRejected(t *testing.T) {
	t.Parallel()
	realSite := environment("acme-test", "key", "")
	const (
		notPositive = "-rate, -processes and -for must be positive"
		incomplete  = "a real site needs -feature, -item and -value"
		forRealSite = "-feature, -item and -value are for a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY"
		noSite      = "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY"
	)
	for name, test := range map[string]struct {
		args   []string
		getenv func(string) string
		reason string
	}{
		"an argument":                       {[]string{"now"}, noEnvironment, "unknown argument: now"},
		"an invalid value":                  {[]string{"-processes", "many"}, noEnvironment, `invalid value "many" for flag -processes: parse error`},
		"a rate of zero":                    {[]string{"-rate", "0"}, noEnvironment, notPositive},
		"no processes":                      {[]string{"-processes", "0"}, noEnvironment, notPositive},
		"no time":                           {[]string{"-for", "0s"}, noEnvironment, notPositive},
		"a site without its key":            {nil, environment("acme-test", "", ""), noSite},
		"a base URL without a site":         {nil, environment("", "", "http://127.0.0.1:1/api/v2"), noSite},
		"a real site without a feature":     {nil, realSite, incomplete},
		"a real site without a value":       {[]string{"-feature", "seats", "-item", "team"}, realSite, incomplete},
		"a real site without an item":       {[]string{"-feature", "seats", "-value", "20"}, realSite, incomplete},
		"several processes without a task":  {[]string{"-processes", "3"}, realSite, incomplete},
		"the emulator with a feature":       {[]string{"-feature", "seats"}, noEnvironment, forRealSite},
		"the emulator with an item":         {[]string{"-item", "team"}, noEnvironment, forRealSite},
		"the emulator with a value of ours": {[]string{"-value", "20"}, noEnvironment, forRealSite},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), test.args, test.getenv, io.Discard, io.Discard)
			require.Equal(t, &program.UsageError{Reason: test.reason}, err)
		})
	}
}

func TestHelpPrintsUsage(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.Equal(t, flag.ErrHelp, run(t.Context(), []string{"-help"}, noEnvironment, &out, io.Discard))
	require.True(t, strings.HasPrefix(out.String(), `Ratelimit changes an entitlement repeatedly, as fast as the rate limit of a site
allows, and counts the requests.

Examples:
  go run -C examples/ratelimit .
  go run -C examples/ratelimit . -processes 3 -for 90s
`), out.String())
	require.Contains(t, out.String(), program.Environment+"\nFlags:\n")
	require.Contains(t, out.String(), "  -rate requests\n    \trate limit of the site, in requests per minute (default 150)\n")
}
