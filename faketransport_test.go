package chargebee_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

const (
	activatedJSON = `{"portal_session":{"id":"portal_1","status":"activated","customer_id":"cus_1"}}`
	emptyListJSON = `{"list":[]}`
)

// noRetries is for tests that look at a single attempt.
var noRetries = chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1})

// fakeTransport gives each request to the next of its responders, and all further
// requests to the last one. It opens no socket and records what was sent.
type fakeTransport struct {
	responders []httpmock.Responder

	mu       sync.Mutex
	requests []sentRequest
}

type sentRequest struct {
	*http.Request
	body string
	at   time.Time
}

func newFakeTransport(responders ...httpmock.Responder) *fakeTransport {
	return &fakeTransport{responders: responders}
}

func (f *fakeTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	responder := f.responders[min(len(f.requests), len(f.responders)-1)]
	f.requests = append(f.requests, sentRequest{req, string(body), time.Now()})
	f.mu.Unlock()
	return responder(req)
}

// onlyRequest returns the request that was sent, and fails the test unless there was exactly one.
func (f *fakeTransport) onlyRequest(t *testing.T) sentRequest {
	t.Helper()
	require.Len(t, f.requests, 1)
	return f.requests[0]
}

// waits returns the times between the requests.
func (f *fakeTransport) waits() []time.Duration {
	var waits []time.Duration
	for i := 1; i < len(f.requests); i++ {
		waits = append(waits, f.requests[i].at.Sub(f.requests[i-1].at))
	}
	return waits
}

// newClient returns a client for acme-test that sends through transport. Its other
// settings are the library's defaults.
func newClient(t *testing.T, transport http.RoundTripper, opts ...chargebee.ClientOption) *chargebee.Client {
	t.Helper()
	opts = append([]chargebee.ClientOption{chargebee.WithHTTPClient(&http.Client{Transport: transport})}, opts...)
	client, err := chargebee.NewClient("acme-test", "test_key", opts...)
	require.NoError(t, err)
	return client
}

// respond returns a responder; header is a list of names and values.
func respond(status int, body string, header ...string) httpmock.Responder {
	return func(*http.Request) (*http.Response, error) {
		resp := httpmock.NewStringResponse(status, body)
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	}
}

// respondCutOff responds with a body that the connection ends before its end.
func respondCutOff(status int, body string) httpmock.Responder {
	return respondBody(status, io.MultiReader(strings.NewReader(body), brokenReader{io.ErrUnexpectedEOF}))
}

func respondBody(status int, body io.Reader) httpmock.Responder {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(body)}, nil
	}
}

// brokenReader fails every read.
type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

// failWith responds with an error of the transport.
func failWith(err error) httpmock.Responder {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// stall does not respond until the attempt ends.
func stall(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, context.Cause(req.Context())
}

// stallInBody responds at once, but its body does not arrive until the attempt ends.
func stallInBody(status int) httpmock.Responder {
	return func(req *http.Request) (*http.Response, error) {
		return respondBody(status, stalledReader{req.Context()})(req)
	}
}

type stalledReader struct{ ctx context.Context }

func (r stalledReader) Read([]byte) (int, error) {
	<-r.ctx.Done()
	return 0, errors.New("the connection was closed")
}

func activate(ctx context.Context, client *chargebee.Client, opts ...chargebee.CallOption) (*chargebee.PortalSessionResponse, error) {
	return client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: "tok_secret"}, opts...)
}

func upsert(ctx context.Context, client *chargebee.Client, entries ...chargebee.ItemEntitlementParams) (*chargebee.UpsertOrRemoveItemEntitlementsResponse, error) {
	return client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats",
		chargebee.UpsertOrRemoveItemEntitlementsParams{Action: chargebee.ActionUpsert, ItemEntitlements: entries})
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }
