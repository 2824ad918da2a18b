package chargebee_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// Each benchmark runs a call of the library, the same call of the baseline, and both in
// turn for the ratio of the two, which means something on any machine. .ci/benchmark
// writes the ratios into docs/speed.md, in the order and with the names of this file.

const (
	apiRoot = "https://acme-test.chargebee.com/api/v2"

	fullSessionJSON = `{"portal_session":{"id":"portal_1","token":"tok_answer","access_url":"https://acme-test.chargebeeportal.com/portal/access/tok",` +
		`"status":"activated","created_at":1790000000,"expires_at":1790003600,"object":"portal_session","customer_id":"cus_1",` +
		`"linked_customers":[{"object":"linked_customer","customer_id":"cus_1","email":"zoe@example.com","has_billing_address":true,"has_payment_method":true,"has_active_subscription":true}]}}`

	notFoundJSON    = `{"message":"portal_1 not found","type":"invalid_request","api_error_code":"resource_not_found","param":"portal_session_id"}`
	unavailableJSON = `{"message":"Try again later","type":"operation_failed","api_error_code":"internal_temporary_error"}`
)

// comparison is a call of the library and the same call of the baseline. Each returns a
// pointer to its result, or an error.
type comparison struct {
	name           string
	responses      []cannedResponse // in turn
	maxAllocations float64          // of the library, as a multiple of the baseline's; lists use go-querystring
	library        func(context.Context, *chargebee.Client) (any, error)
	baseline       func(context.Context, baseline) (any, error)
}

func comparisons() []comparison {
	list := []comparison{
		{
			"create a portal session", ok(fullSessionJSON), 1.10,
			func(ctx context.Context, client *chargebee.Client) (any, error) {
				return client.PortalSessions.CreatePortalSession(ctx, createParams())
			},
			func(ctx context.Context, base baseline) (any, error) { return base.createSession(ctx, createParams()) },
		},
		{
			"retrieve a portal session", ok(fullSessionJSON), 1.20,
			func(ctx context.Context, client *chargebee.Client) (any, error) {
				return client.PortalSessions.RetrievePortalSession(ctx, "portal_1")
			},
			func(ctx context.Context, base baseline) (any, error) { return base.retrieveSession(ctx, "portal_1") },
		},
		activateSession,
		{
			"log out a portal session", ok(fullSessionJSON), 1.15,
			func(ctx context.Context, client *chargebee.Client) (any, error) {
				return client.PortalSessions.LogoutPortalSession(ctx, "portal_1")
			},
			func(ctx context.Context, base baseline) (any, error) { return base.logoutSession(ctx, "portal_1") },
		},
		{
			"list 10 item entitlements", ok(itemEntitlementsJSON(10)), 1.35,
			func(ctx context.Context, client *chargebee.Client) (any, error) {
				return client.Features.ListItemEntitlements(ctx, "seats", chargebee.ListItemEntitlementsParams{Limit: 10})
			},
			func(ctx context.Context, base baseline) (any, error) {
				return base.listItemEntitlements(ctx, "seats", 10)
			},
		},
		{
			"retrieve a feature", ok(`{"feature":` + featureJSON + `}`), 1.25,
			func(ctx context.Context, client *chargebee.Client) (any, error) {
				return client.Features.RetrieveFeature(ctx, "seats")
			},
			func(ctx context.Context, base baseline) (any, error) { return base.retrieveFeature(ctx, "seats") },
		},
		{
			"list 10 features", ok(listJSON(10, "", func(int) string { return `{"feature":` + featureJSON + `}` })), 2.20,
			func(ctx context.Context, client *chargebee.Client) (any, error) {
				return client.Features.ListFeatures(ctx, chargebee.ListFeaturesParams{Limit: 10, Status: chargebee.FeatureStatusFilter{Is: "active"}})
			},
			func(ctx context.Context, base baseline) (any, error) { return base.listFeatures(ctx, "active", 10) },
		},
		{
			"list 10 entitlements", ok(entitlementsJSON(10, "")), 2.20,
			func(ctx context.Context, client *chargebee.Client) (any, error) {
				return client.Entitlements.ListEntitlements(ctx, listParams())
			},
			func(ctx context.Context, base baseline) (any, error) {
				return base.listEntitlements(ctx, "seats", 10, "")
			},
		},
	}
	for _, entries := range []int{1, 100, 1_000, 10_000} {
		list = append(list, upsertItemEntitlements(entries))
	}
	for _, entries := range []int{1, 100, 1_000, 10_000} {
		list = append(list, manageEntitlements(entries))
	}
	for _, pages := range []int{10, 1_000} {
		list = append(list, allEntitlements(pages))
	}
	return append(list, refusedActivation, retriedActivation)
}

var activateSession = comparison{
	"activate a portal session", ok(fullSessionJSON), 1.08,
	func(ctx context.Context, client *chargebee.Client) (any, error) { return activate(ctx, client) },
	func(ctx context.Context, base baseline) (any, error) {
		return base.activateSession(ctx, "portal_1", "tok_secret")
	},
}

var refusedActivation = comparison{
	"an activation that is refused", []cannedResponse{{http.StatusNotFound, notFoundJSON}}, 1.15,
	func(ctx context.Context, client *chargebee.Client) (any, error) {
		var apiErr *chargebee.APIError
		if _, err := activate(ctx, client); !errors.As(err, &apiErr) {
			return nil, fmt.Errorf("not an APIError: %w", err)
		}
		return &apiErr.Code, nil
	},
	func(ctx context.Context, base baseline) (any, error) {
		var apiErr *baselineError
		if _, err := base.activateSession(ctx, "portal_1", "tok_secret"); !errors.As(err, &apiErr) {
			return nil, fmt.Errorf("not an APIError: %w", err)
		}
		return &apiErr.Code, nil
	},
}

var retriedActivation = comparison{
	"an activation that is retried once", []cannedResponse{{http.StatusServiceUnavailable, unavailableJSON}, {http.StatusOK, fullSessionJSON}}, 1.03,
	func(ctx context.Context, client *chargebee.Client) (any, error) {
		return activate(ctx, client, chargebee.WithRetry(chargebee.Retry{BaseDelay: 1}))
	},
	func(ctx context.Context, base baseline) (any, error) {
		return base.activateSessionWithRetry(ctx, "portal_1", "tok_secret")
	},
}

func upsertItemEntitlements(entries int) comparison {
	params := chargebee.UpsertOrRemoveItemEntitlementsParams{Action: chargebee.ActionUpsert}
	for i := range entries {
		params.ItemEntitlements = append(params.ItemEntitlements,
			chargebee.ItemEntitlementParams{ItemID: fmt.Sprintf("plan-%05d", i), ItemType: chargebee.ItemTypePlan, Value: strconv.Itoa(i)})
	}
	return comparison{
		"upsert item entitlements: " + strconv.Itoa(entries), ok(itemEntitlementsJSON(entries)), maxEntryAllocations(entries),
		func(ctx context.Context, client *chargebee.Client) (any, error) {
			return client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", params)
		},
		func(ctx context.Context, base baseline) (any, error) {
			return base.upsertItemEntitlements(ctx, "seats", params)
		},
	}
}

func maxEntryAllocations(entries int) float64 {
	switch {
	case entries >= 1_000:
		return 0.90
	case entries >= 100:
		return 1.01
	}
	return 1.06
}

func manageEntitlements(entries int) comparison {
	params := chargebee.ManageEntitlementsParams{Action: chargebee.ActionUpsert}
	for i := range entries {
		params.Entitlements = append(params.Entitlements,
			chargebee.EntitlementParams{EntityID: fmt.Sprintf("plan-%05d", i), EntityType: chargebee.EntityTypePlan, FeatureID: "seats", Value: strconv.Itoa(i)})
	}
	return comparison{
		"manage entitlements: " + strconv.Itoa(entries), ok(entitlementsJSON(entries, "")), maxEntryAllocations(entries),
		func(ctx context.Context, client *chargebee.Client) (any, error) {
			return client.Entitlements.ManageEntitlements(ctx, params)
		},
		func(ctx context.Context, base baseline) (any, error) { return base.manageEntitlements(ctx, params) },
	}
}

// allEntitlements reads pages of ten entries, as Chargebee sends them by default.
func allEntitlements(pages int) comparison {
	var responses []cannedResponse
	for page := range pages - 1 {
		responses = append(responses, ok(entitlementsJSON(10, fmt.Sprintf(`["%d"]`, page)))...)
	}
	responses = append(responses, ok(entitlementsJSON(10, ""))...)
	return comparison{
		"all entitlements of " + strconv.Itoa(pages) + " pages", responses, 2.20,
		func(ctx context.Context, client *chargebee.Client) (any, error) {
			count := 0
			for _, err := range client.Entitlements.AllEntitlements(ctx, listParams()) {
				if err != nil {
					return nil, err
				}
				count++
			}
			return &count, nil
		},
		func(ctx context.Context, base baseline) (any, error) {
			count, err := base.countEntitlements(ctx, "seats", 10)
			return &count, err
		},
	}
}

func createParams() chargebee.CreatePortalSessionParams {
	return chargebee.CreatePortalSessionParams{
		CustomerID: "cus_1", RedirectURL: "https://app.example.com/account", ForwardURL: "https://app.example.com/billing",
	}
}

func listParams() chargebee.ListEntitlementsParams {
	return chargebee.ListEntitlementsParams{Limit: 10, FeatureID: chargebee.StringFilter{Is: "seats"}}
}

func itemEntitlementsJSON(entries int) string {
	return listJSON(entries, "", func(i int) string {
		return fmt.Sprintf(`{"item_entitlement":{"id":"ent-%05d","item_id":"plan-%05[1]d","item_type":"plan","feature_id":"seats",`+
			`"feature_name":"Seats","value":"%[1]d","name":"%[1]d users","object":"item_entitlement"}}`, i)
	})
}

func entitlementsJSON(entries int, nextOffset string) string {
	return listJSON(entries, nextOffset, func(i int) string {
		return fmt.Sprintf(`{"entitlement":{"id":"ent-%05d","entity_id":"plan-%05[1]d","entity_type":"plan","feature_id":"seats",`+
			`"feature_name":"Seats","value":"%[1]d","name":"%[1]d users","object":"entitlement"}}`, i)
	})
}

func listJSON(entries int, nextOffset string, entry func(int) string) string {
	var list []string
	for i := range entries {
		list = append(list, entry(i))
	}
	if nextOffset != "" {
		nextOffset = fmt.Sprintf(`,"next_offset":%q`, nextOffset)
	}
	return `{"list":[` + strings.Join(list, ",") + `]` + nextOffset + `}`
}

type cannedResponse struct {
	status int
	body   string
}

func ok(body string) []cannedResponse { return []cannedResponse{{http.StatusOK, body}} }

// cannedTransport reads every request, and responds from memory.
func cannedTransport(responses []cannedResponse) http.RoundTripper {
	next := 0
	return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
		resp := responses[next]
		next = (next + 1) % len(responses)
		return &http.Response{
			StatusCode:    resp.status,
			Header:        http.Header{"Content-Type": {"application/json"}},
			Body:          io.NopCloser(strings.NewReader(resp.body)),
			ContentLength: int64(len(resp.body)),
			Request:       req,
		}, nil
	})
}

// calls returns the two calls, each with a client on transport.
func (c comparison) calls(tb testing.TB, transport http.RoundTripper, root string) (library, base func(context.Context) (any, error)) {
	tb.Helper()
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(root), chargebee.WithHTTPClient(&http.Client{Transport: transport}),
		chargebee.WithHeaders(chargebee.Headers{OriginIP: "203.0.113.7", OriginDevice: "Android"}))
	require.NoError(tb, err)
	byHand := newBaseline(transport, root)
	library = func(ctx context.Context) (any, error) { return c.library(ctx, client) }
	base = func(ctx context.Context) (any, error) { return c.baseline(ctx, byHand) }
	return library, base
}

func BenchmarkCalls(b *testing.B) {
	for _, comparison := range comparisons() {
		b.Run(comparison.name, func(b *testing.B) {
			library, base := comparison.calls(b, cannedTransport(comparison.responses), apiRoot)
			b.Run("impl=library", func(b *testing.B) { runSequentially(b, library) })
			b.Run("impl=baseline", func(b *testing.B) { runSequentially(b, base) })
			b.Run("ratio", func(b *testing.B) { reportRatio(b, 1, library, base) })
		})
	}
}

func runSequentially(b *testing.B, call func(context.Context) (any, error)) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := call(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkConcurrentCallers(b *testing.B) {
	for _, version := range []string{"1.1", "2.0"} {
		for _, callers := range []int{64, 1_000} {
			b.Run(fmt.Sprintf("%d concurrent callers over TLS with HTTP %s", callers, version), func(b *testing.B) {
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, err := io.Copy(io.Discard, r.Body); err != nil || r.Proto != "HTTP/"+version {
						b.Error(r.Proto, err)
					}
					_, _ = io.WriteString(w, fullSessionJSON)
				}))
				server.TLS = &tls.Config{Certificates: []tls.Certificate{newCertificate(b)}}
				server.EnableHTTP2 = version == "2.0"
				server.StartTLS()
				defer server.Close()
				transport := chargebee.NewTransport()
				transport.TLSHandshakeTimeout = time.Minute // all callers connect at once
				transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
				defer transport.CloseIdleConnections()
				library, base := activateSession.calls(b, transport, server.URL+"/api/v2")
				callAll(b, callers, 10, base) // opens the connections before the time is measured
				b.Run("impl=library", func(b *testing.B) { runConcurrently(b, callers, library) })
				b.Run("impl=baseline", func(b *testing.B) { runConcurrently(b, callers, base) })
				b.Run("ratio", func(b *testing.B) { reportRatio(b, callers, library, base) })
			})
		}
	}
}

// newCertificate returns a certificate for loopback, with a faster key than that of httptest.
func newCertificate(tb testing.TB) tls.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour)}
	content, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(tb, err)
	return tls.Certificate{Certificate: [][]byte{content}, PrivateKey: key}
}

// reportRatio reports what the library takes as a multiple of the baseline. Both run in
// turn, for about half a millisecond each, because the speed of a machine changes with
// time. The ratio of the times is the median of all turns.
func reportRatio(b *testing.B, callers int, library, base func(context.Context) (any, error)) {
	b.Helper()
	calls := 1
	for callAll(b, callers, calls, base).elapsed < 500*time.Microsecond {
		calls *= 2
	}
	var times []float64
	var libraryAllocations, baseAllocations uint64
	for b.Loop() {
		var libraryTurn, baseTurn turn
		if len(times)%2 == 0 {
			libraryTurn, baseTurn = callAll(b, callers, calls, library), callAll(b, callers, calls, base)
		} else {
			baseTurn, libraryTurn = callAll(b, callers, calls, base), callAll(b, callers, calls, library)
		}
		times = append(times, float64(libraryTurn.elapsed)/float64(baseTurn.elapsed))
		libraryAllocations += libraryTurn.allocations
		baseAllocations += baseTurn.allocations
	}
	slices.Sort(times)
	b.ReportMetric(times[len(times)/2], "time-ratio")
	b.ReportMetric(float64(libraryAllocations)/float64(baseAllocations), "allocs-ratio")
}

// turn is what a number of calls took.
type turn struct {
	elapsed     time.Duration
	allocations uint64
}

// callAll makes calls of each of a number of concurrent callers.
func callAll(b *testing.B, callers, calls int, call func(context.Context) (any, error)) turn {
	b.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range calls {
				if _, err := call(b.Context()); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	return turn{elapsed, after.Mallocs - before.Mallocs}
}

func runConcurrently(b *testing.B, callers int, call func(context.Context) (any, error)) {
	b.Helper()
	b.ReportAllocs()
	b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := call(b.Context()); err != nil {
				b.Error(err)
			}
		}
	})
}

// Allocations, unlike times, are the same on every machine.
func TestCallsAllocateLittleMoreThanTheBaseline(t *testing.T) {
	for _, comparison := range comparisons() {
		t.Run(comparison.name, func(t *testing.T) {
			library, base := comparison.calls(t, cannedTransport(comparison.responses), apiRoot)
			allocations := func(call func(context.Context) (any, error)) float64 {
				return testing.AllocsPerRun(10, func() {
					_, err := call(t.Context())
					require.NoError(t, err)
				})
			}
			require.LessOrEqual(t, allocations(library), comparison.maxAllocations*allocations(base))
		})
	}
}

func TestTheBaselineSendsTheSameRequestsAndReturnsTheSameResult(t *testing.T) {
	t.Parallel()
	for _, comparison := range comparisons() {
		t.Run(comparison.name, func(t *testing.T) {
			t.Parallel()
			var sent []string
			transport := cannedTransport(comparison.responses)
			library, base := comparison.calls(t, roundTripperFunc(func(req *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(req.Body)
				require.NoError(t, err)
				sent = append(sent, fmt.Sprint(req.Method, req.URL, string(body), headersOf(req)))
				return transport.RoundTrip(req)
			}), apiRoot)
			var requests [2][]string
			var results [2]string
			for i, call := range []func(context.Context) (any, error){library, base} {
				sent = nil
				result, err := call(t.Context())
				require.NoError(t, err)
				encoded, err := json.Marshal(result)
				require.NoError(t, err)
				requests[i], results[i] = sent, string(encoded)
			}
			require.Len(t, requests[0], len(comparison.responses))
			require.Equal(t, requests[0], requests[1])
			require.JSONEq(t, results[0], results[1])
		})
	}
}

// headersOf returns the headers of a request without those that differ between clients.
func headersOf(req *http.Request) http.Header {
	header := req.Header.Clone()
	for _, name := range []string{"User-Agent", "Chargebee-Idempotency-Key"} {
		if header.Get(name) != "" {
			header.Set(name, "any")
		}
	}
	return header
}
