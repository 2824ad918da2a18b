package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestThePlanShowsWhatWouldChange(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "solo", "1")
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "old", "5")
	setEntitlement(t, server, chargebee.ActionUpsert, "projects", "team", "Unlimited")
	setEntitlement(t, server, chargebee.ActionUpsert, "sso", "team", "available")
	before := len(server.Requests())
	file := writeFile(t, "seats,team,plan,20", "seats,solo,plan,5", "projects,team,plan,unlimited", "seats,extra,addon,1")

	out, _, err := runProgram(t, environment(server), nil, "plan", file)
	require.ErrorIs(t, err, errDiffers)
	require.Equal(t, `+ seats team 20
~ seats solo 1 → 5
+ seats extra 1
  seats: 2 to add, 1 to change, 0 to remove, 0 unchanged
Plan: 2 to add, 1 to change, 0 to remove, 1 unchanged.
`, out)

	out, _, err = runProgram(t, environment(server), nil, "plan", "-prune", file)
	require.ErrorIs(t, err, errDiffers)
	require.Equal(t, `+ seats team 20
~ seats solo 1 → 5
+ seats extra 1
- seats old 5
  seats: 2 to add, 1 to change, 1 to remove, 0 unchanged
Plan: 2 to add, 1 to change, 1 to remove, 1 unchanged.
`, out)
	for _, r := range server.Requests()[before:] {
		require.Equal(t, "GET", r.Method)
	}
}

func TestThePlanIsPrintedAsJSON(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "solo", "1")
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "old", "5")
	out, _, err := runProgram(t, environment(server), nil, "plan", "-prune", "-json", writeFile(t, "seats,team,plan,20", "seats,solo,plan,5", "sso,a<b,plan,true"))
	require.ErrorIs(t, err, errDiffers)
	require.JSONEq(t, `{
		"add": 2, "change": 1, "remove": 1, "unchanged": 0,
		"features": [
			{"feature_id": "seats", "add": 1, "change": 1, "remove": 1, "unchanged": 0},
			{"feature_id": "sso", "add": 1, "change": 0, "remove": 0, "unchanged": 0}
		],
		"changes": [
			{"action": "add", "line": 2, "feature_id": "seats", "entity_id": "team", "entity_type": "plan", "after": "20"},
			{"action": "change", "line": 3, "feature_id": "seats", "entity_id": "solo", "entity_type": "plan", "before": "1", "after": "5"},
			{"action": "remove", "feature_id": "seats", "entity_id": "old", "entity_type": "plan", "before": "5"},
			{"action": "add", "line": 4, "feature_id": "sso", "entity_id": "a<b", "entity_type": "plan", "after": "true"}
		]
	}`, out)
	require.Contains(t, out, `"a<b"`)

	out, _, err = runProgram(t, environment(server), nil, "plan", "-json", writeFile(t, "seats,solo,plan,1"))
	require.NoError(t, err)
	require.JSONEq(t, `{"add": 0, "change": 0, "remove": 0, "unchanged": 1, "changes": [],
		"features": [{"feature_id": "seats", "add": 0, "change": 0, "remove": 0, "unchanged": 1}]}`, out)
}

func TestAnEntitlementWithoutAValueIsCountedAsItIsShown(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.Inject(chargebeetest.Fault{Route: "/entitlements", Status: 200,
		Body: `{"list":[{"entitlement":{"id":"ent-1","feature_id":"seats","entity_id":"team","entity_type":"plan"}}]}`})
	out, _, err := runProgram(t, environment(server), nil, "plan", writeFile(t, "seats,team,plan,20"))
	require.ErrorIs(t, err, errDiffers)
	require.Equal(t, `+ seats team 20
  seats: 1 to add, 0 to change, 0 to remove, 0 unchanged
Plan: 1 to add, 0 to change, 0 to remove, 0 unchanged.
`, out)
}

func TestAnEntitlementOfAnotherTypeIsReplacedOnlyWithPrune(t *testing.T) {
	t.Parallel()
	for _, itemEntitlements := range []string{"-item-entitlements=false", "-item-entitlements"} {
		server := newServer(t)
		setEntitlement(t, server, chargebee.ActionUpsert, "seats", "team", "20") // a plan
		file := writeFile(t, "seats,team,addon,5")
		for _, command := range []string{"plan", "apply"} {
			_, _, err := runProgram(t, environment(server), nil, command, itemEntitlements, file)
			require.ErrorContains(t, err, "line 2: entity_type is addon, but on the site plan; -prune replaces the entitlement")
		}
		require.Equal(t, []string{"team 20"}, valuesOf(server, "seats"))
		out, _, err := runProgram(t, environment(server), nil, "plan", "-prune", itemEntitlements, file)
		require.ErrorIs(t, err, errDiffers)
		require.Contains(t, out, "+ seats team 5 (addon)\n- seats team 20 (plan)\n")
	}
}

func TestAnEntitlementThatTheSiteHasWithTwoTypesIsChanged(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.Inject(chargebeetest.Fault{Route: "/entitlements", Status: 200, Body: `{"list":[
		{"entitlement":{"id":"ent-1","feature_id":"seats","entity_id":"team","entity_type":"plan","value":"5"}},
		{"entitlement":{"id":"ent-2","feature_id":"seats","entity_id":"team","entity_type":"plan_price","value":"5"}}]}`})
	out, _, err := runProgram(t, environment(server), nil, "plan", writeFile(t, "seats,team,plan_price,20"))
	require.ErrorIs(t, err, errDiffers)
	require.Contains(t, out, "~ seats team 5 → 20\n")
}

func TestAPlanWithoutChangesSucceeds(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "solo", "unlimited")
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "old", "1")
	setEntitlement(t, server, chargebee.ActionUpsert, "sso", "solo", "true")
	out, _, err := runProgram(t, environment(server), nil, "plan", writeFile(t, "seats,solo,plan,Unlimited", "sso,solo,plan,available"))
	require.NoError(t, err)
	require.Equal(t, "No changes: emulator-test matches the file. Unchanged: 2.\n", out)
}

func TestAPlanRejectsLinesThatTheSiteDoesNotAccept(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"plan", "apply"} {
		server := newServer(t)
		require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: "gone", Type: chargebeetest.FeatureTypeSwitch}))
		setEntitlement(t, server, chargebee.ActionUpsert, "gone", "old", "true")
		require.NoError(t, server.SetFeatureStatus("gone", chargebeetest.FeatureStatusArchived))
		out, _, err := runProgram(t, environment(server), nil, command, writeFile(t,
			"seats,team,plan,20", "seats,solo,plan,7", "sso,team,plan,on", "unknown,a,plan,1", "unknown,b,plan,1", "gone,old,plan,true",
			"gone,team,plan,true", "projects,team,subscription,1"))
		require.ErrorContains(t, err, `problems: 5
line 3: the value of seats must be one of its levels, 1, 5, 20, unlimited, not 7
line 4: the value of the switch sso must be available or true, not on
line 5: the site has no feature unknown (lines that name it: 2)
line 8: the feature gone is archived and takes no new entitlements
line 9: entity_type must be one of plan, addon, charge, plan_price, addon_price, not subscription`)
		require.Empty(t, out)
		require.Len(t, posts(t, server), 1) // that of the test
	}
}

func TestAnUnchangedValueIsNotValidated(t *testing.T) {
	t.Parallel()
	server := chargebeetest.NewServer()
	t.Cleanup(server.Close)
	require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: "tier", Type: chargebeetest.FeatureTypeCustom}))
	setEntitlement(t, server, chargebee.ActionUpsert, "tier", "team", "not a level any more")
	_, _, err := runProgram(t, environment(server), nil, "plan", writeFile(t, "tier,team,plan,not a level any more"))
	require.NoError(t, err)
}

func TestAnEntitlementWithMissingFieldsIsAnError(t *testing.T) {
	t.Parallel()
	for entitlement, message := range map[string]string{
		`{"id":"ent-1","entity_id":"team","entity_type":"plan","value":"5"}`:   "the entitlement ent-1 has no feature_id",
		`{"id":"ent-1","feature_id":"seats","entity_type":"plan","value":"5"}`: "the entitlement ent-1 has no entity_id",
		`{"id":"ent-1","feature_id":"seats","entity_id":"team","value":"5"}`:   "the entitlement ent-1 has no entity_type",
	} {
		for prefix, args := range map[string][]string{
			"reading the site: ":                      {"export"},
			"nothing was changed: reading the site: ": {"apply", "-prune", "-yes", writeFile(t, "seats,team,plan,5")},
		} {
			server := newServer(t)
			server.Inject(chargebeetest.Fault{Route: "/entitlements", Status: 200, Body: `{"list":[{"entitlement":` + entitlement + `}]}`})
			_, _, err := runProgram(t, environment(server), nil, args...)
			require.EqualError(t, err, prefix+message)
			require.Empty(t, posts(t, server))
		}
	}
	server := newServer(t)
	server.Inject(chargebeetest.Fault{Route: "/features"}, chargebeetest.Fault{Route: "/features/{feature-id}/item_entitlements", Status: 200,
		Body: `{"list":[{"item_entitlement":{"id":"item-ent-1","item_id":"team","value":"5"}}]}`})
	_, _, err := runProgram(t, environment(server), nil, "plan", "-item-entitlements", writeFile(t, "seats,team,plan,5"))
	require.EqualError(t, err, "reading the site: the entitlement item-ent-1 has no entity_type")
}

func TestTextThatIsNotOneWordIsQuoted(t *testing.T) {
	t.Parallel()
	plan := &plan{features: []featurePlan{{id: "a b", changes: []*change{
		{key: key{"a b", `x"y`, "plan"}, after: "\u200b"},
		{key: key{"a b", "old", "plan"}},
	}}}}
	plan.changes = plan.features[0].changes
	var out bytes.Buffer
	require.NoError(t, plan.print(&out, "acme-test", false))
	require.Contains(t, out.String(), `+ "a b" "x\"y" "\u200b"`+"\n"+`- "a b" old ""`+"\n")
}

func TestTheTypeIsShownIfAnEntityOccursTwice(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	setEntitlement(t, server, chargebee.ActionUpsert, "sso", "new", "true")
	out, _, err := runProgram(t, environment(server), nil, "plan", "-prune", writeFile(t, "sso,new,plan_price,true", "sso,team,plan,true"))
	require.ErrorIs(t, err, errDiffers)
	require.Contains(t, out, "+ sso new true (plan_price)\n+ sso team true\n- sso new true (plan)\n")
}

func TestATerminalShowsColors(t *testing.T) {
	t.Parallel()
	plan := &plan{features: []featurePlan{{id: "f", changes: []*change{
		{key: key{"f", "a", "plan"}, after: "1"},
		{key: key{"f", "b", "plan"}, before: "1", after: "2"},
		{key: key{"f", "c", "plan"}, before: "1"},
	}}}}
	plan.changes = plan.features[0].changes
	var out bytes.Buffer
	require.NoError(t, plan.print(&out, "acme-test", true))
	require.Contains(t, out.String(), "\x1b[32m+ f a 1\x1b[0m\n\x1b[33m~ f b 1 → 2\x1b[0m\n\x1b[31m- f c 1\x1b[0m\n")
}

// failingWriter fails every write.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAFailureToPrintIsAnError(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	file := writeFile(t, "seats,team,plan,20")
	for _, args := range [][]string{{"plan", file}, {"plan", "-json", file}, {"apply", file}, {"export"}} {
		err := run(t.Context(), streams{nil, failingWriter{}, io.Discard, false}, args, environment(server))
		require.ErrorIs(t, err, io.ErrClosedPipe, args)
	}
	require.Empty(t, posts(t, server))
}

func TestFeaturesAreReadFifteenAtATime(t *testing.T) {
	t.Parallel()
	for _, itemEntitlements := range []bool{false, true} {
		server := chargebeetest.NewServer()
		t.Cleanup(server.Close)
		var lines []string
		for i := range 60 {
			id := fmt.Sprintf("feature %02d, \"%d\"", i, i)
			require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: id, Type: chargebeetest.FeatureTypeSwitch}))
			setEntitlement(t, server, chargebee.ActionUpsert, id, "team", "true")
			lines = append(lines, `"`+strings.ReplaceAll(id, `"`, `""`)+`",team,plan,true`)
		}
		before := len(server.Requests())
		args := []string{"plan", "-rate", "0", writeFile(t, lines...)}
		if itemEntitlements {
			args = []string{"plan", "-rate", "0", "-item-entitlements", writeFile(t, lines...)}
		}
		out, _, err := runProgram(t, environment(server), nil, args...)
		require.NoError(t, err)
		require.Equal(t, "No changes: emulator-test matches the file. Unchanged: 60.\n", out)
		paths := make(map[string]int)
		for _, r := range server.Requests()[before:] {
			paths[strings.Split(r.Path, "/")[3]]++
			if strings.HasSuffix(r.Path, "item_entitlements") {
				paths["item_entitlements"]++
			}
		}
		if itemEntitlements {
			require.Equal(t, map[string]int{"features": 4 + 60, "item_entitlements": 60}, paths)
		} else {
			require.Equal(t, map[string]int{"features": 4, "entitlements": 4}, paths)
		}
	}
}

func TestFeaturesWithManyLinesAreReadConcurrently(t *testing.T) {
	t.Parallel()
	catalog := &catalog{rows: make(map[key]row), lines: make(map[string][]key)}
	for feature, lines := range []int{400, 400, 400, 1000, 1, 2000, 1, 1} {
		for i := range lines {
			catalog.add(row{key: key{string(rune('a' + feature)), fmt.Sprint(i), "plan"}})
		}
	}
	require.Equal(t, [][]string{{"a", "b", "c"}, {"d"}, {"e", "f"}, {"g", "h"}}, catalog.chunks())
}

func TestAFailureToReadTheSiteIsAnError(t *testing.T) {
	t.Parallel()
	for name, route := range map[string]string{"the features": "/features", "the entitlements": "/entitlements"} {
		for _, args := range [][]string{{"plan"}, {"apply"}, {"export"}} {
			server := newServer(t)
			server.Inject(chargebeetest.Fault{Route: route, Status: 403, Body: `{"message":"no permission","api_error_code":"api_authorization_failed"}`})
			if args[0] != "export" {
				args = append(args, writeFile(t, "seats,team,plan,20"))
			}
			_, _, err := runProgram(t, environment(server), nil, args...)
			require.ErrorIs(t, err, chargebee.ErrAPIAuthorizationFailed, name)
			require.ErrorContains(t, err, "reading the site: ", name)
			require.Empty(t, posts(t, server), name)
		}
	}
}

func TestReadsAreMadeWithinTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, _, err := runProgram(t, noEnvironment, nil, "plan", "-rate", "60", writeFile(t, "seats,solo,plan,1"))
		require.NoError(t, err)
		require.InDelta(t, 60*time.Second/57, time.Since(start), float64(time.Millisecond)) // two requests
	})
}
