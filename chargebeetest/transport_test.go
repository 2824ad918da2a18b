package chargebeetest_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestTheServerMayBeMadeOutsideOfTheBubbleOrInIt(t *testing.T) {
	t.Parallel()
	outside, _ := newServer(t)
	synctest.Test(t, func(t *testing.T) {
		inside, _ := newServer(t)
		for _, server := range []*chargebeetest.Server{outside, inside} {
			server.Inject(chargebeetest.Fault{Status: 503, Header: http.Header{"Retry-After": {"60"}}}, chargebeetest.Fault{Delay: time.Hour})
			client, err := chargebee.NewClient(server.Site, server.APIKey, chargebee.WithBaseURL(server.URL),
				chargebee.WithHTTPClient(&http.Client{Transport: server.Transport()}))
			require.NoError(t, err)
			start := time.Now()
			done, err := upsertWith(t.Context(), client, "20")
			require.NoError(t, err)
			require.Equal(t, 3, done.Attempts)
			require.GreaterOrEqual(t, time.Since(start), 90*time.Second)
			server.Close()
		}
	})
}

func TestInABubbleNothingListensAndClientsWorkAllTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		require.Equal(t, "http://127.0.0.1:0/api/v2", server.URL)
		_, err := activate(t, client, server.AddPortalSession("zoe"))
		require.NoError(t, err)
	})
}

func TestAClientMadeInABubbleOfAServerFromOutsideWaitsInItsTime(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	synctest.Test(t, func(t *testing.T) {
		client, err := server.NewClient()
		require.NoError(t, err)
		server.Inject(chargebeetest.Fault{Status: 503, Header: http.Header{"Retry-After": {"60"}}})
		_, err = upsertWith(t.Context(), client, "20")
		require.NoError(t, err)
	})
}

func TestAServerThatIsClosedDuringADelayDoesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: 10 * time.Second})
		time.AfterFunc(time.Second, server.Close)
		_, err := upsertWith(t.Context(), client, "20", once)
		var lost *chargebee.TransportError
		require.ErrorAs(t, err, &lost)
		require.Empty(t, server.ItemEntitlements("seats"))
	})
}

func TestAServerMayBeClosedInABubbleAndOutside(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var server *chargebeetest.Server
	synctest.Test(t, func(*testing.T) {
		server = chargebeetest.NewServer(chargebeetest.WithListener(listener))
		server.Close()
	})
	server.Close()
}

type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error { b.closed = true; return nil }

func TestTheTransportKeepsTheRulesOfARoundTripper(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	newRequest := func(ctx context.Context) (*http.Request, *body) {
		sent := &body{Reader: strings.NewReader("action=upsert")}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/features/seats/item_entitlements", sent)
		require.NoError(t, err)
		req.Header["content-type"] = []string{"application/x-www-form-urlencoded"} //nolint:canonicalheader // the wire does not care
		req.SetBasicAuth(server.APIKey, "")
		return req, sent
	}
	req, sent := newRequest(t.Context())
	resp, err := server.Transport().RoundTrip(req)
	require.NoError(t, err)
	received, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "200 OK", resp.Status)
	require.Equal(t, "HTTP/1.1", resp.Proto)
	require.JSONEq(t, `{"list":[]}`, string(received))
	require.EqualValues(t, 11, resp.ContentLength)
	require.Same(t, req, resp.Request)
	require.True(t, sent.closed)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, sent = newRequest(ctx)
	_, err = server.Transport().RoundTrip(req)
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, sent.closed)
	require.Len(t, server.Requests(), 1)

	req, _ = newRequest(t.Context())
	req.Method = http.MethodHead
	resp, err = server.Transport().RoundTrip(req)
	require.NoError(t, err)
	received, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 405, resp.StatusCode)
	require.Empty(t, received)

	req, sent = newRequest(t.Context())
	req.URL = nil
	_, err = server.Transport().RoundTrip(req)
	require.EqualError(t, err, "chargebeetest: the request has no URL")
	require.True(t, sent.closed)

	server.Close()
	req, sent = newRequest(t.Context())
	_, err = server.Transport().RoundTrip(req)
	require.EqualError(t, err, "chargebeetest: the server is closed")
	require.True(t, sent.closed)
}
