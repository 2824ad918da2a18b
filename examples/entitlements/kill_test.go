package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// watchedSite is a proxy of a server that knows the moments of each request. It completes
// a request even if the client is dead.
type watchedSite struct {
	server *chargebeetest.Server

	mu       sync.Mutex
	requests int // of the current process
	at       func(request int, moment string)
}

func (s *watchedSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // killed while sending the request
	}
	s.mu.Lock()
	s.requests++
	request, at := s.requests, s.at
	s.mu.Unlock()

	at(request, "before execution")
	r = r.WithContext(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	recorder := httptest.NewRecorder()
	s.server.ServeHTTP(recorder, r)
	at(request, "after execution")
	maps.Copy(w.Header(), recorder.Header())
	w.WriteHeader(recorder.Code)
	_, _ = recorder.Body.WriteTo(w)
	_ = http.NewResponseController(w).Flush()
	at(request, "after the response")
}

// watch calls f at each moment of the requests of the next process.
func (s *watchedSite) watch(f func(request int, moment string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.at = 0, f
}

// scenario is a site and a file with 18 changes of three features: 12 additions, 3 changes
// and 3 removals.
type scenario struct {
	t    *testing.T
	site *watchedSite
	url  string
	args []string
}

// requestsPerRun are two readings of two requests each, and seven calls.
const requestsPerRun = 2 + 7 + 2

func newScenario(t *testing.T) *scenario {
	t.Helper()
	server := chargebeetest.NewServer()
	t.Cleanup(server.Close)
	s := &scenario{t: t, site: &watchedSite{server: server}}
	var lines []string
	for i := range 3 {
		feature := fmt.Sprint("feature", i)
		require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: feature, Type: chargebeetest.FeatureTypeCustom}))
		setEntitlement(t, server, chargebee.ActionUpsert, feature, "plan0", "old")
		setEntitlement(t, server, chargebee.ActionUpsert, feature, "plan9", "old")
		for plan := range 5 {
			lines = append(lines, fmt.Sprintf("%s,plan%d,plan,new", feature, plan))
		}
	}
	proxy := httptest.NewServer(s.site)
	t.Cleanup(proxy.Close)
	s.url = proxy.URL + "/api/v2"
	s.args = []string{"apply", "-prune", "-yes", "-batch", "4", "-concurrency", "2", "-rate", "0", writeFile(t, lines...)}
	return s
}

func (s *scenario) newProcess() *exec.Cmd {
	process := newProcess(s.t, s.site.server, s.args...)
	process.Env = append(process.Env, "CHARGEBEE_BASE_URL="+s.url)
	return process
}

// run runs the program, and kills it when shouldKill returns true or the duration is over.
// It reports whether the program was killed.
func (s *scenario) run(shouldKill func(request int, moment string) bool, after time.Duration) (killed bool) {
	s.t.Helper()
	var once sync.Once
	process := s.newProcess()
	started, dead := make(chan struct{}), make(chan struct{})
	kill := func() {
		<-started
		once.Do(func() { killed = process.Process.Kill() == nil })
	}
	s.site.watch(func(request int, moment string) {
		if shouldKill(request, moment) {
			kill()
			<-dead
		}
	})
	var stdout, stderr bytes.Buffer
	process.Stdout, process.Stderr = &stdout, &stderr
	require.NoError(s.t, process.Start())
	close(started)
	if after > 0 {
		time.AfterFunc(after, kill)
	}
	_ = process.Wait()
	close(dead)
	once.Do(func() {}) // no kill after this
	if process.ProcessState.Exited() {
		require.Zero(s.t, process.ProcessState.ExitCode(), stderr.String())
		require.Regexp(s.t, `Verified: emulator-test matches the file\. Changes: \d+\.\n$|^No changes: emulator-test matches the file\. Unchanged: 15\.\n$`, stdout.String())
		return false
	}
	require.True(s.t, killed)
	return true
}

func (s *scenario) requireSiteAsInFile() {
	s.t.Helper()
	for i := range 3 {
		require.ElementsMatch(s.t, []string{"plan0 new", "plan1 new", "plan2 new", "plan3 new", "plan4 new"},
			valuesOf(s.site.server, fmt.Sprint("feature", i)))
	}
}

func never(int, string) bool { return false }

func TestARunMakesTheExpectedRequests(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	require.False(t, s.run(never, 0))
	s.requireSiteAsInFile()
	require.Equal(t, requestsPerRun, s.site.requests)
}

func TestARunKilledAtAnyMomentOfARequestIsRepeated(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"before execution", "after execution", "after the response"} {
		for request := 1; request <= requestsPerRun; request++ {
			if moment == "after the response" && request == requestsPerRun {
				continue // the program may have ended before it is killed
			}
			t.Run(fmt.Sprintf("%s of request %d", moment, request), func(t *testing.T) {
				t.Parallel()
				s := newScenario(t)
				require.True(t, s.run(func(r int, m string) bool { return r == request && m == moment }, 0))
				require.False(t, s.run(never, 0))
				s.requireSiteAsInFile()
			})
		}
	}
}

func TestARunKilledInEveryRequestCompletes(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	for request := 1; request <= requestsPerRun; request++ {
		if !s.run(func(r int, m string) bool { return r == request && m == "after execution" }, 0) {
			break
		}
	}
	require.False(t, s.run(never, 0))
	s.requireSiteAsInFile()
}

// The moments depend on the machine, the assertions do not.
func TestARunKilledAtRandomMomentsIsRepeated(t *testing.T) {
	t.Parallel()
	start := time.Now()
	require.False(t, newScenario(t).run(never, 0))
	duration := time.Since(start)
	killed := 0
	for range 10 {
		s := newScenario(t)
		for range 3 {
			if s.run(never, 1+rand.N(duration)) {
				killed++
			}
		}
		require.False(t, s.run(never, 0))
		s.requireSiteAsInFile()
	}
	t.Logf("%d of 30 runs were killed", killed)
}

func TestAnInterruptedRunIsRepeated(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		s := newScenario(t)
		process := s.newProcess()
		stderr, err := process.StderrPipe()
		require.NoError(t, err)
		started, stopping := make(chan struct{}), make(chan struct{})
		s.site.watch(func(request int, moment string) {
			if request == 4 && moment == "before execution" {
				<-started
				_ = process.Process.Signal(signal)
				<-stopping
			}
		})
		require.NoError(t, process.Start())
		close(started)
		var printed strings.Builder
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(&printed, lines.Text())
			if lines.Text() == "entitlements: stopping; interrupt again to end immediately" {
				close(stopping)
			}
		}
		require.Error(t, process.Wait())
		require.Equal(t, 130, process.ProcessState.ExitCode())
		require.Regexp(t, `not verified: \d+ of 18 changes \((\d+ accepted, )?(\d+ unknown, )?\d+ not sent\); correct the rejected lines, if any, and repeat the run to make the remaining changes\n$`, printed.String())

		require.False(t, s.run(never, 0))
		s.requireSiteAsInFile()
	}
}
