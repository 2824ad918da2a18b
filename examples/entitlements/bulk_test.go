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

// testRun is a run against a server in a bubble.
type testRun struct {
	server  *chargebeetest.Server
	rate    int
	batch   int
	resumed bool
	options []chargebee.ClientOption
}

func (r testRun) apply(ctx context.Context, t *testing.T, lines ...string) (changes, error) {
	t.Helper()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	client, err := r.server.NewClient(append(options(ctx, r.rate), r.options...)...)
	require.NoError(t, err)
	all, err := readChanges(strings.NewReader(strings.Join(lines, "\n")))
	require.NoError(t, err)
	progress := new(counter)
	run := &bulk{client: client, runID: "monday", resumed: r.resumed, concurrency: 2, progress: progress, stop: stop}
	err = run.apply(ctx, newPlan(all, max(1, r.batch)))
	require.True(t, progress.ended)
	if !r.resumed {
		require.Equal(t, len(all)-all.count(notProcessed), progress.lines)
	}
	return all, err
}

// counter is the progress of a testRun.
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

// loseResponses makes the server execute the next six requests and lose the responses.
func loseResponses(server *chargebeetest.Server) {
	for range 6 {
		server.Inject(chargebeetest.Fault{Route: "/features/seats/item_entitlements", Cut: chargebeetest.CutAfter})
	}
}

func TestARunWithLostResponsesCanBeResumed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		loseResponses(server)
		lines := []string{"seats,team,plan,20", "sso,team,plan,available"}
		all, err := testRun{server: server}.apply(t.Context(), t, lines...)
		require.NoError(t, err)
		require.Equal(t, []outcome{unknown, applied}, all.outcomes())
		require.Contains(t, all[0].reason, "no response")
		require.EqualError(t, all.shortfall(), "not known to be applied: 1 of 2 lines")

		all, err = testRun{server: server, resumed: true}.apply(t.Context(), t, lines...)
		require.NoError(t, err)
		require.NoError(t, all.shortfall())
		require.Equal(t, "applied by an earlier attempt", all[0].reason)
		require.Equal(t, "applied by an earlier attempt", all[1].reason)
	})
}

// What an earlier run may have applied is unknown until the server confirms it.
func TestTheOutcomeIsUnknownIfAResumedRunFails(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]chargebeetest.Fault{
		"the rate limit is exceeded": {Status: 429, Header: http.Header{"Retry-After": {"121"}}},
		"the API key is rejected":    {Status: 401, Body: `{"api_error_code":"api_authentication_failed"}`},
		"a permission is missing":    {Status: 403, Body: `{"api_error_code":"api_authorization_failed"}`},
		"the site is in maintenance": {Status: 503, Body: `{"api_error_code":"site_not_ready"}`},
		"a captive portal responds":  {Status: 200, Body: `<html>Welcome to the wireless network of the hotel</html>`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newServer(t)
				loseResponses(server)
				_, err := testRun{server: server}.apply(t.Context(), t, "seats,team,plan,20")
				require.NoError(t, err)
				server.Inject(fault)
				all, _ := testRun{server: server, resumed: true}.apply(t.Context(), t, "seats,team,plan,20")
				require.Equal(t, []outcome{unknown}, all.outcomes())
			})
		})
	}
}

func TestTheOutcomeOfAnUnreadableResponseIsUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Status: 200, Body: "{}"})
		all, err := testRun{server: server}.apply(t.Context(), t, "seats,team,plan,20")
		require.NoError(t, err)
		require.Equal(t, []outcome{unknown}, all.outcomes())
		require.Contains(t, all[0].reason, "list is missing")
	})
}

func TestARequestRejectedByTheRateLimitIsNotProcessed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Status: 429, Header: http.Header{"Retry-After": {"121"}}})
		all, err := testRun{server: server}.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5")
		require.NoError(t, err)
		require.Equal(t, []outcome{notProcessed, applied}, all.outcomes())
	})
}

func TestARetryAfterOfTwoMinutesIsObeyed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Status: 429, Header: http.Header{"Retry-After": {"120"}}})
		all, err := testRun{server: server}.apply(t.Context(), t, "seats,team,plan,20")
		require.NoError(t, err)
		require.Equal(t, []outcome{applied}, all.outcomes())
	})
}

func TestACallIsRepeatedWithoutItsRejectedEntries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Status: 400, Body: `{"api_error_code":"param_wrong_value",
			"param":["item_entitlements[value][0]","item_entitlements[item_id][2]"]}`})
		all, err := testRun{server: server, batch: 10}.apply(t.Context(), t, "seats,team,plan,", "seats,solo,plan,", "seats,extra,addon,")
		require.NoError(t, err)
		require.Equal(t, []outcome{rejected, applied, rejected}, all.outcomes())
		requests := server.Requests()
		require.Len(t, requests, 2)
		require.Equal(t, "action=remove&item_entitlements%5Bitem_id%5D%5B0%5D=solo&item_entitlements%5Bitem_type%5D%5B0%5D=plan", string(requests[1].Body))
	})
}

func TestAServerErrorThatNamesAnEntryLeavesTheWholeCallUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		for range 6 {
			server.Inject(chargebeetest.Fault{Status: 500, Body: `{"api_error_code":"internal_error","param":"item_entitlements[value][0]"}`})
		}
		all, err := testRun{server: server, batch: 10}.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5")
		require.NoError(t, err)
		require.Equal(t, []outcome{unknown, unknown}, all.outcomes())
		require.Len(t, server.Requests(), 6)
	})
}

func TestARejectionOfAnEntryThatWasNotSentConcernsTheWholeCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Status: 400, Body: `{"api_error_code":"param_wrong_value","param":"item_entitlements[value][7]"}`})
		all, err := testRun{server: server}.apply(t.Context(), t, "seats,team,plan,20")
		require.NoError(t, err)
		require.Equal(t, []outcome{rejected}, all.outcomes())
		require.Len(t, server.Requests(), 1)
	})
}

func TestAnErrorThatAffectsAllCallsStopsTheRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		code   chargebee.ErrorCode
		param  string
	}{
		"wrong API key":            {401, chargebee.ErrAPIAuthenticationFailed, ""},
		"missing permission":       {403, chargebee.ErrAPIAuthorizationFailed, ""},
		"blocked, naming an entry": {403, chargebee.ErrRequestBlocked, "item_entitlements[value][0]"},
		"site not found":           {404, chargebee.ErrSiteNotFound, ""},
		"site not ready":           {503, chargebee.ErrSiteNotReady, ""},
		"site read-only":           {503, chargebee.ErrSiteReadOnlyMode, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newServer(t)
				server.Inject(chargebeetest.Fault{Status: test.status, Body: fmt.Sprintf(`{"api_error_code":%q,"param":%q}`, test.code, test.param)})
				all, err := testRun{server: server, batch: 2}.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5", "seats,extra,addon,1")
				require.ErrorIs(t, err, test.code)
				require.Equal(t, []outcome{notProcessed, notProcessed, notProcessed}, all.outcomes())
				require.Len(t, server.Requests(), 1)
			})
		})
	}
}

func TestAWrongKeyAfterALostResponseStopsTheRunAndLeavesTheCallUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Cut: chargebeetest.CutAfter}, chargebeetest.Fault{Status: 401, Body: `{"api_error_code":"api_authentication_failed"}`})
		all, err := testRun{server: server}.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5")
		require.ErrorIs(t, err, chargebee.ErrAPIAuthenticationFailed)
		require.Equal(t, []outcome{unknown, notProcessed}, all.outcomes())
	})
}

func TestAnInterruptLetsTheRequestsInFlightFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: 3 * time.Second}, chargebeetest.Fault{Delay: time.Hour})
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, interrupt)
		start := time.Now()
		all, err := testRun{server: server}.apply(ctx, t, "seats,team,plan,20", "seats,solo,plan,5")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 3*time.Second, time.Since(start))
		require.Equal(t, []outcome{applied, notProcessed}, all.outcomes())
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
		all, err := testRun{server: server}.apply(ctx, t, "seats,team,plan,20")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 11*time.Second, time.Since(start))
		require.Equal(t, []outcome{unknown}, all.outcomes())
	})
}

func TestNothingIsSentAfterAnInterrupt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(
			chargebeetest.Fault{Route: "/features/seats/item_entitlements", Status: 429, Header: http.Header{"Retry-After": {"5"}}},
			chargebeetest.Fault{Route: "/features/sso/item_entitlements", Delay: 100 * time.Millisecond}) // so that seats is second at the limiter, if not first
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(1500*time.Millisecond, interrupt) // while seats waits for a retry, and sso for the limiter
		all, err := testRun{server: server, rate: 60}.apply(ctx, t, "seats,team,plan,20", "sso,team,plan,available", "sso,solo,plan,available")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, []outcome{notProcessed, applied, notProcessed}, all.outcomes())
		require.Len(t, server.Requests(), 2)
		require.Contains(t, all[2].reason, "the run was stopped")
	})
}

func TestAnInterruptEndsTheWaitForTheLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, interrupt)
		start := time.Now()
		all, err := testRun{server: server, rate: 1}.apply(ctx, t, "seats,team,plan,20", "seats,solo,plan,5")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, []outcome{applied, notProcessed}, all.outcomes())
	})
}

func TestACallEndsBeforeItsKeyExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Cut: chargebeetest.CutAfter})
		started := time.Now()
		all, err := testRun{server: server, options: []chargebee.ClientOption{
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
		all, err := testRun{server: server, rate: 150}.apply(t.Context(), t, lines...)
		require.NoError(t, err)
		require.NoError(t, all.shortfall())
		require.Len(t, server.Requests(), 400) // none was rejected and retried
		require.InDelta(t, 399*time.Minute/150, time.Since(start), float64(time.Millisecond))
	})
}

// concurrencyMeter counts the requests in flight, in total and per path.
type concurrencyMeter struct {
	next http.RoundTripper

	mu              sync.Mutex
	total, maxTotal int
	perPath         map[string]int
	maxPerPath      int
}

func (m *concurrencyMeter) RoundTrip(r *http.Request) (*http.Response, error) {
	m.count(r.URL.Path, 1)
	defer m.count(r.URL.Path, -1)
	time.Sleep(time.Second)
	return m.next.RoundTrip(r)
}

func (m *concurrencyMeter) count(path string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total += n
	m.perPath[path] += n
	m.maxTotal = max(m.maxTotal, m.total)
	m.maxPerPath = max(m.maxPerPath, m.perPath[path])
}

func TestFeaturesAreChangedConcurrentlyButEachOneBatchByBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		meter := &concurrencyMeter{next: server.Transport(), perPath: make(map[string]int)}
		start := time.Now()
		all, err := testRun{server: server, options: []chargebee.ClientOption{
			chargebee.WithHTTPClient(&http.Client{Transport: meter}),
		}}.apply(t.Context(), t,
			"seats,team,plan,20", "seats,solo,plan,5",
			"sso,team,plan,available", "sso,solo,plan,available",
			"projects,team,plan,20", "projects,solo,plan,5")
		require.NoError(t, err)
		require.NoError(t, all.shortfall())
		require.Equal(t, 2, meter.maxTotal)
		require.Equal(t, 1, meter.maxPerPath)
		require.Equal(t, 4*time.Second, time.Since(start))
	})
}

func TestKeysDependOnlyOnTheRunAndTheCall(t *testing.T) {
	t.Parallel()
	b := batch{feature: "seats", action: chargebee.ActionUpsert, changes: changes{{line: 7, item: "team", itemType: "plan", value: "20"}}}
	// sha256sum of "monday" "seats" {"upsert" [{"team" "plan" "20"}]}
	const golden = "69f0d62dc1fc3ffd95d421e0c545a6e79862617a80d63dccc840f79b7fe8e211"
	require.Equal(t, golden, b.key("monday"))

	otherLine := b
	otherLine.changes = changes{{line: 8, item: "team", itemType: "plan", value: "20", outcome: applied, reason: "x"}}
	require.Equal(t, golden, otherLine.key("monday"))

	for name, other := range map[string]batch{
		"another feature":  {"seat", b.action, b.changes},
		"another action":   {"seats", chargebee.ActionRemove, b.changes},
		"another item":     {"seats", b.action, changes{{item: "teams", itemType: "plan", value: "20"}}},
		"another type":     {"seats", b.action, changes{{item: "team", itemType: "addon", value: "20"}}},
		"another value":    {"seats", b.action, changes{{item: "team", itemType: "plan", value: "5"}}},
		"another split":    {"seats", b.action, changes{{item: "tea", itemType: "mplan", value: "20"}}},
		"a duplicate item": {"seats", b.action, append(changes{}, b.changes[0], b.changes[0])},
	} {
		require.NotEqual(t, golden, other.key("monday"), name)
	}
	require.NotEqual(t, golden, b.key("tuesday"))
}
