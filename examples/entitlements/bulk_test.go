package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// apply runs lines against a server in a bubble.
func apply(ctx context.Context, t *testing.T, server *chargebeetest.Server, lines []string, opts ...chargebee.ClientOption) (changes, error) {
	t.Helper()
	client, err := server.NewClient(append(options(0), opts...)...)
	require.NoError(t, err)
	all, err := readChanges(strings.NewReader(strings.Join(lines, "\n")))
	require.NoError(t, err)
	run := &bulk{client: client, runID: "monday", concurrency: 2, progress: newProgress(io.Discard, len(all))}
	return all, run.apply(ctx, newPlan(all, 1))
}

func TestARunThatLostAnswersGoesOnUnderItsID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		for range 6 {
			server.Inject(chargebeetest.Fault{Route: "/features/seats/item_entitlements", Cut: chargebeetest.CutAfter})
		}
		lines := []string{"seats,team,plan,20", "sso,team,plan,available"}
		all, err := apply(t.Context(), t, server, lines)
		require.NoError(t, err)
		require.Equal(t, unknown, all[0].outcome)
		require.Contains(t, all[0].reason, "no answer")
		require.Equal(t, applied, all[1].outcome)
		require.EqualError(t, all.shortfall(), "1 lines were not applied, as far as is known")

		all, err = apply(t.Context(), t, server, lines)
		require.NoError(t, err)
		require.NoError(t, all.shortfall())
		require.Equal(t, "by an earlier attempt", all[0].reason)
		require.Equal(t, "by an earlier attempt", all[1].reason)
	})
}

func TestAnAnswerThatCannotBeReadIsOneThatWasApplied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Status: 200, Body: "{}"})
		all, err := apply(t.Context(), t, server, []string{"seats,team,plan,20"})
		require.NoError(t, err)
		require.Equal(t, applied, all[0].outcome)
		require.Contains(t, all[0].reason, "list is missing")
	})
}

func TestARefusalThatNamesWhatWasNotSentIsAboutTheWholeCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Status: 400, Body: `{"message":"no","api_error_code":"param_wrong_value","param":"item_entitlements[value][7]"}`})
		all, err := apply(t.Context(), t, server, []string{"seats,team,plan,20"})
		require.NoError(t, err)
		require.Equal(t, refused, all[0].outcome)
		require.Len(t, server.Requests(), 1)
	})
}

func TestMaintenanceStopsTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Status: 503, Body: `{"message":"later","api_error_code":"site_read_only_mode"}`})
		all, err := apply(t.Context(), t, server, []string{"seats,team,plan,20", "seats,solo,plan,5", "seats,extra,addon,1"})
		require.ErrorIs(t, err, chargebee.ErrSiteReadOnlyMode)
		require.Equal(t, []outcome{refused, notDone, notDone}, []outcome{all[0].outcome, all[1].outcome, all[2].outcome})
		require.Len(t, server.Requests(), 1)
	})
}

func TestAnInterruptLetsTheCallsUnderWayFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: 3 * time.Second}, chargebeetest.Fault{Delay: time.Hour})
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, interrupt)
		start := time.Now()
		all, err := apply(ctx, t, server, []string{"seats,team,plan,20", "seats,solo,plan,5"})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 3*time.Second, time.Since(start))
		require.Equal(t, applied, all[0].outcome)
		require.Equal(t, notDone, all[1].outcome)
	})
}

func TestACallThatDoesNotFinishAfterAnInterruptIsUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: 29 * time.Second})
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, interrupt)
		start := time.Now()
		all, err := apply(ctx, t, server, []string{"seats,team,plan,20"})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 11*time.Second, time.Since(start))
		require.Equal(t, unknown, all[0].outcome)
	})
}

func TestTheRateIsKeptAndUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t, chargebeetest.WithRateLimit(150))
		lines := make([]string, 0, 400)
		for i := range cap(lines) {
			lines = append(lines, "seats,item"+string(rune('a'+i/26))+string(rune('a'+i%26))+",plan,5")
			require.NoError(t, server.AddItem(chargebeetest.Item{ID: strings.Split(lines[i], ",")[1], Type: chargebee.ItemTypePlan}))
		}
		start := time.Now()
		all, err := apply(t.Context(), t, server, lines, chargebee.WithLimiter(limiter(150)))
		require.NoError(t, err)
		require.NoError(t, all.shortfall())
		require.Len(t, server.Requests(), 400) // none was turned away
		require.InDelta(t, 399*time.Minute/150, time.Since(start), float64(time.Millisecond))
	})
}

// crowd counts the requests that are under way at the same time, by path.
type crowd struct {
	next http.RoundTripper

	mu            sync.Mutex
	here, most    int
	paths         map[string]int
	mostOfOnePath int
}

func (c *crowd) RoundTrip(r *http.Request) (*http.Response, error) {
	c.enter(r.URL.Path, 1)
	defer c.enter(r.URL.Path, -1)
	time.Sleep(time.Second)
	return c.next.RoundTrip(r)
}

func (c *crowd) enter(path string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.here += n
	c.paths[path] += n
	c.most = max(c.most, c.here)
	c.mostOfOnePath = max(c.mostOfOnePath, c.paths[path])
}

func TestFeaturesAreChangedAtTheSameTimeAndEachOneBatchByBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		crowd := &crowd{next: server.Transport(), paths: make(map[string]int)}
		start := time.Now()
		all, err := apply(t.Context(), t, server, []string{
			"seats,team,plan,20", "seats,solo,plan,5",
			"sso,team,plan,available", "sso,solo,plan,available",
			"projects,team,plan,20", "projects,solo,plan,5",
		}, chargebee.WithHTTPClient(&http.Client{Transport: crowd}))
		require.NoError(t, err)
		require.NoError(t, all.shortfall())
		require.Equal(t, 2, crowd.most)
		require.Equal(t, 1, crowd.mostOfOnePath)
		require.Equal(t, 4*time.Second, time.Since(start))
	})
}

func TestKeysDependOnTheRunAndTheCallAlone(t *testing.T) {
	t.Parallel()
	b := batch{feature: "seats", action: chargebee.ActionUpsert, changes: changes{{line: 7, item: "team", itemType: "plan", value: "20"}}}
	// sha256sum of "monday" "seats" {"upsert" [{"team" "plan" "20"}]}
	const golden = "69f0d62dc1fc3ffd95d421e0c545a6e79862617a80d63dccc840f79b7fe8e211"
	require.Equal(t, golden, b.key("monday"))

	elsewhere := b
	elsewhere.changes = changes{{line: 8, item: "team", itemType: "plan", value: "20", outcome: applied, reason: "x"}}
	require.Equal(t, golden, elsewhere.key("monday"))

	for name, other := range map[string]batch{
		"another feature": {"seat", b.action, b.changes},
		"another action":  {"seats", chargebee.ActionRemove, b.changes},
		"another item":    {"seats", b.action, changes{{item: "teams", itemType: "plan", value: "20"}}},
		"another type":    {"seats", b.action, changes{{item: "team", itemType: "addon", value: "20"}}},
		"another value":   {"seats", b.action, changes{{item: "team", itemType: "plan", value: "5"}}},
		"another cut":     {"seats", b.action, changes{{item: "tea", itemType: "mplan", value: "20"}}},
		"twice":           {"seats", b.action, append(changes{}, b.changes[0], b.changes[0])},
	} {
		require.NotEqual(t, golden, other.key("monday"), name)
	}
	require.NotEqual(t, golden, b.key("tuesday"))
}
