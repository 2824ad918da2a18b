package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func TestInvalidSeedsAreRejected(t *testing.T) {
	t.Parallel()
	for message, seed := range map[string]string{
		`json: unknown field "plans"`:                                                  `{"plans": []}`,
		"FEATURE_ID must not contain control characters":                               `{"features": [{"id": "a\nb", "type": "switch"}]}`,
		"site.json: more than one JSON value":                                          `{} }`,
		"more than one JSON value":                                                     `{} {}`,
		"site.json: there is no JSON value":                                            ``,
		"unexpected EOF":                                                               `{`,
		`chargebeetest: feature "f" is of the unknown type "x"`:                        `{"features": [{"id": "f", "type": "x"}]}`,
		`chargebeetest: customer "" must have an ID of 1 to 50 characters`:             `{"items": [{"id": "i"}], "customers": [{}]}`,
		`chargebeetest: item "i" is of the unknown type ""`:                            `{"items": [{"id": "i"}], "customers": [{}]}`,
		`entitlement of "i" to "f": feature_id: The feature is not present`:            `{"entitlements": [{"entity_id": "i", "feature_id": "f"}]}`,
		`entitlement of "i" to "f": item_id: The item is not present`:                  `{"list": [{"item_entitlement": {"item_id": "i", "feature_id": "f"}}]}`,
		"list entry 1 has no feature, item, customer, entitlement or item_entitlement": `{"list": [{"item": {"id": "i", "type": "plan"}}, {"plan": {}}]}`,
	} {
		require.ErrorContains(t, runWithSeed(t, seed), message)
	}
	require.ErrorContains(t, runInvalid(t, "-seed", "no such file"), "no such file")
}

// runWithSeed runs the emulator with a seed that it rejects. Nothing is printed on standard output.
func runWithSeed(t *testing.T, seed string) error {
	t.Helper()
	var stdout, stderr strings.Builder
	err := run(t.Context(), []string{"-seed", writeSeed(t, seed)}, noEnvironment, &stdout, &stderr)
	require.Empty(t, stdout.String())
	return err
}

func TestSeedMayBeListsOfTheAPI(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t,
		"-seed", writeSeed(t, `{"list": [{"feature": {"id": "sso", "name": "SSO", "type": "switch", "object": "feature", "cf_owner": "zoe"}}], "next_offset": "[\"1\"]"}`),
		"-seed", writeSeed(t, `{"list": [{"feature": {"id": "old", "type": "switch", "status": "archived"}}]}`),
		"-seed", writeSeed(t, `{"list": [{"item": {"id": "team", "type": "plan", "item_family_id": "family"}}]}`),
		"-seed", writeSeed(t, `{"list": [{"customer": {"id": "zoe", "email": "zoe@example.com"}, "card": {"status": "valid"}}]}`),
		"-seed", writeSeed(t, `{"list": [{"entitlement": {"id": "ent-1", "entity_id": "team-EUR", "entity_type": "plan_price", "feature_id": "sso", "value": "true", "object": "entitlement"}}]}`),
		"-seed", writeSeed(t, `{"list": [{"item_entitlement": {"id": "item-ent-1", "item_id": "team", "item_type": "plan", "feature_id": "old", "value": "true"}}]}`),
	))
	client, err := chargebee.NewClient(env["CHARGEBEE_SITE"], env["CHARGEBEE_API_KEY"], chargebee.WithBaseURL(env["CHARGEBEE_BASE_URL"]))
	require.NoError(t, err)
	features, err := client.Features.ListFeatures(t.Context(), chargebee.ListFeaturesParams{})
	require.NoError(t, err)
	require.Equal(t, "SSO", features.Features[0].Name)
	require.Equal(t, chargebee.FeatureStatusArchived, features.Features[1].Status)
	entitlements, err := client.Entitlements.ListEntitlements(t.Context(), chargebee.ListEntitlementsParams{})
	require.NoError(t, err)
	var list []string
	for _, e := range entitlements.Entitlements {
		list = append(list, e.EntityID+" "+e.FeatureID+" "+e.Value)
	}
	require.Equal(t, []string{"team-EUR sso true", "team old true"}, list)
	require.NotEmpty(t, env["SESSION_ID"])
}

func TestStateIsASeedOfTheSameState(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t))
	for _, form := range []string{
		"action=upsert&entitlements[feature_id][0]=seats&entitlements[entity_id][0]=team-EUR&entitlements[entity_type][0]=plan_price&entitlements[value][0]=50",
		"action=upsert&entitlements[feature_id][0]=sso&entitlements[entity_id][0]=team&entitlements[value][0]=available",
	} {
		resp, body := send(t, env, "POST", "/api/v2/entitlements", form)
		require.Equal(t, 200, resp.StatusCode, body)
	}
	_, before := send(t, env, "GET", "/emulator/state", "")
	require.Contains(t, before, `"entity_id":"team-EUR"`)
	require.Contains(t, before, `"item_id":"team"`)

	copied := parseVariables(t, startEmulator(t, "-seed", writeSeed(t, before)))
	_, after := send(t, copied, "GET", "/emulator/state", "")
	require.Equal(t, withoutIDs(t, before), withoutIDs(t, after))
}

// withoutIDs decodes a state without the IDs of its entitlements, which are random.
func withoutIDs(t *testing.T, state string) map[string][]map[string]any {
	t.Helper()
	var decoded map[string][]map[string]any
	require.NoError(t, json.Unmarshal([]byte(state), &decoded))
	require.Len(t, decoded, 5)
	require.Len(t, decoded["features"], 4)
	for _, name := range []string{"entitlements", "item_entitlements"} {
		require.NotEmpty(t, decoded[name])
		for _, e := range decoded[name] {
			require.NotEmpty(t, e["id"])
			delete(e, "id")
		}
	}
	return decoded
}

func TestSeedWithManyErrorsIsRejectedQuickly(t *testing.T) {
	t.Parallel()
	data, err := parseSeed([]byte(`{"customers": [{}` + strings.Repeat(`, {}`, 99_999) + `]}`))
	require.NoError(t, err)
	rejected := make(chan string)
	go func() { rejected <- data.addTo(settings{}.newServer()).Error() }()
	select {
	case message := <-rejected:
		require.Equal(t, 200_000-1, strings.Count(message, "\n"), "two errors per customer")
	case <-time.After(10 * time.Second):
		t.Fatal("there is no error after 10 seconds")
	}
}
