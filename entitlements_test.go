package chargebee_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func manage(ctx context.Context, client *chargebee.Client, entries ...chargebee.EntitlementParams) (*chargebee.ManageEntitlementsResponse, error) {
	return client.Entitlements.ManageEntitlements(ctx, chargebee.ManageEntitlementsParams{Action: chargebee.ActionUpsert, Entitlements: entries})
}

func TestManageEntitlementsEncodesEntriesByIndex(t *testing.T) {
	t.Parallel()
	for body, params := range map[string]chargebee.ManageEntitlementsParams{
		"action=an_action_of_next_year": {Action: "an_action_of_next_year"},
		"action=remove&entitlements[entity_id][0]=team&entitlements[feature_id][0]=seats": {
			Action: chargebee.ActionRemove, Entitlements: []chargebee.EntitlementParams{{EntityID: "team", FeatureID: "seats"}},
		},
		"action=upsert&change_reason=größer & mehr" +
			"&entitlements[entity_id][0]=team&entitlements[entity_type][0]=plan&entitlements[feature_id][0]=seats&entitlements[value][0]=20" +
			"&entitlements[entity_id][1]=team-EUR-monthly&entitlements[entity_type][1]=plan_price&entitlements[feature_id][1]=sso" +
			"&entitlements[entity_id][2]=größe&entitlements[feature_id][2]=seats&entitlements[value][2]=unlimited&entitlements[apply_grandfathering][2]=true": {
			Action: chargebee.ActionUpsert, ChangeReason: "größer & mehr", Entitlements: []chargebee.EntitlementParams{
				{EntityID: "team", EntityType: chargebee.EntityTypePlan, FeatureID: "seats", Value: "20"},
				{EntityID: "team-EUR-monthly", EntityType: chargebee.EntityTypePlanPrice, FeatureID: "sso"}, // its empty fields are not sent
				{EntityID: "größe", FeatureID: "seats", Value: chargebee.ValueUnlimited, ApplyGrandfathering: true},
			},
		},
	} {
		transport := newFakeTransport(respond(200, emptyListJSON))
		_, err := newClient(t, transport).Entitlements.ManageEntitlements(t.Context(), params)
		require.NoError(t, err)
		request := transport.onlyRequest(t)
		require.Equal(t, "POST https://acme-test.chargebee.com/api/v2/entitlements", request.Method+" "+request.URL.String())
		require.Equal(t, body, unescape(t, request.body))
	}
}

func TestManageEntitlementsReturnsEntitlements(t *testing.T) {
	t.Parallel()
	const body = `{"list":[{"entitlement":{"id":"ent_1","entity_id":"team","entity_type":"a_type_of_next_year","feature_id":"seats","feature_name":"Seats",` +
		`"value":"20","name":"20 seats","object":"entitlement"}},{"entitlement":{"id":"ent_2"}}]}`
	resp, err := manage(t.Context(), newClient(t, newFakeTransport(respond(200, body))))
	require.NoError(t, err)
	require.Equal(t, []chargebee.Entitlement{
		{ID: "ent_1", EntityID: "team", EntityType: "a_type_of_next_year", FeatureID: "seats", FeatureName: "Seats", Value: "20", Name: "20 seats"},
		{ID: "ent_2"},
	}, resp.Entitlements)
	require.Equal(t, body, string(resp.Body))
}

func TestManageEntitlementsRejectsIncompleteEntries(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(respond(200, emptyListJSON))
	_, err := newClient(t, transport).Entitlements.ManageEntitlements(t.Context(), chargebee.ManageEntitlementsParams{
		ChangeReason: "\xff",
		Entitlements: []chargebee.EntitlementParams{{EntityID: "team"}, {FeatureID: "seats", Value: "\xff"}},
	})
	require.EqualError(t, err, "chargebee: action must not be empty\n"+
		"chargebee: change_reason must be valid UTF-8\n"+
		"chargebee: entitlements[feature_id][0] must not be empty\n"+
		"chargebee: entitlements[entity_id][1] must not be empty\n"+
		"chargebee: entitlements[value][1] must be valid UTF-8")
	require.Empty(t, transport.requests)
}

func TestSuccessWithoutManagedEntitlementsIsDecodeError(t *testing.T) {
	t.Parallel()
	for body, reason := range map[string]string{
		`{}`:                             "list is missing",
		`{"entitlement":{"id":"ent_1"}}`: "list is missing",
		`{"list":[{"entitlement":{}}]}`:  "entitlement.id of entry 0 is missing",
		`{"list":[{"item_entitlement":{"id":"ent_1"}}]}`: "entitlement.id of entry 0 is missing",
	} {
		_, err := manage(t.Context(), newClient(t, newFakeTransport(respond(200, body)), chargebee.WithHeaders(chargebee.Headers{})))
		var decodeErr *chargebee.DecodeError
		require.ErrorAs(t, err, &decodeErr, body)
		require.EqualError(t, decodeErr.Err, reason)
		_, unknown := chargebee.OutcomeUnknown(err)
		require.True(t, unknown, body)
	}
}
