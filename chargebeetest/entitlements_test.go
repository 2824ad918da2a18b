package chargebeetest_test

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// manage upserts or removes entitlements and returns the list of the response.
func manage(t *testing.T, client *chargebee.Client, action chargebee.Action, entries ...chargebee.EntitlementParams) ([]chargebee.Entitlement, error) {
	t.Helper()
	resp, err := client.Entitlements.ManageEntitlements(t.Context(), chargebee.ManageEntitlementsParams{Action: action, Entitlements: entries})
	if err != nil {
		return nil, err
	}
	return resp.Entitlements, nil
}

// seats returns an entry for the feature seats.
func seats(entityID string, entityType chargebee.EntityType, value string) chargebee.EntitlementParams {
	return chargebee.EntitlementParams{EntityID: entityID, EntityType: entityType, FeatureID: "seats", Value: value}
}

func TestEntitlementsAreUpsertedAndRemovedAcrossFeatures(t *testing.T) {
	t.Parallel()
	server, client := newServerWithFeatures(t)
	list, err := manage(t, client, chargebee.ActionUpsert,
		seats("team", "plan", "20"),
		chargebee.EntitlementParams{EntityID: "typo", FeatureID: "sso", Value: "available", ApplyGrandfathering: true}, // no such entity
		seats("team-USD-monthly", "plan_price", "30"))
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, []chargebee.Entitlement{
		{ID: list[0].ID, EntityID: "team", EntityType: "plan", FeatureID: "seats", FeatureName: "Seats", Value: "20", Name: "20 seats"},
		{ID: list[1].ID, EntityID: "typo", EntityType: "plan", FeatureID: "sso", FeatureName: "SSO", Value: "true", Name: "Available"},
		{ID: list[2].ID, EntityID: "team-USD-monthly", EntityType: "plan_price", FeatureID: "seats", FeatureName: "Seats", Value: "30", Name: "30 seats"},
	}, list)
	require.Equal(t, []chargebee.Entitlement{list[0], list[2]}, server.Entitlements("seats"))
	require.Equal(t, list[1:2], server.Entitlements("sso"))
	require.Nil(t, server.Entitlements("unknown"))
	team, price := list[0], list[2]

	list, err = manage(t, client, chargebee.ActionUpsert, seats("team", "", "40"), seats("team", "", "50"))
	require.NoError(t, err)
	require.Equal(t, []string{"40", "50"}, []string{list[0].Value, list[1].Value}) // duplicates, in order
	team.Value, team.Name = "50", "50 seats"
	require.Equal(t, []chargebee.Entitlement{team, price}, server.Entitlements("seats"))

	list, err = manage(t, client, chargebee.ActionRemove, seats("team", "", ""), seats("team", "", ""), seats("unknown", "", ""))
	require.NoError(t, err)
	require.Equal(t, []chargebee.Entitlement{team}, list)
	require.Equal(t, []chargebee.Entitlement{price}, server.Entitlements("seats"))
	list, err = manage(t, client, chargebee.ActionUpsert)
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestOneInvalidEntitlementRejectsTheChangeOfAllFeatures(t *testing.T) {
	t.Parallel()
	server, client := newServerWithFeatures(t)
	require.NoError(t, server.AddItem(chargebeetest.Item{ID: "trial", Type: chargebee.ItemTypeSubscription}))
	longest := strings.Repeat("ä", 100)
	type entry = chargebee.EntitlementParams
	for name, test := range map[string]struct {
		invalid entry
		status  int
		code    chargebee.ErrorCode
		field   string
	}{
		"entity ID of 101 characters":           {entry{EntityID: longest + "a", FeatureID: "sso"}, 400, chargebee.ErrParamWrongValue, "entity_id"},
		"feature ID of 51 characters":           {entry{EntityID: "x", FeatureID: longest[:102]}, 400, chargebee.ErrParamWrongValue, "feature_id"},
		"unknown feature":                       {entry{EntityID: "x", FeatureID: "unknown"}, 404, chargebee.ErrResourceNotFound, "feature_id"},
		"unknown feature ID of 50 characters":   {entry{EntityID: "x", FeatureID: longest[:100]}, 404, chargebee.ErrResourceNotFound, "feature_id"},
		"unknown entity type":                   {entry{EntityID: "x", EntityType: "charge_price", FeatureID: "sso"}, 400, chargebee.ErrParamWrongValue, "entity_type"},
		"type that only item entitlements have": {entry{EntityID: "trial", EntityType: "subscription", FeatureID: "sso"}, 400, chargebee.ErrParamWrongValue, "entity_type"},
		"type of another item":                  {entry{EntityID: "team", EntityType: "addon", FeatureID: "sso"}, 400, chargebee.ErrParamWrongValue, "entity_type"},
		"item of type subscription":             {entry{EntityID: "trial", FeatureID: "sso"}, 400, chargebee.ErrParamWrongValue, "entity_id"},
		"value of 51 characters":                {entry{EntityID: "x", FeatureID: "sso", Value: strings.Repeat("9", 51)}, 400, chargebee.ErrParamWrongValue, "value"},
	} {
		for _, action := range []chargebee.Action{chargebee.ActionUpsert, chargebee.ActionRemove} {
			_, err := manage(t, client, action, seats("team", "", "50"), test.invalid, seats(longest+"a", "", ""))
			requireAPIError(t, err, test.status, test.code, "entitlements["+test.field+"][1]")
			require.Empty(t, server.Entitlements("seats"), name)
		}
	}
	_, err := manage(t, client, chargebee.ActionUpsert, seats(longest, "", "50"), entry{EntityID: "x", FeatureID: "users", Value: "6"})
	requireAPIError(t, err, 400, chargebee.ErrParamWrongValue, "entitlements[value][1]")
	require.NoError(t, server.SetFeatureStatus("users", chargebeetest.FeatureStatusArchived))
	_, err = manage(t, client, chargebee.ActionUpsert, seats(longest, "", "50"), entry{EntityID: "x", FeatureID: "users", Value: "5"})
	requireAPIError(t, err, 409, chargebee.ErrInvalidStateForRequest, "entitlements[entity_id][1]")
	require.Empty(t, server.Entitlements("seats"))
	list, err := manage(t, client, chargebee.ActionUpsert, seats(longest, "", "50"))
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func TestInvalidParametersOfManageEntitlementsAreRejected(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	const entity, feature = "entitlements[entity_id][0]", "entitlements[feature_id][0]"
	for name, test := range map[string]struct {
		form  url.Values
		code  chargebee.ErrorCode
		param string
	}{
		"no action":                       {url.Values{entity: {"x"}, feature: {"seats"}}, chargebee.ErrParamWrongValue, "action"},
		"unknown action":                  {url.Values{"action": {"delete"}}, chargebee.ErrParamWrongValue, "action"},
		"change_reason of 101 characters": {url.Values{"action": {"upsert"}, "change_reason": {strings.Repeat("ä", 101)}}, chargebee.ErrParamWrongValue, "change_reason"},
		"no entity_id":                    {url.Values{"action": {"upsert"}, feature: {"seats"}}, chargebee.ErrParamWrongValue, entity},
		"no feature_id":                   {url.Values{"action": {"upsert"}, entity: {"x"}}, chargebee.ErrParamWrongValue, feature},
		"no index in a long name":         {url.Values{"action": {"upsert"}, "entitlements[" + strings.Repeat("a", 200): {"x"}}, chargebee.ErrInvalidRequest, "entitlements[" + strings.Repeat("a", 87)},
		"no index":                        {url.Values{"action": {"upsert"}, "entitlements[entity_id]": {"x"}}, chargebee.ErrInvalidRequest, "entitlements[entity_id]"},
		"apply_grandfathering": {
			url.Values{"action": {"upsert"}, entity: {"x"}, feature: {"seats"}, "entitlements[apply_grandfathering][0]": {"yes"}},
			chargebee.ErrParamWrongValue, "entitlements[apply_grandfathering][0]",
		},
	} {
		w := serve(server, "POST", "/api/v2/entitlements", strings.NewReader(test.form.Encode()))
		requireErrorBody(t, w, 400, test.code, name)
		require.Contains(t, w.Body.String(), `"param":"`+test.param+`"`, name)
	}
	w := serve(server, "POST", "/api/v2/entitlements", strings.NewReader(url.Values{
		"action": {"upsert"}, "change_reason": {strings.Repeat("ä", 100)}, "entitlements[note][3]": {"x"}, "item_entitlements[item_id][0]": {"x"},
	}.Encode()))
	require.Equal(t, 200, w.Code)
	require.Equal(t, `{"list":[]}`, w.Body.String())
}

func TestWordsAreAcceptedInAnyCase(t *testing.T) { // one of the vendor's clients sends capitals
	t.Parallel()
	server, _ := newServer(t)
	for _, test := range []struct{ path, form, response string }{
		{seatsPath, "action=UPSERT&item_entitlements[item_id][0]=team&item_entitlements[item_type][0]=PLAN", `"item_type":"plan"`},
		{seatsPath, "action=Remove&item_entitlements[item_id][0]=team", `"item_type":"plan"`},
		{"/api/v2/entitlements", "action=UPSERT&entitlements[entity_id][0]=x&entitlements[entity_type][0]=ADDON_PRICE&entitlements[feature_id][0]=seats" +
			"&entitlements[apply_grandfathering][0]=TRUE&entitlements[value][0]=1", `"entity_type":"addon_price"`},
		{"/api/v2/entitlements", "action=REMOVE&entitlements[entity_id][0]=x&entitlements[feature_id][0]=seats" +
			"&entitlements[apply_grandfathering][0]=False", `"object":"entitlement"`},
	} {
		w := serve(server, "POST", test.path, strings.NewReader(test.form))
		require.Equal(t, 200, w.Code, test.form)
		require.Contains(t, w.Body.String(), test.response, test.form)
	}
	require.Empty(t, server.Entitlements("seats"))
}

func TestEntitlementsAndItemEntitlementsAreOneCatalog(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	for id, itemType := range map[string]chargebee.ItemType{
		"extra": chargebee.ItemTypeAddon, "setup": chargebee.ItemTypeCharge, "thing": chargebee.ItemTypeItem, "trial": chargebee.ItemTypeSubscription,
	} {
		require.NoError(t, server.AddItem(chargebeetest.Item{ID: id, Type: itemType}))
	}
	_, err := change(t, client, "seats", chargebee.ActionUpsert, entry{ItemID: "team", Value: "1"}, entry{ItemID: "thing", Value: "2"}, entry{ItemID: "trial", Value: "3"})
	require.NoError(t, err)
	_, err = manage(t, client, chargebee.ActionUpsert, seats("extra", "", "4"), seats("setup", "charge", "5"), seats("price", "addon_price", "6"), seats("team", "", "7"))
	require.NoError(t, err)

	var items, entities []string
	for e, err := range client.Features.AllItemEntitlements(t.Context(), "seats", chargebee.ListItemEntitlementsParams{Limit: 2}) {
		require.NoError(t, err)
		items = append(items, fmt.Sprint(e.ItemID, " ", e.ItemType, " ", e.Value))
	}
	require.Equal(t, []string{"team plan 7", "thing item 2", "trial subscription 3", "extra addon 4", "setup charge 5"}, items)
	for e, err := range client.Entitlements.AllEntitlements(t.Context(), chargebee.ListEntitlementsParams{Limit: 2}) {
		require.NoError(t, err)
		entities = append(entities, fmt.Sprint(e.EntityID, " ", e.EntityType, " ", e.Value))
	}
	require.Equal(t, []string{"team plan 7", "extra addon 4", "setup charge 5", "price addon_price 6"}, entities)
	require.Len(t, server.ItemEntitlements("seats"), 5)
	require.Len(t, server.Entitlements("seats"), 4)
	require.Equal(t, "item-"+server.Entitlements("seats")[0].ID, server.ItemEntitlements("seats")[0].ID)

	removed, err := change(t, client, "seats", chargebee.ActionRemove, entry{ItemID: "team"})
	require.NoError(t, err)
	require.Len(t, removed, 1)
	left, err := manage(t, client, chargebee.ActionRemove, seats("team", "", ""))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestTypeOfAnEntitlement(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	for _, step := range []struct{ sent, want chargebee.EntityType }{
		{"", "plan"}, {"addon", "addon"}, {"", "addon"}, {"plan_price", "plan_price"},
	} {
		list, err := manage(t, client, chargebee.ActionUpsert, seats("later", step.sent, "1"))
		require.NoError(t, err)
		require.Equal(t, step.want, list[0].EntityType)
	}
	require.Empty(t, server.ItemEntitlements("seats"))
	require.NoError(t, server.AddItem(chargebeetest.Item{ID: "later", Type: chargebee.ItemTypeCharge}))
	require.Equal(t, chargebee.EntityTypeCharge, server.Entitlements("seats")[0].EntityType)
	require.Equal(t, chargebee.ItemTypeCharge, server.ItemEntitlements("seats")[0].ItemType)
}

func TestFiltersSelectEntitlements(t *testing.T) {
	t.Parallel()
	_, client := newServerWithFeatures(t)
	_, err := manage(t, client, chargebee.ActionUpsert, seats("team", "", "1"), seats("price", "plan_price", "2"), seats("addon", "addon", "3"),
		chargebee.EntitlementParams{EntityID: "team", FeatureID: "sso"})
	require.NoError(t, err)
	type filter = chargebee.StringFilter
	for name, test := range map[string]struct {
		params   chargebee.ListEntitlementsParams
		entities []string
	}{
		"no filter":            {chargebee.ListEntitlementsParams{}, []string{"team", "price", "addon", "team"}},
		"one feature":          {chargebee.ListEntitlementsParams{FeatureID: filter{Is: "sso"}}, []string{"team"}},
		"several features":     {chargebee.ListEntitlementsParams{FeatureID: filter{In: []string{"seats", "unknown"}}}, []string{"team", "price", "addon"}},
		"unknown feature":      {chargebee.ListEntitlementsParams{FeatureID: filter{Is: "unknown"}}, nil},
		"one entity":           {chargebee.ListEntitlementsParams{EntityID: filter{Is: "team"}}, []string{"team", "team"}},
		"several entities":     {chargebee.ListEntitlementsParams{EntityID: filter{In: []string{"addon", "price"}}}, []string{"price", "addon"}},
		"one type":             {chargebee.ListEntitlementsParams{EntityType: chargebee.EntityTypeFilter{Is: "PLAN"}}, []string{"team", "team"}},
		"several types":        {chargebee.ListEntitlementsParams{EntityType: chargebee.EntityTypeFilter{In: []chargebee.EntityType{"addon", "plan_price"}}}, []string{"price", "addon"}},
		"feature and entities": {chargebee.ListEntitlementsParams{FeatureID: filter{Is: "seats"}, EntityID: filter{Is: "team"}}, []string{"team"}},
	} {
		resp, err := client.Entitlements.ListEntitlements(t.Context(), test.params)
		require.NoError(t, err, name)
		var entities []string
		for _, e := range resp.Entitlements {
			entities = append(entities, e.EntityID)
		}
		require.Equal(t, test.entities, entities, name)
	}
}

func TestSiteWithGrandfatheringManagesEntitlements(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, chargebeetest.WithGrandfathering())
	_, err := manage(t, client, chargebee.ActionUpsert, seats("team", "", "1"))
	require.NoError(t, err)
	resp, err := client.Features.ListItemEntitlements(t.Context(), "seats", chargebee.ListItemEntitlementsParams{})
	require.NoError(t, err)
	require.Equal(t, server.ItemEntitlements("seats"), resp.ItemEntitlements)
	require.Contains(t, string(resp.Body), `"object":"item_entitlement"`)
}

func ExampleServer_Entitlements() {
	server, entitle := newSite()
	defer server.Close()
	client, err := server.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Entitlements.ManageEntitlements(context.Background(), chargebee.ManageEntitlementsParams{
		Action: chargebee.ActionUpsert,
		Entitlements: []chargebee.EntitlementParams{
			{FeatureID: "sso", EntityID: "team-USD-monthly", EntityType: chargebee.EntityTypePlanPrice, Value: chargebee.ValueAvailable},
		},
	})
	fmt.Println(err, entitle()) // the latter with the older operation on item entitlements
	for _, e := range server.Entitlements("sso") {
		fmt.Println(e.EntityID, e.EntityType, e.Name)
	}
	// Output:
	// <nil> <nil>
	// team-USD-monthly plan_price Available
	// team plan Available
}
