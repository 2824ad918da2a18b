package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

func TestOneProcessUsesTheLimitAndKeepsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-for", "90s"}, noEnvironment, &out, io.Discard))
		require.Equal(t, 90*time.Second, time.Since(start))
		require.Equal(t, `Site: the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site.
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
		require.NoError(t, work(t.Context(), s, &program.Site{Name: server.Site, Emulator: server}, &out))
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
		require.NoError(t, work(ctx, s, &program.Site{Name: server.Site, Emulator: server}, &out))
		require.Equal(t, "2 requests to emulator-test, 0 rejected by its rate limit\n", out.String())
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

func TestAFailedCallEndsTheWaitOfTheOtherCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newSite(t)
		server.Inject(chargebeetest.Fault{Status: http.StatusForbidden, Delay: time.Second})
		s := seats()
		s.perMinute, s.duration = 1, time.Hour
		start := time.Now()
		var out bytes.Buffer
		err := work(t.Context(), s, &program.Site{Name: server.Site, Emulator: server}, &out)
		require.ErrorContains(t, err, ": 403")
		require.Equal(t, "1 requests to emulator-test, 0 rejected by its rate limit\n", out.String())
		require.Equal(t, time.Second, time.Since(start))
	})
}
