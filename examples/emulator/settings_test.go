package main

import (
	"flag"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

func TestSettingsAreThoseOfTheFlags(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t, "-site", "acme-test", "-key", "test_acme", "-url", "http://chargebee:8080/api/v2/"))
	require.Equal(t, "acme-test", env["CHARGEBEE_SITE"])
	require.Equal(t, "test_acme", env["CHARGEBEE_API_KEY"])
	require.Equal(t, "http://chargebee:8080/api/v2", env["CHARGEBEE_BASE_URL"])
	require.Equal(t, "http://chargebee:8080/portal/login", env["LOGIN_URL"])
}

func TestVariablesOfTheEnvironmentSetFlags(t *testing.T) {
	t.Parallel()
	environment := map[string]string{
		"EMULATOR_SITE": "from-variable", "EMULATOR_KEY": "test_variable", "EMULATOR_RATE_LIMIT": "7", "EMULATOR_GRANDFATHERING": "true",
		"EMULATOR_FAULT": `[{"status": 503}, {"status": 502}]`, "EMULATOR_SEED": "a.json",
	}
	getenv := func(name string) string { return environment[name] }
	s, err := parseSettings([]string{"-key", "test_flag", "-seed", "b.json", "-seed", "c.json"}, getenv, io.Discard)
	require.NoError(t, err)
	require.Equal(t, settings{
		addr: "127.0.0.1:0", site: "from-variable", apiKey: "test_flag", seeds: []string{"b.json", "c.json"}, rateLimit: 7, grandfathering: true,
		faults: []chargebeetest.Fault{{Status: 503, Header: http.Header{}}, {Status: 502, Header: http.Header{}}},
	}, s)

	environment["EMULATOR_RATE_LIMIT"] = "many"
	_, err = parseSettings(nil, getenv, io.Discard)
	var usageErr *program.UsageError
	require.ErrorAs(t, err, &usageErr)
	require.EqualError(t, err, "EMULATOR_RATE_LIMIT=many: parse error; see -help")
}

func TestInvalidFlagsAreUsageErrors(t *testing.T) {
	t.Parallel()
	for message, args := range map[string][]string{
		"flag provided but not defined: -unknown":                           {"-unknown"},
		"unknown argument: site.json":                                       {"site.json"},
		"-site must be the name alone":                                      {"-site", "acme.chargebee.com"},
		"-key must be visible ASCII, without spaces":                        {"-key", "a key"},
		"-key must not contain quotes":                                      {"-key", "it's"},
		"-url must have a host":                                             {"-url", "chargebee:8080"},
		"-url must have no user, query or fragment":                         {"-url", "http://a:b@chargebee"},
		"-url must begin with https: if there is -tls":                      {"-url", "http://chargebee", "-tls"},
		"-tls-cert and -tls-host need -tls":                                 {"-tls-cert", "cert.pem"},
		`-tls-host or -url: "a b" is no host name or IP address`:            {"-tls", "-tls-host", "a b"},
		"-check needs -addr with the port of the emulator":                  {"-check"},
		`for flag -rate-limit: parse error`:                                 {"-rate-limit", "many"},
		"-rate-limit must not be negative":                                  {"-rate-limit", "-1"},
		`for flag -fault: status: 42 must be from 200 to 999`:               {"-fault", "status=42"},
		`for flag -fault: count: "two" must be a whole number`:              {"-fault", "status=503,count=two"},
		`for flag -fault: 503: must be route, method, status, header, body`: {"-fault", "503"},
	} {
		err := runInvalid(t, args...)
		require.ErrorContains(t, err, message)
		var usageErr *program.UsageError
		require.ErrorAs(t, err, &usageErr)
	}
}

func TestKeyIsInNoError(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-key", "a secret"}, {"-key", "secret", "-url", "chargebee"}, {"-key", "secret", "-fault", "x"}} {
		require.NotContains(t, runInvalid(t, args...).Error(), "secret")
	}
}

func TestHelpDescribesTheProgram(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.ErrorIs(t, run(t.Context(), []string{"-help"}, noEnvironment, &out, io.Discard), flag.ErrHelp)
	require.True(t, strings.HasPrefix(out.String(), "Emulator serves an emulated Chargebee site until it is interrupted"), out.String())
	require.Contains(t, out.String(), "EMULATOR_RATE_LIMIT")
	require.Contains(t, out.String(), "\n  -rate-limit number\n")
}

func TestDialAddressOfAllInterfacesIsTheLoopbackInterface(t *testing.T) {
	t.Parallel()
	for address, dialed := range map[string]string{
		":443": "127.0.0.1:443", "0.0.0.0:443": "127.0.0.1:443", "[::]:443": "127.0.0.1:443",
		"[::1]:443": "[::1]:443", "192.0.2.7:443": "192.0.2.7:443", "chargebee:443": "chargebee:443", "443": "443",
	} {
		require.Equal(t, dialed, dialAddress(address))
	}
}

func TestRateLimitAndGrandfatheringApplyToTheSite(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t, "-rate-limit", "1", "-grandfathering"))
	path := "/features/" + env["FEATURE_ID"] + "/item_entitlements"
	status, body := post(t, env, path, nil)
	require.Equal(t, 400, status)
	require.Contains(t, body, "configuration_incompatible")
	status, _ = post(t, env, path, nil)
	require.Equal(t, 429, status)
}

func TestFaultsOfTheFlagsAreConsumedInOrder(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t,
		"-fault", "status=503,route=/portal_sessions/{portal-session-id}/activate,header=Retry-After: 7", "-fault", `{"status": 418, "body": "a, b", "count": 2}`))
	var statuses []int
	for range 4 {
		resp, _ := send(t, env, "GET", "/api/v2/features", "")
		statuses = append(statuses, resp.StatusCode)
	}
	require.Equal(t, []int{418, 418, 200, 200}, statuses)
	resp, _ := send(t, env, "POST", "/api/v2/portal_sessions/"+env["SESSION_ID"]+"/activate", "")
	require.Equal(t, 503, resp.StatusCode)
	require.Equal(t, "7", resp.Header.Get("Retry-After"))
}

func TestFaultTextAndJSONMeanTheSame(t *testing.T) {
	t.Parallel()
	for text, content := range map[string]string{
		"count=2":               `{"count": 2}`,
		"status=503, body=busy": `{"status": 503, "body": "busy"}`,
		"cut=after,delay=1.5s,route=/api/v2/features/{feature-id}": `{"cut": "after", "delay": "1500ms", "route": "/features/{feature-id}"}`,
		"work=1m,cut=body": `[{"work": "60s", "cut": "body"}]`,
		"status=429,header=retry-after: 2,header=X-A:b,cut=before": `{"status": 429, "header": {"Retry-After": "2", "X-A": "b"}, "cut": "before"}`,
	} {
		fromText, err := parseFault(text)
		require.NoError(t, err)
		fromJSON, err := parseFault(content)
		require.NoError(t, err)
		require.Equal(t, fromJSON, fromText)
	}
	faults, err := parseFault("cut=after,delay=1.5s,route=/api/v2/features/{feature-id},count=2")
	require.NoError(t, err)
	one := chargebeetest.Fault{Route: "/features/{feature-id}", Cut: chargebeetest.CutAfter, Delay: 1500 * time.Millisecond, Header: http.Header{}}
	require.Equal(t, []chargebeetest.Fault{one, one}, faults)
}

func TestInvalidFaultsAreRejected(t *testing.T) {
	t.Parallel()
	for message, text := range map[string]string{
		`: must be route, method, status, header, body, delay, work, cut or count, followed by = and a value`:  "",
		`x: must be route, method, status, header, body, delay, work, cut or count, followed by = and a value`: "status=503,x=1",
		`status: "" must be a whole number`:                                        "status",
		`status: 1000 must be from 200 to 999`:                                     "status=1000",
		`status: -1 must be from 200 to 999`:                                       "status=-1",
		`status: "99999999999999999999" must be a whole number`:                    "status=99999999999999999999",
		`count: -1 must be from 1 to 10000`:                                        "count=-1",
		`count: 10001 must be from 1 to 10000`:                                     "count=10001",
		`delay: "1" must be a duration such as 1.5s`:                               "delay=1",
		`delay: "-1s" must be a duration such as 1.5s`:                             "delay=-1s",
		`work: "9999999h" must be a duration such as 1.5s`:                         "work=9999999h",
		`cut: "later" must be before, after or body`:                               "cut=later",
		`route: "features" must be a path such as /features/{feature-id}`:          "route=features",
		`route: "/features?limit=1" must be a path such as /features/{feature-id}`: "route=/features?limit=1",
		`header: "a b" must be a header field such as Retry-After: 2`:              "status=503,header=a b: 1",
		`header: "Retry-After" must be a header field such as Retry-After: 2`:      "status=503,header=Retry-After",
		`body and header need a status`:                                            "body=busy",
		`json: unknown field "state"`:                                              `{"state": 503}`,
		`count: 0 must be from 1 to 10000`:                                         `[{"status": 503}, {"count": 0}]`,
		`there must be at most 10000 faults in a list`:                             `[{"count": 10000}, {}]`,
		`more than one JSON value`:                                                 `[] []`,
	} {
		_, err := parseFault(text)
		require.EqualError(t, err, message)
	}
}
