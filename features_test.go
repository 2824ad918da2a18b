package chargebee_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func TestUpsertOrRemoveItemEntitlementsReturnsEveryEntitlement(t *testing.T) {
	t.Parallel()
	const entitlement = `{"id":"ent_1","item_id":"team","item_type":"a_type_of_next_year","feature_id":"seats","feature_name":"Seats","value":"20","name":"20 seats","object":"item_entitlement"}`
	want := chargebee.ItemEntitlement{
		ID: "ent_1", ItemID: "team", ItemType: "a_type_of_next_year",
		FeatureID: "seats", FeatureName: "Seats", Value: "20", Name: "20 seats",
	}
	for name, test := range map[string]struct {
		body string
		want []chargebee.ItemEntitlement
	}{
		"a list of two":        {`{"list":[{"item_entitlement":` + entitlement + `},{"item_entitlement":{"id":"ent_2"}}]}`, []chargebee.ItemEntitlement{want, {ID: "ent_2"}}},
		"an empty list":        {`{"list":[]}`, []chargebee.ItemEntitlement{}},
		"a list and an offset": {`{"list":[{"item_entitlement":` + entitlement + `}],"next_offset":"[\"1\"]"}`, []chargebee.ItemEntitlement{want}},
		"a single entitlement": {`{"item_entitlement":` + entitlement + `}`, []chargebee.ItemEntitlement{want}},
	} {
		transport := newFakeTransport(respond(200, test.body))
		resp, err := upsert(t.Context(), newClient(t, transport), chargebee.ItemEntitlementParams{ItemID: "team", Value: "20"})
		require.NoError(t, err, name)
		require.Equal(t, test.want, resp.ItemEntitlements, name)
		require.Equal(t, test.body, string(resp.Body), name)

		req := transport.onlyRequest(t)
		require.Equal(t, "POST", req.Method)
		require.Equal(t, "https://acme-test.chargebee.com/api/v2/features/seats/item_entitlements", req.URL.String())
		require.Equal(t, "action=upsert&item_entitlements%5Bitem_id%5D%5B0%5D=team&item_entitlements%5Bvalue%5D%5B0%5D=20", req.body)
	}
}

func TestSuccessWithoutEntitlementsIsDecodeError(t *testing.T) {
	t.Parallel()
	for body, reason := range map[string]string{
		``:                                   "empty",
		`{}`:                                 "list is missing",
		`{"list":null}`:                      "list is missing",
		`{"item_entitlements":[{"id":"e"}]}`: "list is missing",
		`{"list":[null]}`:                    "item_entitlement.id of entry 0 is missing",
		`{"list":[{"item_entitlement":{"id":"ent_1"}},{}]}`: "item_entitlement.id of entry 1 is missing",
		`{"list":[{"item_entitlement":{"value":"20"}}]}`:    "item_entitlement.id of entry 0 is missing",
		`{"item_entitlement":{"value":"20"}}`:               "item_entitlement.id of entry 0 is missing",
	} {
		resp, err := upsert(t.Context(), newClient(t, newFakeTransport(respond(200, body))))
		require.Nil(t, resp, body)
		var decodeErr *chargebee.DecodeError
		require.ErrorAs(t, err, &decodeErr, body)
		require.EqualError(t, decodeErr.Err, reason, body)
	}
}
