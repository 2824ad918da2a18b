package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

func environment(site, apiKey, baseURL string) func(string) string {
	return func(name string) string {
		return map[string]string{"CHARGEBEE_SITE": site, "CHARGEBEE_API_KEY": apiKey, "CHARGEBEE_BASE_URL": baseURL}[name]
	}
}

func TestListsSpansAndMetrics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		require.NoError(t, run(t.Context(), nil, environment("", "", ""), &stdout, &stderr))
		backoff := regexp.MustCompile(`\b[2-5]\d\d(\.\d+)?ms +`) // 250 to 500 milliseconds
		require.Equal(t, `Site: the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site.

Spans of chargebee-otel-example:
SPAN                                             DURATION  STATUS  ATTRIBUTES
sign in                                          BACKOFF   Unset   
  chargebee.portalSession.activate               0s        Error   http.response.status_code=503 error.type=internal_temporary_error
  chargebee.portalSession.activate               0s        Unset   http.response.status_code=200 http.request.resend_count=1
  chargebee.itemEntitlement.addItemEntitlements  0s        Unset   http.response.status_code=200

Metrics of chargebee-otel-example:
METRIC                             COUNT  SUM        ATTRIBUTES
chargebee.client.attempt.duration  1      0.00000 s  chargebee.operation=activate http.response.status_code=200
chargebee.client.attempt.duration  1      0.00000 s  chargebee.operation=activate http.response.status_code=503 error.type=internal_temporary_error
chargebee.client.attempt.duration  1      0.00000 s  chargebee.operation=addItemEntitlements http.response.status_code=200
http.client.request.body.size      2      127 By     http.response.status_code=200
http.client.request.body.size      1      32 By      http.response.status_code=503
http.client.request.duration       2      0.00000 s  http.response.status_code=200
http.client.request.duration       1      0.00000 s  http.response.status_code=503
`, backoff.ReplaceAllString(stdout.String(), "BACKOFF   "))
		require.Empty(t, stderr.String())
	})
}

func TestJSONIsAloneOnStandardOutput(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-json"}, environment("", "", ""), &stdout, &stderr))
	require.Equal(t, "Site: the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site.\n", stderr.String())

	text := stdout.String()
	for line := range strings.Lines(text) {
		require.True(t, json.Valid([]byte(line)), line)
	}
	require.Equal(t, 2, strings.Count(text, `"Name":"chargebee.portalSession.activate"`))
	require.Equal(t, 1, strings.Count(text, `"Name":"chargebee.itemEntitlement.addItemEntitlements"`))
	require.Equal(t, 1, strings.Count(text, `"Name":"sign in"`))
	require.Contains(t, text, `"Name":"chargebee.client.attempt.duration"`)
	require.Contains(t, text, `"Name":"http.client.request.duration"`)
	require.Equal(t, 5, strings.Count(text, `{"Key":"service.name","Value":{"Type":"STRING","Value":"chargebee-otel-example"}}`)) // four spans, and the metrics
}

func TestServiceNameOfEnvironment(t *testing.T) {
	t.Setenv("OTEL_SERVICE_NAME", "checkout")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, environment("", "", ""), &out, io.Discard))
	require.Contains(t, out.String(), "\nSpans of checkout:\n")
	require.Contains(t, out.String(), "\nMetrics of checkout:\n")
}

func TestRealSiteCallsUseNonexistentIDs(t *testing.T) {
	t.Parallel()
	server := chargebeetest.NewServer()
	defer server.Close()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, environment(server.Site, server.APIKey, server.URL), &out, io.Discard))
	require.Len(t, server.Requests(), 2)
	require.Regexp(t, `^Site: emulator-test at 127\.0\.0\.1:\d+
Error response: chargebee: POST /portal_sessions/{portal-session-id}/activate: 404 resource_not_found: .*
Error response: chargebee: POST /features/{feature-id}/item_entitlements: 404 resource_not_found: .*

Spans of `, out.String())
	require.Equal(t, 2, strings.Count(out.String(), "Error   http.response.status_code=404 error.type=resource_not_found"))
}

func TestRealSiteNeedsSiteAndAPIKey(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), nil, environment("acme-test", "", ""), io.Discard, io.Discard)
	require.Equal(t, &program.UsageError{Reason: "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY"}, err)
}

func TestListsSpansEvenIfCallsFail(t *testing.T) {
	t.Parallel()
	server := chargebeetest.NewServer()
	server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	err := run(ctx, nil, environment(server.Site, server.APIKey, server.URL), &out, io.Discard)
	require.ErrorIs(t, err, context.Canceled)
	require.Regexp(t, `\nsign in +\d`, out.String())
	require.NotContains(t, out.String(), "Error response")
}

func TestInvalidArgumentsAreRejected(t *testing.T) {
	t.Parallel()
	for argument, reason := range map[string]string{
		"acme-test": "unknown argument: acme-test",
		"-unknown":  "flag provided but not defined: -unknown",
	} {
		err := run(t.Context(), []string{argument}, environment("", "", ""), io.Discard, io.Discard)
		require.Equal(t, &program.UsageError{Reason: reason}, err)
	}
}

func TestHelpPrintsUsage(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.Equal(t, flag.ErrHelp, run(t.Context(), []string{"-help"}, environment("", "", ""), &out, io.Discard))
	require.True(t, strings.HasPrefix(out.String(), `Otel records the calls of a client with OpenTelemetry, and lists the spans and
metrics. On a real site it only requests resources that do not exist, so it
changes nothing.

Examples:
  go run -C examples/otel .
  go run -C examples/otel . -json

`+program.Environment), out.String())
	require.Contains(t, out.String(), "\nFlags:\n  -json\n")
}
