package chargebeetest_test

import (
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

const (
	seatsPath = "/api/v2/features/seats/item_entitlements"
	seatsForm = "action=upsert" // a valid change without entries
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

type entry = chargebee.ItemEntitlementParams

// newServer returns a server with the feature seats and the plans team and solo,
// and a client that makes one attempt per call.
func newServer(t *testing.T, opts ...chargebeetest.Option) (*chargebeetest.Server, *chargebee.Client) {
	t.Helper()
	server := chargebeetest.NewServer(opts...)
	t.Cleanup(server.Close)
	addFeatures(t, server, chargebeetest.Feature{ID: "seats", Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity})
	addPlans(t, server, "team", "solo")
	client, err := server.NewClient(chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1}))
	require.NoError(t, err)
	return server, client
}

func addFeatures(t *testing.T, server *chargebeetest.Server, features ...chargebeetest.Feature) {
	t.Helper()
	for _, f := range features {
		require.NoError(t, server.AddFeature(f))
	}
}

func addPlans(t *testing.T, server *chargebeetest.Server, ids ...string) {
	t.Helper()
	for _, id := range ids {
		require.NoError(t, server.AddItem(chargebeetest.Item{ID: id, Type: chargebee.ItemTypePlan}))
	}
}

// change upserts or removes entitlements to a feature and returns the list of the response.
func change(t *testing.T, client *chargebee.Client, feature string, action chargebee.Action, entries ...entry) ([]chargebee.ItemEntitlement, error) {
	t.Helper()
	resp, err := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), feature,
		chargebee.UpsertOrRemoveItemEntitlementsParams{Action: action, ItemEntitlements: entries})
	if err != nil {
		return nil, err
	}
	return resp.ItemEntitlements, nil
}

// upsertSeats upserts the entitlement of the plan team to the feature seats.
func upsertSeats(ctx context.Context, client *chargebee.Client, value string, opts ...chargebee.CallOption) (*chargebee.UpsertOrRemoveItemEntitlementsResponse, error) {
	return client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action: chargebee.ActionUpsert, ItemEntitlements: []entry{{ItemID: "team", Value: value}},
	}, opts...)
}

// activate activates the portal session of a login.
func activate(t *testing.T, client *chargebee.Client, login chargebee.PortalReturn, opts ...chargebee.CallOption) (*chargebee.PortalSessionResponse, error) {
	t.Helper()
	return client.PortalSessions.ActivatePortalSession(t.Context(), login.SessionID,
		chargebee.ActivatePortalSessionParams{Token: login.Token}, opts...)
}

// serve calls the handler directly, with the API key and a form, and returns the
// recorded response. The header consists of names and values that override the
// default header. Only a strings.Reader has a Content-Length.
func serve(server *chargebeetest.Server, method, path string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, body)
	r.Header.Set("Authorization", basicAuth(server.APIKey+":"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	return w
}

func basicAuth(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// requireAPIError checks the status, code and param of an API error, and returns it.
func requireAPIError(t *testing.T, err error, status int, code chargebee.ErrorCode, param string) chargebee.APIError {
	t.Helper()
	var apiErr *chargebee.APIError
	require.ErrorAs(t, err, &apiErr)
	require.Equal(t, status, apiErr.StatusCode)
	require.Equal(t, code, apiErr.Code)
	require.Equal(t, param, apiErr.Param)
	require.NotEmpty(t, apiErr.Message)
	return *apiErr
}

func TestNilOptionsAreIgnored(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, nil, chargebeetest.WithClock(nil))
	_, err := activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
}

func TestServerOnAllInterfacesIsReachedOnLoopback(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "0.0.0.0:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	server, client := newServer(t, chargebeetest.WithListener(listener))
	require.Equal(t, "http://127.0.0.1:"+port+"/api/v2", server.URL)
	require.Equal(t, "http://127.0.0.1:"+port+"/portal/login", server.LoginURL)
	_, err = activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
}

func TestServerIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			login := server.AddPortalSession("zoe")
			if _, err := activate(t, client, login); err != nil {
				t.Error(err)
			}
			for _, action := range []chargebee.Action{chargebee.ActionUpsert, chargebee.ActionRemove} {
				if _, err := change(t, client, "seats", action, entry{ItemID: "team", Value: "20"}); err != nil {
					t.Error(err)
				}
			}
			server.ItemEntitlements("seats")
			server.PortalSession(login.SessionID)
			server.Requests()
		})
	}
	group.Wait()
	require.Len(t, server.Requests(), 48)
	require.Empty(t, server.ItemEntitlements("seats"))
}
