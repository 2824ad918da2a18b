package chargebeetest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// features are one of each kind, beside seats of newServer.
func features() []chargebeetest.Feature {
	return []chargebeetest.Feature{
		{ID: "sso", Name: "SSO", Type: chargebeetest.FeatureTypeSwitch},
		{ID: "support", Name: "Support", Type: chargebeetest.FeatureTypeCustom, Levels: []chargebeetest.Level{{Name: "E-mail", Value: "email"}, {Name: "Phone", Value: "Phone"}}},
		{ID: "users", Name: "Users", Unit: "user", Type: chargebeetest.FeatureTypeQuantity, Levels: []chargebeetest.Level{{Value: "5"}, {Value: "20"}}},
		{ID: "boxes", Name: "Boxes", Unit: "box", Type: chargebeetest.FeatureTypeQuantity, Levels: []chargebeetest.Level{{Value: "5"}, {Unlimited: true}}},
		{ID: "calls", Name: "Calls", Unit: "API call", Type: chargebeetest.FeatureTypeRange, Levels: []chargebeetest.Level{{Value: "10"}, {Value: "1000"}}},
		{ID: "copies", Name: "Copies", Unit: "copy", Type: chargebeetest.FeatureTypeRange, Levels: []chargebeetest.Level{{Value: "10"}, {Unlimited: true}}},
		{ID: "days", Name: "Days", Unit: "day", Type: chargebeetest.FeatureTypeQuantity, Levels: []chargebeetest.Level{{Value: "30"}}},
		{ID: "branches", Name: "Branches", Unit: "branch", Type: chargebeetest.FeatureTypeQuantity, Levels: []chargebeetest.Level{{Value: "2"}}},
		{ID: "wishes", Name: "Wishes", Unit: "Wish", Type: chargebeetest.FeatureTypeQuantity, Levels: []chargebeetest.Level{{Value: "3"}}},
		{ID: "ratio", Name: "Ratio", Type: chargebeetest.FeatureTypeQuantity, Levels: []chargebeetest.Level{{Value: "3"}}},
		{ID: "draft", Name: "Draft", Type: chargebeetest.FeatureTypeSwitch, Status: chargebeetest.FeatureStatusDraft},
		{ID: "archived", Name: "Archived", Type: chargebeetest.FeatureTypeSwitch, Status: chargebeetest.FeatureStatusArchived},
		{ID: "anything", Name: "Anything", Unit: "thing", Type: chargebeetest.FeatureTypeRange},
	}
}

func newServerWithFeatures(t *testing.T, opts ...chargebeetest.Option) (*chargebeetest.Server, *chargebee.Client) {
	t.Helper()
	server, client := newServer(t, opts...)
	for _, f := range features() {
		require.NoError(t, server.AddFeature(f))
	}
	return server, client
}

func changeOf(t *testing.T, client *chargebee.Client, feature string, action chargebee.Action, entries ...chargebee.ItemEntitlementParams) ([]chargebee.ItemEntitlement, error) {
	t.Helper()
	resp, err := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), feature,
		chargebee.UpsertOrRemoveItemEntitlementsParams{Action: action, ItemEntitlements: entries})
	if err != nil {
		return nil, err
	}
	return resp.ItemEntitlements, nil
}

func TestAFeatureTakesAValue(t *testing.T) {
	t.Parallel()
	server, client := newServerWithFeatures(t)
	for _, test := range []struct{ name, feature, sent, value, display string }{
		{"a switch takes available", "sso", "available", "true", "Available"},
		{"a switch takes true", "sso", "true", "true", "Available"},
		{"a switch takes no value for available", "sso", "", "true", "Available"},
		{"a draft switch takes available", "draft", "available", "true", "Available"},
		{"a custom feature takes the value of a level", "support", "email", "email", "email"},
		{"a quantity takes a level", "users", "20", "20", "20 users"},
		{"a quantity follows the rule for one, too", "ratio", "3", "3", "3"},
		{"a quantity with an unlimited level takes unlimited", "boxes", "unlimited", "unlimited", "unlimited boxes"},
		{"a quantity with an unlimited level takes unlimited in any case", "boxes", "UnLimited", "unlimited", "unlimited boxes"},
		{"a quantity with an unlimited level takes the other levels", "boxes", "5", "5", "5 boxes"},
		{"a range takes its lower end", "calls", "10", "10", "10 API calls"},
		{"a range takes what is in between", "calls", "11", "11", "11 API calls"},
		{"a range takes its upper end", "calls", "1000", "1000", "1000 API calls"},
		{"a range takes leading zeros", "calls", "0011", "0011", "0011 API calls"},
		{"an unlimited range takes its lower end", "copies", "10", "10", "10 copies"},
		{"an unlimited range takes what no integer type holds", "copies", strings.Repeat("9", 50), strings.Repeat("9", 50), strings.Repeat("9", 50) + " copies"},
		{"an unlimited range takes unlimited in any case", "copies", "UNLIMITED", "unlimited", "unlimited copies"},
		{"a vowel before the y makes a plain plural", "days", "30", "30", "30 days"},
		{"ch makes a plural with e", "branches", "2", "2", "2 branches"},
		{"sh makes a plural with e", "wishes", "3", "3", "3 Wishes"},
		{"a feature without levels takes anything", "anything", "-1.5", "-1.5", "-1.5 things"},
		{"a feature without levels takes nothing too", "anything", "", "", ""},
	} {
		list, err := changeOf(t, client, test.feature, chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "team", Value: test.sent})
		require.NoError(t, err, test.name)
		require.Len(t, list, 1, test.name)
		require.Equal(t, test.value, list[0].Value, test.name)
		require.Equal(t, test.display, list[0].Name, test.name)
		require.Equal(t, list, server.ItemEntitlements(test.feature), test.name)
	}
}

func TestAFeatureRefusesAValueAndTheWholeChangeWithIt(t *testing.T) {
	t.Parallel()
	server, client := newServerWithFeatures(t)
	for name, test := range map[string]struct{ feature, good, bad, message string }{
		"a switch refuses false":                         {"sso", "true", "false", "must be available or true"},
		"a switch refuses another case":                  {"sso", "true", "Available", "must be available or true"},
		"a switch refuses unlimited":                     {"sso", "true", "unlimited", "must be available or true"},
		"a custom feature refuses another case":          {"support", "Phone", "phone", "must be one of email, Phone"},
		"a custom feature refuses the name of a level":   {"support", "email", "E-mail", "must be one of email, Phone"},
		"a custom feature refuses no value":              {"support", "email", "", "must be one of email, Phone"},
		"a quantity refuses what is no level":            {"users", "5", "6", "must be one of 5, 20"},
		"a quantity refuses unlimited without the level": {"users", "5", "unlimited", "must be one of 5, 20"},
		"a quantity refuses no value":                    {"boxes", "5", "", "must be one of 5, unlimited"},
		"a range refuses less":                           {"calls", "10", "9", "must be a whole number from 10 to 1000"},
		"a range refuses more":                           {"calls", "10", "1001", "must be a whole number from 10 to 1000"},
		"a range refuses a fraction":                     {"calls", "10", "10.5", "must be a whole number from 10 to 1000"},
		"a range refuses a sign":                         {"calls", "10", "+11", "must be a whole number from 10 to 1000"},
		"a range refuses unlimited without the level":    {"calls", "10", "unlimited", "must be a whole number from 10 to 1000"},
		"a range refuses no value":                       {"calls", "10", "", "must be a whole number from 10 to 1000"},
		"an unlimited range refuses less":                {"copies", "10", "9", "must be a whole number from 10, or unlimited"},
		"a value has at most 50 characters":              {"copies", "10", strings.Repeat("9", 51), "is too long"},
	} {
		_, err := changeOf(t, client, test.feature, chargebee.ActionUpsert,
			chargebee.ItemEntitlementParams{ItemID: "team", Value: test.good}, chargebee.ItemEntitlementParams{ItemID: "solo", Value: test.bad})
		requireRefused(t, err, 400, chargebee.ErrParamWrongValue, "item_entitlements[value][1]")
		require.ErrorContains(t, err, "item_entitlements[value][1]: "+test.message+" (param", name)
		require.Empty(t, server.ItemEntitlements(test.feature), name)
	}
}

func TestAnEntryIsRefused(t *testing.T) {
	t.Parallel()
	server, client := newServerWithFeatures(t)
	for name, test := range map[string]struct {
		entry  chargebee.ItemEntitlementParams
		status int
		code   chargebee.ErrorCode
		param  string
	}{
		"an unknown item":                     {chargebee.ItemEntitlementParams{ItemID: "unknown"}, 404, chargebee.ErrResourceNotFound, "item_entitlements[item_id][1]"},
		"an item id over 100 characters":      {chargebee.ItemEntitlementParams{ItemID: strings.Repeat("ä", 101)}, 400, chargebee.ErrParamWrongValue, "item_entitlements[item_id][1]"},
		"an unknown item type":                {chargebee.ItemEntitlementParams{ItemID: "solo", ItemType: "bundle"}, 400, chargebee.ErrParamWrongValue, "item_entitlements[item_type][1]"},
		"an item type that is not the item's": {chargebee.ItemEntitlementParams{ItemID: "solo", ItemType: "addon"}, 400, chargebee.ErrParamWrongValue, "item_entitlements[item_type][1]"},
	} {
		for _, action := range []chargebee.Action{chargebee.ActionUpsert, chargebee.ActionRemove} {
			_, err := changeOf(t, client, "sso", action, chargebee.ItemEntitlementParams{ItemID: "team"}, test.entry)
			requireRefused(t, err, test.status, test.code, test.param)
			require.Empty(t, server.ItemEntitlements("sso"), name)
		}
	}
}

func TestTheFirstEntryThatFailsNamesTheError(t *testing.T) {
	t.Parallel()
	_, client := newServerWithFeatures(t)
	_, err := changeOf(t, client, "users", chargebee.ActionUpsert,
		chargebee.ItemEntitlementParams{ItemID: "team", Value: "5"},
		chargebee.ItemEntitlementParams{ItemID: "team", Value: "6"},
		chargebee.ItemEntitlementParams{ItemID: "unknown", Value: "5"})
	requireRefused(t, err, 400, chargebee.ErrParamWrongValue, "item_entitlements[value][1]")
}

func TestAnUnknownParameterIsIgnored(t *testing.T) {
	t.Parallel()
	server, client := newServerWithFeatures(t)
	for _, name := range []string{"note", "item_entitlements[note][0]", "item_entitlements[note][7]"} {
		resp, err := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "sso", chargebee.UpsertOrRemoveItemEntitlementsParams{
			Action: chargebee.ActionUpsert, ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "team"}},
		}, chargebee.WithParam(name, "x"))
		require.NoError(t, err, name)
		require.Equal(t, server.ItemEntitlements("sso"), resp.ItemEntitlements, name)
	}
}

func TestRemovingLooksAtNoValue(t *testing.T) {
	t.Parallel()
	server, client := newServerWithFeatures(t)
	set, err := changeOf(t, client, "users", chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "team", Value: "5"})
	require.NoError(t, err)
	removed, err := changeOf(t, client, "users", chargebee.ActionRemove,
		chargebee.ItemEntitlementParams{ItemID: "solo", Value: "6"}, chargebee.ItemEntitlementParams{ItemID: "team", Value: "6"})
	require.NoError(t, err)
	require.Equal(t, set, removed)
	require.Empty(t, server.ItemEntitlements("users"))
}

func TestAnArchivedFeatureTakesNoNewEntitlementsAndKeepsItsOld(t *testing.T) {
	t.Parallel()
	server, client := newServerWithFeatures(t)
	_, err := changeOf(t, client, "users", chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "team", Value: "5"})
	require.NoError(t, err)
	require.NoError(t, server.SetFeatureStatus("users", chargebeetest.FeatureStatusArchived))

	_, err = changeOf(t, client, "users", chargebee.ActionUpsert,
		chargebee.ItemEntitlementParams{ItemID: "team", Value: "20"}, chargebee.ItemEntitlementParams{ItemID: "solo", Value: "20"})
	requireRefused(t, err, 409, chargebee.ErrInvalidStateForRequest, "item_entitlements[item_id][1]")
	require.Equal(t, "5", server.ItemEntitlements("users")[0].Value)
	_, err = changeOf(t, client, "users", chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "team", Value: "20"})
	require.NoError(t, err)
	require.Equal(t, "20", server.ItemEntitlements("users")[0].Value)
	removed, err := changeOf(t, client, "users", chargebee.ActionRemove, chargebee.ItemEntitlementParams{ItemID: "team"})
	require.NoError(t, err)
	require.Len(t, removed, 1)

	require.NoError(t, server.SetFeatureStatus("users", chargebeetest.FeatureStatusActive))
	_, err = changeOf(t, client, "users", chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "solo", Value: "20"})
	require.NoError(t, err)
	_, err = changeOf(t, client, "archived", chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "team"})
	requireRefused(t, err, 409, chargebee.ErrInvalidStateForRequest, "item_entitlements[item_id][0]")

	require.EqualError(t, server.SetFeatureStatus("unknown", chargebeetest.FeatureStatusActive), `chargebeetest: feature "unknown" does not exist`)
	require.EqualError(t, server.SetFeatureStatus("users", "gone"), `chargebeetest: feature "users" cannot have the status "gone"`)
}

func TestASiteWithGrandfatheringRefusesTheOperation(t *testing.T) {
	t.Parallel()
	server, client := newServerWithFeatures(t, chargebeetest.WithGrandfathering())
	_, err := changeOf(t, client, "sso", chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "team"})
	requireRefused(t, err, 400, chargebee.ErrConfigurationIncompatible, "")
	require.Empty(t, server.ItemEntitlements("sso"))
	_, err = activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
}

func TestTheSeedIsChecked(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	long := strings.Repeat("ä", 51)
	quantity, number := chargebeetest.FeatureTypeQuantity, chargebeetest.FeatureTypeRange
	for problem, f := range map[string]chargebeetest.Feature{
		`feature "" must have an ID of 1 to 50 characters`:                             {Type: quantity},
		`feature "` + long + `" must have an ID of 1 to 50 characters`:                 {ID: long, Type: quantity},
		`feature "x" must have a name and a unit of at most 50 characters`:             {ID: "x", Unit: long, Type: quantity},
		`feature "x" is of the unknown type ""`:                                        {ID: "x"},
		`feature "x" cannot have the status "gone"`:                                    {ID: "x", Type: quantity, Status: "gone"},
		`feature "seats" already exists`:                                               {ID: "seats", Type: quantity},
		`feature "x" has the name of another feature`:                                  {ID: "x", Name: "Seats", Type: quantity},
		`feature "x" is a switch and cannot have levels`:                               {ID: "x", Type: "switch", Levels: []chargebeetest.Level{{Value: "1"}}},
		`feature "x" is of type switch and cannot have a unit or an unlimited level`:   {ID: "x", Type: "switch", Unit: "user"},
		`feature "x" is of type custom and cannot have a unit or an unlimited level`:   {ID: "x", Type: "custom", Levels: []chargebeetest.Level{{Unlimited: true}}},
		`feature "x" must have a value in level 1`:                                     {ID: "x", Type: "custom", Levels: []chargebeetest.Level{{Value: "a"}, {Name: "b"}}},
		`feature "x" must have a name and a value of at most 50 characters in level 0`: {ID: "x", Type: "custom", Levels: []chargebeetest.Level{{Value: long}}},
		`feature "x" is a range and must have a whole number in level 0`:               {ID: "x", Type: number, Levels: []chargebeetest.Level{{Unlimited: true}, {Value: "5"}}},
		`feature "x" is a range and must have a whole number in level 1`:               {ID: "x", Type: number, Levels: []chargebeetest.Level{{Value: "5"}, {Value: "5.5"}}},
		`feature "x" is a range and must have two levels`:                              {ID: "x", Type: number, Levels: []chargebeetest.Level{{Value: "5"}}},
		`feature "x" is a range and must not end before it starts`:                     {ID: "x", Type: number, Levels: []chargebeetest.Level{{Value: "5"}, {Value: "4"}}},
	} {
		require.EqualError(t, server.AddFeature(f), "chargebeetest: "+problem)
	}
	require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: "nameless", Type: quantity}))
	require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: "nameless too", Type: quantity}))
	require.EqualError(t, server.AddItem(chargebeetest.Item{Type: chargebee.ItemTypePlan}), `chargebeetest: item "" must have an ID of 1 to 100 characters`)
	require.EqualError(t, server.AddItem(chargebeetest.Item{ID: "x"}), `chargebeetest: item "x" is of the unknown type ""`)
	require.EqualError(t, server.AddItem(chargebeetest.Item{ID: "team", Type: chargebee.ItemTypePlan}), `chargebeetest: item "team" already exists`)
}

func TestTheSeedIsTheCallersToChange(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	f := features()[2]
	require.NoError(t, server.AddFeature(f))
	f.Levels[0].Value = "changed"
	_, err := changeOf(t, client, "users", chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "team", Value: "5"})
	require.NoError(t, err)
}
