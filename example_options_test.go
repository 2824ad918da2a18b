package chargebee_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// oneSeat holds the parameters of the calls below.
var oneSeat = chargebee.UpsertOrRemoveItemEntitlementsParams{
	Action:           chargebee.ActionUpsert,
	ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "solo", ItemType: chargebee.ItemTypePlan, Value: "1"}},
}

// newSite returns a seeded server and a client for it. opts are those of
// chargebee.NewClient.
func newSite(opts ...chargebee.ClientOption) (*chargebeetest.Server, *chargebee.Client) {
	server := seededServer()
	client, err := server.NewClient(opts...)
	if err != nil {
		log.Fatal(err)
	}
	return server, client
}

// A custom transport, here one that opens no socket. To use a proxy, pass an
// http.Transport with its Proxy field set.
func ExampleWithHTTPClient() {
	server := seededServer()
	defer server.Close()
	client, err := chargebee.NewClient("emulator-test", server.APIKey, chargebee.WithHTTPClient(&http.Client{Transport: server.Transport()}))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", oneSeat)
	fmt.Println(err)
	// Output:
	// <nil>
}

// printingTransport stands in for the transport of a tracing or metrics package.
type printingTransport struct{ next http.RoundTripper }

func (t printingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		fmt.Println(r.Method, resp.StatusCode)
	}
	return resp, err
}

func ExampleWithTransportWrapper() {
	server, client := newSite(chargebee.WithTransportWrapper(func(next http.RoundTripper) http.RoundTripper {
		return printingTransport{next}
	}))
	defer server.Close()
	_, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", oneSeat)
	fmt.Println(err)
	// Output:
	// POST 200
	// <nil>
}

func ExampleWithBaseURL() {
	for _, rawURL := range []string{
		"https://billing-gateway.example.com/chargebee/api/v2",
		"http://127.0.0.1:8080/api/v2", // a mock on this machine
		"http://mock:8080/api/v2",
	} {
		_, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(rawURL))
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// <nil>
	// chargebee: WithBaseURL must be https on this host; WithInsecureHTTP allows http
}

// For a mock in a compose network.
func ExampleWithInsecureHTTP() {
	_, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL("http://mock:8080/api/v2"), chargebee.WithInsecureHTTP())
	fmt.Println(err)
	// Output:
	// <nil>
}

func ExampleWithUserAgent() {
	server, client := newSite(chargebee.WithUserAgent("acme-billing/1.4"))
	defer server.Close()
	if _, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", oneSeat); err != nil {
		log.Fatal(err)
	}
	product, library, _ := strings.Cut(server.Requests()[0].Header.Get("User-Agent"), " ")
	library, _, _ = strings.Cut(library, "/")
	fmt.Println(product, library)
	// Output:
	// acme-billing/1.4 typedbee-chargebee-go
}

func ExampleWithLogger() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelWarn, // debug also logs each attempt
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{} // it differs in each run
			}
			return a
		},
	}))
	server, client := newSite(chargebee.WithLogger(logger))
	defer server.Close()
	_, _ = client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "no such feature", oneSeat)
	// Output:
	// level=WARN msg="chargebee call failed" method=POST route=/features/{feature-id}/item_entitlements attempts=1 status=404 outcome_unknown=false code=resource_not_found
}

// quota allows a fixed number of attempts. A program would use a *rate.Limiter of
// golang.org/x/time/rate instead.
type quota int

func (q *quota) Wait(context.Context) error {
	if *q == 0 {
		return errors.New("quota exhausted")
	}
	*q--
	return nil
}

func ExampleWithLimiter() {
	two := quota(2)
	server, client := newSite(chargebee.WithLimiter(&two))
	defer server.Close()
	for range 3 {
		_, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", oneSeat)
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// <nil>
	// chargebee: POST /features/{feature-id}/item_entitlements: not sent: limiter: quota exhausted
}

func ExampleWithObserver() {
	server, client := newSite(
		chargebee.WithRetry(chargebee.Retry{BaseDelay: 1}), // a nanosecond
		chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) {
			fmt.Println(a.Number, a.StatusCode, a.Code, a.Failure, a.RetryIn > 0)
		}))
	defer server.Close()
	server.Inject(
		chargebeetest.Fault{Status: 503, Body: `{"api_error_code":"internal_temporary_error"}`},
		chargebeetest.Fault{Cut: chargebeetest.CutBefore})
	_, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", oneSeat)
	fmt.Println(err)
	// Output:
	// 1 503 internal_temporary_error  true
	// 2 0  connection true
	// 3 200   false
	// <nil>
}

func ExampleWithHeaders() {
	server, client := newSite(chargebee.WithHeaders(chargebee.Headers{BusinessEntityID: "acme-eu", OriginDevice: "batch"})) // for every call
	defer server.Close()
	_, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", oneSeat,
		chargebee.WithHeaders(chargebee.Headers{OriginDevice: "Android"})) // for this one
	if err != nil {
		log.Fatal(err)
	}
	sent := server.Requests()[0].Header
	fmt.Println(sent.Get("chargebee-business-entity-id"), sent.Get("chargebee-request-origin-device"))
	// Output:
	// acme-eu Android
}

func ExampleContextWithHeaders() {
	server, client := newSite()
	defer server.Close()
	ctx := chargebee.ContextWithHeaders(context.Background(), chargebee.Headers{OriginUser: "zoe@example.com"}) // in a middleware
	if _, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", oneSeat); err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Requests()[0].Header.Get("chargebee-request-origin-user"))
	// Output:
	// zoe@example.com
}

func ExampleOriginFromRequest() {
	r := httptest.NewRequest(http.MethodGet, "/return", nil)
	r.RemoteAddr = "203.0.113.7:50123"
	r.Header.Set("User-Agent", "Mozilla/5.0 (Android 16)")
	r.Header.Set("X-Forwarded-For", "198.51.100.9") // any client can send it
	origin := chargebee.OriginFromRequest(r)
	fmt.Println(origin.OriginIP, origin.OriginDevice)
	// Output:
	// 203.0.113.7 Mozilla/5.0 (Android 16)
}

func ExampleWithHeader() {
	server, client := newSite(chargebee.WithHeader("X-Job", "job-17"))
	defer server.Close()
	if _, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", oneSeat); err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Requests()[0].Header.Get("X-Job"))
	// Output:
	// job-17
}

func ExampleWithAttemptTimeout() {
	server, client := newSite(chargebee.WithAttemptTimeout(time.Millisecond), chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1}))
	defer server.Close()
	server.Inject(chargebeetest.Fault{Delay: time.Hour})
	_, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", oneSeat)
	var transportErr *chargebee.TransportError
	if errors.As(err, &transportErr) {
		fmt.Println(errors.Is(err, context.DeadlineExceeded), transportErr.Err)
	}
	// Output:
	// true context deadline exceeded: attempt timeout
}

func ExampleWithIdempotencyKey() {
	server, client := newSite()
	defer server.Close()
	for range 2 { // the second may run on another machine, after a crash
		changed, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", oneSeat, chargebee.WithIdempotencyKey("job-17"))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(changed.IdempotencyKey, changed.IdempotencyReplayed)
	}
	// Output:
	// job-17 false
	// job-17 true
}

// A parameter that this version of the library does not know.
func ExampleWithParam() {
	server, client := newSite()
	defer server.Close()
	_, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", oneSeat, chargebee.WithParam("new_parameter", "é"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", server.Requests()[0].Body)
	// Output:
	// action=upsert&item_entitlements%5Bitem_id%5D%5B0%5D=solo&item_entitlements%5Bitem_type%5D%5B0%5D=plan&item_entitlements%5Bvalue%5D%5B0%5D=1&new_parameter=%C3%A9
}
