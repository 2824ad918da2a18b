package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// applyCounter is a proxy of a server that counts how often each line is applied.
// Replayed responses do not count. It completes a request even if the client is dead.
type applyCounter struct {
	server *chargebeetest.Server

	mu       sync.Mutex
	requests int // of the current process
	applied  map[string]int
	at       func(request int, moment string)
}

func (c *applyCounter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // killed while sending the request
	}
	c.mu.Lock()
	c.requests++
	request, at := c.requests, c.at
	c.mu.Unlock()

	at(request, "before execution")
	r = r.WithContext(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	recorder := httptest.NewRecorder()
	c.server.ServeHTTP(recorder, r)
	if recorder.Code == http.StatusOK && recorder.Header().Get("chargebee-idempotency-replayed") == "" {
		c.count(strings.Split(r.URL.Path, "/")[4], string(body))
	}
	at(request, "after execution")
	maps.Copy(w.Header(), recorder.Header())
	w.WriteHeader(recorder.Code)
	_, _ = recorder.Body.WriteTo(w)
	_ = http.NewResponseController(w).Flush()
	at(request, "after the response")
}

// watch calls f at each moment of the requests of the next process.
func (c *applyCounter) watch(f func(request int, moment string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests, c.at = 0, f
}

func (c *applyCounter) count(feature, body string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	form, _ := url.ParseQuery(body)
	for name, values := range form {
		if strings.HasPrefix(name, "item_entitlements[item_id]") {
			c.applied[feature+","+values[0]]++
		}
	}
}

func (c *applyCounter) timesApplied(line string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.applied[line]
}

// scenario is a site behind an applyCounter, and a file with 24 valid lines and one
// that is rejected, in batches of three.
type scenario struct {
	t       *testing.T
	counter *applyCounter
	url     string
	args    []string
	report  string
	lines   []string // feature,item of the valid lines
}

const rejectedLine, callsPerRun = "feature0,unknown", 11

func newScenario(t *testing.T) *scenario {
	t.Helper()
	server := chargebeetest.NewServer()
	t.Cleanup(server.Close)
	client, err := server.NewClient()
	require.NoError(t, err)
	s := &scenario{
		t:       t,
		counter: &applyCounter{server: server, applied: make(map[string]int)},
		report:  filepath.Join(t.TempDir(), "report.csv"),
	}
	lines := []string{rejectedLine + ",plan,new"}
	for item := range 8 {
		require.NoError(t, server.AddItem(chargebeetest.Item{ID: fmt.Sprint("plan", item), Type: chargebee.ItemTypePlan}))
	}
	for feature := range 3 {
		id := fmt.Sprint("feature", feature)
		require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: id, Type: chargebeetest.FeatureTypeCustom}))
		for item := range 8 {
			line := fmt.Sprintf("%s,plan%d", id, item)
			s.lines = append(s.lines, line)
			if item < 6 {
				lines = append(lines, line+",plan,new")
				continue
			}
			lines = append(lines, line+",,")
			_, err := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), id, chargebee.UpsertOrRemoveItemEntitlementsParams{
				Action:           chargebee.ActionUpsert,
				ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: fmt.Sprint("plan", item), Value: "old"}},
			})
			require.NoError(t, err)
		}
	}
	http := httptest.NewServer(s.counter)
	t.Cleanup(http.Close)
	s.url = http.URL + "/api/v2"
	s.args = []string{"-run-id", "monday", "-batch", "3", "-concurrency", "2", "-rate", "0", "-report", s.report, file(t, lines...)}
	return s
}

func (s *scenario) program() (program *exec.Cmd, stderr *bytes.Buffer) {
	stderr = new(bytes.Buffer)
	program = exec.Command(os.Args[0], s.args...)
	program.Env = append(os.Environ(), "RUN_ENTITLEMENTS=1", "GORACE=atexit_sleep_ms=0",
		"CHARGEBEE_SITE="+s.counter.server.Site, "CHARGEBEE_API_KEY="+s.counter.server.APIKey, "CHARGEBEE_BASE_URL="+s.url)
	program.Stderr = stderr
	return program, stderr
}

// run runs the program, and kills it when shouldKill returns true or the duration is over.
// It reports whether the program was killed.
func (s *scenario) run(shouldKill func(request int, moment string) bool, after time.Duration) (killed bool) {
	s.t.Helper()
	var once sync.Once
	program, stderr := s.program()
	started, dead := make(chan struct{}), make(chan struct{})
	kill := func() {
		<-started
		once.Do(func() { killed = program.Process.Kill() == nil })
	}

	s.counter.watch(func(request int, moment string) {
		if shouldKill(request, moment) {
			kill()
			<-dead
		}
	})
	require.NoError(s.t, program.Start())
	close(started)
	if after > 0 {
		time.AfterFunc(after, kill)
	}
	err := program.Wait()
	close(dead)
	once.Do(func() {}) // no kill after this
	require.Error(s.t, err)
	if program.ProcessState.Exited() {
		require.Contains(s.t, stderr.String(), "25 lines: 24 applied, 1 rejected, 0 unknown, 0 not processed")
		return false
	}
	require.True(s.t, killed)
	return true
}

// reported returns how many lines the report calls applied, and requires that each
// of them is.
func (s *scenario) reported() int {
	s.t.Helper()
	text, err := os.ReadFile(s.report)
	if os.IsNotExist(err) {
		return 0
	}
	require.NoError(s.t, err)
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	require.NoError(s.t, err)
	require.Len(s.t, rows, 26)
	count := 0
	for _, row := range rows[1:] {
		if row[5] == "applied" {
			count++
			require.Equal(s.t, 1, s.counter.timesApplied(row[1]+","+row[2]), row)
		}
	}
	return count
}

func (s *scenario) requireEveryLineAppliedOnce() {
	s.t.Helper()
	for _, line := range s.lines {
		require.Equal(s.t, 1, s.counter.timesApplied(line), line)
	}
	require.Equal(s.t, 24, s.reported())
	require.Zero(s.t, s.counter.timesApplied(rejectedLine))
	for feature := range 3 {
		entitlements := s.counter.server.ItemEntitlements(fmt.Sprint("feature", feature))
		require.Len(s.t, entitlements, 6)
		for _, e := range entitlements {
			require.Equal(s.t, "new", e.Value)
		}
	}
}

func never(int, string) bool { return false }

func TestARunKilledAtAnyMomentOfACallCanBeResumed(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"before execution", "after execution", "after the response"} {
		for request := 1; request <= callsPerRun; request++ {
			t.Run(fmt.Sprintf("%s of request %d", moment, request), func(t *testing.T) {
				t.Parallel()
				s := newScenario(t)
				require.True(t, s.run(func(r int, m string) bool { return r == request && m == moment }, 0))
				s.reported()
				require.False(t, s.run(never, 0))
				s.requireEveryLineAppliedOnce()
			})
		}
	}
}

func TestARunKilledInEveryCallCompletes(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	for request := 1; request <= callsPerRun; request++ {
		require.True(t, s.run(func(r int, m string) bool { return r == request && m == "after execution" }, 0))
		s.reported()
	}
	require.False(t, s.run(never, 0))
	s.requireEveryLineAppliedOnce()
}

// The moments depend on the machine, the assertions do not.
func TestARunKilledAtRandomMomentsCanBeResumed(t *testing.T) {
	t.Parallel()
	start := time.Now()
	require.False(t, newScenario(t).run(never, 0))
	duration := time.Since(start)
	killed := 0
	for range 15 {
		s := newScenario(t)
		for range 3 {
			if s.run(never, 1+rand.N(duration)) {
				killed++
			}
			s.reported()
		}
		require.False(t, s.run(never, 0))
		s.requireEveryLineAppliedOnce()
	}
	t.Logf("%d of 45 runs were killed", killed)
}

func TestAnInterruptedRunWritesAReportAndCanBeResumed(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	program, stderr := s.program()
	started := make(chan struct{})
	s.counter.watch(func(request int, moment string) {
		if request == 4 && moment == "before execution" {
			<-started
			_ = program.Process.Signal(os.Interrupt)
		}
	})
	require.NoError(t, program.Start())
	close(started)
	require.Error(t, program.Wait())
	require.Equal(t, 1, program.ProcessState.ExitCode())
	require.Regexp(t, `25 lines: \d+ applied, [01] rejected, \d+ unknown, 0 not processed`, stderr.String())
	require.Positive(t, s.reported())

	require.False(t, s.run(never, 0))
	s.requireEveryLineAppliedOnce()
}
