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
	"github.com/typedbee/chargebee-go/internal/form"
)

// Each benchmark runs the library and, beside it, the same call byHand. The
// ratio of the two is what means something on any machine: .ci/benchmark writes
// it into the README.

const (
	standardRoot = "https://acme-test.chargebee.com/api/v2"

	activatedInFull = `{"portal_session":{"id":"portal_1","token":"tok_answer","access_url":"https://acme-test.chargebeeportal.com/portal/access/tok",` +
		`"status":"activated","created_at":1790000000,"expires_at":1790003600,"object":"portal_session","customer_id":"cus_1",` +
		`"linked_customers":[{"object":"linked_customer","customer_id":"cus_1","email":"zoe@example.com","has_billing_address":true,"has_payment_method":true,"has_active_subscription":true}]}}`

	notFound = `{"message":"portal_1 not found","type":"invalid_request","api_error_code":"resource_not_found","param":"portal_session_id"}`
)

func BenchmarkActivatePortalSession(b *testing.B) {
	compare(b, activating(b, answering(http.StatusOK, activatedInFull), standardRoot))
}

func BenchmarkRefusal(b *testing.B) {
	both := activating(b, answering(http.StatusNotFound, notFound), standardRoot)
	compare(b, pair{
		library: func(ctx context.Context) error {
			return wanted(errors.Is(both.library(ctx), chargebee.ErrResourceNotFound))
		},
		byHand: func(ctx context.Context) error {
			var refusal *byHandError
			return wanted(errors.As(both.byHand(ctx), &refusal) && refusal.Code == "resource_not_found")
		},
	})
}

func BenchmarkUpsertItemEntitlements(b *testing.B) {
	for _, entries := range []int{1, 100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("entries=%d", entries), func(b *testing.B) {
			compare(b, upserting(b, entries))
		})
	}
}

func BenchmarkEncoder(b *testing.B) {
	for _, entries := range []int{1, 100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("entries=%d", entries), func(b *testing.B) {
			compare(b, encoding(b, entries))
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
				_, _ = io.WriteString(w, activatedInFull)
			}))
			server.EnableHTTP2 = major == 2
			server.StartTLS()
			defer server.Close()
			transport := chargebee.NewTransport()
			transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
			defer transport.CloseIdleConnections()
			both := activating(b, transport, server.URL+"/api/v2")
			openConnections(b, both.byHand)
			b.Run("impl=library", func(b *testing.B) { byAllCallers(b, both.library) })
			b.Run("impl=by_hand", func(b *testing.B) { byAllCallers(b, both.byHand) })
		})
	}
}

// Allocations, unlike times, are the same on every machine.
func TestACallAllocatesLittleMoreThanByHand(t *testing.T) {
	for name, both := range map[string]pair{
		"an activation":     activating(t, answering(http.StatusOK, activatedInFull), standardRoot),
		"a hundred entries": upserting(t, 100),
	} {
		t.Run(name, func(t *testing.T) {
			allocations := func(call func(context.Context) error) float64 {
				return testing.AllocsPerRun(100, func() { require.NoError(t, call(t.Context())) })
			}
			require.LessOrEqual(t, allocations(both.library), 1.2*allocations(both.byHand))
		})
	}
}

// pair is a call, and the same call by hand.
type pair struct{ library, byHand func(context.Context) error }

func activating(tb testing.TB, transport http.RoundTripper, root string) pair {
	tb.Helper()
	client, hand := bothClients(tb, transport, root)
	return pair{
		library: func(ctx context.Context) error {
			activated, err := client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: "tok_secret"})
			if err != nil {
				return err
			}
			return wanted(activated.PortalSession.CustomerID == "cus_1")
		},
		byHand: func(ctx context.Context) error {
			session, err := hand.activate(ctx, "portal_1", "tok_secret")
			if err != nil {
				return err
			}
			return wanted(session.CustomerID == "cus_1")
		},
	}
}

func upserting(tb testing.TB, entries int) pair {
	tb.Helper()
	params, answer := entitlements(entries)
	client, hand := bothClients(tb, answering(http.StatusOK, answer), standardRoot)
	return pair{
		library: func(ctx context.Context) error {
			changed, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", params)
			if err != nil {
				return err
			}
			return wanted(len(changed.ItemEntitlements) == entries)
		},
		byHand: func(ctx context.Context) error {
			changed, err := hand.upsert(ctx, "seats", params)
			if err != nil {
				return err
			}
			return wanted(len(changed) == entries)
		},
	}
}

func encoding(tb testing.TB, entries int) pair {
	tb.Helper()
	params, _ := entitlements(entries)
	encode := func() []byte {
		encoder := form.Encoder{Refuse: func(name, problem string) { tb.Error(name, problem) }, OnValue: func(string, string) {}}
		encoder.AddParams(params)
		return encoder.Encoded
	}
	length := len(encodeByHand(params))
	require.Equal(tb, string(encodeByHand(params)), string(encode()))
	return pair{
		library: func(context.Context) error { return wanted(len(encode()) == length) },
		byHand:  func(context.Context) error { return wanted(len(encodeByHand(params)) == length) },
	}
}

func wanted(ok bool) error {
	if !ok {
		return errors.New("not what was wanted")
	}
	return nil
}

func bothClients(tb testing.TB, transport http.RoundTripper, root string) (*chargebee.Client, byHand) {
	tb.Helper()
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(root), chargebee.WithHTTPClient(&http.Client{Transport: transport}),
		chargebee.WithHeaders(chargebee.Headers{OriginIP: "203.0.113.7", OriginDevice: "Android"}))
	require.NoError(tb, err)
	return client, byHand{&http.Client{Transport: transport}, root}
}

// entitlements are the parameters of a call, and its answer.
func entitlements(entries int) (params chargebee.UpsertOrRemoveItemEntitlementsParams, answer string) {
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

// answering is a transport that reads every request and answers at once.
func answering(status int, body string) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
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
	b.Run("impl=library", func(b *testing.B) { oneCaller(b, both.library) })
	b.Run("impl=by_hand", func(b *testing.B) { oneCaller(b, both.byHand) })
}

func oneCaller(b *testing.B, call func(context.Context) error) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if err := call(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

const callers = 64

// openConnections keeps the handshakes out of what is measured.
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

func byAllCallers(b *testing.B, call func(context.Context) error) {
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
