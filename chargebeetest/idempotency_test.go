package chargebeetest_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func upsertWith(ctx context.Context, client *chargebee.Client, value string, opts ...chargebee.CallOption) (*chargebee.UpsertOrRemoveItemEntitlementsResponse, error) {
	return client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action: chargebee.ActionUpsert, ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "team", Value: value}},
	}, opts...)
}

func TestTheSameCallUnderTheSameKeyIsReplayedForThirtyMinutes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	server, client := newServer(t, chargebeetest.WithClock(func() time.Time { return now }))
	key := chargebee.WithIdempotencyKey("key-1")

	first, err := upsertWith(t.Context(), client, "20", key)
	require.NoError(t, err)
	require.False(t, first.IdempotencyReplayed)
	_, err = upsertWith(t.Context(), client, "50")
	require.NoError(t, err)

	now = now.Add(30*time.Minute - 1)
	again, err := upsertWith(t.Context(), client, "20", key)
	require.NoError(t, err)
	require.True(t, again.IdempotencyReplayed)
	require.Equal(t, "true", again.Header.Get("chargebee-idempotency-replayed"))
	require.Equal(t, first.Body, again.Body)
	require.Equal(t, "50", server.ItemEntitlements("seats")[0].Value)

	now = now.Add(1)
	later, err := upsertWith(t.Context(), client, "20", key)
	require.NoError(t, err)
	require.False(t, later.IdempotencyReplayed)
	require.Equal(t, "20", server.ItemEntitlements("seats")[0].Value)
}

func TestAKeyIsNotForgottenWhileItsRequestIsInProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: time.Hour})
		patient := chargebee.WithAttemptTimeout(2 * time.Hour)
		key := chargebee.WithIdempotencyKey("key-1")
		go func() {
			_, err := upsertWith(t.Context(), client, "20", key, patient)
			assert.NoError(t, err)
		}()
		time.Sleep(31 * time.Minute)
		_, err := upsertWith(t.Context(), client, "20", key, once)
		requireRefused(t, err, 409, chargebee.ErrInvalidStateForRequest, "")
		require.Empty(t, server.ItemEntitlements("seats"))
		time.Sleep(time.Hour)
	})
}

func TestKeysAreForgottenEachAtItsTimeAndAtLastForGood(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	server, client := newServer(t, chargebeetest.WithClock(func() time.Time { return now }))
	replayed := func(key string) bool {
		done, err := upsertWith(t.Context(), client, "20", chargebee.WithIdempotencyKey(key))
		require.NoError(t, err)
		return done.IdempotencyReplayed
	}
	require.False(t, replayed("key-1"))
	now = now.Add(10 * time.Minute)
	require.False(t, replayed("key-2"))
	require.Equal(t, 2, server.StoredKeys())
	now = now.Add(21 * time.Minute)
	require.False(t, replayed("key-3"))
	require.True(t, replayed("key-2"))
	require.Equal(t, 2, server.StoredKeys())
	now = now.Add(10 * time.Minute)
	require.False(t, replayed("key-2"))
	require.True(t, replayed("key-3"))
}

func TestAReplayIsNotTheCallersToChange(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	client, err := server.NewClient(chargebee.WithHTTPClient(&http.Client{Transport: server.Transport()}))
	require.NoError(t, err)
	for range 3 {
		done, err := upsertWith(t.Context(), client, "20", chargebee.WithIdempotencyKey("key-1"))
		require.NoError(t, err)
		require.Equal(t, "application/json;charset=utf-8", done.Header.Get("Content-Type"))
		done.Header.Set("Content-Type", "changed")
	}
}

func TestAnActivationIsReplayedTooAndNotDoneTwice(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	login := server.AddPortalSession("zoe")
	params, key := chargebee.ActivatePortalSessionParams{Token: login.Token}, chargebee.WithIdempotencyKey("key-1")
	_, err := client.PortalSessions.ActivatePortalSession(t.Context(), login.SessionID, params, key)
	require.NoError(t, err)
	again, err := client.PortalSessions.ActivatePortalSession(t.Context(), login.SessionID, params, key)
	require.NoError(t, err)
	require.True(t, again.IdempotencyReplayed)
	_, err = activate(t, client, login)
	requireRefused(t, err, 409, chargebee.ErrInvalidStateForRequest, "")
}

func TestAKeyThatIsUsedForAnotherCallIsRefused(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: "other", Type: chargebeetest.FeatureTypeCustom}))
	key := chargebee.WithIdempotencyKey("key-1")
	_, err := upsertWith(t.Context(), client, "20", key)
	require.NoError(t, err)

	_, err = upsertWith(t.Context(), client, "50", key)
	requireRefused(t, err, 422, chargebee.ErrUnableToProcessRequest, "")
	_, err = upsertWith(t.Context(), client, "20", key, chargebee.WithHeaders(chargebee.Headers{OriginDevice: "Android"}))
	requireRefused(t, err, 422, chargebee.ErrUnableToProcessRequest, "")
	emails := chargebee.WithHeaders(chargebee.Headers{EventEmail: chargebee.EventAllDisabled})
	webhooks := chargebee.WithHeaders(chargebee.Headers{EventWebhook: chargebee.EventAllDisabled})
	_, err = upsertWith(t.Context(), client, "20", chargebee.WithIdempotencyKey("key-2"), emails)
	require.NoError(t, err)
	_, err = upsertWith(t.Context(), client, "20", chargebee.WithIdempotencyKey("key-2"), webhooks)
	requireRefused(t, err, 422, chargebee.ErrUnableToProcessRequest, "")
	_, err = client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "other", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action: chargebee.ActionUpsert, ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "team", Value: "20"}},
	}, key)
	requireRefused(t, err, 422, chargebee.ErrUnableToProcessRequest, "")
	require.Empty(t, server.ItemEntitlements("other"))

	again, err := upsertWith(t.Context(), client, "20", key, chargebee.WithHeader("X-Trace", "1"))
	require.NoError(t, err)
	require.True(t, again.IdempotencyReplayed)
}

func TestARefusedRequestLeavesItsKeyFree(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	key := chargebee.WithIdempotencyKey("key-1")
	change := func() (*chargebee.UpsertOrRemoveItemEntitlementsResponse, error) {
		return client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{
			Action: chargebee.ActionUpsert, ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "late"}},
		}, key)
	}
	_, err := change()
	requireRefused(t, err, 404, chargebee.ErrResourceNotFound, "item_entitlements[item_id][0]")
	require.NoError(t, server.AddItem(chargebeetest.Item{ID: "late", Type: chargebee.ItemTypePlan}))
	changed, err := change()
	require.NoError(t, err)
	require.False(t, changed.IdempotencyReplayed)
}

func TestAKeyHasAtMostAHundredCharacters(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	for length, status := range map[int]int{100: 200, 101: 400} {
		r := httptest.NewRequest(http.MethodPost, "/api/v2/features/seats/item_entitlements", strings.NewReader("action=upsert"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("chargebee-idempotency-key", strings.Repeat("k", length))
		r.SetBasicAuth(server.APIKey, "")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		require.Equal(t, status, w.Code)
	}
}

func TestARequestInProgressHoldsItsKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: 10 * time.Second})
		key := chargebee.WithIdempotencyKey("key-1")
		var first *chargebee.UpsertOrRemoveItemEntitlementsResponse
		var call sync.WaitGroup
		call.Go(func() {
			var err error
			first, err = upsertWith(t.Context(), client, "20", key)
			assert.NoError(t, err)
		})
		time.Sleep(9 * time.Second)

		_, err := upsertWith(t.Context(), client, "20", key, once)
		requireRefused(t, err, 409, chargebee.ErrInvalidStateForRequest, "")
		require.ErrorContains(t, err, "The previous request is still in progress. Please retry the request")
		_, err = upsertWith(t.Context(), client, "50", key, once)
		requireRefused(t, err, 422, chargebee.ErrUnableToProcessRequest, "")
		require.Empty(t, server.ItemEntitlements("seats"))

		again, err := upsertWith(t.Context(), client, "20", key, chargebee.WithRetry(chargebee.Retry{MaxAttempts: 20}))
		require.NoError(t, err)
		require.Greater(t, again.Attempts, 1)
		require.True(t, again.IdempotencyReplayed)
		call.Wait()
		require.Equal(t, first.Body, again.Body)
	})
}

func TestACallWithAnotherHeaderValueIsAnotherCall(t *testing.T) {
	t.Parallel()
	_, client := newServer(t)
	key := chargebee.WithIdempotencyKey("key-1")
	_, err := upsertWith(t.Context(), client, "20", key, chargebee.WithHeaders(chargebee.Headers{OriginDevice: "Android"}))
	require.NoError(t, err)
	_, err = upsertWith(t.Context(), client, "20", key, chargebee.WithHeaders(chargebee.Headers{OriginDevice: "iOS"}))
	requireRefused(t, err, 422, chargebee.ErrUnableToProcessRequest, "")
}

func TestRequestsWithoutAKeyAreNotReplayed(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(server.APIKey+":"))
	for range 2 {
		w := post(server, strings.NewReader("action=upsert"), basic)
		require.Equal(t, 200, w.Code)
		require.Empty(t, w.Header().Get("chargebee-idempotency-replayed"))
	}
}
