package chargebeetest_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestItemEntitlementsAreUpsertedAndRemoved(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	list, err := change(t, client, "seats", chargebee.ActionUpsert,
		entry{ItemID: "team", ItemType: chargebee.ItemTypePlan, Value: "20"}, entry{ItemID: "solo", Value: "1"})
	require.NoError(t, err)
	require.Len(t, list, 2)
	team, solo := list[0], list[1]
	require.Equal(t, chargebee.ItemEntitlement{
		ID: team.ID, ItemID: "team", ItemType: "plan", FeatureID: "seats", FeatureName: "Seats", Value: "20", Name: "20 seats",
	}, team)
	require.NotEqual(t, team.ID, solo.ID)
	require.Equal(t, list, server.ItemEntitlements("seats"))

	type entitlements = []chargebee.ItemEntitlement
	updated := team
	updated.Value, updated.Name = "50", "50 seats"
	for _, step := range []struct {
		name          string
		action        chargebee.Action
		entries       []entry
		listed, state entitlements
	}{
		{"update", chargebee.ActionUpsert, []entry{{ItemID: "team", Value: "50"}}, entitlements{updated}, entitlements{updated, solo}},
		{"duplicate items, in order", chargebee.ActionUpsert, []entry{{ItemID: "team", Value: "20"}, {ItemID: "team", Value: "50"}}, entitlements{team, updated}, entitlements{updated, solo}},
		{"removal", chargebee.ActionRemove, []entry{{ItemID: "team"}}, entitlements{updated}, entitlements{solo}},
		{"removal of a missing entitlement", chargebee.ActionRemove, []entry{{ItemID: "team"}}, entitlements{}, entitlements{solo}},
		{"no entries", chargebee.ActionUpsert, nil, entitlements{}, entitlements{solo}},
	} {
		list, err := change(t, client, "seats", step.action, step.entries...)
		require.NoError(t, err, step.name)
		require.Equal(t, step.listed, list, step.name)
		require.Equal(t, step.state, server.ItemEntitlements("seats"), step.name)
	}
}

func TestOneInvalidEntryRejectsTheWholeChange(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	_, err := change(t, client, "seats", chargebee.ActionUpsert, entry{ItemID: "team", Value: "20"})
	require.NoError(t, err)
	before := server.ItemEntitlements("seats")
	for name, test := range map[string]struct {
		invalid entry
		status  int
		code    chargebee.ErrorCode
		field   string
	}{
		"unknown item":                      {entry{ItemID: "unknown"}, 404, chargebee.ErrResourceNotFound, "item_id"},
		"item ID of 101 characters":         {entry{ItemID: strings.Repeat("ä", 101)}, 400, chargebee.ErrParamWrongValue, "item_id"},
		"unknown item ID of 100 characters": {entry{ItemID: strings.Repeat("ä", 100)}, 404, chargebee.ErrResourceNotFound, "item_id"},
		"unknown item type":                 {entry{ItemID: "solo", ItemType: "bundle"}, 400, chargebee.ErrParamWrongValue, "item_type"},
		"type of another item":              {entry{ItemID: "solo", ItemType: "addon"}, 400, chargebee.ErrParamWrongValue, "item_type"},
		"value of 51 characters":            {entry{ItemID: "solo", Value: strings.Repeat("9", 51)}, 400, chargebee.ErrParamWrongValue, "value"},
	} {
		for _, action := range []chargebee.Action{chargebee.ActionUpsert, chargebee.ActionRemove} {
			_, err := change(t, client, "seats", action, entry{ItemID: "team", Value: "50"}, test.invalid, entry{ItemID: "unknown"})
			requireAPIError(t, err, test.status, test.code, "item_entitlements["+test.field+"][1]")
			require.Equal(t, before, server.ItemEntitlements("seats"), name)
		}
	}
}

func TestItemEntitlementsAreListedByFeature(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	addFeatures(t, server, chargebeetest.Feature{ID: "sso", Type: chargebeetest.FeatureTypeSwitch})
	require.NoError(t, server.SetItemEntitlement(chargebee.ItemEntitlement{FeatureID: "seats", ItemID: "team", Value: "5"}))
	require.NoError(t, server.SetItemEntitlement(chargebee.ItemEntitlement{FeatureID: "sso", ItemID: "team", Value: "true"}))
	for featureID, value := range map[string]string{"seats": "5", "sso": "true"} {
		page, err := client.Features.ListItemEntitlements(t.Context(), featureID, chargebee.ListItemEntitlementsParams{})
		require.NoError(t, err)
		require.Len(t, page.ItemEntitlements, 1)
		require.Equal(t, []string{featureID, value}, []string{page.ItemEntitlements[0].FeatureID, page.ItemEntitlements[0].Value})
	}
	require.Nil(t, server.ItemEntitlements("unknown"))
	require.Nil(t, server.Entitlements("unknown"))
}

func TestOneChangeAcceptsTenThousandEntries(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	entries := make([]entry, 10_000)
	for i := range entries {
		entries[i] = entry{ItemID: "plan-" + strconv.Itoa(i), ItemType: chargebee.ItemTypePlan, Value: "20"}
		addPlans(t, server, entries[i].ItemID)
	}
	list, err := change(t, client, "seats", chargebee.ActionUpsert, entries...)
	require.NoError(t, err)
	require.Len(t, list, 10_000)
	require.Equal(t, "plan-9999", list[9_999].ItemID)
	require.Equal(t, list, server.ItemEntitlements("seats"))
}

func TestArchivedFeatureAcceptsOnlyUpdatesAndRemovals(t *testing.T) {
	t.Parallel()
	server, client := newServerWithFeatures(t)
	for _, step := range []struct {
		status        chargebeetest.FeatureStatus
		action        chargebee.Action
		entries       []entry
		rejectedParam string
	}{
		{"active", chargebee.ActionUpsert, []entry{{ItemID: "team", Value: "5"}}, ""},
		{"archived", chargebee.ActionUpsert, []entry{{ItemID: "team", Value: "20"}, {ItemID: "solo", Value: "20"}}, "item_entitlements[item_id][1]"},
		{"archived", chargebee.ActionUpsert, []entry{{ItemID: "team", Value: "20"}}, ""},
		{"archived", chargebee.ActionRemove, []entry{{ItemID: "solo"}, {ItemID: "team", Value: "6"}}, ""}, // without validation of the value
		{"archived", chargebee.ActionUpsert, []entry{{ItemID: "team", Value: "20"}}, "item_entitlements[item_id][0]"},
		{"", chargebee.ActionUpsert, []entry{{ItemID: "team", Value: "20"}}, ""},
	} {
		require.NoError(t, server.SetFeatureStatus("users", step.status))
		before := server.ItemEntitlements("users")
		list, err := change(t, client, "users", step.action, step.entries...)
		if step.rejectedParam != "" {
			requireAPIError(t, err, 409, chargebee.ErrInvalidStateForRequest, step.rejectedParam)
			require.Equal(t, before, server.ItemEntitlements("users"))
			continue
		}
		require.NoError(t, err)
		require.Len(t, list, 1)
	}
}

func TestSiteWithGrandfatheringRejectsTheOperation(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, chargebeetest.WithGrandfathering())
	_, err := change(t, client, "seats", chargebee.ActionUpsert, entry{ItemID: "team"})
	requireAPIError(t, err, 400, chargebee.ErrConfigurationIncompatible, "")
	require.Empty(t, server.ItemEntitlements("seats"))
	_, err = activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
}
