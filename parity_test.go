package chargebee_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/parity.md")

// vendorSDK is what testdata/vendors.json says about one of Chargebee's SDKs. The types are those of its fields.
type vendorSDK struct {
	Version    string                     `json:"version"`
	Operations map[string]vendorOperation `json:"operations"`
	Error      map[string]string          `json:"error"`
}

type vendorOperation struct {
	Method   string            `json:"method"`
	Request  string            `json:"request"`
	Params   map[string]string `json:"params"`
	Response map[string]string `json:"response"`
}

// TestParityPageIsGenerated compares all but the introduction, which is written by hand.
func TestParityPageIsGenerated(t *testing.T) {
	t.Parallel()
	const file, firstLine = "docs/parity.md", "\nThe versions are "
	vendors := readVendors(t)
	generated := parityPage{t, readContract(t), []vendorSDK{vendors["v3"], vendors["v4"], vendors["node"]}}.generate()
	introduction, rest, _ := strings.Cut(readFile(t, file), firstLine)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(introduction+generated), 0o600))
		return
	}
	require.Equal(t, firstLine+rest, generated, "generate it with: go test -run TestParityPageIsGenerated . -update")
}

func TestParityPageSaysWhatTheSDKsHave(t *testing.T) {
	t.Parallel()
	lines := strings.Split(readFile(t, "docs/parity.md"), "\n")
	for _, line := range []string{
		"The versions are v3.48.0, v4.1.0 and Node.js 3.33.0.",
		"| method | `Features.ListFeatures` | `feature.List` | `Feature.List` | `feature.list` |",
		"| `feature-id` in the path | `string` | yes | yes | yes |",
		"| `metered[is]` | `Metered *bool` | no | no | yes |",
		"| `status[in]` | `Status.In []FeatureStatus` | untyped | untyped | untyped |",
		"| `include_drafts`, undocumented | no | yes | no | yes |",
		"| `item_entitlements[item_type]` | `ItemEntitlements[].ItemType ItemType` | yes | yes | yes |",
		"| `list` in the response | `ItemEntitlements []ItemEntitlement` | untyped | yes | yes |",
		"| `linked_customers[].email` | `LinkedCustomers[].Email string` | yes | yes | yes |",
		"| `created_at` | `CreatedAt Timestamp` | number | number | number |",
		"| `cf_*`, undocumented | no | map | map | untyped |",
		"| `api_error_code` | `Code ErrorCode` | string | string | untyped |",
		"| `untyped` | `ErrTypeUntyped` | no | no | no |",
		"| `ubb_batch_ingestion_invalid_request`, undocumented | no | yes | yes | no |",
		"| `plan_price` | `EntityTypePlanPrice` | yes | yes | yes |",
	} {
		require.Contains(t, lines, line)
	}
}

func TestNodeClientHasTheRecordedFields(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs Node.js")
	}
	const client = "examples/emulator/node/node_modules/chargebee"
	if _, err := os.Stat(client); err != nil {
		t.Skip("needs Chargebee's client: npm ci --prefix examples/emulator/node")
	}
	output, err := exec.CommandContext(t.Context(), node, "comparison/parity/node.mjs", client).Output()
	require.NoError(t, err)
	var current vendorSDK
	require.NoError(t, json.Unmarshal(output, &current))
	require.Equal(t, readVendors(t)["node"], current, "record them with: go test -C comparison ./parity -update")
}

func readVendors(t *testing.T) map[string]vendorSDK {
	t.Helper()
	var vendors map[string]vendorSDK
	require.NoError(t, json.Unmarshal([]byte(readFile(t, "testdata/vendors.json")), &vendors))
	return vendors
}
