package chargebeetest_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// list requests a page of a list with a query. It returns the IDs, or else the param
// of a 400, and the next offset.
func list(t *testing.T, server *chargebeetest.Server, path string, query url.Values) (ids []string, nextOffset, invalidParam string) {
	t.Helper()
	w := serve(server, "GET", "/api/v2"+path+"?"+query.Encode(), nil)
	var body struct {
		List []map[string]struct {
			ID string `json:"id"`
		} `json:"list"`
		NextOffset string `json:"next_offset"`
		Param      string `json:"param"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body), w.Body.String())
	if w.Code != 200 {
		requireErrorBody(t, w, 400, chargebee.ErrParamWrongValue, query.Encode())
		return nil, "", body.Param
	}
	ids = []string{}
	for _, entry := range body.List {
		require.Len(t, entry, 1)
		for _, resource := range entry {
			ids = append(ids, resource.ID)
		}
	}
	return ids, body.NextOffset, ""
}

// newServerWithSwitches returns a server with n switches, from f-1 on, beside the
// feature seats, and a client.
func newServerWithSwitches(t *testing.T, n int) (*chargebeetest.Server, *chargebee.Client) {
	t.Helper()
	server, client := newServer(t)
	for i := range n {
		addFeatures(t, server, chargebeetest.Feature{ID: "f-" + strconv.Itoa(i+1), Type: chargebeetest.FeatureTypeSwitch})
	}
	return server, client
}

func TestListHasTenEntriesByDefaultAndOneHundredAtMost(t *testing.T) {
	t.Parallel()
	server, _ := newServerWithSwitches(t, 104)
	for limit, test := range map[string]struct {
		length     int
		nextOffset string
	}{
		"default": {10, `["10"]`},
		"1":       {1, `["1"]`},
		"100":     {100, `["100"]`},
	} {
		query := url.Values{"limit": {limit}}
		if limit == "default" {
			query.Del("limit")
		}
		ids, nextOffset, _ := list(t, server, "/features", query)
		require.Len(t, ids, test.length, limit)
		require.Equal(t, test.nextOffset, nextOffset, limit)
	}
	for _, invalid := range []string{"0", "-1", "101", "ten", "1.5", ""} {
		_, _, param := list(t, server, "/features", url.Values{"limit": {invalid}})
		require.Equal(t, "limit", param, invalid)
	}
	ids, nextOffset, _ := list(t, server, "/features", url.Values{"limit": {"1"}, "offset": {`["1"]`}})
	require.Equal(t, []string{"f-1"}, ids)
	require.Equal(t, `["2"]`, nextOffset)
	ids, nextOffset, _ = list(t, server, "/features", url.Values{"limit": {"5"}, "offset": {`["100"]`}})
	require.Equal(t, []string{"f-100", "f-101", "f-102", "f-103", "f-104"}, ids)
	require.Empty(t, nextOffset) // of a full last page
}

func TestOffsetThatWasNotIssuedIsRejected(t *testing.T) {
	t.Parallel()
	server, _ := newServerWithSwitches(t, 2)
	for _, path := range []string{"/features", "/entitlements", "/features/seats/item_entitlements"} {
		for _, offset := range []string{"", "1", `["0"]`, `["-1"]`, `["01"]`, `["3"]`, `["4"]`, `["1"`, `["1"]]`, `[1]`, `["x"]`, `["99999999999999999999"]`} {
			_, _, param := list(t, server, path, url.Values{"offset": {offset}})
			require.Equal(t, "offset", param, path+offset)
		}
	}
	ids, _, _ := list(t, server, "/features", url.Values{"offset": {`["2"]`}})
	require.Equal(t, []string{"f-2"}, ids)
}

func TestFiltersSelectFeatures(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	const custom, number = chargebeetest.FeatureTypeCustom, chargebeetest.FeatureTypeRange
	addFeatures(t, server,
		chargebeetest.Feature{ID: "sso", Name: "SSO", Type: chargebeetest.FeatureTypeSwitch, Status: chargebeetest.FeatureStatusDraft},
		chargebeetest.Feature{ID: "support", Name: "Support, fast", Type: custom, Status: chargebeetest.FeatureStatusArchived},
		chargebeetest.Feature{ID: "calls", Type: number, Metered: true},
	)
	for _, test := range []struct {
		filter, value string
		ids           []string
	}{
		{"id[is]", "sso", []string{"sso"}},
		{"id[is]", "SSO", []string{}},
		{"id[is_not]", "sso", []string{"seats", "support", "calls"}},
		{"id[starts_with]", "s", []string{"seats", "sso", "support"}},
		{"id[in]", `["calls","seats","unknown"]`, []string{"seats", "calls"}},
		{"id[in]", `[calls,seats]`, []string{"seats", "calls"}},
		{"id[in]", `[1]`, []string{}},
		{"id[not_in]", `["calls","seats"]`, []string{"sso", "support"}},
		{"name[is]", "Seats", []string{"seats"}},
		{"name[is_not]", "Seats", []string{"sso", "support", "calls"}},
		{"name[starts_with]", "S", []string{"seats", "sso", "support"}},
		{"name[in]", `["Support, fast"]`, []string{"support"}},
		{"name[not_in]", `[SSO]`, []string{"seats", "support", "calls"}},
		{"status[is]", "ACTIVE", []string{"seats", "calls"}},
		{"status[is_not]", "active", []string{"sso", "support"}},
		{"status[in]", `["draft","Archived"]`, []string{"sso", "support"}},
		{"status[not_in]", `[draft,archived]`, []string{"seats", "calls"}},
		{"type[is]", "quantity", []string{"seats"}},
		{"type[is_not]", "quantity", []string{"sso", "support", "calls"}},
		{"type[in]", `["switch","custom"]`, []string{"sso", "support"}},
		{"type[not_in]", `["switch","custom","range"]`, []string{"seats"}},
		{"metered[is]", "true", []string{"calls"}},
		{"metered[is]", "False", []string{"seats", "sso", "support"}},
		{"unknown[is]", "x", []string{"seats", "sso", "support", "calls"}},
		{"id", "sso", []string{"seats", "sso", "support", "calls"}},
		{"id[is", "sso", []string{"seats", "sso", "support", "calls"}},
		{"id[in][0]", "sso", []string{"seats", "sso", "support", "calls"}},
	} {
		ids, nextOffset, _ := list(t, server, "/features", url.Values{test.filter: {test.value}})
		require.Equal(t, test.ids, ids, test.filter+test.value)
		require.Empty(t, nextOffset)
	}
	ids, _, _ := list(t, server, "/features", url.Values{"id[starts_with]": {"s"}, "status[is]": {"draft"}, "metered[is]": {"false"}})
	require.Equal(t, []string{"sso"}, ids)
	ids, nextOffset, _ := list(t, server, "/features", url.Values{"id[starts_with]": {"s"}, "limit": {"3"}})
	require.Len(t, ids, 3)
	require.Empty(t, nextOffset) // calls does not match
}

func TestInvalidFiltersAreRejected(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	for _, test := range []struct{ path, filter, value string }{
		{"/features", "id[contains]", "x"},
		{"/features", "id[]", "x"},
		{"/features", "status[starts_with]", "a"},
		{"/features", "metered[is_not]", "true"},
		{"/features", "id[is]", ""},
		{"/features", "id[starts_with]", ""},
		{"/features", "metered[is]", "yes"},
		{"/features", "status[is]", "gone"},
		{"/features", "type[is]", "boolean"},
		{"/features", "type[in]", `["switch","boolean"]`},
		{"/features", "id[in]", "x"},
		{"/features", "id[in]", ""},
		{"/features", "id[in]", "[]"},
		{"/features", "id[in]", "[a,b"},
		{"/features", "id[in]", "a,b]"},
		{"/features", "id[in]", `["a",b]`},
		{"/features", "id[in]", `["a"`},
		{"/features", "id[in]", `[["a"]]`},
		{"/features", "id[in]", `[""]`},
		{"/features", "id[in]", `[a,]`},
		{"/features", "id[not_in]", `{"a":"b"}`},
		{"/entitlements", "feature_id[is_not]", "x"},
		{"/entitlements", "entity_id[starts_with]", "x"},
		{"/entitlements", "entity_type[not_in]", `["plan"]`},
		{"/entitlements", "entity_type[is]", "subscription"},
	} {
		_, _, param := list(t, server, test.path, url.Values{test.filter: {test.value}})
		require.Equal(t, test.filter, param, test.value)
	}
}

func TestPagesAreStableWhileEntriesAreAddedAndRemoved(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	upsert := func(ids ...string) {
		var entries []entry
		for _, id := range ids {
			entries = append(entries, entry{ItemID: id, Value: "1"})
		}
		_, err := change(t, client, "seats", chargebee.ActionUpsert, entries...)
		require.NoError(t, err)
	}
	addPlans(t, server, "a", "b", "c", "d", "e", "f")
	upsert("a", "b", "c", "d", "e")
	page := func(offset string) (items []string, nextOffset string) {
		resp, err := client.Features.ListItemEntitlements(t.Context(), "seats", chargebee.ListItemEntitlementsParams{Limit: 2, Offset: offset})
		require.NoError(t, err)
		for _, e := range resp.ItemEntitlements {
			items = append(items, e.ItemID)
		}
		return items, resp.NextOffset
	}
	items, offset := page("")
	require.Equal(t, []string{"a", "b"}, items)
	_, err := change(t, client, "seats", chargebee.ActionRemove, entry{ItemID: "a"}, entry{ItemID: "b"}, entry{ItemID: "d"})
	require.NoError(t, err) // most are removed
	upsert("f", "b")
	items, offset = page(offset)
	require.Equal(t, []string{"c", "e"}, items)
	items, offset = page(offset)
	require.Equal(t, []string{"f", "b"}, items)
	require.Empty(t, offset)
	_, err = change(t, client, "seats", chargebee.ActionRemove,
		entry{ItemID: "b"}, entry{ItemID: "c"}, entry{ItemID: "e"}, entry{ItemID: "f"})
	require.NoError(t, err)
	items, _ = page(`["2"]`)
	require.Empty(t, items)
}

func TestHundredThousandEntitlementsAreListed(t *testing.T) {
	t.Parallel()
	const total, perCall = 100_000, 25_000
	server, client := newServer(t, chargebeetest.WithoutRequests())
	addFeatures(t, server, chargebeetest.Feature{ID: "sso", Type: chargebeetest.FeatureTypeSwitch})
	for first := 0; first < total; first += perCall {
		params := chargebee.ManageEntitlementsParams{Action: chargebee.ActionUpsert}
		for i := range perCall {
			params.Entitlements = append(params.Entitlements, chargebee.EntitlementParams{FeatureID: "sso", EntityID: fmt.Sprint("plan-", first+i)})
		}
		_, err := client.Entitlements.ManageEntitlements(t.Context(), params)
		require.NoError(t, err)
	}
	var listed int
	for e, err := range client.Entitlements.AllEntitlements(t.Context(), chargebee.ListEntitlementsParams{Limit: 100}) {
		require.NoError(t, err)
		if want := fmt.Sprint("plan-", listed); e.EntityID != want {
			require.Equal(t, want, e.EntityID)
		}
		listed++
	}
	require.Equal(t, total, listed)
}
