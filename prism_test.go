package chargebee_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// startPrism starts Stoplight Prism as a server that validates requests against the contract, and responds with made-up
// resources.
func startPrism(t *testing.T) *chargebee.Client {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs Node.js")
	}
	const prism = "testdata/prism/node_modules/@stoplight/prism-cli/dist/index.js"
	if _, err := os.Stat(prism); err != nil {
		t.Skip("needs Prism: npm ci --prefix testdata/prism")
	}
	ctx, cancel := context.WithCancel(t.Context())
	command := exec.CommandContext(ctx, node, prism, "mock", "--errors", "--host", "127.0.0.1", "--port", "0", "testdata/contract.json")
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		cancel()
		_ = command.Wait() // it was killed
	})
	listening := regexp.MustCompile(`listening on (http://127\.0\.0\.1:\d+)`)
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if match := listening.FindStringSubmatch(lines.Text()); match != nil {
			go func() {
				for lines.Scan() { // so that Prism does not wait for a reader
				}
			}()
			client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(match[1]), noRetries)
			require.NoError(t, err)
			return client
		}
	}
	t.Fatal("Prism does not listen")
	return nil
}

// requireAccepted accepts that the library rejects a made-up resource, whose id is "string": the request was valid.
func requireAccepted(t *testing.T, name string, err error) {
	t.Helper()
	var decodeErr *chargebee.DecodeError
	if errors.As(err, &decodeErr) {
		require.Contains(t, []string{
			"portal_session.id is that of another session", "portal_session.customer_id is that of another customer", "feature.id is not that of the request",
		}, decodeErr.Err.Error(), name)
		return
	}
	var apiErr *chargebee.APIError
	if errors.As(err, &apiErr) {
		require.NoError(t, err, "%s: %s", name, apiErr.Header.Get("sl-violations"))
	}
	require.NoError(t, err, name)
}

func TestPrismAcceptsEveryRequest(t *testing.T) {
	t.Parallel()
	client := startPrism(t)
	allHeaders := chargebee.WithHeaders(chargebee.Headers{
		OriginDevice: "Android", OriginUser: "zoë@exämple.com", OriginIP: "203.0.113.7", BusinessEntityID: "acme-eu",
		EventActions: chargebee.EventAllDisabled, EventEmail: chargebee.EventAllDisabled, EventWebhook: chargebee.EventAllDisabled,
	})
	for name, op := range operations() {
		_, _, err := op.call(t.Context(), client, allHeaders)
		requireAccepted(t, name, err)
	}
	for name, err := range least(t.Context(), client) {
		requireAccepted(t, name, err)
	}
	var entries []chargebee.EntitlementParams
	for i := range 100 {
		entries = append(entries, chargebee.EntitlementParams{EntityID: "größe & " + strconv.Itoa(i), FeatureID: "seats", ApplyGrandfathering: i%2 == 0})
	}
	_, err := manage(t.Context(), client, entries...)
	requireAccepted(t, "a hundred entries, with holes", err)
	for name, params := range map[string]chargebee.ListFeaturesParams{
		"one filter":  {ID: chargebee.StringFilter{StartsWith: "größe & "}},
		"a list":      {Name: chargebee.StringFilter{In: []string{`a "quoted" name`, "b, c"}}},
		"an enum":     {Status: chargebee.FeatureStatusFilter{NotIn: []chargebee.FeatureStatus{chargebee.FeatureStatusDraft}}},
		"a last page": {Limit: 1, Offset: `["1771176208000","96000000006"]`},
	} {
		_, err := client.Features.ListFeatures(t.Context(), params)
		requireAccepted(t, name, err)
	}

	for violation, req := range map[string]chargebee.Request{
		"action must be equal to one of the allowed values":    {Method: http.MethodPost, Path: "/entitlements", Params: url.Values{"action": {"destroy"}}},
		"limit must be <= 100":                                 {Method: http.MethodGet, Path: "/features", Params: url.Values{"limit": {"101"}}},
		"Request body must have required property 'token'":     {Method: http.MethodPost, Path: "/portal_sessions/{id}/activate", PathValues: []string{"portal_1"}, Params: url.Values{"secret": {"x"}}},
		"status.is must be equal to one of the allowed values": {Method: http.MethodGet, Path: "/features", Params: url.Values{"status[is]": {"gone"}}},
		"feature_id.in must match pattern":                     {Method: http.MethodGet, Path: "/entitlements", Params: url.Values{"feature_id[in]": {"seats"}}},
	} {
		_, err := client.Do(t.Context(), req, nil)
		var apiErr *chargebee.APIError
		require.ErrorAs(t, err, &apiErr, violation)
		require.Contains(t, strings.ReplaceAll(apiErr.Header.Get("sl-violations"), `\"`, `"`), violation)
	}
}
