package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// send sends a request with the API key to the root of the emulator. A body is a form, or JSON for the control paths.
func send(t *testing.T, env map[string]string, method, path, body string) (*http.Response, string) {
	t.Helper()
	req := newRequest(t, env, method, path, body)
	req.SetBasicAuth(env["CHARGEBEE_API_KEY"], "")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(content)
}

func newRequest(t *testing.T, env map[string]string, method, path, body string) *http.Request {
	t.Helper()
	root := strings.TrimSuffix(env["CHARGEBEE_BASE_URL"], "/api/v2")
	req, err := http.NewRequestWithContext(t.Context(), method, root+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

func TestHealthNeedsNoKey(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t))
	resp, err := http.DefaultClient.Do(newRequest(t, env, "GET", "/health", ""))
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode)
	require.JSONEq(t, `{"status": "ok"}`, string(body))
}

func TestCheckFindsARunningEmulator(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"-tls"}} {
		env := parseVariables(t, startEmulator(t, args...))
		base, err := url.Parse(env["CHARGEBEE_BASE_URL"])
		require.NoError(t, err)
		require.NoError(t, run(t.Context(), append(args, "-check", "-addr", base.Host), noEnvironment, io.Discard, io.Discard))
		require.NoError(t, run(t.Context(), append(args, "-check", "-addr", ":"+base.Port()), noEnvironment, io.Discard, io.Discard))
	}
	env := parseVariables(t, startEmulator(t))
	base, err := url.Parse(env["CHARGEBEE_BASE_URL"])
	require.NoError(t, err)
	require.ErrorContains(t, runInvalid(t, "-check", "-tls", "-addr", base.Host), "first record does not look like a TLS handshake")
	require.ErrorContains(t, runInvalid(t, "-check", "-addr", "127.0.0.1:1"), "connection refused")
}

func TestCheckFailsIfAnotherServerHasTheAddress(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "<html>", `{"status": "starting"}`, strings.Repeat("a", 1<<20)} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		t.Cleanup(other.Close)
		err := runInvalid(t, "-check", "-addr", other.Listener.Addr().String())
		require.EqualError(t, err, other.URL+"/health is not that of an emulator")
	}
}

func TestControlPathsNeedTheKey(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t))
	for _, authorize := range []func(*http.Request){
		func(*http.Request) {},
		func(r *http.Request) { r.SetBasicAuth("", "") },
		func(r *http.Request) { r.SetBasicAuth("test_another", "") },
		func(r *http.Request) { r.SetBasicAuth(env["CHARGEBEE_API_KEY"], "password") },
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+env["CHARGEBEE_API_KEY"]) },
	} {
		for _, call := range []string{
			"GET /emulator/state", "POST /emulator/reset", "GET /emulator/requests", "DELETE /emulator/requests",
			"POST /emulator/faults", "DELETE /emulator/faults", "POST /emulator/portal_sessions", "GET /emulator/", "GET /emulator/unknown",
		} {
			method, path, _ := strings.Cut(call, " ")
			req := newRequest(t, env, method, path, `{}`)
			authorize(req)
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, 401, resp.StatusCode, call)
			require.JSONEq(t, `{"message": "the user name must be the API key, and the password empty"}`, string(body))
			require.Empty(t, resp.Header.Get("WWW-Authenticate")) // keeps browsers from storing the key
		}
	}
}

func TestUnknownControlPathsAreNotFound(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t))
	for _, call := range []string{"GET /emulator/", "GET /emulator/fault", "PUT /emulator/faults", "GET /emulator/reset"} {
		method, path, _ := strings.Cut(call, " ")
		resp, body := send(t, env, method, path, "")
		require.Equal(t, 404, resp.StatusCode, call)
		require.JSONEq(t, `{"message": "there is no `+call+`"}`, body)
	}
	resp, body := send(t, env, "GET", "/emulator", "") // is not below the control path
	require.Equal(t, 501, resp.StatusCode, body)
}

func TestFaultsCanBeQueuedAndCleared(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t))
	resp, body := send(t, env, "POST", "/emulator/faults", `{"route": "/features/{feature-id}", "status": 503, "count": 2}`)
	require.Equal(t, 200, resp.StatusCode)
	require.JSONEq(t, `{"queued": 2}`, body)
	_, body = send(t, env, "POST", "/emulator/faults", `[{"status": 429, "header": {"Retry-After": "1"}, "body": "{}"}, {"cut": "after"}]`)
	require.JSONEq(t, `{"queued": 2}`, body)

	resp, _ = send(t, env, "GET", "/api/v2/features/seats", "")
	require.Equal(t, 503, resp.StatusCode)
	resp, body = send(t, env, "GET", "/api/v2/features", "")
	require.Equal(t, 429, resp.StatusCode)
	require.Equal(t, "1", resp.Header.Get("Retry-After"))
	require.Equal(t, "{}", body)
	_, body = send(t, env, "DELETE", "/emulator/faults", "")
	require.JSONEq(t, `{"unused": 2}`, body)
	resp, _ = send(t, env, "GET", "/api/v2/features/seats", "")
	require.Equal(t, 200, resp.StatusCode)

	for message, content := range map[string]string{
		"there is no JSON value":                        "",
		"status: 42 must be from 200 to 999":            `{"status": 42}`,
		`cut: \"x\" must be before, after or body`:      `[{"status": 503}, {"cut": "x"}]`,
		"json: cannot unmarshal string into Go struct ": `{"status": "503"}`,
	} {
		resp, body = send(t, env, "POST", "/emulator/faults", content)
		require.Equal(t, 400, resp.StatusCode)
		require.Contains(t, body, message)
	}
	_, body = send(t, env, "DELETE", "/emulator/faults", "")
	require.JSONEq(t, `{"unused": 0}`, body)
}

// The connection of the emulator is cut, and the replay is marked in lower case, as on those of chargebeetest.
func TestCutResponseIsReplayed(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t, "-fault", "cut=after"))
	form := "action=upsert&entitlements[feature_id][0]=sso&entitlements[entity_id][0]=team&entitlements[value][0]=available"
	req := newRequest(t, env, "POST", "/api/v2/entitlements", form)
	req.SetBasicAuth(env["CHARGEBEE_API_KEY"], "")
	req.Header.Set("chargebee-idempotency-key", "key-1")
	req.GetBody = nil // keeps net/http from sending the request again
	_, err := http.DefaultClient.Do(req)
	require.ErrorContains(t, err, "EOF")

	req.Body = io.NopCloser(strings.NewReader(form))
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, "true", resp.Header.Get("chargebee-idempotency-replayed"))
}

func TestRequestsAreLoggedWithoutCredentials(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t))
	before := time.Now()
	send(t, env, "GET", "/api/v2/features?limit=1", "")
	send(t, env, "POST", "/api/v2/entitlements", "action=remove")
	send(t, env, "GET", "/portal/login", "")
	_, err := http.DefaultClient.Do(newRequest(t, env, "POST", "/api/v2/entitlements", "action=remove"))
	require.NoError(t, err)
	resp, body := send(t, env, "GET", "/emulator/requests", "")
	require.Equal(t, 200, resp.StatusCode)
	require.NotContains(t, body, env["CHARGEBEE_API_KEY"])
	require.NotContains(t, body, "Basic ")
	var log struct{ Requests []loggedRequest }
	require.NoError(t, json.Unmarshal([]byte(body), &log))
	require.Len(t, log.Requests, 3)
	require.Equal(t, "GET", log.Requests[0].Method)
	require.Equal(t, "/api/v2/features", log.Requests[0].Path)
	require.Equal(t, url.Values{"limit": {"1"}}, log.Requests[0].Query)
	require.Equal(t, "POST", log.Requests[1].Method)
	require.Equal(t, url.Values{"action": {"remove"}}, log.Requests[1].Form)
	require.Equal(t, []string{"application/x-www-form-urlencoded"}, log.Requests[1].Header["Content-Type"])
	require.WithinRange(t, log.Requests[1].Time, before, time.Now())
	require.Nil(t, log.Requests[2].Form) // the request has no key

	send(t, env, "DELETE", "/emulator/requests", "")
	_, body = send(t, env, "GET", "/emulator/requests", "")
	require.JSONEq(t, `{"requests": []}`, body)
}

func TestResetReturnsToTheSeed(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t, "-rate-limit", "3", "-seed", writeSeed(t, `{
		"features": [{"id": "sso", "type": "switch"}],
		"entitlements": [{"entity_id": "solo", "entity_type": "plan", "feature_id": "sso", "value": "true"}]
	}`)))
	form := "action=upsert&entitlements[feature_id][0]=sso&entitlements[entity_id][0]=team&entitlements[value][0]=true"
	for range 3 {
		resp, body := send(t, env, "POST", "/api/v2/entitlements", form)
		require.Equal(t, 200, resp.StatusCode, body)
	}
	_, body := send(t, env, "GET", "/emulator/state", "")
	require.Contains(t, body, `"entity_id":"team"`)
	send(t, env, "POST", "/emulator/faults", `{"status": 503}`)
	resp, body := send(t, env, "POST", "/emulator/reset", "")
	require.Equal(t, 200, resp.StatusCode)
	require.NotContains(t, body, "team")
	_, state := send(t, env, "GET", "/emulator/state", "")
	require.Equal(t, body, state)

	_, body = send(t, env, "GET", "/emulator/requests", "")
	require.JSONEq(t, `{"requests": []}`, body)
	resp, body = send(t, env, "GET", "/api/v2/entitlements", "") // with neither a fault nor a limit that is reached
	require.Equal(t, 200, resp.StatusCode)
	require.Contains(t, body, `"entity_id":"solo"`)
	require.NotContains(t, body, `"entity_id":"team"`)
}

func TestResetAcceptsASeed(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t))
	resp, body := send(t, env, "POST", "/emulator/reset", `{"features": [{"id": "calls", "type": "switch"}]}`)
	require.Equal(t, 200, resp.StatusCode)
	require.JSONEq(t, `{"features": [{"id": "calls", "type": "switch"}], "items": [], "customers": [], "entitlements": [], "item_entitlements": []}`, body)
	for message, seed := range map[string]string{
		`json: unknown field \"plans\"`: `{"plans": []}`,
		`is of the unknown type`:        `{"features": [{"id": "f", "type": "x"}]}`,
	} {
		resp, body = send(t, env, "POST", "/emulator/reset", seed)
		require.Equal(t, 400, resp.StatusCode)
		require.Contains(t, body, message)
	}
	resp, _ = send(t, env, "GET", "/api/v2/features/calls", "") // an invalid seed changes nothing
	require.Equal(t, 200, resp.StatusCode)
	resp, _ = send(t, env, "POST", "/emulator/reset", "")
	require.Equal(t, 200, resp.StatusCode)
	resp, _ = send(t, env, "GET", "/api/v2/features/"+env["FEATURE_ID"], "")
	require.Equal(t, 200, resp.StatusCode)
}

func TestPortalSessionsCanBeCreatedWithoutABrowser(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t))
	resp, body := send(t, env, "POST", "/emulator/portal_sessions", `{"customer_id": "max"}`)
	require.Equal(t, 200, resp.StatusCode)
	var login struct{ ID, Token string }
	require.NoError(t, json.Unmarshal([]byte(body), &login))
	status, body := post(t, env, "/portal_sessions/"+login.ID+"/activate", url.Values{"token": {login.Token}})
	require.Equal(t, 200, status)
	require.Contains(t, body, `"customer_id":"max"`)
	for _, content := range []string{"", "{}", `{"customer": "max"}`, `{"customer_id": "` + strings.Repeat("a", 51) + `"}`} {
		resp, _ = send(t, env, "POST", "/emulator/portal_sessions", content)
		require.Equal(t, 400, resp.StatusCode, content)
	}
}

func TestControlBodyIsLimited(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t))
	resp, body := send(t, env, "POST", "/emulator/reset", strings.Repeat(" ", maxControlBody+1))
	require.Equal(t, 400, resp.StatusCode)
	require.JSONEq(t, `{"message": "http: request body too large"}`, body)
	req := newRequest(t, env, "POST", "/emulator/reset", strings.Repeat(" ", maxControlBody+1))
	resp, err := http.DefaultClient.Do(req) // without the key, the body is not read
	if err == nil {
		require.Equal(t, 401, resp.StatusCode)
		require.NoError(t, resp.Body.Close())
	}
}

func TestRequestInProgressEndsAtTheSiteBeforeAReset(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t, "-fault", "work=300ms"))
	form := "action=upsert&entitlements[feature_id][0]=sso&entitlements[entity_id][0]=team&entitlements[value][0]=true"
	req := newRequest(t, env, "POST", "/api/v2/entitlements", form)
	req.SetBasicAuth(env["CHARGEBEE_API_KEY"], "")
	status := make(chan int)
	go func() { status <- statusOf(req) }()
	require.Eventually(t, func() bool {
		_, body := send(t, env, "GET", "/emulator/requests", "")
		return strings.Contains(body, "/api/v2/entitlements")
	}, 5*time.Second, time.Millisecond)
	send(t, env, "POST", "/emulator/reset", "")
	require.Equal(t, 200, <-status)
	_, body := send(t, env, "GET", "/emulator/state", "")
	require.Contains(t, body, `"entitlements":[]`)
}

// statusOf sends a request and returns the status of the response, or 0 if there is none.
func statusOf(req *http.Request) int {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestResetsUnderLoadLeaveACompleteSeed(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t))
	client, err := chargebee.NewClient(env["CHARGEBEE_SITE"], env["CHARGEBEE_API_KEY"], chargebee.WithBaseURL(env["CHARGEBEE_BASE_URL"]))
	require.NoError(t, err)
	const rounds = 50
	var clients, resets sync.WaitGroup
	errs := make(chan error, 4*rounds)
	for range 4 {
		clients.Go(func() {
			for range rounds {
				_, err := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "calls", chargebee.UpsertOrRemoveItemEntitlementsParams{
					Action:           chargebee.ActionUpsert,
					ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "onboarding", Value: "1000"}},
				})
				errs <- err
			}
		})
	}
	for range 2 {
		req := newRequest(t, env, "POST", "/emulator/reset", "")
		req.SetBasicAuth(env["CHARGEBEE_API_KEY"], "")
		resets.Go(func() {
			for range rounds {
				if status := statusOf(req.Clone(t.Context())); status != 200 {
					t.Error("a reset failed with the status ", status)
				}
			}
		})
	}
	clients.Wait()
	resets.Wait()
	close(errs)
	for err := range errs { // each request met a site with the whole seed
		require.NoError(t, err)
	}
}
