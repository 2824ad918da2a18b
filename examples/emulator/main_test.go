package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// startEmulator runs the emulator until the test ends and returns the lines it prints.
func startEmulator(t *testing.T, args ...string) []string {
	t.Helper()
	return startEmulatorWithStderr(t, noEnvironment, io.Discard, args...)
}

func startEmulatorWithStderr(t *testing.T, getenv func(string) string, stderr io.Writer, args ...string) []string {
	t.Helper()
	reader, writer := io.Pipe()
	ctx, interrupt := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		err := run(ctx, args, getenv, writer, stderr)
		_ = writer.CloseWithError(err)
		done <- err
	}()
	t.Cleanup(func() {
		interrupt()
		require.NoError(t, <-done)
	})
	var lines []string
	for scanner := bufio.NewScanner(reader); len(lines) < 9 && scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	require.Len(t, lines, 9)
	return lines
}

func noEnvironment(string) string { return "" }

// runInvalid runs the emulator with arguments that it rejects, and returns the error.
func runInvalid(t *testing.T, args ...string) error {
	t.Helper()
	var out strings.Builder
	err := run(t.Context(), args, noEnvironment, &out, &out)
	require.Error(t, err)
	require.Empty(t, out.String())
	return err
}

// parseVariables parses lines of the form NAME='VALUE', where no value contains a quote.
func parseVariables(t *testing.T, lines []string) map[string]string {
	t.Helper()
	variables := make(map[string]string)
	for _, line := range lines {
		name, quoted, _ := strings.Cut(line, "=")
		require.Regexp(t, "^'[^']*'$", quoted)
		variables[name] = strings.Trim(quoted, "'")
	}
	return variables
}

func writeSeed(t *testing.T, seed string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "site.json")
	require.NoError(t, os.WriteFile(file, []byte(seed), 0o600))
	return file
}

func post(t *testing.T, env map[string]string, path string, form url.Values) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, env["CHARGEBEE_BASE_URL"]+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(env["CHARGEBEE_API_KEY"], "")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestPrintedVariablesSufficeForCalls(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t))
	require.Equal(t, "emulator-test", env["CHARGEBEE_SITE"])
	require.Equal(t, "seats", env["FEATURE_ID"])
	require.Equal(t, "team", env["ITEM_ID"])
	require.Equal(t, "20", env["VALUE"])

	status, body := post(t, env, "/portal_sessions/"+env["SESSION_ID"]+"/activate", url.Values{"token": {env["SESSION_TOKEN"]}})
	require.Equal(t, 200, status, body)
	require.Contains(t, body, `"status":"activated"`)
	status, body = post(t, env, "/features/"+env["FEATURE_ID"]+"/item_entitlements", url.Values{
		"action": {"upsert"}, "item_entitlements[item_id][0]": {env["ITEM_ID"]}, "item_entitlements[value][0]": {env["VALUE"]},
	})
	require.Equal(t, 200, status, body)
	require.Contains(t, body, `"name":"20 seats"`)

	resp, err := http.Get(env["LOGIN_URL"] + "?return_url=https://app.example.com/return")
	require.NoError(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(page), `value="zoe"`)
	require.Contains(t, string(page), `value="max"`)
}

func TestShellCanReadPrintedVariables(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs a shell")
	}
	lines := startEmulator(t, "-seed", writeSeed(t, `{
		"features": [{"id": "it's $HOME \"", "type": "custom", "levels": [{"value": "a 'b' \\c"}]}],
		"items": [{"id": "größe;ls", "type": "plan"}]
	}`))
	file := filepath.Join(t.TempDir(), "env")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600))
	output, err := exec.CommandContext(t.Context(), shell, "-c", `. "$0" && printf '%s|' "$FEATURE_ID" "$ITEM_ID" "$VALUE" "$SESSION_ID" "$SESSION_TOKEN"`, file).CombinedOutput()
	require.NoError(t, err)
	require.Equal(t, `it's $HOME "|größe;ls|a 'b' \c|||`, string(output))
}

func TestSeedIsInTheJSONOfTheAPI(t *testing.T) {
	t.Parallel()
	const feature = `"id":"seats","name":"Seats","description":"for colleagues","status":"draft","type":"quantity","unit":"seat",` +
		`"resource_version":1790000000123,"created_at":1790000000,"updated_at":1790000001,"metered":false,` +
		`"levels":[{"name":"few","value":"5","level":0,"is_unlimited":false}]`
	env := parseVariables(t, startEmulator(t, "-seed", writeSeed(t, `{
		"features": [{`+feature+`, "object": "feature", "cf_owner": "zoe"}],
		"customers": [{"id": "zoe", "email": "zoë@exämple.com", "first_name": "Zoë", "billing_address": {"city": "Köln"}}]
	}`)))
	client, err := chargebee.NewClient(env["CHARGEBEE_SITE"], env["CHARGEBEE_API_KEY"], chargebee.WithBaseURL(env["CHARGEBEE_BASE_URL"]))
	require.NoError(t, err)
	retrieved, err := client.Features.RetrieveFeature(t.Context(), "seats")
	require.NoError(t, err)
	encoded, err := json.Marshal(retrieved.Feature)
	require.NoError(t, err)
	require.JSONEq(t, "{"+feature+"}", string(encoded))
	activated, err := client.PortalSessions.ActivatePortalSession(t.Context(), env["SESSION_ID"], chargebee.ActivatePortalSessionParams{Token: env["SESSION_TOKEN"]})
	require.NoError(t, err)
	require.Equal(t, []chargebee.LinkedCustomer{{CustomerID: "zoe", Email: "zoë@exämple.com"}}, activated.PortalSession.LinkedCustomers)
}

func TestPrintedValueIsValidForFeature(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ feature, value string }{
		"a switch":                 {`{"id": "f", "type": "switch"}`, "available"},
		"a custom feature":         {`{"id": "f", "type": "custom", "levels": [{"value": "gold"}]}`, "gold"},
		"a quantity":               {`{"id": "f", "type": "quantity", "levels": [{"value": "5"}, {"is_unlimited": true}]}`, "5"},
		"an unlimited quantity":    {`{"id": "f", "type": "quantity", "levels": [{"is_unlimited": true}]}`, "unlimited"},
		"a range":                  {`{"id": "f", "type": "range", "levels": [{"value": "5"}, {"value": "9"}]}`, "5"},
		"a feature without levels": {`{"id": "f", "type": "range"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := parseVariables(t, startEmulator(t, "-seed", writeSeed(t, `{"features": [`+test.feature+`], "items": [{"id": "i", "type": "plan"}]}`)))
			require.Equal(t, test.value, env["VALUE"])
			status, body := post(t, env, "/features/f/item_entitlements", url.Values{
				"action": {"upsert"}, "item_entitlements[item_id][0]": {"i"}, "item_entitlements[value][0]": {test.value},
			})
			require.Equal(t, 200, status, body)
		})
	}
}

func TestAddressInUseIsAnError(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t))
	inUse, err := url.Parse(env["CHARGEBEE_BASE_URL"])
	require.NoError(t, err)
	require.ErrorContains(t, runInvalid(t, "-addr", inUse.Host), "address already in use")
}

func TestChargebeeNodeClient(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs Node.js")
	}
	if _, err := os.Stat("node/node_modules/chargebee"); err != nil {
		t.Skip("needs Chargebee's client: npm ci --prefix examples/emulator/node")
	}
	command := exec.CommandContext(t.Context(), node, "client.mjs")
	command.Dir = "node"
	for name, value := range parseVariables(t, startEmulator(t)) {
		command.Env = append(command.Env, name+"="+value)
	}
	output, err := command.CombinedOutput()
	require.NoError(t, err, string(output))
	require.Equal(t, "all operations passed\n", string(output))
}
