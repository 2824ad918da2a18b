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
	"github.com/typedbee/chargebee-go/chargebeetest"
	"golang.org/x/time/rate"
)

func TestOneProcessUsesTheLimitAndKeepsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-for", "90s"}, noEnvironment, &out))
		require.Equal(t, `Site: the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY for a real one.
216 requests to emulator-test, 0 rejected by its rate limit
At most 145 requests arrived within 60 seconds; the limit is 150.
`, out.String())
	})
}

func TestAProcessCountsRejectedRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newSite(t)
		server.Inject(chargebeetest.Fault{Status: http.StatusTooManyRequests})
		s := seats()
		s.perMinute, s.duration = 150, time.Second
		var out bytes.Buffer
		require.NoError(t, work(t.Context(), s, site{name: server.Site, emulator: server}, &out))
		require.Equal(t, "6 requests to emulator-test, 1 rejected by its rate limit\n", out.String())
	})
}

func TestAnInterruptedProcessFinishesTheRequestsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newSite(t)
		server.Inject(chargebeetest.Fault{Delay: 5 * time.Second}, chargebeetest.Fault{Delay: 5 * time.Second})
		s := seats()
		s.perMinute, s.duration = 150, time.Hour
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, interrupt)
		start := time.Now()
		var out bytes.Buffer
		require.NoError(t, work(ctx, s, site{name: server.Site, emulator: server}, &out))
		require.Equal(t, "2 requests to emulator-test, 0 rejected by its rate limit\n", out.String())
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

// unavailable responds to every request with 503, and records when it was sent.
type unavailable struct{ at []time.Time }

func (u *unavailable) RoundTrip(*http.Request) (*http.Response, error) {
	u.at = append(u.at, time.Now())
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
}

// newUnavailableSite returns a client of a site that is unavailable.
func newUnavailableSite(t *testing.T, limiter *rate.Limiter) (*chargebee.Client, *unavailable) {
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

func TestEveryAttemptWaitsForTheLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, transport := newUnavailableSite(t, rate.NewLimiter(rate.Every(time.Second), 1))
		require.ErrorContains(t, get(t.Context(), client), "503")
		require.ErrorContains(t, get(t.Context(), client), "503")
		require.Len(t, transport.at, 6)
		for i := 1; i < len(transport.at); i++ {
			require.Equal(t, time.Second, transport.at[i].Sub(transport.at[i-1]).Round(time.Millisecond))
		}
	})
}

func TestACallFailsImmediatelyIfTheLimiterWouldExceedItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, transport := newUnavailableSite(t, rate.NewLimiter(rate.Every(time.Minute), 1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := get(ctx, client)
		require.LessOrEqual(t, time.Since(start), time.Millisecond)
		require.Len(t, transport.at, 1)
		require.EqualError(t, err, "chargebee: GET /features: no success: limiter: "+
			"rate: Wait(n=1) would exceed context deadline, after 503 Service Unavailable")
		var apiErr *chargebee.APIError
		require.ErrorAs(t, err, &apiErr)
	})
}

func TestCancelingEndsTheWaitForTheLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, transport := newUnavailableSite(t, rate.NewLimiter(rate.Every(time.Hour), 1))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		err := get(ctx, client)
		require.Equal(t, time.Second, time.Since(start))
		require.Len(t, transport.at, 1)
		require.ErrorIs(t, err, context.Canceled)
	})
}
