package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// TestMain lets the tests run the program as a separate process.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_ENTITLEMENTS") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// newServer returns a site with two quantities, a switch and items.
func newServer(t *testing.T, opts ...chargebeetest.Option) *chargebeetest.Server {
	t.Helper()
	server := chargebeetest.NewServer(opts...)
	t.Cleanup(server.Close)
	levels := []chargebeetest.Level{{Value: "1"}, {Value: "5"}, {Value: "20"}, {Unlimited: true}}
	for _, f := range []chargebeetest.Feature{
		{ID: "seats", Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity, Levels: levels},
		{ID: "projects", Name: "Projects", Unit: "project", Type: chargebeetest.FeatureTypeQuantity, Levels: levels},
		{ID: "sso", Name: "SSO", Type: chargebeetest.FeatureTypeSwitch},
	} {
		require.NoError(t, server.AddFeature(f))
	}
	for id, itemType := range map[string]chargebee.ItemType{
		"team": chargebee.ItemTypePlan, "solo": chargebee.ItemTypePlan, "old": chargebee.ItemTypePlan, "extra": chargebee.ItemTypeAddon,
	} {
		require.NoError(t, server.AddItem(chargebeetest.Item{ID: id, Type: itemType}))
	}
	return server
}

// setEntitlement changes an entitlement of a plan, as another program would.
func setEntitlement(t *testing.T, server *chargebeetest.Server, action chargebee.Action, feature, plan, value string) {
	t.Helper()
	client, err := server.NewClient()
	require.NoError(t, err)
	_, err = client.Entitlements.ManageEntitlements(context.WithoutCancel(t.Context()), chargebee.ManageEntitlementsParams{
		Action:       action,
		Entitlements: []chargebee.EntitlementParams{{FeatureID: feature, EntityID: plan, EntityType: chargebee.EntityTypePlan, Value: value}},
	})
	require.NoError(t, err)
}

// valuesOf returns the entitlements to a feature as lines, in the order of creation.
func valuesOf(server *chargebeetest.Server, feature string) []string {
	lines := []string{}
	for _, e := range server.Entitlements(feature) {
		lines = append(lines, e.EntityID+" "+e.Value)
	}
	return lines
}

// posts returns the bodies of the changes that the server received, decoded.
func posts(t *testing.T, server *chargebeetest.Server) []string {
	t.Helper()
	var bodies []string
	for _, r := range server.Requests() {
		if r.Method == "POST" {
			bodies = append(bodies, r.Form.Encode())
		}
	}
	return bodies
}

// testRun is a run against a server, which may be in a bubble.
type testRun struct {
	server   *chargebeetest.Server
	settings settings
	options  []chargebee.ClientOption
	out, err bytes.Buffer
}

func newTestRun(server *chargebeetest.Server) *testRun {
	return &testRun{server: server, settings: settings{command: commandApply, batch: 100, concurrency: 2, yes: true}}
}

// apply applies lines, which the header precedes.
func (r *testRun) apply(ctx context.Context, t *testing.T, lines ...string) error {
	t.Helper()
	client, err := r.server.NewClient(append(options(ctx, r.settings.rate), r.options...)...)
	require.NoError(t, err)
	catalog, err := parseCatalog([]byte(header + strings.Join(lines, "\n") + "\n"))
	require.NoError(t, err)
	return apply(ctx, streams{strings.NewReader(""), &r.out, &r.err, false}, r.settings, newAPI("acme-test", client, r.settings.itemEntitlements), catalog)
}

// environment returns the environment for the site of a server.
func environment(server *chargebeetest.Server) func(string) string {
	return func(name string) string {
		return map[string]string{
			"CHARGEBEE_SITE":     server.Site,
			"CHARGEBEE_API_KEY":  server.APIKey,
			"CHARGEBEE_BASE_URL": server.URL,
		}[name]
	}
}

func noEnvironment(string) string { return "" }

// writeFile writes a file with the header and lines.
func writeFile(t *testing.T, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "catalog.csv")
	require.NoError(t, os.WriteFile(name, []byte(header+strings.Join(lines, "\n")+"\n"), 0o600))
	return name
}

// runProgram runs the program in this process, without a rate limit unless args set one.
func runProgram(t *testing.T, getenv func(string) string, stdin io.Reader, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	if len(args) > 0 {
		args = append([]string{args[0], "-rate", "0"}, args[1:]...)
	}
	err = run(t.Context(), streams{stdin, &out, &errs, false}, args, getenv)
	return out.String(), errs.String(), err
}
