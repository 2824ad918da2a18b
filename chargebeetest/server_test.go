package chargebeetest_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// newServer returns a server with the feature seats and the plans team and
// solo, and a client of it.
func newServer(t *testing.T, opts ...chargebeetest.Option) (*chargebeetest.Server, *chargebee.Client) {
	t.Helper()
	server := chargebeetest.NewServer(opts...)
	t.Cleanup(server.Close)
	require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: "seats", Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity}))
	require.NoError(t, server.AddItem(chargebeetest.Item{ID: "team", Type: chargebee.ItemTypePlan}))
	require.NoError(t, server.AddItem(chargebeetest.Item{ID: "solo", Type: chargebee.ItemTypePlan}))
	client, err := server.NewClient()
	require.NoError(t, err)
	return server, client
}

func change(t *testing.T, client *chargebee.Client, action chargebee.Action, entries ...chargebee.ItemEntitlementParams) ([]chargebee.ItemEntitlement, error) {
	t.Helper()
	resp, err := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats",
		chargebee.UpsertOrRemoveItemEntitlementsParams{Action: action, ItemEntitlements: entries})
	if err != nil {
		return nil, err
	}
	return resp.ItemEntitlements, nil
}

func activate(t *testing.T, client *chargebee.Client, login chargebee.PortalReturn) (*chargebee.ActivatePortalSessionResponse, error) {
	t.Helper()
	return client.PortalSessions.ActivatePortalSession(t.Context(), login.SessionID, chargebee.ActivatePortalSessionParams{Token: login.Token})
}

// requireRefused looks for the status, code and param of an API error.
func requireRefused(t *testing.T, err error, status int, code chargebee.ErrorCode, param string) {
	t.Helper()
	var apiErr *chargebee.APIError
	require.ErrorAs(t, err, &apiErr)
	require.Equal(t, status, apiErr.StatusCode)
	require.Equal(t, code, apiErr.Code)
	require.Equal(t, param, apiErr.Param)
	require.NotEmpty(t, apiErr.Message)
}

func TestASessionIsActivatedOnce(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	login := server.AddPortalSession("zoe")
	session, ok := server.PortalSession(login.SessionID)
	require.True(t, ok)
	require.Equal(t, chargebee.PortalSessionStatusNotYetActivated, session.Status)

	resp, err := activate(t, client, login)
	require.NoError(t, err)
	require.Equal(t, "zoe", resp.PortalSession.CustomerID)
	require.Equal(t, chargebee.PortalSessionStatusActivated, resp.PortalSession.Status)
	require.Equal(t, time.Hour, resp.PortalSession.ExpiresAt.Sub(resp.PortalSession.CreatedAt.Time))
	require.Contains(t, string(resp.Body), `"object":"portal_session"`)
	session, _ = server.PortalSession(login.SessionID)
	require.Equal(t, resp.PortalSession, session)

	_, err = activate(t, client, login)
	requireRefused(t, err, 409, chargebee.ErrInvalidStateForRequest, "")
	var apiErr *chargebee.APIError
	require.ErrorAs(t, err, &apiErr)
	require.False(t, apiErr.Retryable())
}

func TestASessionIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	server, client := newServer(t, chargebeetest.WithClock(func() time.Time { return now }))
	login := server.AddPortalSession("zoe")

	_, err := activate(t, client, chargebee.PortalReturn{SessionID: login.SessionID, Token: "forged"})
	requireRefused(t, err, 400, chargebee.ErrParamWrongValue, "token")
	_, err = activate(t, client, chargebee.PortalReturn{SessionID: "unknown", Token: login.Token})
	requireRefused(t, err, 404, chargebee.ErrResourceNotFound, "")
	_, known := server.PortalSession("unknown")
	require.False(t, known)
	_, err = client.Do(t.Context(), chargebee.Request{
		Method: http.MethodPost, Path: "/portal_sessions/{portal-session-id}/activate", PathValues: []string{login.SessionID},
	}, nil)
	requireRefused(t, err, 400, chargebee.ErrParamWrongValue, "token")

	now = now.Add(time.Hour)
	_, err = activate(t, client, login)
	requireRefused(t, err, 409, chargebee.ErrInvalidStateForRequest, "")
	now = now.Add(-time.Second)
	_, err = activate(t, client, login)
	require.NoError(t, err)
}

func TestEntitlementsAreUpsertedAndRemoved(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)

	list, err := change(t, client, chargebee.ActionUpsert,
		chargebee.ItemEntitlementParams{ItemID: "team", ItemType: chargebee.ItemTypePlan, Value: "20"},
		chargebee.ItemEntitlementParams{ItemID: "solo", Value: "1"})
	require.NoError(t, err)
	require.Len(t, list, 2)
	team, solo := list[0], list[1]
	require.Equal(t, chargebee.ItemEntitlement{
		ID: team.ID, ItemID: "team", ItemType: "plan", FeatureID: "seats", FeatureName: "Seats", Value: "20", Name: "20 seats",
	}, team)
	require.NotEqual(t, team.ID, solo.ID)
	require.Equal(t, list, server.ItemEntitlements("seats"))

	list, err = change(t, client, chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "team", Value: "50"})
	require.NoError(t, err)
	team.Value, team.Name = "50", "50 seats"
	require.Equal(t, []chargebee.ItemEntitlement{team}, list)
	require.Equal(t, []chargebee.ItemEntitlement{team, solo}, server.ItemEntitlements("seats"))

	list, err = change(t, client, chargebee.ActionRemove, chargebee.ItemEntitlementParams{ItemID: "team"})
	require.NoError(t, err)
	require.Equal(t, []chargebee.ItemEntitlement{team}, list)
	require.Equal(t, []chargebee.ItemEntitlement{solo}, server.ItemEntitlements("seats"))

	list, err = change(t, client, chargebee.ActionRemove, chargebee.ItemEntitlementParams{ItemID: "team"})
	require.NoError(t, err)
	require.Empty(t, list)
	list, err = change(t, client, chargebee.ActionUpsert)
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestAChangeIsRefusedWhole(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	_, err := change(t, client, chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "team", Value: "20"})
	require.NoError(t, err)
	before := server.ItemEntitlements("seats")

	_, err = change(t, client, chargebee.ActionUpsert,
		chargebee.ItemEntitlementParams{ItemID: "team", Value: "50"}, chargebee.ItemEntitlementParams{ItemID: "unknown"})
	requireRefused(t, err, 404, chargebee.ErrResourceNotFound, "item_entitlements[item_id][1]")
	_, err = change(t, client, chargebee.ActionRemove,
		chargebee.ItemEntitlementParams{ItemID: "team"}, chargebee.ItemEntitlementParams{ItemID: "solo", ItemType: "addon"})
	requireRefused(t, err, 400, chargebee.ErrParamWrongValue, "item_entitlements[item_type][1]")
	_, err = change(t, client, "replace", chargebee.ItemEntitlementParams{ItemID: "team"})
	requireRefused(t, err, 400, chargebee.ErrParamWrongValue, "action")
	require.Equal(t, before, server.ItemEntitlements("seats"))

	_, err = client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "unknown",
		chargebee.UpsertOrRemoveItemEntitlementsParams{Action: chargebee.ActionUpsert})
	requireRefused(t, err, 404, chargebee.ErrResourceNotFound, "")
	require.Empty(t, server.ItemEntitlements("unknown"))
}

func TestTenThousandEntriesAreOneChange(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	entries := make([]chargebee.ItemEntitlementParams, 10_000)
	for i := range entries {
		entries[i] = chargebee.ItemEntitlementParams{ItemID: fmt.Sprint("plan-", i), ItemType: chargebee.ItemTypePlan, Value: "20"}
		require.NoError(t, server.AddItem(chargebeetest.Item{ID: entries[i].ItemID, Type: chargebee.ItemTypePlan}))
	}
	list, err := change(t, client, chargebee.ActionUpsert, entries...)
	require.NoError(t, err)
	require.Len(t, list, 10_000)
	require.Equal(t, "plan-9999", list[9_999].ItemID)
	require.Len(t, server.ItemEntitlements("seats"), 10_000)
}

func TestTheChoicesOfTheEmulator(t *testing.T) {
	t.Parallel()
	_, client := newServer(t)
	list, err := change(t, client, chargebee.ActionUpsert,
		chargebee.ItemEntitlementParams{ItemID: "team", Value: "20"}, chargebee.ItemEntitlementParams{ItemID: "team", Value: "50"})
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "20", list[0].Value)
	require.Equal(t, "50", list[1].Value)
	list, err = change(t, client, chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "team"})
	require.NoError(t, err)
	require.Empty(t, list[0].Value)
}

func TestOptionsMayBeNil(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, nil, chargebeetest.WithClock(nil))
	_, err := activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
}

func TestRequestsAreKeptAsTheyArrived(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	server, client := newServer(t, chargebeetest.WithClock(func() time.Time { return noon }))
	require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: "a/b", Type: chargebeetest.FeatureTypeSwitch}))
	require.NoError(t, server.AddItem(chargebeetest.Item{ID: "größe", Type: chargebee.ItemTypeAddon}))
	_, err := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "a/b", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action: chargebee.ActionUpsert, ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "größe"}},
	}, chargebee.WithIdempotencyKey("key-1"))
	require.NoError(t, err)

	requests := server.Requests()
	require.Len(t, requests, 1)
	require.Equal(t, noon, requests[0].At)
	require.Equal(t, "POST", requests[0].Method)
	require.Equal(t, "/api/v2/features/a%2Fb/item_entitlements", requests[0].Path)
	require.Equal(t, "key-1", requests[0].Header.Get("chargebee-idempotency-key"))
	require.Equal(t, "größe", requests[0].Form.Get("item_entitlements[item_id][0]"))
	require.Equal(t, "action=upsert&item_entitlements%5Bitem_id%5D%5B0%5D=gr%C3%B6%C3%9Fe", string(requests[0].Body))
}

func TestRequestsAreTheCallersToChange(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	_, err := activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
	own := server.Requests()[0]
	own.Header.Set("Content-Type", "changed")
	own.Form["token"][0] = "changed"
	own.Body[0] = 'X'

	kept := server.Requests()[0]
	require.Equal(t, "application/x-www-form-urlencoded", kept.Header.Get("Content-Type"))
	require.NotEqual(t, "changed", kept.Form.Get("token"))
	require.Equal(t, "token="+kept.Form.Get("token"), string(kept.Body))
}

func TestTheServerListensWhereItIsTold(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:0", "0.0.0.0:0"} {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		require.NoError(t, err)
		_, port, err := net.SplitHostPort(listener.Addr().String())
		require.NoError(t, err)
		server, client := newServer(t, chargebeetest.WithListener(listener))
		require.Equal(t, "http://127.0.0.1:"+port+"/api/v2", server.URL)
		require.Equal(t, "http://127.0.0.1:"+port+"/portal/login", server.LoginURL)
		_, err = activate(t, client, server.AddPortalSession("zoe"))
		require.NoError(t, err)
	}
}

func TestAServerWithoutRequestsKeepsNone(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, chargebeetest.WithoutRequests())
	_, err := activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
	require.Empty(t, server.Requests())
}

func TestTheFormOfARequestIsNilIfItIsNone(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	for name, test := range map[string]struct {
		body io.Reader
		form bool
	}{
		"a form":          {strings.NewReader("action=upsert"), true},
		"no body":         {nil, true},
		"no form":         {strings.NewReader("action=%zz"), false},
		"a body too long": {endless("a", 9<<20), false},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/features/seats/item_entitlements", test.body)
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := server.Transport().RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		requests := server.Requests()
		require.Equal(t, test.form, requests[len(requests)-1].Form != nil, name)
	}
	_, err := activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
}

func TestAClosedServerCanBeClosedAgain(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	server.Close()
	server.Close()
	_, err := activate(t, client, server.AddPortalSession("zoe"))
	var transportErr *chargebee.TransportError
	require.ErrorAs(t, err, &transportErr)
}

func TestManyClientsAtOnce(t *testing.T) {
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
				if _, err := change(t, client, action, chargebee.ItemEntitlementParams{ItemID: "team", Value: "20"}); err != nil {
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

func TestEntitlementsAreListedInTheOrderInWhichTheyWereCreated(t *testing.T) {
	t.Parallel()
	server := chargebeetest.NewServer()
	t.Cleanup(server.Close)
	require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: "seats", Name: "Seats", Type: chargebeetest.FeatureTypeQuantity}))
	client, err := server.NewClient()
	require.NoError(t, err)
	var created []string
	for _, item := range []string{"m", "z", "a", "q", "b", "y", "c", "x"} {
		require.NoError(t, server.AddItem(chargebeetest.Item{ID: item, Type: chargebee.ItemTypePlan}))
		_, err := change(t, client, chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: item, Value: "1"})
		require.NoError(t, err)
		created = append(created, item)
	}
	_, err = change(t, client, chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "m", Value: "2"}) // keeps its place
	require.NoError(t, err)
	var listed []string
	for _, e := range server.ItemEntitlements("seats") {
		listed = append(listed, e.ItemID)
	}
	require.Equal(t, created, listed)
}
