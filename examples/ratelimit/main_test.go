package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
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
	require.NoError(t, run(t.Context(), args, environment(server.Site, server.APIKey, server.URL), &out, io.Discard))
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
	require.NoError(t, run(t.Context(), []string{"-for", "1s", "-processes", "2"}, noEnvironment, &out, io.Discard))
	require.Regexp(t, `^Site: the embedded emulator\. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site\.
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
	require.NoError(t, run(t.Context(), args, environment(server.Site, server.APIKey, server.URL), &out, io.Discard))
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
	require.NoError(t, run(ctx, args, environment(server.Site, server.APIKey, observed.URL+"/api/v2"), &out, io.Discard))
	require.Equal(t, 1, countLines(out.String(), "Process [123]: 1 requests to emulator-test, 0 rejected by its rate limit"), &out)
	require.Equal(t, 2, countLines(out.String(), "Process [123]: (0 requests to emulator-test, 0 rejected by its rate limit|interrupted before it started)"), &out)
	require.Len(t, server.Requests(), 1)
}

// newProgram returns a process of the program that starts two others, in a process group
// of its own, as a shell does.
func newProgram(t *testing.T, store *miniredis.Miniredis, server *chargebeetest.Server, baseURL string) *exec.Cmd {
	t.Helper()
	program := exec.CommandContext(t.Context(), os.Args[0], realSiteArgs(store.Addr(), "-processes", "2", "-for", "1h", "-rate", "1")...)
	program.Env = append(os.Environ(), "CHARGEBEE_SITE="+server.Site, "CHARGEBEE_API_KEY="+server.APIKey, "CHARGEBEE_BASE_URL="+baseURL)
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return program
}

// requireConnections waits until the processes have the given number of connections to
// Redis, which is one for each.
func requireConnections(t *testing.T, store *miniredis.Miniredis, want int) {
	t.Helper()
	hasConnections := func() bool { return store.CurrentConnectionCount() == want }
	require.Eventually(t, hasConnections, 10*time.Second, 10*time.Millisecond)
}

// A terminal interrupts all processes, and the first one also stops the others.
func TestAnInterruptFromATerminalLetsTheProcessesFinishTheRequestsInFlight(t *testing.T) {
	t.Parallel()
	store, server := miniredis.RunT(t), newSite(t)
	arrived, proceed := make(chan struct{}), make(chan struct{})
	paused := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-proceed
		server.ServeHTTP(w, r)
	}))
	defer paused.Close()
	program := newProgram(t, store, server, paused.URL+"/api/v2")
	var stdout, stderr bytes.Buffer
	program.Stdout, program.Stderr = &stdout, &stderr
	require.NoError(t, program.Start())
	<-arrived
	requireConnections(t, store, 2)
	require.NoError(t, syscall.Kill(-program.Process.Pid, syscall.SIGINT))
	time.Sleep(200 * time.Millisecond) // until the first process has stopped the others
	close(proceed)
	require.NoError(t, program.Wait(), &stderr)
	require.Equal(t, 1, countLines(stdout.String(), "Process [12]: 1 requests to emulator-test, 0 rejected by its rate limit"), &stdout)
	require.Equal(t, 1, countLines(stdout.String(), "Process [12]: 0 requests to emulator-test, 0 rejected by its rate limit"), &stdout)
	require.Empty(t, stderr.String())
	require.Len(t, server.Requests(), 1)
}

func TestTheProcessesStopIfTheFirstOneIsKilled(t *testing.T) {
	t.Parallel()
	store, server := miniredis.RunT(t), newSite(t)
	program := newProgram(t, store, server, server.URL)
	require.NoError(t, program.Start())
	requireConnections(t, store, 2)
	require.NoError(t, program.Process.Kill())
	require.EqualError(t, program.Wait(), "signal: killed")
	requireConnections(t, store, 0)
}

func TestFailedProcessesAreReported(t *testing.T) {
	t.Parallel()
	store := startRedis(t)
	server := newSite(t)
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	defer stderr.Close()
	err = run(t.Context(), realSiteArgs(store.addr, "-processes", "2"), environment(server.Site, "wrong_key", server.URL), io.Discard, stderr)
	require.EqualError(t, err, "process 1: exit status 1\nprocess 2: exit status 1")
	printed, err := os.ReadFile(stderr.Name())
	require.NoError(t, err)
	require.Equal(t, 2, countLines(string(printed), "ratelimit: chargebee: .*: 401 api_authentication_failed: .*"), string(printed))
	require.NotEmpty(t, server.Requests())
}

func TestAProcessThatCannotReachRedisFailsImmediately(t *testing.T) {
	t.Parallel()
	server := newSite(t)
	err := run(t.Context(), realSiteArgs("127.0.0.1:1"), environment(server.Site, server.APIKey, server.URL), io.Discard, io.Discard)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.ErrorContains(t, err, "redis: ")

	var out bytes.Buffer
	require.Error(t, run(t.Context(), realSiteArgs("127.0.0.1:1", "-processes", "2"), environment(server.Site, server.APIKey, server.URL), &out, io.Discard))
	require.Equal(t, 2, countLines(out.String(), "Process [12]: failed"), &out)
	require.Empty(t, server.Requests())
}
