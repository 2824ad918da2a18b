// Package parity_test records which parameters and attributes Chargebee's own SDKs have for the operations of this
// library, in testdata/vendors.json. To record them again, run this in the top folder:
//
//	npm ci --prefix examples/emulator/node && go test -C comparison ./parity -update
package parity_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	vendorsFile = "../../testdata/vendors.json"
	nodeFolder  = "../../examples/emulator/node/node_modules/chargebee"
)

var update = flag.Bool("update", false, "write "+vendorsFile)

// sdk describes one of Chargebee's SDKs.
type sdk struct {
	Version    string                  `json:"version"`
	Operations map[string]sdkOperation `json:"operations"`
	Error      map[string]string       `json:"error"` // attributes of an error, and their types
}

// sdkOperation describes the method of an SDK for an operation.
type sdkOperation struct {
	Method   string            `json:"method"`
	Request  string            `json:"request"`  // method and path of what it sends
	Params   map[string]string `json:"params"`   // what it sends, and the types of the fields
	Response map[string]string `json:"response"` // attributes that it decodes, and the types of the fields
}

func TestRecordedFactsAreThoseOfTheSDKs(t *testing.T) {
	current := map[string]sdk{"v3": inspectV3(t), "v4": inspectV4(t), "node": inspectNode(t)}
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	require.NoError(t, encoder.Encode(current))
	if *update {
		require.NoError(t, os.WriteFile(vendorsFile, encoded.Bytes(), 0o600))
	}
	recorded, err := os.ReadFile(vendorsFile)
	require.NoError(t, err)
	require.Equal(t, string(recorded), encoded.String(), "record the facts again with -update")
}

func TestInspectionFindsTheParametersAndAttributesOfEachSDK(t *testing.T) {
	v3, v4, node := inspectV3(t).Operations, inspectV4(t).Operations, inspectNode(t).Operations

	require.Equal(t, sdkOperation{
		Method: "portalsession.Create", Request: "POST /api/v2/portal_sessions",
		Params:   map[string]string{"customer[id]": "string", "forward_url": "string", "redirect_url": "string"},
		Response: v3["RetrievePortalSession"].Response,
	}, v3["CreatePortalSession"])
	require.Equal(t, "enum created logged_in logged_out not_yet_activated activated",
		v3["CreatePortalSession"].Response["portal_session.status"])
	require.Equal(t, map[string]string{"list": "interface {}"}, v3["UpsertOrRemoveItemEntitlements"].Response)
	require.Equal(t, "*bool", v3["ListItemEntitlements"].Params["include_drafts"])

	require.Equal(t, sdkOperation{
		Method: "ItemEntitlement.AddItemEntitlements", Request: "POST /api/v2/features/{id}/item_entitlements",
		Params: map[string]string{
			"action": "enum upsert remove", "item_entitlements[item_id]": "string",
			"item_entitlements[item_type]": "enum plan addon charge subscription item", "item_entitlements[value]": "string",
		},
		Response: map[string]string{
			"list[].item_entitlement.id": "string", "list[].item_entitlement.item_id": "string",
			"list[].item_entitlement.item_type":  "enum plan addon charge subscription item",
			"list[].item_entitlement.feature_id": "string", "list[].item_entitlement.feature_name": "string",
			"list[].item_entitlement.value": "string", "list[].item_entitlement.name": "string", "list[].item_entitlement.object": "string",
		},
	}, v4["UpsertOrRemoveItemEntitlements"])
	require.Equal(t, "interface {}", v4["ListFeatures"].Params["status[is]"])
	require.NotContains(t, v4["RetrieveFeature"].Response, "feature.metered")

	require.Equal(t, "boolean", node["RetrieveFeature"].Response["feature.metered"])
	require.Equal(t, "any", node["ListFeatures"].Params["status[is]"])
}

// inspectNode needs Node.js, and the client in nodeFolder.
func inspectNode(t *testing.T) sdk {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "node", "node.mjs", nodeFolder).Output()
	require.NoError(t, err, "after npm ci --prefix examples/emulator/node?")
	var node sdk
	require.NoError(t, json.Unmarshal(output, &node))
	return node
}
