package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestTheSampleIsAppliedToTheEmbeddedEmulator(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out, status, err := runProgram(t, noEnvironment, nil)
		require.NoError(t, err)
		require.Equal(t, `~ seats solo 1 → 5
+ seats team 20
- seats old 3
  seats: 1 to add, 1 to change, 1 to remove, 2 unchanged
+ sso team available
  sso: 1 to add, 0 to change, 0 to remove, 1 unchanged
+ support solo email
~ support team email → chat
+ support enterprise phone
  support: 2 to add, 1 to change, 0 to remove, 0 unchanged
Plan: 4 to add, 2 to change, 1 to remove, 3 unchanged.
Verified: the embedded emulator matches the file. Changes: 7.
`, out)
		require.True(t, strings.HasPrefix(status, `Site: the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site.
Reading the site
`), status)
		require.Contains(t, status, "7 of 7 changes\n")
	})
}

func TestTheEmulatorHasTheFeaturesOfTheFile(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"apply"}, {"apply", "-item-entitlements"}} {
		out, _, err := runProgram(t, noEnvironment, nil, append(args, writeFile(t, "größe,a,addon,7", "größe,b,plan,x", "seats,team,plan,20"))...)
		require.NoError(t, err)
		require.Contains(t, out, "+ größe a 7\n+ größe b x\n")
		require.Contains(t, out, "Verified: the embedded emulator matches the file. Changes: 3.\n")
	}
}

func TestTheSiteMatchesTheFileAfterwards(t *testing.T) {
	t.Parallel()
	for _, itemEntitlements := range []bool{false, true} {
		server := newServer(t)
		setEntitlement(t, server, chargebee.ActionUpsert, "seats", "solo", "1")
		setEntitlement(t, server, chargebee.ActionUpsert, "seats", "old", "5")
		setEntitlement(t, server, chargebee.ActionUpsert, "sso", "old", "true")
		r := newTestRun(server)
		r.settings.prune = true
		r.settings.itemEntitlements = itemEntitlements
		require.NoError(t, r.apply(t.Context(), t, "seats,solo,plan,5", "seats,team,plan,20", "seats,extra,addon,1", "projects,team,plan,unlimited"))
		require.Equal(t, []string{"solo 5", "team 20", "extra 1"}, valuesOf(server, "seats"))
		require.Equal(t, []string{"team unlimited"}, valuesOf(server, "projects"))
		require.Equal(t, []string{"old true"}, valuesOf(server, "sso"), "the file does not name this feature")
		require.True(t, strings.HasSuffix(r.out.String(), "\nVerified: acme-test matches the file. Changes: 5.\n"), r.out.String())

		again := newTestRun(server)
		again.settings.itemEntitlements = itemEntitlements
		requests := len(posts(t, server))
		require.NoError(t, again.apply(t.Context(), t, "seats,solo,plan,5", "seats,team,plan,20", "seats,extra,addon,1", "projects,team,plan,unlimited"))
		require.Equal(t, "No changes: acme-test matches the file. Unchanged: 4.\n", again.out.String())
		require.Len(t, posts(t, server), requests)
	}
}

func TestNothingIsRemovedWithoutPrune(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "old", "5")
	require.NoError(t, newTestRun(server).apply(t.Context(), t, "seats,team,plan,20"))
	require.Equal(t, []string{"old 5", "team 20"}, valuesOf(server, "seats"))
}

func form(t *testing.T, body string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(body)
	require.NoError(t, err)
	return values
}

func TestAChangeOfManyFeaturesIsOneCall(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	r := newTestRun(server)
	r.settings.concurrency = 1
	require.NoError(t, r.apply(t.Context(), t, "seats,team,plan,20", "sso,team,plan,available", "seats,extra,addon,5"))
	sent := posts(t, server)
	require.Len(t, sent, 1)
	require.Equal(t, url.Values{
		"action":                      {"upsert"},
		"entitlements[feature_id][0]": {"seats"}, "entitlements[entity_id][0]": {"team"}, "entitlements[entity_type][0]": {"plan"}, "entitlements[value][0]": {"20"},
		"entitlements[feature_id][1]": {"seats"}, "entitlements[entity_id][1]": {"extra"}, "entitlements[entity_type][1]": {"addon"}, "entitlements[value][1]": {"5"},
		"entitlements[feature_id][2]": {"sso"}, "entitlements[entity_id][2]": {"team"}, "entitlements[entity_type][2]": {"plan"}, "entitlements[value][2]": {"available"},
	}, form(t, sent[0]))
}

func TestAChangeOfItemEntitlementsIsACallForEachFeature(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "old", "5")
	before := len(server.Requests())
	r := newTestRun(server)
	r.settings.concurrency = 1
	r.settings.itemEntitlements = true
	r.settings.prune = true
	require.NoError(t, r.apply(t.Context(), t, "seats,team,plan,20", "sso,team,plan,available"))
	var sent []string
	for _, request := range server.Requests()[before:] {
		if request.Method == "POST" {
			sent = append(sent, strings.TrimPrefix(request.Path, "/api/v2/features/")+" "+request.Form.Get("action")+" "+request.Form.Get("item_entitlements[item_id][0]"))
		}
	}
	require.Equal(t, []string{"seats/item_entitlements remove old", "seats/item_entitlements upsert team", "sso/item_entitlements upsert team"}, sent)
}

func TestRemovalsComeFirst(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "price", "5") // a plan
	r := newTestRun(server)
	r.settings.prune = true
	require.NoError(t, r.apply(t.Context(), t, "seats,price,plan_price,5"))
	require.Equal(t, []string{"price 5"}, valuesOf(server, "seats"))
	require.Equal(t, chargebee.EntityTypePlanPrice, server.Entitlements("seats")[0].EntityType)
}

func TestACallHasAtMostTheEntriesOfABatch(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	r := newTestRun(server)
	r.settings.batch = 10
	var lines []string
	for i := range 25 {
		lines = append(lines, fmt.Sprintf("seats,plan-%d,plan,5", i))
	}
	require.NoError(t, r.apply(t.Context(), t, lines...))
	sent := posts(t, server)
	require.Len(t, sent, 3)
	for i, entries := range []int{10, 10, 5} {
		require.Len(t, form(t, sent[i]), 1+4*entries)
	}
}

// concurrencyMeter counts the changes in flight, in total and of each feature.
type concurrencyMeter struct {
	next http.RoundTripper

	mu         sync.Mutex
	inFlight   map[string]int // "" counts all
	maxTotal   int
	maxFeature int
}

func (m *concurrencyMeter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == "POST" {
		feature := strings.Split(r.URL.Path, "/")[4]
		m.count(feature, 1)
		defer m.count(feature, -1)
		time.Sleep(time.Second)
	}
	return m.next.RoundTrip(r)
}

func (m *concurrencyMeter) count(feature string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inFlight[""] += n
	m.inFlight[feature] += n
	m.maxTotal = max(m.maxTotal, m.inFlight[""])
	m.maxFeature = max(m.maxFeature, m.inFlight[feature])
}

func TestFeaturesAreChangedConcurrentlyButEachOneCallByCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		meter := &concurrencyMeter{next: server.Transport(), inFlight: make(map[string]int)}
		r := newTestRun(server)
		r.settings.itemEntitlements = true
		r.settings.batch = 1
		r.options = []chargebee.ClientOption{chargebee.WithHTTPClient(&http.Client{Transport: meter})}
		start := time.Now()
		require.NoError(t, r.apply(t.Context(), t,
			"seats,team,plan,20", "seats,solo,plan,5",
			"sso,team,plan,available", "sso,solo,plan,available",
			"projects,team,plan,20", "projects,solo,plan,5"))
		require.Equal(t, 2, meter.maxTotal)
		require.Equal(t, 1, meter.maxFeature)
		require.Equal(t, 4*time.Second, time.Since(start))
	})
}

func TestAnyConcurrencyIsAccepted(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	_, _, err := runProgram(t, environment(server), nil, "apply", "-concurrency", strconv.Itoa(math.MaxInt), writeFile(t, "seats,team,plan,20"))
	require.NoError(t, err)
	require.Equal(t, []string{"team 20"}, valuesOf(server, "seats"))
}

func TestChangesAreAppliedDespiteLostResponses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Route: "/entitlements"}) // the first reading succeeds
		for range 8 {
			server.Inject(chargebeetest.Fault{Route: "/entitlements", Cut: chargebeetest.CutAfter})
		}
		r := newTestRun(server)
		require.NoError(t, r.apply(t.Context(), t, "seats,team,plan,20"))
		require.True(t, strings.HasSuffix(r.out.String(), "\nVerified: acme-test matches the file. Changes: 1.\n"), r.out.String())
	})
}

func TestARejectedEntryDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Route: "/entitlements"}, chargebeetest.Fault{Route: "/entitlements", Status: 400, Body: `{
			"message":"not today","api_error_code":"param_wrong_value","param":["entitlements[value][0]","entitlements[entity_id][2]"]}`})
		r := newTestRun(server)
		r.settings.concurrency = 1
		err := r.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5", "seats,extra,addon,1")
		require.EqualError(t, err, "not verified: 2 of 3 changes (1 applied, 2 not applied); correct the rejected lines, if any, and repeat the run to make the remaining changes")
		require.Contains(t, r.out.String(), "not applied: + seats team 20: chargebee: POST /entitlements: 400 param_wrong_value: not today")
		require.Equal(t, []string{"solo 5"}, valuesOf(server, "seats"))
		sent := posts(t, server)
		require.Len(t, sent, 2)
		require.Equal(t, "solo", form(t, sent[1]).Get("entitlements[entity_id][0]"))

		require.NoError(t, newTestRun(server).apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5", "seats,extra,addon,1"))
	})
}

func TestARejectionThatNamesNoEntryConcernsTheWholeCall(t *testing.T) {
	t.Parallel()
	for name, param := range map[string]string{"none": "", "one that was not sent": "entitlements[value][7]"} {
		synctest.Test(t, func(t *testing.T) {
			server := newServer(t)
			server.Inject(chargebeetest.Fault{Route: "/entitlements"},
				chargebeetest.Fault{Route: "/entitlements", Status: 400, Body: `{"api_error_code":"param_wrong_value","param":"` + param + `"}`})
			r := newTestRun(server)
			err := r.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5")
			require.ErrorContains(t, err, "not verified: 2 of 2 changes (2 not applied)", name)
			require.Contains(t, r.out.String(), "not applied: + seats team 20: in a call of 2 entries (-batch 1 shows which is rejected): chargebee: POST /entitlements: 400")
			require.Len(t, posts(t, server), 1)
		})
	}
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
		"blocked, naming an entry": {403, chargebee.ErrRequestBlocked, "entitlements[value][0]"},
		"site not found":           {404, chargebee.ErrSiteNotFound, ""},
		"site not ready":           {503, chargebee.ErrSiteNotReady, ""},
		"site read-only":           {503, chargebee.ErrSiteReadOnlyMode, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newServer(t)
				server.Inject(chargebeetest.Fault{Route: "/entitlements"},
					chargebeetest.Fault{Route: "/entitlements", Status: test.status, Body: fmt.Sprintf(`{"api_error_code":%q,"param":%q}`, test.code, test.param)})
				r := newTestRun(server)
				r.settings.batch = 1
				r.settings.concurrency = 1
				err := r.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5", "sso,team,plan,true")
				require.ErrorIs(t, err, test.code)
				require.ErrorContains(t, err, "the run was stopped: ")
				require.Len(t, posts(t, server), 1)
				require.Contains(t, r.out.String(), "not applied: + seats solo 5: the run was stopped\n")
			})
		})
	}
}

func TestASiteThatAsksForALongPauseStopsTheRun(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 503} {
		synctest.Test(t, func(t *testing.T) {
			server := newServer(t)
			server.Inject(chargebeetest.Fault{Route: "/entitlements"},
				chargebeetest.Fault{Route: "/entitlements", Status: status, Header: http.Header{"Retry-After": {"121"}}})
			r := newTestRun(server)
			r.settings.batch = 1
			r.settings.concurrency = 1
			err := r.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5")
			require.ErrorContains(t, err, fmt.Sprintf("the run was stopped: chargebee: POST /entitlements: %d ", status))
			require.Len(t, posts(t, server), 1)
		})
	}
}

func TestARunStopsIfTheSiteStaysUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Route: "/entitlements"})
		for range 3 * 8 {
			server.Inject(chargebeetest.Fault{Route: "/entitlements", Status: 500, Body: `{"api_error_code":"internal_error"}`})
		}
		r := newTestRun(server)
		r.settings.batch = 1
		var lines []string
		for i := range 20 {
			lines = append(lines, fmt.Sprintf("seats,plan-%d,plan,5", i))
		}
		err := r.apply(t.Context(), t, lines...)
		require.ErrorIs(t, err, chargebee.ErrInternalError)
		require.ErrorContains(t, err, "the run was stopped: ")
		require.ErrorContains(t, err, "not verified: 20 of 20 changes (20 not applied)")
		require.Len(t, posts(t, server), 3*8)
	})
}

func TestARunContinuesIfSomeCallsFail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Route: "/entitlements"})
		for range 4 {
			for range 2 * 8 {
				server.Inject(chargebeetest.Fault{Route: "/entitlements", Status: 500, Body: `{"api_error_code":"internal_error"}`})
			}
			server.Inject(chargebeetest.Fault{Route: "/entitlements"})
		}
		r := newTestRun(server)
		r.settings.batch = 1
		r.settings.concurrency = 1
		var lines []string
		for i := range 20 {
			lines = append(lines, fmt.Sprintf("seats,plan-%d,plan,5", i))
		}
		require.ErrorContains(t, r.apply(t.Context(), t, lines...), "not verified: 8 of 20 changes (12 applied, 8 not applied)")
	})
}

func TestAnotherProgramThatChangesTheSiteIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		r := newTestRun(server)
		r.settings.prune = true
		r.settings.concurrency = 1
		meddler := &meddler{next: server.Transport(), meddle: func() {
			setEntitlement(t, server, chargebee.ActionUpsert, "seats", "team", "1")
			setEntitlement(t, server, chargebee.ActionUpsert, "seats", "new", "5")
			setEntitlement(t, server, chargebee.ActionRemove, "seats", "solo", "")
		}}
		r.options = []chargebee.ClientOption{chargebee.WithHTTPClient(&http.Client{Transport: meddler})}
		setEntitlement(t, server, chargebee.ActionUpsert, "seats", "solo", "5")
		err := r.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5", "sso,team,plan,true")
		require.EqualError(t, err, "not verified: 3 of 4 changes (1 applied, 3 not applied); correct the rejected lines, if any, and repeat the run to make the remaining changes")
		require.Contains(t, r.out.String(), `not applied: + seats team 20: accepted, but the site shows 1
not applied: + seats solo 5: not part of the plan: the site has changed since
not applied: - seats new 5: not part of the plan: the site has changed since
`)
		again := newTestRun(server)
		again.settings.prune = true
		require.NoError(t, again.apply(t.Context(), t, "seats,team,plan,20", "seats,solo,plan,5", "sso,team,plan,true"))
		require.ElementsMatch(t, []string{"team 20", "solo 5"}, valuesOf(server, "seats"))
	})
}

func TestAnAcceptedChangeThatTheSiteDoesNotShowIsNotApplied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		r := newTestRun(server)
		meddler := &meddler{next: server.Transport(), meddle: func() {
			for i := range 25 {
				setEntitlement(t, server, chargebee.ActionRemove, "seats", fmt.Sprint("plan-", i), "")
			}
		}}
		r.options = []chargebee.ClientOption{chargebee.WithHTTPClient(&http.Client{Transport: meddler})}
		var lines []string
		for i := range 25 {
			lines = append(lines, fmt.Sprintf("seats,plan-%d,plan,5", i))
		}
		err := r.apply(t.Context(), t, lines...)
		require.EqualError(t, err, "not verified: 25 of 25 changes (25 not applied); correct the rejected lines, if any, and repeat the run to make the remaining changes")
		require.Contains(t, r.out.String(), "not applied: + seats plan-19 5: accepted, but the site does not show it\nand 5 more\n")
		require.NotContains(t, r.out.String(), "not applied: + seats plan-20")
	})
}

// meddler changes the site after the first change has been made.
type meddler struct {
	next   http.RoundTripper
	meddle func()
	once   sync.Once
}

func (m *meddler) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := m.next.RoundTrip(r)
	if r.Method == "POST" {
		m.once.Do(m.meddle)
	}
	return resp, err
}

func TestChangesAreAppliedDespiteFaultsOnEverySixthRequest(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]chargebeetest.Fault{
		"503":                 {Status: 503, Body: "<html>"},
		"429":                 {Status: 429, Header: http.Header{"Retry-After": {"20"}}, Body: `{"api_error_code":"api_request_limit_exceeded"}`},
		"lost responses":      {Cut: chargebeetest.CutAfter},
		"truncated responses": {Cut: chargebeetest.CutBody},
		"lost requests":       {Cut: chargebeetest.CutBefore},
		"slow responses":      {Work: 40 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newServer(t)
				for range 30 {
					server.Inject(make([]chargebeetest.Fault, 5)...)
					server.Inject(fault)
				}
				r := newTestRun(server)
				r.settings.rate = 150
				r.settings.batch = 4
				r.settings.concurrency = 3
				var lines, want []string
				for i := range 50 {
					lines = append(lines, fmt.Sprintf("seats,plan-%02d,plan,5", i), fmt.Sprintf("projects,plan-%02d,plan,20", i))
					want = append(want, fmt.Sprintf("plan-%02d 5", i))
				}
				require.NoError(t, r.apply(t.Context(), t, lines...))
				require.ElementsMatch(t, want, valuesOf(server, "seats"))
				require.Len(t, valuesOf(server, "projects"), 50)
				require.Contains(t, r.out.String(), "Verified: acme-test matches the file. Changes: 100.\n")
			})
		})
	}
}

func TestTheRateLimitOfTheSiteIsNotExceeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t, chargebeetest.WithRateLimit(150))
		r := newTestRun(server)
		r.settings.rate = 150
		r.settings.batch = 1
		r.settings.concurrency = 4
		var lines []string
		for i := range 400 {
			lines = append(lines, fmt.Sprintf("seats,plan-%d,plan,5", i))
		}
		start := time.Now()
		require.NoError(t, r.apply(t.Context(), t, lines...))
		require.Len(t, server.Requests(), 1+1+400+1+4) // none was rejected and repeated
		require.InDelta(t, 406*time.Minute*2/285, time.Since(start), float64(time.Millisecond))
	})
}

func TestARunPausesWhenTheSiteAllowsLessThanTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t, chargebeetest.WithRateLimit(100)) // fewer than the run expects
		r := newTestRun(server)
		r.settings.rate = 150
		r.settings.batch = 1
		var lines []string
		for i := range 200 {
			lines = append(lines, fmt.Sprintf("seats,plan-%d,plan,5", i), fmt.Sprintf("projects,plan-%d,plan,5", i))
		}
		require.NoError(t, r.apply(t.Context(), t, lines...))
		rejected := len(server.Requests()) - 2 - 400 - 1 - 4
		require.Positive(t, rejected)
		require.Less(t, rejected, 20)
	})
}

func TestAnInterruptLetsCallsInFlightFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Route: "/entitlements"}, chargebeetest.Fault{Route: "/entitlements", Delay: 3 * time.Second})
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, interrupt)
		start := time.Now()
		r := newTestRun(server)
		r.settings.batch = 1
		r.settings.concurrency = 1
		err := r.apply(ctx, t, "seats,team,plan,20", "seats,solo,plan,5")
		require.ErrorIs(t, err, context.Canceled)
		require.EqualError(t, err, "the run was stopped: context canceled\n"+
			"not verified: 2 of 2 changes (1 accepted, 1 not sent); correct the rejected lines, if any, and repeat the run to make the remaining changes")
		require.Equal(t, 130, exitStatus(ctx, err))
		require.Equal(t, 3*time.Second, time.Since(start))
		require.Equal(t, []string{"team 20"}, valuesOf(server, "seats"))
	})
}

func TestACallThatDoesNotFinishAfterAnInterruptIsUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Route: "/entitlements"}, chargebeetest.Fault{Route: "/entitlements", Delay: 29 * time.Second})
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, interrupt)
		start := time.Now()
		err := newTestRun(server).apply(ctx, t, "seats,team,plan,20")
		require.ErrorContains(t, err, "not verified: 1 of 1 changes (1 unknown)")
		require.Equal(t, 11*time.Second, time.Since(start))
	})
}

func TestAnInterruptEndsEveryWait(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]chargebeetest.Fault{
		"for the rate":  {},
		"for a retry":   {Status: 503, Header: http.Header{"Retry-After": {"60"}}},
		"after a 429":   {Status: 429, Header: http.Header{"Retry-After": {"60"}}},
		"for a reading": {Route: "/features", Delay: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newServer(t)
				server.Inject(fault)
				ctx, interrupt := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, interrupt)
				start := time.Now()
				r := newTestRun(server)
				r.settings.rate = 1
				err := r.apply(ctx, t, "seats,team,plan,20")
				require.Error(t, err)
				require.Equal(t, 130, exitStatus(ctx, err))
				require.Equal(t, time.Second, time.Since(start))
				require.Empty(t, posts(t, server))
			})
		})
	}
}

func TestResultsThatCannotBeReadAreNotCalledApplied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t)
		server.Inject(chargebeetest.Fault{Route: "/features"}, // the first reading
			chargebeetest.Fault{Route: "/features", Status: 403, Body: `{"api_error_code":"api_authorization_failed"}`})
		err := newTestRun(server).apply(t.Context(), t, "seats,team,plan,20")
		require.ErrorContains(t, err, "the changes are not verified: reading the site: chargebee: GET /features: 403 api_authorization_failed")
		require.ErrorContains(t, err, "not verified: 1 of 1 changes (1 accepted)")
	})
}
