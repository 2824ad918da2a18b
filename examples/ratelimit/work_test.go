package main

import (
	"bytes"
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestOneProcessUsesTheLimitAndKeepsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-for", "90s"}, noEnvironment, &out))
		require.Equal(t, 90*time.Second, time.Since(start))
		require.Equal(t, `Site: the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY for a real one.
216 requests to emulator-test, 0 rejected by its rate limit
At most 145 requests arrived within 60 seconds; the limit is 150.
`, out.String())
	})
}

// The retry of the rejected request waits for the limiter like any other request.
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
