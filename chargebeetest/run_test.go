package chargebeetest_test

import (
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestRunTClosesTheServerAtTheEndOfTheTest(t *testing.T) {
	var server *chargebeetest.Server
	var client *chargebee.Client
	t.Run("test", func(t *testing.T) {
		server, client = chargebeetest.RunT(t, chargebeetest.WithClock(func() time.Time { return noon }))
		resp, err := activate(t, client, server.AddPortalSession("zoe"))
		require.NoError(t, err)
		require.Equal(t, noon, resp.PortalSession.CreatedAt.UTC())
	})
	client, err := server.NewClient(chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1}))
	require.NoError(t, err)
	_, err = activate(t, client, server.AddPortalSession("zoe"))
	require.True(t, chargebee.Unavailable(err))
}

func TestRunTInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := chargebeetest.RunT(t)
		server.Inject(chargebeetest.Fault{Status: 503, Header: http.Header{"Retry-After": {"60"}}})
		start := time.Now()
		_, err := activate(t, client, server.AddPortalSession("zoe"))
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(start), time.Minute)
	})
}

// remoteListener has an address that no client accepts without https.
type remoteListener struct{ net.Listener }

func (remoteListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

// failedTest records that a test failed.
type failedTest struct {
	testing.TB
	message []any
}

func (f *failedTest) Fatal(message ...any) { f.message = message }

func TestRunTFailsTheTestWithoutAClient(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	failed := &failedTest{TB: t}
	_, client := chargebeetest.RunT(failed, chargebeetest.WithListener(remoteListener{listener}))
	require.Nil(t, client)
	require.Len(t, failed.message, 2)
	var paramErr *chargebee.ParamError
	require.ErrorAs(t, failed.message[1].(error), &paramErr)
	require.Equal(t, "WithBaseURL", paramErr.Field)
}
