package main

import (
	"context"
	"fmt"
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

// trial is a run against a server in a bubble.
type trial struct {
	server  *chargebeetest.Server
	rate    int
	batch   int
	resumed bool
	options []chargebee.ClientOption
}

func (r trial) apply(ctx context.Context, t *testing.T, lines ...string) (changes, error) {
	t.Helper()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	client, err := r.server.NewClient(append(options(ctx, r.rate), r.options...)...)
	require.NoError(t, err)
	all, err := readChanges(strings.NewReader(strings.Join(lines, "\n")))
	require.NoError(t, err)
	counted := new(counter)
	run := &bulk{client: client, runID: "monday", resumed: r.resumed, concurrency: 2, progress: counted, stop: stop}
	err = run.apply(ctx, newPlan(all, max(1, r.batch)))
	require.True(t, counted.ended)
	if !r.resumed {
		require.Equal(t, len(all)-all.count(notDone), counted.lines)
	}
	return all, err
}

// counter is the progress of a trial.
type counter struct {
	mu    sync.Mutex
	lines int
	ended bool
}

func (c *counter) add(lines int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines += lines
}

func (c *counter) end() { c.ended = true }

func (all changes) outcomes() []outcome {
	var outcomes []outcome
	for _, c := range all {
		outcomes = append(outcomes, c.outcome)
	}
	return outcomes
}

// lose has the server do the work of the next six requests, and their answers lost.
func lose(server *chargebeetest.Server) {
	for range 6 {
		server.Inject(chargebeetest.Fault{Route: "/features/seats/item_entitlements", Cut: chargebeetest.CutAfter})
	}
}

func TestARunThatLostAnswersGoesOnUnderItsID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		lose(server)
		lines := []string{"seats,team,plan,20", "sso,team,plan,available"}
		all, err := trial{server: server}.apply(t.Context(), t, lines...)
		require.NoError(t, err)
		require.Equal(t, []outcome{unknown, applied}, all.outcomes())
		require.Contains(t, all[0].reason, "no answer")
		require.EqualError(t, all.shortfall(), "not applied, as far as is known: 1 of 2 lines")

		all, err = trial{server: server, resumed: true}.apply(t.Context(), t, lines...)
		require.NoError(t, err)
		require.NoError(t, all.shortfall())
		require.Equal(t, "by an earlier attempt", all[0].reason)
		require.Equal(t, "by an earlier attempt", all[1].reason)
	})
}

// What an earlier run may have done is unknown until the server says so.
func TestARunThatGoesOnAndFailsDoesNotKnowWhatWasDone(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]chargebeetest.Fault{
		"for the rate limit":  {Status: 429, Header: http.Header{"Retry-After": {"121"}}},
		"for the key":         {Status: 401, Body: `{"api_error_code":"api_authentication_failed"}`},
		"for the permission":  {Status: 403, Body: `{"api_error_code":"api_authorization_failed"}`},
		"for maintenance":     {Status: 503, Body: `{"api_error_code":"site_not_ready"}`},
		"without an interest": {Status: 200, Body: `<html>Welcome to the wireless network of the hotel</html>`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newServer(t)
				lose(server)
				_, err := trial{server: server}.apply(t.Context(), t, "seats,team,plan,20")
				require.NoError(t, err)
				server.Inject(fault)
				all, _ := trial{server: server, resumed: true}.apply(t.Context(), t, "seats,team,plan,20")
				require.Equal(t, []outcome{unknown}, all.outcomes())
			})
		})
	}
}

func TestAnAnswerThatCannotBeReadIsUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Status: 200, Body: "{}"})
		all, err := trial{server: server}.apply(t.Context(), t, "seats,team,plan,20")
		require.NoError(t, err)
		require.Equal(t, []outcome{unknown}, all.outcomes())
		require.Contains(t, all[0].reason, "list is missing")
	})
}

func TestWhoIsTurnedAwayIsNotRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Status: 429, Header: http.Header{"Retry-After": {"121"}}})
		all, err := trial{server: server}.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5")
		require.NoError(t, err)
		require.Equal(t, []outcome{notDone, applied}, all.outcomes())
	})
}

func TestTwoMinutesAreWaitedForTheRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Status: 429, Header: http.Header{"Retry-After": {"120"}}})
		all, err := trial{server: server}.apply(t.Context(), t, "seats,team,plan,20")
		require.NoError(t, err)
		require.Equal(t, []outcome{applied}, all.outcomes())
	})
}

func TestSeveralEntriesThatAreRefusedAndTheRestOfTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Status: 400, Body: `{"api_error_code":"param_wrong_value",
			"param":["item_entitlements[value][0]","item_entitlements[item_id][2]"]}`})
		all, err := trial{server: server, batch: 10}.apply(t.Context(), t, "seats,team,plan,", "seats,solo,plan,", "seats,extra,addon,")
		require.NoError(t, err)
		require.Equal(t, []outcome{refused, applied, refused}, all.outcomes())
		requests := server.Requests()
		require.Len(t, requests, 2)
		require.Equal(t, "action=remove&item_entitlements%5Bitem_id%5D%5B0%5D=solo&item_entitlements%5Bitem_type%5D%5B0%5D=plan", string(requests[1].Body))
	})
}

func TestAnEntryThatIsNamedByAFailureIsAsUnknownAsTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		for range 6 {
			server.Inject(chargebeetest.Fault{Status: 500, Body: `{"api_error_code":"internal_error","param":"item_entitlements[value][0]"}`})
		}
		all, err := trial{server: server, batch: 10}.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5")
		require.NoError(t, err)
		require.Equal(t, []outcome{unknown, unknown}, all.outcomes())
		require.Len(t, server.Requests(), 6)
	})
}

func TestARefusalThatNamesWhatWasNotSentIsAboutTheWholeCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Status: 400, Body: `{"api_error_code":"param_wrong_value","param":"item_entitlements[value][7]"}`})
		all, err := trial{server: server}.apply(t.Context(), t, "seats,team,plan,20")
		require.NoError(t, err)
		require.Equal(t, []outcome{refused}, all.outcomes())
		require.Len(t, server.Requests(), 1)
	})
}

func TestWhatEveryCallWouldGetStopsTheRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		code   chargebee.ErrorCode
		param  string
	}{
		"a wrong key":                     {401, chargebee.ErrAPIAuthenticationFailed, ""},
		"a missing permission":            {403, chargebee.ErrAPIAuthorizationFailed, ""},
		"one that names an entry":         {403, chargebee.ErrRequestBlocked, "item_entitlements[value][0]"},
		"a site that is not there":        {404, chargebee.ErrSiteNotFound, ""},
		"a site that is not ready":        {503, chargebee.ErrSiteNotReady, ""},
		"a site that can only be read of": {503, chargebee.ErrSiteReadOnlyMode, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newServer(t)
				server.Inject(chargebeetest.Fault{Status: test.status, Body: fmt.Sprintf(`{"api_error_code":%q,"param":%q}`, test.code, test.param)})
				all, err := trial{server: server, batch: 2}.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5", "seats,extra,addon,1")
				require.ErrorIs(t, err, test.code)
				require.Equal(t, []outcome{notDone, notDone, notDone}, all.outcomes())
				require.Len(t, server.Requests(), 1)
			})
		})
	}
}

func TestAWrongKeyAfterALostAnswerStopsTheRunAndLeavesTheCallUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Cut: chargebeetest.CutAfter}, chargebeetest.Fault{Status: 401, Body: `{"api_error_code":"api_authentication_failed"}`})
		all, err := trial{server: server}.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5")
		require.ErrorIs(t, err, chargebee.ErrAPIAuthenticationFailed)
		require.Equal(t, []outcome{unknown, notDone}, all.outcomes())
	})
}

func TestAnInterruptLetsTheRequestsUnderWayFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: 3 * time.Second}, chargebeetest.Fault{Delay: time.Hour})
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, interrupt)
		start := time.Now()
		all, err := trial{server: server}.apply(ctx, t, "seats,team,plan,20", "seats,solo,plan,5")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 3*time.Second, time.Since(start))
		require.Equal(t, []outcome{applied, notDone}, all.outcomes())
	})
}

func TestARequestThatDoesNotFinishAfterAnInterruptIsUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: 29 * time.Second})
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, interrupt)
		start := time.Now()
		all, err := trial{server: server}.apply(ctx, t, "seats,team,plan,20")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 11*time.Second, time.Since(start))
		require.Equal(t, []outcome{unknown}, all.outcomes())
	})
}

func TestAfterAnInterruptNothingIsSentAnyMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Route: "/features/seats/item_entitlements", Status: 429, Header: http.Header{"Retry-After": {"5"}}})
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(1500*time.Millisecond, interrupt) // when seats waits to be sent again, and sso for its turn
		all, err := trial{server: server, rate: 60}.apply(ctx, t, "seats,team,plan,20", "sso,team,plan,available", "sso,solo,plan,available")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, []outcome{notDone, applied, notDone}, all.outcomes())
		require.Len(t, server.Requests(), 2)
		require.Contains(t, all[2].reason, "the run was stopped")
	})
}

func TestAnInterruptEndsTheWaitForATurnAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, interrupt)
		start := time.Now()
		all, err := trial{server: server, rate: 1}.apply(ctx, t, "seats,team,plan,20", "seats,solo,plan,5")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, []outcome{applied, notDone}, all.outcomes())
	})
}

func TestACallDoesNotOutliveItsKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Cut: chargebeetest.CutAfter})
		started := time.Now()
		all, err := trial{server: server, options: []chargebee.ClientOption{
			chargebee.WithRetry(chargebee.Retry{MaxAttempts: 3, BaseDelay: 100 * time.Hour, MaxDelay: 100 * time.Hour}),
		}}.apply(t.Context(), t, "seats,team,plan,20")
		require.NoError(t, err)
		require.Equal(t, []outcome{unknown}, all.outcomes())
		require.LessOrEqual(t, time.Since(started), 25*time.Minute)
	})
}

func TestTheRateIsKeptAndUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t, chargebeetest.WithRateLimit(150))
		var lines []string
		for i := range 400 {
			item := fmt.Sprint("item-", i)
			lines = append(lines, "seats,"+item+",plan,5")
			require.NoError(t, server.AddItem(chargebeetest.Item{ID: item, Type: chargebee.ItemTypePlan}))
		}
		start := time.Now()
		all, err := trial{server: server, rate: 150}.apply(t.Context(), t, lines...)
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
		all, err := trial{server: server, options: []chargebee.ClientOption{
			chargebee.WithHTTPClient(&http.Client{Transport: crowd}),
		}}.apply(t.Context(), t,
			"seats,team,plan,20", "seats,solo,plan,5",
			"sso,team,plan,available", "sso,solo,plan,available",
			"projects,team,plan,20", "projects,solo,plan,5")
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
