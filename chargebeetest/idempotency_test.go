package chargebeetest_test

import (
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

func TestRepeatedCallIsReplayedForThirtyMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		key := chargebee.WithIdempotencyKey("key-1")
		first, err := upsertSeats(t.Context(), client, "20", key)
		require.NoError(t, err)
		require.False(t, first.IdempotencyReplayed)
		_, err = upsertSeats(t.Context(), client, "50")
		require.NoError(t, err)
		for _, wait := range []time.Duration{0, 30*time.Minute - 1} {
			time.Sleep(wait)
			first.Header.Set("Content-Type", "changed") // the server stores a copy
			repeated, err := upsertSeats(t.Context(), client, "20", key)
			require.NoError(t, err)
			require.Equal(t, "true", repeated.Header.Get("chargebee-idempotency-replayed"))
			require.Equal(t, "application/json;charset=utf-8", repeated.Header.Get("Content-Type"))
			require.Equal(t, first.Body, repeated.Body)
			require.Equal(t, "50", server.ItemEntitlements("seats")[0].Value)
			first = repeated
		}
		time.Sleep(time.Nanosecond)
		repeated, err := upsertSeats(t.Context(), client, "20", key)
		require.NoError(t, err)
		require.False(t, repeated.IdempotencyReplayed)
		require.Equal(t, "20", server.ItemEntitlements("seats")[0].Value)
	})
}

func TestExpiredKeysAreDeleted(t *testing.T) {
	t.Parallel()
	now := noon
	server, client := newServer(t, chargebeetest.WithClock(func() time.Time { return now }))
	for _, step := range []struct {
		after      time.Duration
		key        string
		isReplayed bool
		stored     int
	}{
		{0, "key-1", false, 1},
		{10 * time.Minute, "key-2", false, 2},
		{21 * time.Minute, "key-3", false, 2},
		{0, "key-2", true, 2},
		{10 * time.Minute, "key-2", false, 2},
		{0, "key-3", true, 2},
	} {
		now = now.Add(step.after)
		resp, err := upsertSeats(t.Context(), client, "20", chargebee.WithIdempotencyKey(step.key))
		require.NoError(t, err)
		require.Equal(t, step.isReplayed, resp.IdempotencyReplayed)
		require.Equal(t, step.stored, server.StoredKeys())
	}
}

func TestKeyReusedForAnotherCallIsRejected(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	header := []string{
		"chargebee-idempotency-key", "key-1", "chargebee-request-origin-device", "Android", "chargebee-event-email", "all-disabled",
	}
	for _, header := range [][]string{header, header[2:]} { // with and without a key
		require.Equal(t, 200, serve(server, "POST", seatsPath, strings.NewReader(seatsForm), header...).Code)
	}
	const done, reused = `{"list":[]}`, `"api_error_code":"unable_to_process_request"`
	for name, test := range map[string]struct {
		path, body string
		header     []string
		isReplayed bool
		status     int
	}{
		"another path":                {"/api/v2/features/other/item_entitlements", seatsForm, header, false, 422},
		"another body":                {seatsPath, "action=remove", header, false, 422},
		"another header value":        {seatsPath, seatsForm, append(header[:6:6], "chargebee-request-origin-device", "iOS"), false, 422},
		"another header name":         {seatsPath, seatsForm, append(header[:4:4], "chargebee-event-webhook", "all-disabled"), false, 422},
		"an additional header":        {seatsPath, seatsForm, append(header[:6:6], "chargebee-event-webhook", "all-disabled"), false, 422},
		"a header without chargebee-": {seatsPath, seatsForm, append(header[:6:6], "X-Trace", "1"), true, 200},
		"no key":                      {seatsPath, seatsForm, header[2:], false, 200},
	} {
		w := serve(server, "POST", test.path, strings.NewReader(test.body), test.header...)
		require.Equal(t, test.status, w.Code, name)
		require.Equal(t, test.isReplayed, w.Header().Get("chargebee-idempotency-replayed") == "true", name)
		require.Contains(t, w.Body.String(), map[int]string{200: done, 422: reused}[test.status], name)
	}
}

func TestKeyCanBeUsedAgainAfterAnError(t *testing.T) {
	t.Parallel()
	_, client := newServer(t)
	key := chargebee.WithIdempotencyKey("key-1")
	_, err := activate(t, client, chargebee.PortalReturn{SessionID: "unknown", Token: "forged"}, key)
	requireAPIError(t, err, 404, chargebee.ErrResourceNotFound, "")
	resp, err := upsertSeats(t.Context(), client, "20", key)
	require.NoError(t, err)
	require.False(t, resp.IdempotencyReplayed)
}

func TestKeyIsTakenWhileItsRequestIsInProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: 10 * time.Second})
		key := chargebee.WithIdempotencyKey("key-1")
		var first *chargebee.UpsertOrRemoveItemEntitlementsResponse
		var call sync.WaitGroup
		call.Go(func() {
			var err error
			first, err = upsertSeats(t.Context(), client, "20", key)
			assert.NoError(t, err)
		})
		time.Sleep(9 * time.Second)
		_, err := upsertSeats(t.Context(), client, "20", key)
		apiErr := requireAPIError(t, err, 409, chargebee.ErrInvalidStateForRequest, "")
		require.Equal(t, "The previous request is still in progress. Please retry the request", apiErr.Message)
		_, err = upsertSeats(t.Context(), client, "50", key)
		requireAPIError(t, err, 422, chargebee.ErrUnableToProcessRequest, "")
		require.Empty(t, server.ItemEntitlements("seats"))

		repeated, err := upsertSeats(t.Context(), client, "20", key, chargebee.WithRetry(chargebee.Retry{MaxAttempts: 20}))
		require.NoError(t, err)
		require.Greater(t, repeated.Attempts, 1)
		require.True(t, repeated.IdempotencyReplayed)
		call.Wait()
		require.Equal(t, first.Body, repeated.Body)
	})
}

func TestKeyInProgressDoesNotExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: time.Hour})
		key := chargebee.WithIdempotencyKey("key-1")
		go func() {
			_, err := upsertSeats(t.Context(), client, "20", key, chargebee.WithAttemptTimeout(2*time.Hour))
			assert.NoError(t, err)
		}()
		time.Sleep(31 * time.Minute)
		_, err := upsertSeats(t.Context(), client, "20", key)
		requireAPIError(t, err, 409, chargebee.ErrInvalidStateForRequest, "")
		time.Sleep(time.Hour)
	})
}

func TestGetIgnoresTheIdempotencyKey(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	server.EmulateGet("/echo")
	for _, key := range []string{"key-1", "key-1", strings.Repeat("k", 101)} {
		w := serve(server, "GET", "/api/v2/echo", nil, "chargebee-idempotency-key", key)
		require.Equal(t, 200, w.Code)
		require.Empty(t, w.Header().Get("chargebee-idempotency-replayed"))
	}
	require.Zero(t, server.StoredKeys())
}

func TestAutomaticKeyOfOtherClientsIsIgnored(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	for _, form := range []string{seatsForm, seatsForm, "action=remove"} {
		w := serve(server, "POST", seatsPath, strings.NewReader(form), "X-CB-Idempotency-Key", "key-1")
		require.Equal(t, 200, w.Code)
		require.Empty(t, w.Header().Get("chargebee-idempotency-replayed"))
	}
	require.Zero(t, server.StoredKeys())
}

func TestKeyIsJudgedBeforeTheForm(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	for _, step := range []struct {
		form   string
		status int
	}{
		{"action=%zz", 400},
		{seatsForm, 200}, // the invalid form released the key
		{"action=%zz", 422},
	} {
		w := serve(server, "POST", seatsPath, strings.NewReader(step.form), "chargebee-idempotency-key", "key-1")
		require.Equal(t, step.status, w.Code, step.form)
	}
}
