package chargebeetest_test

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// allFaults returns error responses of gateways and of Chargebee, cut connections,
// and delays within and beyond the attempt timeout.
func allFaults(shortDelay, longDelay time.Duration) []chargebeetest.Fault {
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
		{Delay: shortDelay},
		{Delay: longDelay},
		{Delay: longDelay, Cut: chargebeetest.CutAfter},
	}
}

// counter counts how often each change was applied.
type counter struct {
	mu      sync.Mutex
	applied map[string]int // by item and value
}

func (c *counter) add(form url.Values) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.applied[form.Get("item_entitlements[item_id][0]")+"-"+form.Get("item_entitlements[value][0]")]++
}

func (c *counter) count(change string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.applied[change]
}

// changeItem upserts and removes the entitlement of an item in turn. It repeats a
// failed change under its key, and checks after each call whether the change was
// applied. It returns how many calls failed.
func changeItem(t *testing.T, client *chargebee.Client, changes *counter, item string, n int) (failed int64) {
	t.Helper()
	var current chargebee.ItemEntitlement
	for i := range n {
		value := strconv.Itoa(i)
		change := item + "-" + value
		params := chargebee.UpsertOrRemoveItemEntitlementsParams{
			Action:           []chargebee.Action{chargebee.ActionUpsert, chargebee.ActionRemove}[i%2],
			ItemEntitlements: []entry{{ItemID: item, Value: value}},
		}
		resp, err := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats", params, chargebee.WithIdempotencyKey(change))
		for mostApplied := 0; err != nil; failed++ {
			if _, isUnknown := chargebee.OutcomeUnknown(err); isUnknown {
				mostApplied = 1
			}
			assert.LessOrEqual(t, changes.count(change), mostApplied)
			resp, err = client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats", params, chargebee.WithIdempotencyKey(change))
		}
		assert.Equal(t, 1, changes.count(change))
		if !assert.Len(t, resp.ItemEntitlements, 1) {
			return failed
		}
		changed := resp.ItemEntitlements[0]
		if params.Action == chargebee.ActionRemove {
			assert.Equal(t, current, changed)
			continue
		}
		assert.Equal(t, value, changed.Value)
		assert.NotEqual(t, current.ID, changed.ID)
		current = changed
	}
	return failed
}

// requireExactlyOnce makes changes to many items concurrently, while three in ten
// requests get a fault.
func requireExactlyOnce(t *testing.T, items, changesPerItem int, faults []chargebeetest.Fault, opts ...chargebee.ClientOption) {
	t.Helper()
	server, _ := newServer(t)
	client, err := server.NewClient(opts...)
	require.NoError(t, err)
	changes := &counter{applied: make(map[string]int)}
	server.OnApplied(changes.add)
	random := rand.New(rand.NewPCG(4, 2026))
	for range 2 * items * changesPerItem {
		var fault chargebeetest.Fault
		if random.Float64() < 0.3 {
			fault = faults[random.IntN(len(faults))]
		}
		server.Inject(fault)
	}

	var failed atomic.Int64
	var group sync.WaitGroup
	for i := range items {
		item := "item-" + strconv.Itoa(i)
		addPlans(t, server, item)
		group.Go(func() { failed.Add(changeItem(t, client, changes, item, changesPerItem)) })
	}
	group.Wait()
	t.Logf("%d changes in %d requests, %d failed calls", items*changesPerItem, len(server.Requests()), failed.Load())
	require.Len(t, changes.applied, items*changesPerItem)
	require.Empty(t, server.ItemEntitlements("seats"))
	require.Greater(t, len(server.Requests()), items*changesPerItem*5/4)
	require.NotZero(t, failed.Load())
}

func TestTenThousandChangesWithFaultsAreAppliedExactlyOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		requireExactlyOnce(t, 50, 200, allFaults(time.Second, time.Minute))
	})
}

func TestThousandChangesWithFaultsOverHTTPAreAppliedExactlyOnce(t *testing.T) {
	t.Parallel()
	requireExactlyOnce(t, 10, 100, allFaults(time.Microsecond, time.Minute)[:10],
		chargebee.WithRetry(chargebee.Retry{MaxAttempts: 2, BaseDelay: time.Nanosecond}))
}
