package chargebeetest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestTheRateLimitCountsTheLastSixtySeconds(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	server, client := newServer(t, chargebeetest.WithRateLimit(2), chargebeetest.WithClock(func() time.Time { return now }))
	retryAfter := func() time.Duration {
		_, err := upsertWith(t.Context(), client, "20", once)
		var apiErr *chargebee.APIError
		if !errors.As(err, &apiErr) {
			require.NoError(t, err)
			return 0
		}
		require.Equal(t, 429, apiErr.StatusCode)
		require.Equal(t, chargebee.ErrAPIRequestLimitExceeded, apiErr.Code)
		require.Equal(t, chargebee.ErrTypeOperationFailed, apiErr.Type)
		return apiErr.RetryAfter
	}
	require.Zero(t, retryAfter())
	now = now.Add(20*time.Second + 1)
	require.Zero(t, retryAfter())
	require.Equal(t, 40*time.Second, retryAfter())
	now = now.Add(39*time.Second + 998*time.Millisecond)
	require.Equal(t, time.Second, retryAfter())
	now = now.Add(2*time.Millisecond - 1) // a minute after the first, to the nanosecond
	require.Zero(t, retryAfter())
	require.Equal(t, 21*time.Second, retryAfter())
	require.Len(t, server.Requests(), 6)
}

func TestTheRateLimitDoesNotCountWhatNeverCameIn(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, chargebeetest.WithRateLimit(1))
	stranger, err := chargebee.NewClient(server.Site, "another_key", chargebee.WithBaseURL(server.URL))
	require.NoError(t, err)
	_, err = upsertWith(t.Context(), stranger, "20")
	requireRefused(t, err, 401, chargebee.ErrAPIAuthenticationFailed, "")
	server.Inject(chargebeetest.Fault{Status: 404}, chargebeetest.Fault{Cut: chargebeetest.CutBefore})
	for range 2 {
		_, err = upsertWith(t.Context(), client, "20", once)
		require.Error(t, err)
	}
	_, err = upsertWith(t.Context(), client, "20", once)
	require.NoError(t, err)
	_, err = upsertWith(t.Context(), client, "20", once)
	requireRefused(t, err, 429, chargebee.ErrAPIRequestLimitExceeded, "")
}

func TestAClientComesThroughTheRateLimitByWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := newServer(t, chargebeetest.WithRateLimit(3))
		start := time.Now()
		for range 6 {
			_, err := upsertWith(t.Context(), client, "20")
			require.NoError(t, err)
		}
		require.GreaterOrEqual(t, time.Since(start), time.Minute)
		require.Less(t, time.Since(start), time.Minute+time.Second)
	})
}
