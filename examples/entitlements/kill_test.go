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

// witness stands before a server and counts what it has done, line by line.
// What it answers from memory does not count. It goes on with a request whose
// client is dead.
type witness struct {
	server *chargebeetest.Server

	mu       sync.Mutex
	requests int // of this process
	done     map[string]int
	at       func(request int, moment string)
}

func (w *witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // killed while it was sending this
	}
	w.mu.Lock()
	w.requests++
	request, at := w.requests, w.at
	w.mu.Unlock()

	at(request, "before the work")
	r = r.WithContext(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	w.server.ServeHTTP(answer, r)
	if answer.Code == http.StatusOK && answer.Header().Get("chargebee-idempotency-replayed") == "" {
		w.count(strings.Split(r.URL.Path, "/")[4], string(body))
	}
	at(request, "after the work")
	maps.Copy(out.Header(), answer.Header())
	out.WriteHeader(answer.Code)
	_, _ = answer.Body.WriteTo(out)
	_ = http.NewResponseController(out).Flush()
	at(request, "after the answer")
}

// watch has f called at each moment of the requests of the next process.
func (w *witness) watch(f func(request int, moment string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests, w.at = 0, f
}

func (w *witness) count(feature, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	form, _ := url.ParseQuery(body)
	for name, values := range form {
		if strings.HasPrefix(name, "item_entitlements[item_id]") {
			w.done[feature+","+values[0]]++
		}
	}
}

func (w *witness) times(line string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done[line]
}

// ordeal is a site under a witness, and a file for it: 24 lines that it takes,
// and one that it refuses, in batches of three.
type ordeal struct {
	t       *testing.T
	witness *witness
	url     string
	args    []string
	report  string
	lines   []string // feature,item of those that it takes
}

const refusedLine, callsOfARun = "feature0,unknown", 11

func newOrdeal(t *testing.T) *ordeal {
	t.Helper()
	server := chargebeetest.NewServer()
	t.Cleanup(server.Close)
	client, err := server.NewClient()
	require.NoError(t, err)
	o := &ordeal{
		t:       t,
		witness: &witness{server: server, done: make(map[string]int)},
		report:  filepath.Join(t.TempDir(), "report.csv"),
	}
	lines := []string{refusedLine + ",plan,new"}
	for item := range 8 {
		require.NoError(t, server.AddItem(chargebeetest.Item{ID: fmt.Sprint("plan", item), Type: chargebee.ItemTypePlan}))
	}
	for feature := range 3 {
		id := fmt.Sprint("feature", feature)
		require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: id, Type: chargebeetest.FeatureTypeCustom}))
		for item := range 8 {
			line := fmt.Sprintf("%s,plan%d", id, item)
			o.lines = append(o.lines, line)
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
	http := httptest.NewServer(o.witness)
	t.Cleanup(http.Close)
	o.url = http.URL + "/api/v2"
	o.args = []string{"-run-id", "monday", "-batch", "3", "-concurrency", "2", "-rate", "0", "-report", o.report, file(t, lines...)}
	return o
}

func (o *ordeal) program() (program *exec.Cmd, stderr *bytes.Buffer) {
	stderr = new(bytes.Buffer)
	program = exec.Command(os.Args[0], o.args...)
	program.Env = append(os.Environ(), "RUN_ENTITLEMENTS=1", "GORACE=atexit_sleep_ms=0",
		"CHARGEBEE_SITE="+o.witness.server.Site, "CHARGEBEE_API_KEY="+o.witness.server.APIKey, "CHARGEBEE_BASE_URL="+o.url)
	program.Stderr = stderr
	return program, stderr
}

// run runs the program, and kills it when the function says so. It reports
// whether it was killed.
func (o *ordeal) run(isTime func(request int, moment string) bool, after time.Duration) (killed bool) {
	o.t.Helper()
	var once sync.Once
	program, stderr := o.program()
	started, dead := make(chan struct{}), make(chan struct{})
	kill := func() {
		<-started
		once.Do(func() { killed = program.Process.Kill() == nil })
	}

	o.witness.watch(func(request int, moment string) {
		if isTime(request, moment) {
			kill()
			<-dead
		}
	})
	require.NoError(o.t, program.Start())
	close(started)
	if after > 0 {
		time.AfterFunc(after, kill)
	}
	err := program.Wait()
	close(dead)
	once.Do(func() {}) // it is too late, or the killer has finished
	require.Error(o.t, err)
	if program.ProcessState.Exited() {
		require.Contains(o.t, stderr.String(), "25 lines: 24 applied, 1 refused, 0 unknown, 0 not done")
		return false
	}
	require.True(o.t, killed)
	return true
}

// reported is how many lines the report says are applied. It must be true of
// each of them.
func (o *ordeal) reported() int {
	o.t.Helper()
	text, err := os.ReadFile(o.report)
	if os.IsNotExist(err) {
		return 0
	}
	require.NoError(o.t, err)
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	require.NoError(o.t, err)
	require.Len(o.t, rows, 26)
	count := 0
	for _, row := range rows[1:] {
		if row[5] == "applied" {
			count++
			require.Equal(o.t, 1, o.witness.times(row[1]+","+row[2]), row)
		}
	}
	return count
}

func (o *ordeal) requireEveryLineAppliedOnce() {
	o.t.Helper()
	for _, line := range o.lines {
		require.Equal(o.t, 1, o.witness.times(line), line)
	}
	require.Equal(o.t, 24, o.reported())
	require.Zero(o.t, o.witness.times(refusedLine))
	for feature := range 3 {
		entitlements := o.witness.server.ItemEntitlements(fmt.Sprint("feature", feature))
		require.Len(o.t, entitlements, 6)
		for _, e := range entitlements {
			require.Equal(o.t, "new", e.Value)
		}
	}
}

func never(int, string) bool { return false }

func TestARunKilledAtAnyMomentOfACallIsFinishedByTheNextOne(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"before the work", "after the work", "after the answer"} {
		for request := 1; request <= callsOfARun; request++ {
			t.Run(fmt.Sprintf("%s of request %d", moment, request), func(t *testing.T) {
				t.Parallel()
				o := newOrdeal(t)
				require.True(t, o.run(func(r int, m string) bool { return r == request && m == moment }, 0))
				o.reported()
				require.False(t, o.run(never, 0))
				o.requireEveryLineAppliedOnce()
			})
		}
	}
}

func TestARunKilledAgainAndAgainComesToItsEnd(t *testing.T) {
	t.Parallel()
	o := newOrdeal(t)
	for request := 1; request <= callsOfARun; request++ {
		require.True(t, o.run(func(r int, m string) bool { return r == request && m == "after the work" }, 0))
		o.reported()
	}
	require.False(t, o.run(never, 0))
	o.requireEveryLineAppliedOnce()
}

// The moments depend on the machine, what must hold does not.
func TestARunKilledAtMomentsOfChanceIsFinishedByTheNextOne(t *testing.T) {
	t.Parallel()
	start := time.Now()
	require.False(t, newOrdeal(t).run(never, 0))
	aRun := time.Since(start)
	killed := 0
	for range 15 {
		o := newOrdeal(t)
		for range 3 {
			if o.run(never, 1+rand.N(aRun)) {
				killed++
			}
			o.reported()
		}
		require.False(t, o.run(never, 0))
		o.requireEveryLineAppliedOnce()
	}
	t.Logf("%d of 45 runs were killed", killed)
}

func TestAnInterruptedProcessReportsWhatItDidAndIsFinishedByTheNextOne(t *testing.T) {
	t.Parallel()
	o := newOrdeal(t)
	program, stderr := o.program()
	started := make(chan struct{})
	o.witness.watch(func(request int, moment string) {
		if request == 4 && moment == "before the work" {
			<-started
			_ = program.Process.Signal(os.Interrupt)
		}
	})
	require.NoError(t, program.Start())
	close(started)
	require.Error(t, program.Wait())
	require.Equal(t, 1, program.ProcessState.ExitCode())
	require.Regexp(t, `25 lines: \d+ applied, [01] refused, \d+ unknown, 0 not done`, stderr.String())
	require.Positive(t, o.reported())

	require.False(t, o.run(never, 0))
	o.requireEveryLineAppliedOnce()
}
