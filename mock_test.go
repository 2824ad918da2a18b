package chargebee_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

const (
	activated = `{"portal_session":{"id":"portal_1","status":"activated","customer_id":"cus_1"}}`
	noneLeft  = `{"list":[]}`
)

// once is for the tests that look at one attempt.
var once = chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1})

// mock is a transport that answers everything alike, opens no socket, and
// keeps what was sent.
type mock struct {
	*httpmock.MockTransport
	sent []sent
}

type sent struct {
	*http.Request
	body string
}

func newMock(t *testing.T, status int, body string) *mock {
	t.Helper()
	return newMockFunc(t, httpmock.NewStringResponder(status, body))
}

func newMockFunc(t *testing.T, answer httpmock.Responder) *mock {
	t.Helper()
	m := &mock{MockTransport: httpmock.NewMockTransport()}
	m.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		m.sent = append(m.sent, sent{req, string(body)})
		return answer(req)
	})
	return m
}

// client tries once, as every client of these tests, unless opts say otherwise.
func (m *mock) client(t *testing.T, opts ...chargebee.ClientOption) *chargebee.Client {
	t.Helper()
	return newClient(t, m, opts...)
}

func newClient(t *testing.T, transport http.RoundTripper, opts ...chargebee.ClientOption) *chargebee.Client {
	t.Helper()
	opts = append([]chargebee.ClientOption{once, chargebee.WithHTTPClient(&http.Client{Transport: transport})}, opts...)
	client, err := chargebee.NewClient("acme-test", "test_key", opts...)
	require.NoError(t, err)
	return client
}

// only is the one request that was sent.
func (m *mock) only(t *testing.T) sent {
	t.Helper()
	require.Len(t, m.sent, 1)
	return m.sent[0]
}

func activate(t *testing.T, client *chargebee.Client, opts ...chargebee.CallOption) (*chargebee.ActivatePortalSessionResponse, error) {
	t.Helper()
	return client.PortalSessions.ActivatePortalSession(t.Context(), "portal_1",
		chargebee.ActivatePortalSessionParams{Token: "tok_secret"}, opts...)
}

func activateWith(ctx context.Context, client *chargebee.Client, opts ...chargebee.CallOption) error {
	_, err := client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: "tok_secret"}, opts...)
	return err
}

func upsert(t *testing.T, client *chargebee.Client, entries ...chargebee.ItemEntitlementParams) (*chargebee.UpsertOrRemoveItemEntitlementsResponse, error) {
	t.Helper()
	return client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats",
		chargebee.UpsertOrRemoveItemEntitlementsParams{Action: chargebee.ActionUpsert, ItemEntitlements: entries})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// limiterFunc is a limiter.
type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }
