package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// TestMain lets the program under test start copies of itself.
func TestMain(m *testing.M) {
	const marker = "RUN_RATELIMIT"
	if os.Getenv(marker) != "" {
		main()
		return
	}
	if err := os.Setenv(marker, "1"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func newSite(t *testing.T, opts ...chargebeetest.Option) *chargebeetest.Server {
	t.Helper()
	server := chargebeetest.NewServer(opts...)
	t.Cleanup(server.Close)
	require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: "seats", Type: chargebeetest.FeatureTypeQuantity}))
	require.NoError(t, server.AddItem(chargebeetest.Item{ID: "team", Type: chargebee.ItemTypePlan}))
	return server
}

func seats() settings { return settings{feature: "seats", item: "team", value: "20"} }

// realSiteArgs are the arguments for a real site.
func realSiteArgs(redisAddr string, args ...string) []string {
	return append([]string{"-redis", redisAddr, "-feature", "seats", "-item", "team", "-value", "20"}, args...)
}

// environment returns a getenv function.
func environment(site, apiKey, baseURL string) func(string) string {
	return func(name string) string {
		return map[string]string{"CHARGEBEE_SITE": site, "CHARGEBEE_API_KEY": apiKey, "CHARGEBEE_BASE_URL": baseURL}[name]
	}
}

func noEnvironment(string) string { return "" }

func countLines(output, pattern string) int {
	return len(regexp.MustCompile("(?m)^"+pattern+"$").FindAllString(output, -1))
}

func TestThreeProcessesUseOneLimitAndKeepIt(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 90 seconds, because Redis has no clock for tests")
	}
	t.Parallel()
	const limit, duration = 150, 90 * time.Second
	store := startRedis(t)
	server := newSite(t, chargebeetest.WithRateLimit(limit))
	var out bytes.Buffer
	args := realSiteArgs(store.addr, "-processes", "3", "-rate", strconv.Itoa(limit), "-for", duration.String())
	require.NoError(t, run(t.Context(), args, environment(server.Site, server.APIKey, server.URL), &out))
	require.Equal(t, 3, countLines(out.String(), `Process [123]: [1-9]\d* requests to emulator-test, 0 rejected by its rate limit`), &out)

	requests := server.Requests()
	fullest := maxInWindow(requests, time.Minute)
	span := requests[len(requests)-1].At.Sub(requests[0].At)
	t.Logf("%d requests in %s, at most %d in any 60 s\n%s", len(requests), span, fullest, &out)
	require.LessOrEqual(t, fullest, limit)
	require.GreaterOrEqual(t, float64(len(requests)), 0.9*limit*span.Minutes())
	require.Greater(t, span, duration-10*time.Second)
}

func TestProcessesRunAgainstTheEmbeddedEmulatorAndRedis(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-for", "1s", "-processes", "2"}, noEnvironment, &out))
	require.Regexp(t, `^Site: the embedded emulator\. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY for a real one\.
Process [12]: \d+ requests to emulator-test, 0 rejected by its rate limit
Process [12]: \d+ requests to emulator-test, 0 rejected by its rate limit
At most \d+ requests arrived within 60 seconds; the limit is 150\.
Only a run of more than a minute, such as -for 90s, reaches the limit\.
$`, out.String())
}

// The number of requests has an upper bound that does not depend on the machine:
// a burst, and what the limit allows in the time the run takes.
func TestProcessesShareOneLimit(t *testing.T) {
	t.Parallel()
	store := startRedis(t)
	server := newSite(t)
	limit := limitFor(60)
	var out bytes.Buffer
	start := time.Now()
	args := realSiteArgs(store.addr, "-processes", "3", "-for", "3s", "-rate", "60")
	require.NoError(t, run(t.Context(), args, environment(server.Site, server.APIKey, server.URL), &out))
	allowed := limit.Burst + int(time.Since(start)*time.Duration(limit.Rate)/limit.Period)
	requests := server.Requests()
	require.LessOrEqual(t, len(requests), allowed)
	require.GreaterOrEqual(t, len(requests), limit.Burst)
	require.Equal(t, "20", requests[0].Form.Get("item_entitlements[value][0]"))
	require.Equal(t, 3, countLines(out.String(), `Process [123]: \d+ requests to emulator-test, 0 rejected by its rate limit`), &out)
}

func TestAnInterruptLetsTheProcessesFinishTheRequestsInFlight(t *testing.T) {
	t.Parallel()
	store := startRedis(t)
	server := newSite(t)
	ctx, interrupt := context.WithCancel(t.Context())
	observed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		interrupt()
		server.ServeHTTP(w, r)
	}))
	defer observed.Close()
	var out bytes.Buffer
	args := realSiteArgs(store.addr, "-processes", "3", "-for", "1h", "-rate", "1")
	require.NoError(t, run(ctx, args, environment(server.Site, server.APIKey, observed.URL+"/api/v2"), &out))
	require.Equal(t, 1, countLines(out.String(), "Process [123]: 1 requests to emulator-test, 0 rejected by its rate limit"), &out)
	require.Equal(t, 2, countLines(out.String(), "Process [123]: (0 requests to emulator-test, 0 rejected by its rate limit|interrupted before it started)"), &out)
	require.Len(t, server.Requests(), 1)
}

func TestFailedProcessesAreReported(t *testing.T) {
	t.Parallel()
	store := startRedis(t)
	server := newSite(t)
	err := run(t.Context(), realSiteArgs(store.addr, "-processes", "2"), environment(server.Site, "wrong_key", server.URL), io.Discard)
	require.EqualError(t, err, "process 1: exit status 1\nprocess 2: exit status 1")
	require.NotEmpty(t, server.Requests())
}

func TestAProcessThatCannotReachRedisFailsImmediately(t *testing.T) {
	t.Parallel()
	server := newSite(t)
	err := run(t.Context(), realSiteArgs("127.0.0.1:1"), environment(server.Site, server.APIKey, server.URL), io.Discard)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.ErrorContains(t, err, "redis: ")

	var out bytes.Buffer
	require.Error(t, run(t.Context(), realSiteArgs("127.0.0.1:1", "-processes", "2"), environment(server.Site, server.APIKey, server.URL), &out))
	require.Equal(t, 2, countLines(out.String(), "Process [12]: failed"), &out)
	require.Empty(t, server.Requests())
}

func TestMaxInWindow(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		seconds []int
		want    int
	}{
		"no requests":                          {nil, 0},
		"one request":                          {[]int{0}, 1},
		"all at the same time":                 {[]int{5, 5, 5}, 3},
		"a minute apart":                       {[]int{0, 60, 120}, 1},
		"just under a minute apart":            {[]int{0, 59}, 2},
		"the fullest window is in the middle":  {[]int{0, 50, 70, 100, 105, 109, 170}, 5},
		"the fullest window is at the end":     {[]int{0, 100, 200, 210, 220}, 3},
		"the fullest window is the first half": {[]int{0, 1, 2, 100, 200}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests []chargebeetest.Request
			for _, s := range test.seconds {
				requests = append(requests, chargebeetest.Request{At: noon.Add(time.Duration(s) * time.Second)})
			}
			require.Equal(t, test.want, maxInWindow(requests, time.Minute))
		})
	}
}

func TestInvalidArgumentsAreRejected(t *testing.T) {
	t.Parallel()
	site := environment("acme-test", "key", "")
	baseURLOnly := environment("", "", "http://127.0.0.1:1/api/v2")
	noAPIKey := environment("acme-test", "", "")
	for name, test := range map[string]struct {
		args   []string
		getenv func(string) string
		want   string
	}{
		"an argument":                      {[]string{"now"}, noEnvironment, "unknown argument: now"},
		"a rate of zero":                   {[]string{"-rate", "0"}, noEnvironment, "-rate, -processes and -for must be positive"},
		"no processes":                     {[]string{"-processes", "0"}, noEnvironment, "-rate, -processes and -for must be positive"},
		"no time":                          {[]string{"-for", "0s"}, noEnvironment, "-rate, -processes and -for must be positive"},
		"a site without its key":           {nil, noAPIKey, "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY"},
		"a base URL without a site":        {nil, baseURLOnly, "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY"},
		"a real site without a feature":    {nil, site, "a real site needs -feature, -item and -value; see -help"},
		"a real site without a value":      {[]string{"-feature", "seats", "-item", "team"}, site, "a real site needs -feature, -item and -value; see -help"},
		"a real site without an item":      {[]string{"-feature", "seats", "-value", "20"}, site, "a real site needs -feature, -item and -value; see -help"},
		"several processes without a task": {[]string{"-processes", "3"}, site, "a real site needs -feature, -item and -value; see -help"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, run(t.Context(), test.args, test.getenv, io.Discard), test.want)
		})
	}
}

func TestHelpIsPrinted(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.ErrorIs(t, run(t.Context(), []string{"-help"}, noEnvironment, &out), flag.ErrHelp)
	require.Contains(t, out.String(), "Usage: ratelimit [flags]\n")
	require.Contains(t, out.String(), "  -rate requests\n    \trate limit of the site, in requests per minute (default 150)\n")
}

func TestAFlagErrorIsPrintedOnce(t *testing.T) {
	t.Parallel()
	output, err := exec.Command(os.Args[0], "-processes", "many").CombinedOutput()
	require.EqualError(t, err, "exit status 1")
	require.Equal(t, `ratelimit: invalid value "many" for flag -processes: parse error; see -help`+"\n", string(output))
}
