package main

import (
	"bytes"
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"golang.org/x/time/rate"
)

func TestTenChangesAreMade(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, rate.NewLimiter(rate.Inf, 0)))
	require.Equal(t, 10, bytes.Count(out.Bytes(), []byte(" seats\n")))
}

// unavailable answers every attempt with a 503, and keeps when they came.
type unavailable struct{ at []time.Time }

func (u *unavailable) RoundTrip(*http.Request) (*http.Response, error) {
	u.at = append(u.at, time.Now())
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
}

func limited(t *testing.T, limiter *rate.Limiter) (*chargebee.Client, *unavailable) {
	t.Helper()
	transport := new(unavailable)
	client, err := chargebee.NewClient("acme-test", "test_key",
		chargebee.WithHTTPClient(&http.Client{Transport: transport}), chargebee.WithLimiter(limiter),
		chargebee.WithRetry(chargebee.Retry{MaxAttempts: 3, BaseDelay: time.Millisecond, MaxDelay: time.Millisecond}))
	require.NoError(t, err)
	return client, transport
}

func get(ctx context.Context, client *chargebee.Client) error {
	_, err := client.Do(ctx, chargebee.Request{Method: http.MethodGet, Path: "/features"}, nil)
	return err
}

func TestEveryAttemptWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, transport := limited(t, rate.NewLimiter(rate.Every(every), 1))
		require.ErrorContains(t, get(t.Context(), client), "503")
		require.ErrorContains(t, get(t.Context(), client), "503")
		require.Len(t, transport.at, 6)
		for i := 1; i < len(transport.at); i++ {
			require.Equal(t, 414*time.Millisecond, transport.at[i].Sub(transport.at[i-1]).Round(time.Millisecond))
		}
	})
}

func TestATurnAfterTheDeadlineIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, transport := limited(t, rate.NewLimiter(rate.Every(time.Minute), 1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := get(ctx, client)
		require.LessOrEqual(t, time.Since(start), time.Millisecond)
		require.Len(t, transport.at, 1)
		require.EqualError(t, err, "chargebee: GET /features: no success: limiter: "+
			"rate: Wait(n=1) would exceed context deadline, after 503 Service Unavailable")
		var answer *chargebee.APIError
		require.ErrorAs(t, err, &answer)
	})
}

func TestCancellingEndsTheWaitForATurnAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, transport := limited(t, rate.NewLimiter(rate.Every(time.Hour), 1))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		err := get(ctx, client)
		require.Equal(t, time.Second, time.Since(start))
		require.Len(t, transport.at, 1)
		require.ErrorIs(t, err, context.Canceled)
	})
}
