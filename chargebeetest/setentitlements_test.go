package chargebeetest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// newCatalog returns a server with a feature of each kind that matters here, and items.
func newCatalog(t *testing.T, opts ...chargebeetest.Option) *chargebeetest.Server {
	t.Helper()
	server, _ := newServer(t, opts...)
	addFeatures(t, server,
		chargebeetest.Feature{ID: "sso", Name: "SSO", Type: chargebeetest.FeatureTypeSwitch},
		chargebeetest.Feature{ID: "old", Name: "Old", Type: chargebeetest.FeatureTypeSwitch, Status: chargebeetest.FeatureStatusArchived},
		chargebeetest.Feature{
			ID: "calls", Name: "Calls", Unit: "call", Type: chargebeetest.FeatureTypeQuantity, Levels: []chargebeetest.Level{{Value: "5"}, {Value: "9"}},
		})
	require.NoError(t, server.AddItem(chargebeetest.Item{ID: "item", Type: chargebee.ItemTypeItem}))
	return server
}

func TestSetEntitlementUpsertsWithoutARequest(t *testing.T) {
	t.Parallel()
	server := newCatalog(t, chargebeetest.WithRateLimit(1), chargebeetest.WithGrandfathering())
	for _, value := range []string{"5", "9"} {
		require.NoError(t, server.SetEntitlement(chargebee.Entitlement{
			ID: "ignored", FeatureName: "ignored", Name: "ignored", FeatureID: "calls", EntityID: "team-EUR", EntityType: "plan_price", Value: value,
		}))
	}
	entitlements := server.Entitlements("calls")
	require.Len(t, entitlements, 1)
	require.Regexp(t, "^ent-[a-z2-7]{26}$", entitlements[0].ID)
	entitlements[0].ID = ""
	require.Equal(t, chargebee.Entitlement{
		FeatureID: "calls", FeatureName: "Calls", EntityID: "team-EUR", EntityType: "plan_price", Value: "9", Name: "9 calls",
	}, entitlements[0])
	require.Empty(t, server.Requests())
}

func TestSetItemEntitlementUpsertsWithoutARequest(t *testing.T) {
	t.Parallel()
	server := newCatalog(t, chargebeetest.WithGrandfathering())
	require.NoError(t, server.SetItemEntitlement(chargebee.ItemEntitlement{FeatureID: "sso", ItemID: "item", ItemType: "item", Value: "available"}))
	require.NoError(t, server.SetItemEntitlement(chargebee.ItemEntitlement{FeatureID: "calls", ItemID: "team", Value: "5"}))
	require.Empty(t, server.Entitlements("sso"))
	require.Equal(t, "true", server.ItemEntitlements("sso")[0].Value)
	require.Equal(t, "5 calls", server.Entitlements("calls")[0].Name)
	require.Empty(t, server.Requests())
}

func TestEntitlementsToAnArchivedFeatureCanBeSet(t *testing.T) {
	t.Parallel()
	server := newCatalog(t)
	require.NoError(t, server.SetEntitlement(chargebee.Entitlement{FeatureID: "old", EntityID: "team", Value: "true"}))
	require.NoError(t, server.SetItemEntitlement(chargebee.ItemEntitlement{FeatureID: "old", ItemID: "solo", Value: "true"}))
	require.Len(t, server.ItemEntitlements("old"), 2)
}

func TestInvalidEntitlementsCannotBeSet(t *testing.T) {
	t.Parallel()
	server := newCatalog(t)
	for message, e := range map[string]chargebee.Entitlement{
		`chargebeetest: entitlement of "" to "sso": entity_id: cannot be blank`:                     {FeatureID: "sso"},
		`chargebeetest: entitlement of "team" to "": feature_id: cannot be blank`:                   {EntityID: "team"},
		`chargebeetest: entitlement of "team" to "unknown": feature_id: The feature is not present`: {EntityID: "team", FeatureID: "unknown"},
		`chargebeetest: entitlement of "team" to "sso": value: must be available or true`:           {EntityID: "team", FeatureID: "sso", Value: "false"},
		`chargebeetest: entitlement of "team" to "calls": value: must be one of 5, 9`:               {EntityID: "team", FeatureID: "calls"},
		`chargebeetest: entitlement of "team" to "sso": entity_type: is not the type of the item`:   {EntityID: "team", FeatureID: "sso", EntityType: "addon"},
		`chargebeetest: entitlement of "item" to "sso": entity_id: is an item of type item, which has only item entitlements`: {
			EntityID: "item", FeatureID: "sso",
		},
	} {
		require.EqualError(t, server.SetEntitlement(e), message)
	}
	require.EqualError(t, server.SetItemEntitlement(chargebee.ItemEntitlement{FeatureID: "sso", ItemID: "unknown"}),
		`chargebeetest: entitlement of "unknown" to "sso": item_id: The item is not present`)
	require.EqualError(t, server.SetItemEntitlement(chargebee.ItemEntitlement{FeatureID: "sso", ItemID: "item", ItemType: "plan"}),
		`chargebeetest: entitlement of "item" to "sso": item_type: is not the type of the item`)
	require.Empty(t, server.ItemEntitlements("sso"))
	require.Empty(t, server.ItemEntitlements("calls"))
}
