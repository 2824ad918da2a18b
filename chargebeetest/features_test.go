package chargebeetest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestInvalidFeaturesAndItemsAreRejected(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	long := strings.Repeat("ä", 51)
	const quantity, number, custom = chargebeetest.FeatureTypeQuantity, chargebeetest.FeatureTypeRange, chargebeetest.FeatureTypeCustom
	for reason, f := range map[string]chargebeetest.Feature{
		`feature "" must have an ID of 1 to 50 characters`:                                       {Type: quantity},
		`feature "` + long + `" must have an ID of 1 to 50 characters`:                           {ID: long, Type: quantity},
		`feature "x" must have a name and a unit of at most 50 characters`:                       {ID: "x", Unit: long, Type: quantity},
		`feature "y" must have a name and a unit of at most 50 characters`:                       {ID: "y", Name: long, Type: quantity},
		`feature "a/b" has an ID that must not contain a slash or backslash, not even escaped`:   {ID: "a/b", Type: quantity},
		`feature "a\\b" has an ID that must not contain a slash or backslash, not even escaped`:  {ID: `a\b`, Type: quantity},
		`feature "a%2Fb" has an ID that must not contain a slash or backslash, not even escaped`: {ID: "a%2Fb", Type: quantity},
		`feature ".." has an ID that must not be a dot segment, not even escaped`:                {ID: "..", Type: quantity},
		`feature "x" must have a description of at most 500 characters`:                          {ID: "x", Description: strings.Repeat("ä", 501), Type: quantity},
		`feature "x" is of the unknown type ""`:                                                  {ID: "x"},
		`feature "x" cannot have the status "gone"`:                                              {ID: "x", Type: quantity, Status: "gone"},
		`feature "seats" already exists`:                                                         {ID: "seats", Type: quantity},
		`feature "x" has the name of another feature`:                                            {ID: "x", Name: "Seats", Type: quantity},
		`feature "x" is a switch and cannot have levels`:                                         {ID: "x", Type: "switch", Levels: []chargebeetest.Level{{Value: "1"}}},
		`feature "x" is of type switch and cannot have a unit or an unlimited level`:             {ID: "x", Type: "switch", Unit: "user"},
		`feature "x" is of type custom and cannot have a unit or an unlimited level`:             {ID: "x", Type: custom, Levels: []chargebeetest.Level{{Unlimited: true}}},
		`feature "x" must have a value in level 1`:                                               {ID: "x", Type: custom, Levels: []chargebeetest.Level{{Value: "a"}, {Name: "b"}}},
		`feature "x" must have a name and a value of at most 50 characters in level 0`:           {ID: "x", Type: custom, Levels: []chargebeetest.Level{{Value: long}}},
		`feature "x" must have a name and a value of at most 50 characters in level 1`:           {ID: "x", Type: custom, Levels: []chargebeetest.Level{{Value: "a"}, {Name: long, Value: "b"}}},
		`feature "x" is a range and must have a whole number in level 0`:                         {ID: "x", Type: number, Levels: []chargebeetest.Level{{Unlimited: true}, {Value: "5"}}},
		`feature "x" is a range and must have a whole number in level 1`:                         {ID: "x", Type: number, Levels: []chargebeetest.Level{{Value: "5"}, {Value: "5.5"}}},
		`feature "x" is a range and must have two levels`:                                        {ID: "x", Type: number, Levels: []chargebeetest.Level{{Value: "5"}}},
		`feature "x" is a range and must not end before it starts`:                               {ID: "x", Type: number, Levels: []chargebeetest.Level{{Value: "5"}, {Value: "4"}}},
	} {
		require.EqualError(t, server.AddFeature(f), "chargebeetest: "+reason)
	}
	addFeatures(t, server, chargebeetest.Feature{ID: "nameless", Type: quantity}, chargebeetest.Feature{ID: "nameless too", Type: quantity})
	longest := strings.Repeat("ä", 50)
	addFeatures(t, server, chargebeetest.Feature{
		ID: longest, Name: longest, Unit: longest, Type: quantity, Levels: []chargebeetest.Level{{Name: longest, Value: longest}},
	})
	addPlans(t, server, longest+longest)
	for reason, item := range map[string]chargebeetest.Item{
		`item "` + longest + long + `" must have an ID of 1 to 100 characters`: {ID: longest + long, Type: chargebee.ItemTypePlan},
		`item "" must have an ID of 1 to 100 characters`:                       {Type: chargebee.ItemTypePlan},
		`item "x" is of the unknown type ""`:                                   {ID: "x"},
		`item "team" already exists`:                                           {ID: "team", Type: chargebee.ItemTypePlan},
	} {
		require.EqualError(t, server.AddItem(item), "chargebeetest: "+reason)
	}
	require.Empty(t, server.ItemEntitlements("unknown"))
	require.EqualError(t, server.SetFeatureStatus("unknown", chargebeetest.FeatureStatusActive), `chargebeetest: feature "unknown" does not exist`)
	require.EqualError(t, server.SetFeatureStatus("seats", "gone"), `chargebeetest: feature "seats" cannot have the status "gone"`)
}

func TestAddFeatureCopiesLevels(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	f := chargebeetest.Feature{ID: "users", Type: chargebeetest.FeatureTypeQuantity, Levels: []chargebeetest.Level{{Value: "5"}}}
	addFeatures(t, server, f)
	f.Levels[0].Value = "changed"
	_, err := change(t, client, "users", chargebee.ActionUpsert, entry{ItemID: "team", Value: "5"})
	require.NoError(t, err)
}

// newServerWithFeatures returns a server with features of each type, and a client.
func newServerWithFeatures(t *testing.T) (*chargebeetest.Server, *chargebee.Client) {
	t.Helper()
	server, client := newServer(t)
	const quantity, number = chargebeetest.FeatureTypeQuantity, chargebeetest.FeatureTypeRange
	addFeatures(t, server,
		chargebeetest.Feature{ID: "sso", Name: "SSO", Type: chargebeetest.FeatureTypeSwitch},
		chargebeetest.Feature{ID: "draft", Type: chargebeetest.FeatureTypeSwitch, Status: chargebeetest.FeatureStatusDraft},
		chargebeetest.Feature{ID: "support", Type: chargebeetest.FeatureTypeCustom, Levels: []chargebeetest.Level{{Name: "E-mail", Value: "email"}, {Name: "Phone", Value: "Phone"}}},
		chargebeetest.Feature{ID: "users", Unit: "user", Type: quantity, Levels: []chargebeetest.Level{{Value: "5"}, {Value: "20"}}},
		chargebeetest.Feature{ID: "boxes", Unit: "box", Type: quantity, Levels: []chargebeetest.Level{{Value: "5"}, {Unlimited: true}}},
		chargebeetest.Feature{ID: "calls", Unit: "API call", Type: number, Levels: []chargebeetest.Level{{Value: "10"}, {Value: "1000"}}},
		chargebeetest.Feature{ID: "copies", Unit: "copy", Type: number, Levels: []chargebeetest.Level{{Value: "10"}, {Unlimited: true}}},
		chargebeetest.Feature{ID: "days", Unit: "day", Type: quantity, Levels: []chargebeetest.Level{{Value: "30"}}},
		chargebeetest.Feature{ID: "branches", Unit: "branch", Type: quantity, Levels: []chargebeetest.Level{{Value: "2"}}},
		chargebeetest.Feature{ID: "wishes", Unit: "Wish", Type: quantity, Levels: []chargebeetest.Level{{Value: "3"}}},
		chargebeetest.Feature{ID: "buses", Unit: "bus", Type: quantity, Levels: []chargebeetest.Level{{Value: "4"}}},
		chargebeetest.Feature{ID: "waltzes", Unit: "waltz", Type: quantity, Levels: []chargebeetest.Level{{Value: "5"}}},
		chargebeetest.Feature{ID: "ratio", Type: quantity, Levels: []chargebeetest.Level{{Value: "3"}}},
		chargebeetest.Feature{ID: "anything", Unit: "thing", Type: number},
	)
	return server, client
}

func TestValidValuesAreNormalizedAndNamed(t *testing.T) {
	t.Parallel()
	server, client := newServerWithFeatures(t)
	for _, test := range []struct{ name, feature, sent, value, display string }{
		{"available for a switch", "sso", "available", "true", "Available"},
		{"true for a switch", "sso", "true", "true", "Available"},
		{"no value for a switch", "sso", "", "true", "Available"},
		{"available for a draft switch", "draft", "available", "true", "Available"},
		{"the value of a level for a custom feature", "support", "email", "email", "email"},
		{"the value of a level for a quantity", "users", "20", "20", "20 users"},
		{"a quantity without a unit", "ratio", "3", "3", "3"},
		{"unlimited for an unlimited quantity", "boxes", "unlimited", "unlimited", "unlimited boxes"},
		{"unlimited in any case for an unlimited quantity", "boxes", "UnLimited", "unlimited", "unlimited boxes"},
		{"another level of an unlimited quantity", "boxes", "5", "5", "5 boxes"},
		{"the lower end of a range", "calls", "10", "10", "10 API calls"},
		{"a value within a range", "calls", "11", "11", "11 API calls"},
		{"the upper end of a range", "calls", "1000", "1000", "1000 API calls"},
		{"leading zeros for a range", "calls", "0011", "0011", "0011 API calls"},
		{"the lower end of an unlimited range", "copies", "10", "10", "10 copies"},
		{"a number that overflows every int", "copies", strings.Repeat("9", 50), strings.Repeat("9", 50), strings.Repeat("9", 50) + " copies"},
		{"unlimited in any case for an unlimited range", "copies", "UNLIMITED", "unlimited", "unlimited copies"},
		{"the plural after a vowel and y", "days", "30", "30", "30 days"},
		{"the plural after ch", "branches", "2", "2", "2 branches"},
		{"the plural after sh", "wishes", "3", "3", "3 Wishes"},
		{"the plural after s", "buses", "4", "4", "4 buses"},
		{"the plural after z", "waltzes", "5", "5", "5 waltzes"},
		{"any value for a feature without levels", "anything", "-1.5", "-1.5", "-1.5 things"},
		{"no value for a feature without levels", "anything", "", "", ""},
	} {
		list, err := change(t, client, test.feature, chargebee.ActionUpsert, entry{ItemID: "team", Value: test.sent})
		require.NoError(t, err, test.name)
		require.Len(t, list, 1, test.name)
		require.Equal(t, test.value, list[0].Value, test.name)
		require.Equal(t, test.display, list[0].Name, test.name)
		require.Equal(t, list, server.ItemEntitlements(test.feature), test.name)
	}
}

func TestInvalidValuesAreRejected(t *testing.T) {
	t.Parallel()
	server, client := newServerWithFeatures(t)
	for name, test := range map[string]struct{ feature, valid, invalid, message string }{
		"false for a switch":                      {"sso", "true", "false", "must be available or true"},
		"another case for a switch":               {"sso", "true", "Available", "must be available or true"},
		"unlimited for a switch":                  {"sso", "true", "unlimited", "must be available or true"},
		"another case for a custom feature":       {"support", "Phone", "phone", "must be one of email, Phone"},
		"the name of a level":                     {"support", "email", "E-mail", "must be one of email, Phone"},
		"no value for a custom feature":           {"support", "email", "", "must be one of email, Phone"},
		"a quantity that is not a level":          {"users", "5", "6", "must be one of 5, 20"},
		"unlimited for a quantity without it":     {"users", "5", "unlimited", "must be one of 5, 20"},
		"no value for a quantity":                 {"boxes", "5", "", "must be one of 5, unlimited"},
		"less than the range":                     {"calls", "10", "9", "must be a whole number from 10 to 1000"},
		"more than the range":                     {"calls", "10", "1001", "must be a whole number from 10 to 1000"},
		"a fraction":                              {"calls", "10", "10.5", "must be a whole number from 10 to 1000"},
		"a sign":                                  {"calls", "10", "+11", "must be a whole number from 10 to 1000"},
		"unlimited for a range without it":        {"calls", "10", "unlimited", "must be a whole number from 10 to 1000"},
		"no value for a range":                    {"calls", "10", "", "must be a whole number from 10 to 1000"},
		"less than the start of a range":          {"copies", "10", "9", "must be a whole number from 10, or unlimited"},
		"51 characters for an unlimited quantity": {"copies", "10", strings.Repeat("9", 51), "is too long"},
	} {
		_, err := change(t, client, test.feature, chargebee.ActionUpsert,
			entry{ItemID: "team", Value: test.valid}, entry{ItemID: "solo", Value: test.invalid})
		apiErr := requireAPIError(t, err, 400, chargebee.ErrParamWrongValue, "item_entitlements[value][1]")
		require.Equal(t, "item_entitlements[value][1]: "+test.message, apiErr.Message, name)
		require.Empty(t, server.ItemEntitlements(test.feature), name)
	}
}

func TestFeatureOfARealSiteIsGivenBackAsItWasListed(t *testing.T) {
	t.Parallel()
	for name, listed := range map[string]string{
		"quantity": `{"id": "fea-1", "name": "Users", "description": "User licenses", "status": "archived", "type": "quantity", "unit": "user",
			"resource_version": 1754000000123, "created_at": 1754000000, "updated_at": 1754000001, "metered": true, "object": "feature",
			"levels": [{"name": "5 users", "value": "5", "level": 1, "is_unlimited": false}, {"name": "unlimited", "value": "", "level": 2, "is_unlimited": true}]}`,
		"switch": `{"id": "fea-1", "name": "SSO", "status": "draft", "type": "switch", "created_at": 1754000000, "metered": false, "object": "feature"}`,
		"range with custom field": `{"id": "fea-1", "type": "range", "status": "active", "created_at": 1754000000, "cf_owner": "billing", "metered": false,
			"levels": [{"value": "1", "level": 0, "is_unlimited": false}, {"value": "9", "level": 1, "is_unlimited": false}]}`,
	} {
		server, client := newServer(t)
		var f chargebeetest.Feature
		var want chargebee.Feature
		require.NoError(t, json.Unmarshal([]byte(listed), &f), name)
		require.NoError(t, json.Unmarshal([]byte(listed), &want), name)
		addFeatures(t, server, f)
		resp, err := client.Features.RetrieveFeature(t.Context(), "fea-1")
		require.NoError(t, err, name)
		require.Equal(t, want, resp.Feature, name)
		require.Contains(t, string(resp.Body), `"object":"feature"`, name)
	}
}

func TestFeatureHasDefaults(t *testing.T) {
	t.Parallel()
	now := noon
	server, client := newServer(t, chargebeetest.WithClock(func() time.Time { return now }))
	updated := chargebee.Timestamp{Time: noon.Add(-time.Hour)}
	addFeatures(t, server,
		chargebeetest.Feature{ID: "users", Type: chargebeetest.FeatureTypeQuantity, Levels: []chargebeetest.Level{{Value: "5"}, {Value: "20"}}},
		chargebeetest.Feature{ID: "updated", Type: chargebeetest.FeatureTypeSwitch, UpdatedAt: updated, ResourceVersion: 7},
	)
	retrieve := func(id string) chargebee.Feature {
		resp, err := client.Features.RetrieveFeature(t.Context(), id)
		require.NoError(t, err)
		return resp.Feature
	}
	users := chargebee.Feature{
		ID: "users", Type: "quantity", Status: "active", ResourceVersion: noon.UnixMilli(),
		CreatedAt: chargebee.Timestamp{Time: noon}, UpdatedAt: chargebee.Timestamp{Time: noon},
		Levels: []chargebee.FeatureLevel{{Value: "5", Level: 0}, {Value: "20", Level: 1}},
	}
	require.Equal(t, users, retrieve("users"))
	require.Equal(t, chargebee.Feature{
		ID: "updated", Type: "switch", Status: "active", ResourceVersion: 7, CreatedAt: chargebee.Timestamp{Time: noon}, UpdatedAt: updated,
	}, retrieve("updated"))

	now = noon.Add(1500 * time.Millisecond)
	require.NoError(t, server.SetFeatureStatus("users", chargebeetest.FeatureStatusArchived))
	users.Status, users.ResourceVersion, users.UpdatedAt = "archived", now.UnixMilli(), chargebee.Timestamp{Time: noon.Add(time.Second)}
	require.Equal(t, users, retrieve("users"))
	require.NoError(t, server.SetFeatureStatus("users", ""))
	require.Equal(t, chargebee.FeatureStatusActive, retrieve("users").Status)
}

func TestUnknownFeatureIsNotFound(t *testing.T) {
	t.Parallel()
	_, client := newServer(t)
	_, err := client.Features.RetrieveFeature(t.Context(), "unknown")
	requireAPIError(t, err, 404, chargebee.ErrResourceNotFound, "")
	_, err = client.Features.ListItemEntitlements(t.Context(), "unknown", chargebee.ListItemEntitlementsParams{})
	requireAPIError(t, err, 404, chargebee.ErrResourceNotFound, "")
}
