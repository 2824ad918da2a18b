package chargebee_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// Each benchmark runs the library and, beside it, the same call of the baseline. The
// ratio of the two means something on any machine: .ci/benchmark writes it into the
// README.

const (
	apiRoot = "https://acme-test.chargebee.com/api/v2"

	fullSessionJSON = `{"portal_session":{"id":"portal_1","token":"tok_answer","access_url":"https://acme-test.chargebeeportal.com/portal/access/tok",` +
		`"status":"activated","created_at":1790000000,"expires_at":1790003600,"object":"portal_session","customer_id":"cus_1",` +
		`"linked_customers":[{"object":"linked_customer","customer_id":"cus_1","email":"zoe@example.com","has_billing_address":true,"has_payment_method":true,"has_active_subscription":true}]}}`

	notFoundJSON = `{"message":"portal_1 not found","type":"invalid_request","api_error_code":"resource_not_found","param":"portal_session_id"}`
)

func BenchmarkActivatePortalSession(b *testing.B) {
	compare(b, activateBoth(b, fixedTransport(http.StatusOK, fullSessionJSON), apiRoot))
}

func BenchmarkCreatePortalSession(b *testing.B) { compare(b, createBoth(b)) }

func BenchmarkLogoutPortalSession(b *testing.B) { compare(b, logoutBoth(b)) }

func BenchmarkManageEntitlements(b *testing.B) {
	for _, entries := range []int{1, 100, 1_000} {
		b.Run(fmt.Sprintf("entries=%d", entries), func(b *testing.B) {
			compare(b, manageBoth(b, entries))
		})
	}
}

func BenchmarkAPIError(b *testing.B) {
	both := activateBoth(b, fixedTransport(http.StatusNotFound, notFoundJSON), apiRoot)
	compare(b, pair{
		library: func(ctx context.Context) error {
			return check(errors.Is(both.library(ctx), chargebee.ErrResourceNotFound))
		},
		baseline: func(ctx context.Context) error {
			var apiErr *baselineError
			return check(errors.As(both.baseline(ctx), &apiErr) && apiErr.Code == "resource_not_found")
		},
	})
}

func BenchmarkUpsertItemEntitlements(b *testing.B) {
	for _, entries := range []int{1, 100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("entries=%d", entries), func(b *testing.B) {
			compare(b, upsertBoth(b, entries))
		})
	}
}

func BenchmarkConcurrentCallers(b *testing.B) {
	for _, major := range []int{1, 2} {
		b.Run(fmt.Sprintf("http=%d", major), func(b *testing.B) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.Copy(io.Discard, r.Body); err != nil || r.ProtoMajor != major {
					b.Error(r.Proto, err)
				}
				_, _ = io.WriteString(w, fullSessionJSON)
			}))
			server.EnableHTTP2 = major == 2
			server.StartTLS()
			defer server.Close()
			transport := chargebee.NewTransport()
			transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
			defer transport.CloseIdleConnections()
			both := activateBoth(b, transport, server.URL+"/api/v2")
			openConnections(b, both.baseline)
			b.Run("impl=library", func(b *testing.B) { runConcurrently(b, both.library) })
			b.Run("impl=baseline", func(b *testing.B) { runConcurrently(b, both.baseline) })
		})
	}
}

// Allocations, unlike times, are the same on every machine.
func TestCallsAllocateLittleMoreThanTheBaseline(t *testing.T) {
	for name, test := range map[string]struct {
		both  pair
		limit float64
	}{
		"an activation":      {activateBoth(t, fixedTransport(http.StatusOK, fullSessionJSON), apiRoot), 1.05},
		"a created session":  {createBoth(t), 1.05},
		"a logout":           {logoutBoth(t), 1.05},
		"one entry":          {upsertBoth(t, 1), 1.15},
		"one managed entry":  {manageBoth(t, 1), 1.15},
		"a hundred entries":  {upsertBoth(t, 100), 1.10},
		"a thousand entries": {upsertBoth(t, 1_000), 1},
	} {
		t.Run(name, func(t *testing.T) {
			allocations := func(call func(context.Context) error) float64 {
				return testing.AllocsPerRun(100, func() { require.NoError(t, call(t.Context())) })
			}
			require.LessOrEqual(t, allocations(test.both.library), test.limit*allocations(test.both.baseline))
		})
	}
}

func TestTheBaselineSendsTheSameBody(t *testing.T) {
	t.Parallel()
	var bodies []string
	transport := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		bodies = append(bodies, string(body))
		return nil, errors.Join(err, errors.ErrUnsupported)
	})
	params, _ := entitlements(100)
	client, base := bothClients(t, transport, apiRoot)
	_, err := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats", params, noRetries)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = base.upsert(t.Context(), "seats", params)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.Equal(t, bodies[0], bodies[1])

	_, err = client.PortalSessions.CreatePortalSession(t.Context(), createParams, noRetries)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = base.create(t.Context(), createParams)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.Equal(t, bodies[2], bodies[3])

	managed, _ := managedEntitlements(100)
	_, err = client.Entitlements.ManageEntitlements(t.Context(), managed, noRetries)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = base.manage(t.Context(), managed)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.Equal(t, bodies[4], bodies[5])
}

// pair is a call of the library and the same call of the baseline.
type pair struct{ library, baseline func(context.Context) error }

func activateBoth(tb testing.TB, transport http.RoundTripper, root string) pair {
	tb.Helper()
	client, base := bothClients(tb, transport, root)
	return pair{
		library: func(ctx context.Context) error {
			activated, err := client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: "tok_secret"})
			if err != nil {
				return err
			}
			return check(activated.PortalSession.CustomerID == "cus_1")
		},
		baseline: func(ctx context.Context) error {
			session, err := base.activate(ctx, "portal_1", "tok_secret")
			if err != nil {
				return err
			}
			return check(session.CustomerID == "cus_1")
		},
	}
}

var createParams = chargebee.CreatePortalSessionParams{
	CustomerID: "cus_1", RedirectURL: "https://app.example.com/account", ForwardURL: "https://app.example.com/billing",
}

func createBoth(tb testing.TB) pair {
	tb.Helper()
	client, base := bothClients(tb, fixedTransport(http.StatusOK, fullSessionJSON), apiRoot)
	return pair{
		library: func(ctx context.Context) error {
			created, err := client.PortalSessions.CreatePortalSession(ctx, createParams)
			if err != nil {
				return err
			}
			return check(created.PortalSession.AccessURL != "")
		},
		baseline: func(ctx context.Context) error {
			session, err := base.create(ctx, createParams)
			if err != nil {
				return err
			}
			return check(session.AccessURL != "")
		},
	}
}

func logoutBoth(tb testing.TB) pair {
	tb.Helper()
	client, base := bothClients(tb, fixedTransport(http.StatusOK, fullSessionJSON), apiRoot)
	return pair{
		library: func(ctx context.Context) error {
			loggedOut, err := client.PortalSessions.LogoutPortalSession(ctx, "portal_1")
			if err != nil {
				return err
			}
			return check(loggedOut.PortalSession.ID == "portal_1")
		},
		baseline: func(ctx context.Context) error {
			session, err := base.logout(ctx, "portal_1")
			if err != nil {
				return err
			}
			return check(session.ID == "portal_1")
		},
	}
}

func manageBoth(tb testing.TB, entries int) pair {
	tb.Helper()
	params, response := managedEntitlements(entries)
	client, base := bothClients(tb, fixedTransport(http.StatusOK, response), apiRoot)
	return pair{
		library: func(ctx context.Context) error {
			changed, err := client.Entitlements.ManageEntitlements(ctx, params)
			if err != nil {
				return err
			}
			return check(len(changed.Entitlements) == entries)
		},
		baseline: func(ctx context.Context) error {
			changed, err := base.manage(ctx, params)
			if err != nil {
				return err
			}
			return check(len(changed) == entries)
		},
	}
}

func upsertBoth(tb testing.TB, entries int) pair {
	tb.Helper()
	params, response := entitlements(entries)
	client, base := bothClients(tb, fixedTransport(http.StatusOK, response), apiRoot)
	return pair{
		library: func(ctx context.Context) error {
			changed, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", params)
			if err != nil {
				return err
			}
			return check(len(changed.ItemEntitlements) == entries)
		},
		baseline: func(ctx context.Context) error {
			changed, err := base.upsert(ctx, "seats", params)
			if err != nil {
				return err
			}
			return check(len(changed) == entries)
		},
	}
}

func check(ok bool) error {
	if !ok {
		return errors.New("unexpected result")
	}
	return nil
}

func bothClients(tb testing.TB, transport http.RoundTripper, root string) (*chargebee.Client, baseline) {
	tb.Helper()
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(root), chargebee.WithHTTPClient(&http.Client{Transport: transport}),
		chargebee.WithHeaders(chargebee.Headers{OriginIP: "203.0.113.7", OriginDevice: "Android"}))
	require.NoError(tb, err)
	return client, baseline{&http.Client{Transport: transport}, root}
}

// entitlements returns the parameters of a call and the body of its response.
func entitlements(entries int) (params chargebee.UpsertOrRemoveItemEntitlementsParams, response string) {
	params.Action = chargebee.ActionUpsert
	var list []string
	for i := range entries {
		entry := chargebee.ItemEntitlementParams{ItemID: fmt.Sprintf("plan-%05d", i), ItemType: chargebee.ItemTypePlan, Value: strconv.Itoa(i)}
		params.ItemEntitlements = append(params.ItemEntitlements, entry)
		list = append(list, fmt.Sprintf(`{"item_entitlement":{"id":"ent-%05d","item_id":%q,"item_type":"plan","feature_id":"seats",`+
			`"feature_name":"Seats","value":%q,"name":"%[3]s users","object":"item_entitlement"}}`, i, entry.ItemID, entry.Value))
	}
	return params, `{"list":[` + strings.Join(list, ",") + `]}`
}

func managedEntitlements(entries int) (params chargebee.ManageEntitlementsParams, response string) {
	params.Action = chargebee.ActionUpsert
	var list []string
	for i := range entries {
		entry := chargebee.EntitlementParams{EntityID: fmt.Sprintf("plan-%05d", i), EntityType: chargebee.EntityTypePlan, FeatureID: "seats", Value: strconv.Itoa(i)}
		params.Entitlements = append(params.Entitlements, entry)
		list = append(list, fmt.Sprintf(`{"entitlement":{"id":"ent-%05d","entity_id":%q,"entity_type":"plan","feature_id":"seats",`+
			`"feature_name":"Seats","value":%q,"name":"%[3]s users","object":"entitlement"}}`, i, entry.EntityID, entry.Value))
	}
	return params, `{"list":[` + strings.Join(list, ",") + `]}`
}

// fixedTransport reads every request and always returns the same response.
func fixedTransport(status int, body string) http.RoundTripper {
	return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
		return &http.Response{
			StatusCode: status,
			Header:     http.Header{"Content-Type": {"application/json"}},
			Body:       io.NopCloser(strings.NewReader(body)),
			Request:    req,
		}, nil
	})
}

func compare(b *testing.B, both pair) {
	b.Helper()
	b.Run("impl=library", func(b *testing.B) { runOnce(b, both.library) })
	b.Run("impl=baseline", func(b *testing.B) { runOnce(b, both.baseline) })
}

func runOnce(b *testing.B, call func(context.Context) error) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if err := call(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

const callers = 64

// openConnections opens the connections before the time is measured.
func openConnections(b *testing.B, call func(context.Context) error) {
	b.Helper()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range callers {
				if err := call(b.Context()); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func runConcurrently(b *testing.B, call func(context.Context) error) {
	b.Helper()
	b.ReportAllocs()
	b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := call(b.Context()); err != nil {
				b.Error(err)
			}
		}
	})
}
