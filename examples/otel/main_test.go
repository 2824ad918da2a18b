package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func env(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestRunsOnEmulatorByDefault(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, env(nil), &out))
	text := out.String()
	require.True(t, strings.HasPrefix(text, "Site: the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site.\n"), text)
	require.Equal(t, 2, strings.Count(text, `"Name":"chargebee.portalSession.activate"`))
	require.Equal(t, 1, strings.Count(text, `"Name":"chargebee.itemEntitlement.addItemEntitlements"`))
	require.Equal(t, 1, strings.Count(text, `"Name":"sign in"`))
	require.Contains(t, text, `"Name":"chargebee.client.attempt.duration"`)
	require.Contains(t, text, `"Name":"http.client.request.duration"`)
}

func TestRealSiteCallsUseNonexistentIDs(t *testing.T) {
	t.Parallel()
	server := chargebeetest.NewServer()
	defer server.Close()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, env(map[string]string{
		"CHARGEBEE_SITE": server.Site, "CHARGEBEE_API_KEY": server.APIKey, "CHARGEBEE_BASE_URL": server.URL,
	}), &out))
	require.Len(t, server.Requests(), 2)
	require.Contains(t, out.String(), "Error response: chargebee: POST /portal_sessions/{portal-session-id}/activate: 404 resource_not_found: ")
	require.Contains(t, out.String(), "Error response: chargebee: POST /features/{feature-id}/item_entitlements: 404 resource_not_found: ")
	require.Contains(t, out.String(), `"Value":"resource_not_found"`)
}

func TestRealSiteRequiresSiteAndAPIKey(t *testing.T) {
	t.Parallel()
	for _, variables := range []map[string]string{
		{"CHARGEBEE_SITE": "acme-test"},
		{"CHARGEBEE_API_KEY": "key"},
		{"CHARGEBEE_BASE_URL": "http://127.0.0.1:1/api/v2"},
	} {
		err := run(t.Context(), nil, env(variables), io.Discard)
		require.EqualError(t, err, "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY")
	}
}

func TestPrintsSpansEvenIfCallsFail(t *testing.T) {
	t.Parallel()
	server := chargebeetest.NewServer()
	server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	err := run(ctx, nil, env(map[string]string{
		"CHARGEBEE_SITE": server.Site, "CHARGEBEE_API_KEY": server.APIKey, "CHARGEBEE_BASE_URL": server.URL,
	}), &out)
	require.ErrorIs(t, err, context.Canceled)
	require.Contains(t, out.String(), `"Name":"sign in"`)
	require.NotContains(t, out.String(), "Error response")
}

func TestArgumentsAreRejected(t *testing.T) {
	t.Parallel()
	for argument, message := range map[string]string{
		"acme-test": "unknown argument: acme-test",
		"-unknown":  "flag provided but not defined: -unknown",
	} {
		err := run(t.Context(), []string{argument}, env(nil), io.Discard)
		require.EqualError(t, err, message)
	}
}

func TestHelpPrintsUsage(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), []string{"-help"}, env(nil), &out)
	require.ErrorIs(t, err, flag.ErrHelp)
	require.Equal(t, "Usage of otel: no flags. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site.\n", out.String())
}
