package chargebee_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

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
	const noList, unexpectedEnd = "list is missing", "unexpected end of JSON input"
	for body, reason := range map[string]string{
		``:                                   "empty",
		`{}`:                                 noList,
		`{"list":null}`:                      noList,
		`{"list":{}}`:                        "json: cannot unmarshal object into Go struct field .list of type []struct",
		`{"item_entitlements":[{"id":"e"}]}`: noList,
		`{"list":[null]}`:                    "item_entitlement.id of entry 0 is missing",
		`{"list":[{"item_entitlement":{"id":"ent_1"}},{}]}`:                     "item_entitlement.id of entry 1 is missing",
		`{"list":[{"item_entitlement":{"value":"20"}}]}`:                        "item_entitlement.id of entry 0 is missing",
		`{"item_entitlement":{"value":"20"}}`:                                   noList,
		`{"list":[],"api_error_code":"internal_error"}`:                         "an error of Chargebee's",
		`{"item_entitlement":{"id":"ent_1"},"api_error_code":"internal_error"}`: "an error of Chargebee's",
		"{\"list\":[\"\xff\"]}":                                                 "not UTF-8",
		`null`:                                                                  noList,
		`{"list":[]`:                                                            unexpectedEnd,
		`<html>`:                                                                "invalid character '<' looking for beginning of value",
	} {
		requireNoEntitlements(t, body, reason)
	}
}

// A long list is decoded entry by entry.
func TestLongSuccessWithoutEntitlementsIsDecodeError(t *testing.T) {
	t.Parallel()
	const noList, tooMuch = "list is missing", "more members, or longer ones, than a list of Chargebee's"
	entry := `{"item_entitlement":{"id":"` + strings.Repeat("e", 192<<10) + `"}}`
	for body, reason := range map[string]string{
		`{"a":` + entry + `}`:                                        noList,
		`{"a":` + entry + `,"list":null}`:                            noList,
		`{"a":` + entry + `,"list":{}}`:                              noList,
		`{"a":` + entry + `,"list":{"b":1}}`:                         noList,
		`{"list":[` + entry + `,null]}`:                              "item_entitlement.id of entry 1 is missing",
		`{"list":[` + entry + `,1]}`:                                 "json: cannot unmarshal number into Go value of type struct",
		`{"list":[` + entry + `]} {}`:                                "more than a JSON object",
		`{"list":[` + entry + `]`:                                    "unexpected EOF",
		`{"list":[` + entry:                                          "unexpected EOF",
		`{"list":[` + entry + `],`:                                   "unexpected EOF",
		`{"list":[` + entry + `],"next`:                              "unexpected EOF",
		`{"list":[` + entry + `],"next":`:                            "unexpected EOF",
		`{"list":[` + entry + `],"next":"`:                           "unexpected EOF",
		`{"list":[` + entry + `],1`:                                  "invalid character '1'",
		`[` + entry + `]`:                                            "not a JSON object",
		`{"list":[` + entry + `],"api_error_code":"internal_error"}`: "an error of Chargebee's",
		`{"list":[` + entry + strings.Repeat(`,{"item_entitlement":{"id":"e"}}`, 100_000) + `]}`: "more than 100000 entries",
		`{"a":` + entry + strings.Repeat(`,"a":1`, 100) + `,"list":[]}`:                          tooMuch,
		`{"list":[{"item_entitlement":{"id":"` + strings.Repeat("e", 2<<20) + `"}}]}`:            tooMuch,
		strings.Repeat(" ", 192<<10) + `<html>`:                                                  "invalid character '<' looking for beginning of value",
	} {
		requireNoEntitlements(t, body, reason)
	}
	single := `{"item_entitlement":{"id":"ent_1"}}`
	single += strings.Repeat(" ", 1<<20-len(single))
	requireNoEntitlements(t, single+" ", noList)
	resp, err := upsert(t.Context(), newClient(t, newFakeTransport(respond(200, single))))
	require.NoError(t, err)
	require.Equal(t, []chargebee.ItemEntitlement{{ID: "ent_1"}}, resp.ItemEntitlements)

	body := `{"next_offset":"1","list":[` + entry + `,{"item_entitlement":{"id":"ent_2"}}],"api_error_code":null}` + strings.Repeat(" ", 2<<20)
	resp, err = upsert(t.Context(), newClient(t, newFakeTransport(respond(200, body))))
	require.NoError(t, err)
	require.Len(t, resp.ItemEntitlements, 2)
	require.Equal(t, chargebee.ItemEntitlement{ID: "ent_2"}, resp.ItemEntitlements[1])
}

func requireNoEntitlements(t *testing.T, body, reason string) {
	t.Helper()
	name := body[:min(len(body), 20)] + "…" + body[max(0, len(body)-20):]
	resp, err := upsert(t.Context(), newClient(t, newFakeTransport(respond(200, body))))
	require.Nil(t, resp, name)
	var decodeErr *chargebee.DecodeError
	require.ErrorAs(t, err, &decodeErr, name)
	require.ErrorContains(t, decodeErr.Err, reason, name)
}

const featureJSON = `{"id":"seats","name":"Seats","description":"for colleagues","status":"active","type":"quantity","unit":"seat",` +
	`"resource_version":1790000000123,"created_at":1790000000,"updated_at":1790000001,"metered":true,` +
	`"levels":[{"name":"few","value":"5","level":0,"is_unlimited":false},{"name":"any","level":1,"is_unlimited":true}]}`

func seatsFeature() chargebee.Feature {
	return chargebee.Feature{
		ID: "seats", Name: "Seats", Description: "for colleagues", Status: chargebee.FeatureStatusActive, Type: chargebee.FeatureTypeQuantity, Unit: "seat",
		ResourceVersion: 1790000000123,
		CreatedAt:       chargebee.Timestamp{Time: time.Unix(1790000000, 0).UTC()},
		UpdatedAt:       chargebee.Timestamp{Time: time.Unix(1790000001, 0).UTC()},
		Metered:         true,
		Levels:          []chargebee.FeatureLevel{{Name: "few", Value: "5"}, {Name: "any", Level: 1, IsUnlimited: true}},
	}
}

func TestRetrieveFeatureReturnsEveryField(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(respond(200, `{"feature":`+featureJSON[:len(featureJSON)-1]+`,"object":"feature","cf_owner":"zoe"}}`))
	resp, err := newClient(t, transport).Features.RetrieveFeature(t.Context(), "seats")
	require.NoError(t, err)
	require.Equal(t, seatsFeature(), resp.Feature)
	require.Contains(t, string(resp.Body), `"cf_owner":"zoe"`)
	request := transport.onlyRequest(t)
	require.Equal(t, "GET https://acme-test.chargebee.com/api/v2/features/seats", request.Method+" "+request.URL.String())
	require.Empty(t, request.body)

	encoded, err := json.Marshal(resp.Feature)
	require.NoError(t, err)
	require.JSONEq(t, featureJSON, string(encoded))
}

func TestFeatureOfAnotherIDIsDecodeError(t *testing.T) {
	t.Parallel()
	for body, reason := range map[string]string{
		`{"feature":{"id":"SEATS"}}`:                      "", // whether case matters is undocumented
		`{"feature":{"id":"users"}}`:                      "feature.id is not that of the request",
		`{"feature":{"name":"Seats"}}`:                    "feature.id is not that of the request",
		`{"portal_session":{"id":"seats"}}`:               "feature.id is not that of the request",
		`{"feature":{"id":"seats"},"api_error_code":"x"}`: "an error of Chargebee's",
		``: "empty",
	} {
		_, err := newClient(t, newFakeTransport(respond(200, body))).Features.RetrieveFeature(t.Context(), "seats")
		if reason == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, "chargebee: GET /features/{feature-id}: 200, but the body is not what was expected: "+reason)
		_, unknown := chargebee.OutcomeUnknown(err)
		require.False(t, unknown)
	}
}

// Levels are short, and would take much more memory than the body.
func TestFeaturesOfTooManyLevelsAreDecodeErrors(t *testing.T) {
	t.Parallel()
	for values, reason := range map[int]string{200_000: "", 200_001: ": 200, but the body is not what was expected: too many values"} {
		const comma = 1 // before the levels
		feature := `{"feature":{"id":"seats","levels":[{}` + strings.Repeat(",{}", values-comma) + `]}}`
		client := newClient(t, newFakeTransport(respond(200, feature), respond(200, `{"list":[`+feature+`]}`)))
		_, err := client.Features.RetrieveFeature(t.Context(), "seats")
		_, listErr := client.Features.ListFeatures(t.Context(), chargebee.ListFeaturesParams{})
		if reason == "" {
			require.NoError(t, err)
			require.NoError(t, listErr)
			continue
		}
		require.EqualError(t, err, "chargebee: GET /features/{feature-id}"+reason)
		require.EqualError(t, listErr, "chargebee: GET /features"+reason)
	}
}

func TestListFeaturesReturnsAPage(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(respond(200, `{"list":[{"feature":`+featureJSON+`},{"feature":{"id":"users","status":"a_status_of_next_year"}}],"next_offset":"a"}`))
	page, err := newClient(t, transport).Features.ListFeatures(t.Context(), chargebee.ListFeaturesParams{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, []chargebee.Feature{seatsFeature(), {ID: "users", Status: "a_status_of_next_year"}}, page.Features)
	require.Equal(t, "a", page.NextOffset)
	require.Equal(t, "https://acme-test.chargebee.com/api/v2/features?limit=2", transport.onlyRequest(t).URL.String())

	_, err = newClient(t, newFakeTransport(respond(200, `{"list":[{"feature":{"name":"Seats"}}]}`))).Features.ListFeatures(t.Context(), chargebee.ListFeaturesParams{})
	require.EqualError(t, err, "chargebee: GET /features: 200, but the body is not what was expected: feature.id of entry 0 is missing")
}

func TestAllFeaturesAndItemEntitlementsRangeOverTwoPages(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(respond(200, `{"list":[{"feature":{"id":"seats"}}],"next_offset":"a"}`), respond(200, `{"list":[{"feature":{"id":"users"}}]}`))
	var ids []string
	for feature, err := range newClient(t, transport).Features.AllFeatures(t.Context(), chargebee.ListFeaturesParams{}) {
		require.NoError(t, err)
		ids = append(ids, feature.ID)
	}
	require.Equal(t, []string{"seats", "users"}, ids)
	require.Equal(t, []string{"", "offset=a"}, transport.queries())

	transport = newFakeTransport(respond(200, `{"list":[{"item_entitlement":{"id":"ent_1"}}],"next_offset":"a"}`), respond(200, `{"list":[{"item_entitlement":{"id":"ent_2"}}]}`))
	ids = nil
	for entitlement, err := range newClient(t, transport).Features.AllItemEntitlements(t.Context(), "seats", chargebee.ListItemEntitlementsParams{Limit: 1}) {
		require.NoError(t, err)
		ids = append(ids, entitlement.ID)
	}
	require.Equal(t, []string{"ent_1", "ent_2"}, ids)
	require.Equal(t, "https://acme-test.chargebee.com/api/v2/features/seats/item_entitlements?limit=1&offset=a", transport.requests[1].URL.String())

	client := newClient(t, newFakeTransport(respond(403, `{"api_error_code":"api_authorization_failed"}`)))
	for _, errs := range [][]error{
		errorsOf(client.Features.AllFeatures(t.Context(), chargebee.ListFeaturesParams{})),
		errorsOf(client.Features.AllItemEntitlements(t.Context(), "seats", chargebee.ListItemEntitlementsParams{})),
	} {
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], chargebee.ErrAPIAuthorizationFailed)
	}

	_, err := newClient(t, newFakeTransport(respond(200, `{"item_entitlement":{"id":"ent_1"}}`))).Features.ListItemEntitlements(t.Context(), "seats", chargebee.ListItemEntitlementsParams{})
	require.EqualError(t, err, "chargebee: GET /features/{feature-id}/item_entitlements: 200, but the body is not what was expected: list is missing")
}
