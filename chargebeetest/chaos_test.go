package chargebeetest_test

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// troubles are what may go wrong with a request: answers of gateways and of
// Chargebee, connections that break, and delays within and past the attempt
// timeout.
func troubles(short, long time.Duration) []chargebeetest.Fault {
	html := http.Header{"Content-Type": {"text/html"}}
	return []chargebeetest.Fault{
		{Status: 500, Body: `{"message":"oops","api_error_code":"internal_error","type":"operation_failed"}`},
		{Status: 502, Header: html, Body: "<html>Bad Gateway</html>"},
		{Status: 503},
		{Status: 504, Header: html, Body: "<html>Gateway Timeout</html>", Cut: chargebeetest.CutBody},
		{Status: 429, Body: `{"message":"slow down","api_error_code":"api_request_limit_exceeded","type":"operation_failed"}`},
		{Status: 200, Body: `{"li`, Cut: chargebeetest.CutBody},
		{Cut: chargebeetest.CutBefore},
		{Cut: chargebeetest.CutAfter},
		{Cut: chargebeetest.CutBody},
		{Delay: short},
		{Delay: long},
		{Delay: long, Cut: chargebeetest.CutAfter},
	}
}

// ledger counts how often each change was applied.
type ledger struct {
	mu    sync.Mutex
	times map[string]int
}

func (l *ledger) add(form url.Values) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times[form.Get("item_entitlements[item_id][0]")+"="+form.Get("item_entitlements[value][0]")]++
}

func (l *ledger) of(item, value string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.times[item+"="+value]
}

// worker upserts and removes the entitlement of one item in turn.
type worker struct {
	client *chargebee.Client
	ledger *ledger
	item   string
	has    chargebee.ItemEntitlement
	failed int
}

// make makes a change, each with a value of its own. Where it is reported as
// failed, it is made again under its key.
func (w *worker) make(t *testing.T, number int) {
	t.Helper()
	action, value := chargebee.ActionUpsert, strconv.Itoa(number)
	if number%2 == 1 {
		action = chargebee.ActionRemove
	}
	params := chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action: action, ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: w.item, Value: value}},
	}
	key := chargebee.WithIdempotencyKey(w.item + "-" + value)
	done, err := w.client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats", params, key)
	for inDoubt := false; err != nil; done, err = w.client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats", params, key) {
		w.failed++
		_, unknown := chargebee.OutcomeUnknown(err)
		inDoubt = inDoubt || unknown
		if inDoubt {
			assert.LessOrEqual(t, w.ledger.of(w.item, value), 1)
		} else {
			assert.Zero(t, w.ledger.of(w.item, value))
		}
	}
	assert.Equal(t, 1, w.ledger.of(w.item, value))
	if !assert.Len(t, done.ItemEntitlements, 1) {
		return
	}
	changed := done.ItemEntitlements[0]
	if action == chargebee.ActionRemove {
		assert.Equal(t, w.has, changed)
		return
	}
	assert.Equal(t, value, changed.Value)
	assert.NotEqual(t, w.has.ID, changed.ID)
	w.has = changed
}

func chaos(t *testing.T, workers, changes int, faults []chargebeetest.Fault, opts ...chargebee.ClientOption) {
	t.Helper()
	server, _ := newServer(t)
	client, err := server.NewClient(opts...)
	require.NoError(t, err)
	applied := &ledger{times: make(map[string]int)}
	server.OnApplied(applied.add)
	dice := rand.New(rand.NewPCG(4, 2026))
	for range 2 * workers * changes {
		var fault chargebeetest.Fault
		if dice.Float64() < 0.3 {
			fault = faults[dice.IntN(len(faults))]
		}
		server.Inject(fault)
	}

	staff := make([]*worker, workers)
	var group sync.WaitGroup
	for i := range staff {
		w := &worker{client: client, ledger: applied, item: "item-" + strconv.Itoa(i)}
		staff[i] = w
		require.NoError(t, server.AddItem(chargebeetest.Item{ID: w.item, Type: chargebee.ItemTypePlan}))
		group.Go(func() {
			for number := range changes {
				w.make(t, number)
			}
		})
	}
	group.Wait()

	failed := 0
	for _, w := range staff {
		failed += w.failed
	}
	t.Logf("%d changes in %d requests, %d times reported as failed", workers*changes, len(server.Requests()), failed)
	require.Len(t, applied.times, workers*changes)
	require.Empty(t, server.ItemEntitlements("seats"))
	require.Greater(t, len(server.Requests()), workers*changes*5/4)
	require.NotZero(t, failed)
}

func TestTenThousandChangesInChaosAreAppliedOnceOrReportedAsFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		chaos(t, 50, 200, troubles(time.Second, time.Minute))
	})
}

func TestAThousandChangesInChaosOverTheWire(t *testing.T) {
	t.Parallel()
	chaos(t, 10, 100, troubles(time.Microsecond, time.Minute)[:10],
		chargebee.WithRetry(chargebee.Retry{MaxAttempts: 2, BaseDelay: time.Nanosecond}))
}
