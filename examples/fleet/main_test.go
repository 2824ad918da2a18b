package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// TestMain lets the program under test start further processes of itself.
func TestMain(m *testing.M) {
	const marker = "RUN_FLEET"
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

func noEnvironment(string) string { return "" }

func TestThreeProcessesUseOneLimitAndKeepIt(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 90 seconds, because Redis has no clock for tests")
	}
	t.Parallel()
	const limit, duration = 150, 90 * time.Second
	store := startRedis(t)
	server := newSite(t, chargebeetest.WithRateLimit(limit))
	var out bytes.Buffer
	err := run(t.Context(), []string{
		"-redis", store.addr, "-rate", strconv.Itoa(limit), "-for", duration.String(), "-processes", "3",
		"-feature", "seats", "-item", "team", "-value", "20",
	}, environmentOf(server, server.URL), &out)
	require.NoError(t, err)
	require.Len(t, regexp.MustCompile(`(?m)^Process [123]: [1-9]\d* requests, 0 of them turned away$`).FindAllString(out.String(), -1), 3, out.String())

	requests := server.Requests()
	fullest := most(requests, time.Minute)
	span := requests[len(requests)-1].At.Sub(requests[0].At)
	t.Logf("%d requests in %s, at most %d in any 60 s\n%s", len(requests), span, fullest, &out)
	require.LessOrEqual(t, fullest, limit)
	require.GreaterOrEqual(t, float64(len(requests)), 0.9*limit*span.Minutes())
	require.Greater(t, span, duration-10*time.Second)
}

func TestTheEmbeddedSiteAndRedisNeedNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-for", "1s", "-processes", "2"}, noEnvironment, &out))
	require.Regexp(t, `^Site: the embedded emulator\. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY for a real one\.
Process [12]: \d+ requests, 0 of them turned away
Process [12]: \d+ requests, 0 of them turned away
In any 60 seconds at most \d+ requests arrived, of 150 allowed\.
It was too short for the limit to show\.
$`, out.String())
}

// What is let through is an upper bound that does not depend on the machine: a
// burst, and what the time from before the start to after the end allows.
func TestProcessesShareOneLimit(t *testing.T) {
	t.Parallel()
	store := startRedis(t)
	server := newSite(t)
	limit := newLimiter(nil, server.Site, 60).limit
	var out bytes.Buffer
	start := time.Now()
	require.NoError(t, run(t.Context(), task(store, "-for", "3s", "-rate", "60"), environmentOf(server, server.URL), &out))
	allowed := limit.Burst + int(time.Since(start)*time.Duration(limit.Rate)/limit.Period)
	requests := server.Requests()
	require.LessOrEqual(t, len(requests), allowed)
	require.GreaterOrEqual(t, len(requests), limit.Burst)
	require.Equal(t, "20", requests[0].Form.Get("item_entitlements[value][0]"))
	require.Len(t, regexp.MustCompile(`(?m)^Process [123]: `).FindAllString(out.String(), -1), 3)
	require.Regexp(t, `(?s)^Site: emulator-test\n.*Process 3: `, out.String())
}

// task is for a real site.
func task(store *redisServer, args ...string) []string {
	return append([]string{"-redis", store.addr, "-feature", "seats", "-item", "team", "-value", "20"}, args...)
}

func environmentOf(server *chargebeetest.Server, baseURL string) func(string) string {
	return func(name string) string {
		return map[string]string{"CHARGEBEE_SITE": server.Site, "CHARGEBEE_API_KEY": server.APIKey, "CHARGEBEE_BASE_URL": baseURL}[name]
	}
}

func TestAnInterruptLetsTheProcessesFinishWhatTheySent(t *testing.T) {
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
	require.NoError(t, run(ctx, task(store, "-for", "1h", "-rate", "1"), environmentOf(server, observed.URL+"/api/v2"), &out))
	require.Regexp(t, `(?m)^Process [123]: 1 requests, 0 of them turned away$`, out.String())
	require.Len(t, regexp.MustCompile(`(?m)^Process [123]: (0 requests, 0 of them turned away|ended by the interrupt, before it began)$`).FindAllString(out.String(), -1), 2)
	require.Len(t, server.Requests(), 1)
}

func TestAProcessCountsHowOftenItIsTurnedAway(t *testing.T) {
	t.Parallel()
	store := startRedis(t)
	server := newSite(t)
	server.Inject(chargebeetest.Fault{Status: http.StatusTooManyRequests})
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), task(store, "-for", "1s", "-processes", "1"), environmentOf(server, server.URL), &out))
	require.Regexp(t, `(?m)^Process 1: \d+ requests, 1 of them turned away$`, out.String())
}

func TestAProcessThatFailsIsReported(t *testing.T) {
	t.Parallel()
	store := startRedis(t)
	server := newSite(t)
	var out bytes.Buffer
	err := run(t.Context(), task(store, "-processes", "1"), func(name string) string {
		if name == "CHARGEBEE_API_KEY" {
			return "wrong_key"
		}
		return environmentOf(server, server.URL)(name)
	}, &out)
	require.EqualError(t, err, "process 1: exit status 1")
	require.NotEmpty(t, server.Requests())
}

func TestAProcessThatDoesNotFindRedisFailsAtOnce(t *testing.T) {
	t.Parallel()
	site := map[string]string{"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "key"}
	err := run(t.Context(), []string{"-worker", "-redis", "127.0.0.1:1"}, func(name string) string { return site[name] }, io.Discard)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.ErrorContains(t, err, "redis: ")
}

func TestMostInAWindow(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		seconds []int
		want    int
	}{
		"nothing":                              {nil, 0},
		"one":                                  {[]int{0}, 1},
		"all at once":                          {[]int{5, 5, 5}, 3},
		"a minute apart is not in the same":    {[]int{0, 60, 120}, 1},
		"just under a minute apart is":         {[]int{0, 59}, 2},
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
			require.Equal(t, test.want, most(requests, time.Minute))
		})
	}
}

func TestWrongArgumentsAreRefused(t *testing.T) {
	t.Parallel()
	site := func(name string) string {
		return map[string]string{"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "key"}[name]
	}
	elsewhere := func(name string) string {
		return map[string]string{"CHARGEBEE_BASE_URL": "http://127.0.0.1:1/api/v2"}[name]
	}
	half := func(name string) string { return map[string]string{"CHARGEBEE_SITE": "acme-test"}[name] }
	for name, test := range map[string]struct {
		args   []string
		getenv func(string) string
		want   string
	}{
		"an argument":                {[]string{"now"}, noEnvironment, "unknown argument: now"},
		"a limit of nothing":         {[]string{"-rate", "0"}, noEnvironment, "-rate, -processes and -for must be positive"},
		"no processes":               {[]string{"-processes", "0"}, noEnvironment, "-rate, -processes and -for must be positive"},
		"no time":                    {[]string{"-for", "0s"}, noEnvironment, "-rate, -processes and -for must be positive"},
		"a site without its key":     {nil, half, "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY"},
		"a URL without its site":     {nil, elsewhere, "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY"},
		"a real site without a task": {nil, site, "a real site needs -feature, -item and -value; see -help"},
		"a feature without a value":  {[]string{"-feature", "seats", "-item", "team"}, site, "a real site needs -feature, -item and -value; see -help"},
		"a feature without an item":  {[]string{"-feature", "seats", "-value", "20"}, site, "a real site needs -feature, -item and -value; see -help"},
		"a worker without a redis":   {[]string{"-worker"}, site, "a worker needs -redis, CHARGEBEE_SITE and CHARGEBEE_API_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, run(t.Context(), test.args, test.getenv, io.Discard), test.want)
		})
	}
}
