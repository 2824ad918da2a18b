package chargebeetest_test

import (
	"context"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestWorkGoesOnAfterTheClientHasLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: 2 * time.Second, Work: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		key := chargebee.WithIdempotencyKey("key-1")
		_, err := upsertSeats(ctx, client, "20", key)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		time.Sleep(52*time.Second - 1) // to the end of Delay and Work, less a nanosecond
		_, err = upsertSeats(t.Context(), client, "20", key)
		requireAPIError(t, err, 409, chargebee.ErrInvalidStateForRequest, "")
		require.Empty(t, server.ItemEntitlements("seats"))
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.Len(t, server.ItemEntitlements("seats"), 1)
		repeated, err := upsertSeats(t.Context(), client, "20", key)
		require.NoError(t, err)
		require.True(t, repeated.IdempotencyReplayed)
	})
}

func TestWorkGoesOnAfterTheConnectionHasClosed(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	applied := make(chan struct{})
	server.OnApplied(func(url.Values) { close(applied) })
	server.Inject(chargebeetest.Fault{Work: 200 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for server.StoredKeys() == 0 {
			runtime.Gosched()
		}
		cancel()
	}()
	key := chargebee.WithIdempotencyKey("key-1")
	_, err := upsertSeats(ctx, client, "20", key)
	require.ErrorIs(t, err, context.Canceled)
	<-applied
	repeated, err := upsertSeats(t.Context(), client, "20", key)
	require.NoError(t, err)
	require.True(t, repeated.IdempotencyReplayed)
}

func TestClientThatWaitsReceivesTheResponseAfterWork(t *testing.T) {
	t.Parallel()
	for cut, isCut := range map[chargebeetest.Cut]bool{0: false, chargebeetest.CutAfter: true, chargebeetest.CutBody: true} {
		synctest.Test(t, func(t *testing.T) {
			server, client := newServer(t)
			server.Inject(chargebeetest.Fault{Work: 20 * time.Second, Cut: cut})
			start := time.Now()
			_, err := upsertSeats(t.Context(), client, "20")
			require.Equal(t, isCut, err != nil)
			require.Equal(t, 20*time.Second, time.Since(start))
			require.Len(t, server.ItemEntitlements("seats"), 1)
		})
	}
}

func TestWorkHasNoEffectIfTheRequestIsNotProcessed(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]chargebeetest.Fault{
		"a status":             {Work: time.Hour, Status: 503},
		"cut before":           {Work: time.Hour, Cut: chargebeetest.CutBefore},
		"the client has left":  {Work: time.Hour, Delay: time.Hour},
		"a rejected request":   {Work: time.Hour, Route: "/features/{feature-id}/item_entitlements"},
		"a malformed duration": {Work: -1, Status: 500},
	} {
		synctest.Test(t, func(t *testing.T) {
			server, client := newServer(t, chargebeetest.WithRateLimit(1))
			if fault.Route != "" {
				require.Equal(t, 200, serve(server, "POST", seatsPath, strings.NewReader(seatsForm)).Code)
			}
			server.Inject(fault)
			start := time.Now()
			_, err := upsertSeats(t.Context(), client, "20", chargebee.WithIdempotencyKey("key-1"))
			require.Error(t, err, name)
			require.LessOrEqual(t, time.Since(start), 30*time.Second, name)
			time.Sleep(3 * time.Hour)
			require.Empty(t, server.ItemEntitlements("seats"), name)
			require.Zero(t, server.StoredKeys(), name)
		})
	}
}

func TestWorkStartsWithCutAfterIfTheClientLeavesDuringTheDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: time.Hour, Work: time.Minute, Cut: chargebeetest.CutAfter})
		_, err := upsertSeats(t.Context(), client, "20") // until the attempt timeout
		require.Error(t, err)
		time.Sleep(time.Minute - 1)
		require.Empty(t, server.ItemEntitlements("seats"))
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.Len(t, server.ItemEntitlements("seats"), 1)
	})
}

func TestCloseEndsWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		server.Inject(chargebeetest.Fault{Work: time.Hour}, chargebeetest.Fault{Work: time.Hour})
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := upsertSeats(ctx, client, "20", chargebee.WithIdempotencyKey("key-1"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		go func() {
			_, err := upsertSeats(t.Context(), client, "50", chargebee.WithIdempotencyKey("key-2"))
			assert.True(t, chargebee.Unavailable(err))
		}()
		synctest.Wait()
		require.Equal(t, 2, server.StoredKeys())
		server.Close()
		require.Equal(t, time.Second, time.Since(start))
		require.Zero(t, server.StoredKeys())
		require.Empty(t, server.ItemEntitlements("seats"))
	})
}

func TestCloseOfAListeningServerEndsWork(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	server.Inject(chargebeetest.Fault{Work: time.Hour})
	failed := make(chan error)
	go func() {
		_, err := upsertSeats(t.Context(), client, "20", chargebee.WithIdempotencyKey("key-1"))
		failed <- err
	}()
	for server.StoredKeys() == 0 {
		runtime.Gosched()
	}
	server.Close()
	require.True(t, chargebee.Unavailable(<-failed))
	require.Zero(t, server.StoredKeys())
	require.Empty(t, server.ItemEntitlements("seats"))
}

func TestRequestThatIsDelayedUntilAfterCloseGetsNoResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: 10 * time.Second, Status: 503})
		time.AfterFunc(time.Second, server.Close)
		_, err := upsertSeats(t.Context(), client, "20", chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1}))
		require.ErrorAs(t, err, new(*chargebee.TransportError))
	})
}

func TestWorkDoesNotStartAfterClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: 10 * time.Second, Work: time.Hour, Cut: chargebeetest.CutAfter})
		time.AfterFunc(time.Second, server.Close)
		_, err := upsertSeats(t.Context(), client, "20")
		require.True(t, chargebee.Unavailable(err))
		time.Sleep(2 * time.Hour)
		require.Zero(t, server.StoredKeys())
		require.Empty(t, server.ItemEntitlements("seats"))
	})
}
