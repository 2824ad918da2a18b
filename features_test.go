package chargebee_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func TestUpsertSendsOneGroupPerFieldWithAHoleForWhatIsEmpty(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, noneLeft)
	_, err := upsert(t, m.client(t),
		chargebee.ItemEntitlementParams{ItemID: "team", ItemType: chargebee.ItemTypePlan, Value: "20"},
		chargebee.ItemEntitlementParams{ItemID: "extra seats & more"},
		chargebee.ItemEntitlementParams{ItemID: "größe", Value: chargebee.ValueUnlimited},
	)
	require.NoError(t, err)

	req := m.only(t)
	require.Equal(t, "POST", req.Method)
	require.Equal(t, "https://acme-test.chargebee.com/api/v2/features/seats/item_entitlements", req.URL.String())
	require.Equal(t, "action=upsert"+
		"&item_entitlements%5Bitem_id%5D%5B0%5D=team"+
		"&item_entitlements%5Bitem_type%5D%5B0%5D=plan"+
		"&item_entitlements%5Bvalue%5D%5B0%5D=20"+
		"&item_entitlements%5Bitem_id%5D%5B1%5D=extra+seats+%26+more"+
		"&item_entitlements%5Bitem_id%5D%5B2%5D=gr%C3%B6%C3%9Fe"+
		"&item_entitlements%5Bvalue%5D%5B2%5D=unlimited", req.body)
}

func TestUpsertPassesUnknownValuesAndNoEntries(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, noneLeft)
	_, err := m.client(t).Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats",
		chargebee.UpsertOrRemoveItemEntitlementsParams{Action: "an_action_of_next_year"})
	require.NoError(t, err)
	require.Equal(t, "action=an_action_of_next_year", m.only(t).body)
}

func TestUpsertUnwrapsTheAnswer(t *testing.T) {
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
		"the single form":      {`{"item_entitlement":` + entitlement + `}`, []chargebee.ItemEntitlement{want}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := upsert(t, newMock(t, http.StatusOK, test.body).client(t))
			require.NoError(t, err)
			require.Equal(t, test.want, resp.ItemEntitlements)
			require.Equal(t, test.body, string(resp.Body))
		})
	}
}

func TestASuccessWithoutEntitlementsIsADecodeError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, reason string }{
		"an empty object":                    {`{}`, "list is missing"},
		"a null list":                        {`{"list":null}`, "list is missing"},
		"the single form without an id":      {`{"item_entitlement":{"value":"20"}}`, "item_entitlement.id of entry 0 is missing"},
		"an entry that is null":              {`{"list":[null]}`, "item_entitlement.id of entry 0 is missing"},
		"an entry without an entitlement":    {`{"list":[{"item_entitlement":{"id":"ent_1"}},{}]}`, "item_entitlement.id of entry 1 is missing"},
		"an entitlement without an id":       {`{"list":[{"item_entitlement":{"value":"20"}}]}`, "item_entitlement.id of entry 0 is missing"},
		"a list under a name of no contract": {`{"item_entitlements":[{"id":"ent_1"}]}`, "list is missing"},
		"an empty body":                      {``, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := upsert(t, newMock(t, http.StatusOK, test.body).client(t))
			require.Nil(t, resp)
			var decodeErr *chargebee.DecodeError
			require.ErrorAs(t, err, &decodeErr)
			require.EqualError(t, decodeErr.Err, test.reason)
		})
	}
}
