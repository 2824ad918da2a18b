package chargebeetest_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestRequestsAreStoredAsReceived(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, chargebeetest.WithClock(func() time.Time { return noon }))
	addFeatures(t, server, chargebeetest.Feature{ID: "a?b", Type: chargebeetest.FeatureTypeSwitch})
	addPlans(t, server, "größe")
	_, err := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "a?b", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action: chargebee.ActionUpsert, ItemEntitlements: []entry{{ItemID: "größe"}},
	}, chargebee.WithIdempotencyKey("key-1"))
	require.NoError(t, err)

	requests := server.Requests()
	require.Len(t, requests, 1)
	require.Equal(t, noon, requests[0].At)
	require.Equal(t, "POST", requests[0].Method)
	require.Equal(t, "/api/v2/features/a%3Fb/item_entitlements", requests[0].Path)
	require.Equal(t, "key-1", requests[0].Header.Get("chargebee-idempotency-key"))
	require.Equal(t, "größe", requests[0].Form.Get("item_entitlements[item_id][0]"))
	require.Equal(t, "action=upsert&item_entitlements%5Bitem_id%5D%5B0%5D=gr%C3%B6%C3%9Fe", string(requests[0].Body))
}

func TestRequestsReturnsCopies(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	serve(server, "POST", seatsPath, strings.NewReader(seatsForm))
	changed := server.Requests()[0]
	changed.Header.Set("Content-Type", "changed")
	changed.Form["action"][0] = "changed"
	changed.Body[0] = 'X'
	changed.Query.Set("trace", "changed")

	stored := server.Requests()[0]
	require.Equal(t, "application/x-www-form-urlencoded", stored.Header.Get("Content-Type"))
	require.Equal(t, "upsert", stored.Form.Get("action"))
	require.Equal(t, "action=upsert", string(stored.Body))
	require.Equal(t, url.Values{}, stored.Query)
}

func TestRequestHasAFormAndABodyOnlyIfTheyAreValid(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	for name, test := range map[string]struct {
		apiKey           string
		body             io.Reader
		hasForm, hasBody bool
	}{
		"form":            {server.APIKey, strings.NewReader(seatsForm), true, true},
		"no body":         {server.APIKey, nil, true, true},
		"invalid form":    {server.APIKey, strings.NewReader("action=%zz"), false, true},
		"longest body":    {server.APIKey, io.LimitReader(repeated('a'), 8<<20), true, true},
		"announced body":  {server.APIKey, strings.NewReader(strings.Repeat("a", 8<<20)), true, true},
		"body too long":   {server.APIKey, io.LimitReader(repeated('a'), 9<<20), false, false},
		"without the key": {"live_key", strings.NewReader(seatsForm), false, false},
		"no key and body": {"live_key", nil, false, false},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/features/seats/item_entitlements", test.body)
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(test.apiKey, "")
		resp, err := server.Transport().RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		requests := server.Requests()
		require.Equal(t, test.hasForm, requests[len(requests)-1].Form != nil, name)
		require.Equal(t, test.hasBody, requests[len(requests)-1].Body != nil, name)
	}
}

func TestRequestsHaveTheQuery(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	serve(server, "GET", "/api/v2/customers?limit=2&limit=3&name[is]=M%C3%BCller&bad=%zz", nil)
	require.Equal(t, url.Values{"limit": {"2", "3"}, "name[is]": {"Müller"}}, server.Requests()[0].Query)
	require.Equal(t, "/api/v2/customers", server.Requests()[0].Path)
}
