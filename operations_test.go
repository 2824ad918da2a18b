package chargebee_test

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// operation is a typed operation. What must hold for all of them is tested with the table below.
type operation struct {
	method, path string // as in the contract
	request      string // the path, and the query or the body, that call sends
	resource     string // of the response, with every documented attribute
	isList       bool

	// call sends every parameter, and returns the response and its first resource.
	call func(context.Context, *chargebee.Client, ...chargebee.CallOption) (response, resource any, err error)
}

const (
	fullSession = `{"id":"portal_1","token":"response-t0ken","access_url":"` + secretURL + `","redirect_url":"https://app.example.com/bye",` +
		`"status":"created","created_at":1790000000,"expires_at":1790003600,"customer_id":"cus_1","login_at":1790000010,"logout_at":1790000020,` +
		`"login_ipaddress":"203.0.113.7","logout_ipaddress":"2001:db8::7","linked_customers":[{"customer_id":"cus_1","email":"zoe@example.com",` +
		`"has_billing_address":true,"has_payment_method":true,"has_active_subscription":true}]}`
	fullItemEntitlement = `{"id":"item-ent-1","item_id":"team","item_type":"plan","feature_id":"seats","feature_name":"Seats","value":"20","name":"20 seats"}`
	fullEntitlement     = `{"id":"ent-1","entity_id":"team","entity_type":"plan","feature_id":"seats","feature_name":"Seats","value":"20","name":"20 seats"}`
)

func operations() map[string]operation {
	session := func(resp *chargebee.PortalSessionResponse, err error) (any, any, error) {
		if err != nil {
			return nil, nil, err
		}
		return resp, resp.PortalSession, nil
	}
	filter := func(is string) chargebee.StringFilter { return chargebee.StringFilter{Is: is, In: []string{"a", "b"}} }
	allOperators := func(is string) chargebee.StringFilter {
		return chargebee.StringFilter{Is: is, IsNot: "x", StartsWith: "y", In: []string{"a", "b"}, NotIn: []string{"c"}}
	}
	yes := true
	return map[string]operation{
		"CreatePortalSession": {
			method: "POST", path: "/portal_sessions", resource: fullSession,
			request: "/portal_sessions redirect_url=https://app.example.com/bye&forward_url=https://app.example.com/plans&customer[id]=cus_1",
			call: func(ctx context.Context, client *chargebee.Client, opts ...chargebee.CallOption) (any, any, error) {
				return session(client.PortalSessions.CreatePortalSession(ctx, chargebee.CreatePortalSessionParams{
					CustomerID: "cus_1", RedirectURL: "https://app.example.com/bye", ForwardURL: "https://app.example.com/plans",
				}, opts...))
			},
		},
		"RetrievePortalSession": {
			method: "GET", path: "/portal_sessions/{portal-session-id}", resource: fullSession,
			request: "/portal_sessions/portal_1 ",
			call: func(ctx context.Context, client *chargebee.Client, opts ...chargebee.CallOption) (any, any, error) {
				return session(client.PortalSessions.RetrievePortalSession(ctx, "portal_1", opts...))
			},
		},
		"ActivatePortalSession": {
			method: "POST", path: "/portal_sessions/{portal-session-id}/activate", resource: fullSession,
			request: "/portal_sessions/portal_1/activate token=" + secretToken,
			call: func(ctx context.Context, client *chargebee.Client, opts ...chargebee.CallOption) (any, any, error) {
				return session(client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: secretToken}, opts...))
			},
		},
		"LogoutPortalSession": {
			method: "POST", path: "/portal_sessions/{portal-session-id}/logout", resource: fullSession,
			request: "/portal_sessions/portal_1/logout ",
			call: func(ctx context.Context, client *chargebee.Client, opts ...chargebee.CallOption) (any, any, error) {
				return session(client.PortalSessions.LogoutPortalSession(ctx, "portal_1", opts...))
			},
		},
		"RetrieveFeature": {
			method: "GET", path: "/features/{feature-id}", resource: featureJSON,
			request: "/features/seats ",
			call: func(ctx context.Context, client *chargebee.Client, opts ...chargebee.CallOption) (any, any, error) {
				resp, err := client.Features.RetrieveFeature(ctx, "seats", opts...)
				if err != nil {
					return nil, nil, err
				}
				return resp, resp.Feature, nil
			},
		},
		"ListFeatures": {
			method: "GET", path: "/features", resource: featureJSON, isList: true,
			request: `/features id[in]=["a","b"]&id[is]=seats&id[is_not]=x&id[not_in]=["c"]&id[starts_with]=y&limit=100&metered[is]=true` +
				`&name[in]=["a","b"]&name[is]=Seats&name[is_not]=x&name[not_in]=["c"]&name[starts_with]=y&offset=next` +
				`&status[in]=["active"]&status[is]=active&status[is_not]=draft&status[not_in]=["archived"]` +
				`&type[in]=["range"]&type[is]=range&type[is_not]=switch&type[not_in]=["custom"]`,
			call: func(ctx context.Context, client *chargebee.Client, opts ...chargebee.CallOption) (any, any, error) {
				resp, err := client.Features.ListFeatures(ctx, chargebee.ListFeaturesParams{
					Limit: 100, Offset: "next", ID: allOperators("seats"), Name: allOperators("Seats"), Metered: &yes,
					Status: chargebee.FeatureStatusFilter{Is: "active", IsNot: "draft", In: []chargebee.FeatureStatus{"active"}, NotIn: []chargebee.FeatureStatus{"archived"}},
					Type:   chargebee.FeatureTypeFilter{Is: "range", IsNot: "switch", In: []chargebee.FeatureType{"range"}, NotIn: []chargebee.FeatureType{"custom"}},
				}, opts...)
				if err != nil {
					return nil, nil, err
				}
				return resp, resp.Features[0], nil
			},
		},
		"ListItemEntitlements": {
			method: "GET", path: "/features/{feature-id}/item_entitlements", resource: fullItemEntitlement, isList: true,
			request: "/features/seats/item_entitlements limit=100&offset=next",
			call: func(ctx context.Context, client *chargebee.Client, opts ...chargebee.CallOption) (any, any, error) {
				resp, err := client.Features.ListItemEntitlements(ctx, "seats", chargebee.ListItemEntitlementsParams{Limit: 100, Offset: "next"}, opts...)
				if err != nil {
					return nil, nil, err
				}
				return resp, resp.ItemEntitlements[0], nil
			},
		},
		"UpsertOrRemoveItemEntitlements": {
			method: "POST", path: "/features/{feature-id}/item_entitlements", resource: fullItemEntitlement, isList: true,
			request: "/features/seats/item_entitlements action=upsert&item_entitlements[item_id][0]=team&item_entitlements[item_type][0]=plan&item_entitlements[value][0]=20",
			call: func(ctx context.Context, client *chargebee.Client, opts ...chargebee.CallOption) (any, any, error) {
				resp, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{
					Action:           chargebee.ActionUpsert,
					ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "team", ItemType: chargebee.ItemTypePlan, Value: "20"}},
				}, opts...)
				if err != nil {
					return nil, nil, err
				}
				return resp, resp.ItemEntitlements[0], nil
			},
		},
		"ListEntitlements": {
			method: "GET", path: "/entitlements", resource: fullEntitlement, isList: true,
			request: `/entitlements entity_id[in]=["a","b"]&entity_id[is]=team&entity_type[in]=["plan","addon"]&entity_type[is]=plan` +
				`&feature_id[in]=["a","b"]&feature_id[is]=seats&limit=100&offset=next`,
			call: func(ctx context.Context, client *chargebee.Client, opts ...chargebee.CallOption) (any, any, error) {
				resp, err := client.Entitlements.ListEntitlements(ctx, chargebee.ListEntitlementsParams{
					Limit: 100, Offset: "next", FeatureID: filter("seats"), EntityID: filter("team"),
					EntityType: chargebee.EntityTypeFilter{Is: "plan", In: []chargebee.EntityType{"plan", "addon"}},
				}, opts...)
				if err != nil {
					return nil, nil, err
				}
				return resp, resp.Entitlements[0], nil
			},
		},
		"ManageEntitlements": {
			method: "POST", path: "/entitlements", resource: fullEntitlement, isList: true,
			request: "/entitlements action=upsert&change_reason=new prices&entitlements[entity_id][0]=team&entitlements[entity_type][0]=plan" +
				"&entitlements[feature_id][0]=seats&entitlements[value][0]=20&entitlements[apply_grandfathering][0]=true",
			call: func(ctx context.Context, client *chargebee.Client, opts ...chargebee.CallOption) (any, any, error) {
				resp, err := client.Entitlements.ManageEntitlements(ctx, chargebee.ManageEntitlementsParams{
					Action: chargebee.ActionUpsert, ChangeReason: "new prices",
					Entitlements: []chargebee.EntitlementParams{
						{EntityID: "team", EntityType: chargebee.EntityTypePlan, FeatureID: "seats", Value: "20", ApplyGrandfathering: true},
					},
				}, opts...)
				if err != nil {
					return nil, nil, err
				}
				return resp, resp.Entitlements[0], nil
			},
		},
	}
}

// body returns the body of a successful response.
func (op operation) body() string {
	names := map[string]string{fullSession: "portal_session", featureJSON: "feature", fullItemEntitlement: "item_entitlement", fullEntitlement: "entitlement"}
	name := names[op.resource]
	body := `{"` + name + `":` + strings.TrimSuffix(op.resource, "}") + `,"object":"` + name + `"}}`
	if op.isList {
		body = `{"list":[` + body + `]}`
	}
	return body
}

func TestAllOperationsSendTheirParametersAndReturnTheirResource(t *testing.T) {
	t.Parallel()
	for name, op := range operations() {
		transport := newFakeTransport(respond(200, op.body()))
		response, resource, err := op.call(t.Context(), newClient(t, transport))
		require.NoError(t, err, name)
		request := transport.onlyRequest(t)
		require.Equal(t, op.method, request.Method, name)
		require.Equal(t, "/api/v2"+op.request, request.URL.Path+" "+unescape(t, request.URL.RawQuery+request.body), name)
		encoded, err := json.Marshal(resource)
		require.NoError(t, err)
		require.JSONEq(t, op.resource, string(encoded), name)
		requireNoSecret(t, formatted(response)+formatted(resource))
	}
}

func TestErrorsOfAllOperationsAreRedacted(t *testing.T) {
	t.Parallel()
	for name, op := range operations() {
		for _, responder := range []roundTripperFunc{
			roundTripperFunc(respond(400, `{"message":"test_key, `+secretToken+` and `+secretURL+`"}`)),
			roundTripperFunc(respond(200, `{"message":"`+secretURL+`"}`)),
			roundTripperFunc(respondCutOff(200, op.body()[:len(op.body())/2])),
		} {
			_, _, err := op.call(t.Context(), newClient(t, responder, noRetries))
			require.Error(t, err, name)
			text := formatted(err)
			require.NotContains(t, text, secretKey, name)
			require.NotContains(t, text, secretURL, name)
			if op.path == "/portal_sessions/{portal-session-id}/activate" { // the others know no token
				requireNoSecretInChain(t, err)
			}
		}
	}
}

func TestAllOperationsAreRetriedWithTheSameBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, op := range operations() {
			transport := newFakeTransport(respond(503, ``), failWith(io.ErrUnexpectedEOF), respond(200, op.body()))
			_, _, err := op.call(t.Context(), newClient(t, transport))
			require.NoError(t, err, name)
			require.Len(t, transport.requests, 3, name)
			for _, request := range transport.requests {
				require.Equal(t, transport.requests[0].body, request.body, name)
				require.Equal(t, transport.requests[0].URL.String(), request.URL.String(), name)
				require.Equal(t, transport.requests[0].Header, request.Header, name)
			}
		}
	})
}

func TestTheOutcomeOfALostResponseIsUnknownForAPOSTAlone(t *testing.T) {
	t.Parallel()
	for name, op := range operations() {
		transport := newFakeTransport(failWith(io.ErrUnexpectedEOF))
		response, resource, err := op.call(t.Context(), newClient(t, transport, noRetries))
		require.Error(t, err, name)
		require.Nil(t, response, name)
		require.Nil(t, resource, name)
		key, unknown := chargebee.OutcomeUnknown(err)
		require.Equal(t, op.method == http.MethodPost, unknown, name)
		require.Equal(t, transport.onlyRequest(t).Header.Get("chargebee-idempotency-key"), key, name)
	}
}

// least are the calls with the fewest parameters, and the sequences, whose first page is the same request.
func least(ctx context.Context, client *chargebee.Client) map[string]error {
	_, createErr := client.PortalSessions.CreatePortalSession(ctx, chargebee.CreatePortalSessionParams{})
	_, redirectErr := client.PortalSessions.CreatePortalSession(ctx, chargebee.CreatePortalSessionParams{RedirectURL: "https://app.example.com/"})
	_, upsertErr := upsert(ctx, client, chargebee.ItemEntitlementParams{ItemID: "team"})
	_, removeErr := client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{Action: chargebee.ActionRemove})
	_, manageErr := manage(ctx, client, chargebee.EntitlementParams{EntityID: "team", FeatureID: "seats"})
	return map[string]error{
		"CreatePortalSession": createErr, "without a customer": redirectErr, "UpsertOrRemoveItemEntitlements": upsertErr, "no entries": removeErr, "ManageEntitlements": manageErr,
		"AllFeatures":         firstError(client.Features.AllFeatures(ctx, chargebee.ListFeaturesParams{})),
		"AllItemEntitlements": firstError(client.Features.AllItemEntitlements(ctx, "seats", chargebee.ListItemEntitlementsParams{})),
		"AllEntitlements":     firstError(client.Entitlements.AllEntitlements(ctx, chargebee.ListEntitlementsParams{})),
	}
}

func firstError[R any](all iter.Seq2[R, error]) error {
	for _, err := range all {
		return err
	}
	return nil
}
