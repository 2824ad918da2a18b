package chargebeetest_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestClientInABubbleUsesTheTimeOfTheBubble(t *testing.T) {
	t.Parallel()
	outside, _ := newServer(t)
	synctest.Test(t, func(t *testing.T) {
		inside, _ := newServer(t)
		require.Equal(t, "http://127.0.0.1:0/api/v2", inside.URL)
		for _, server := range []*chargebeetest.Server{outside, inside} {
			client, err := server.NewClient()
			require.NoError(t, err)
			server.Inject(
				chargebeetest.Fault{Status: 503, Header: http.Header{"Retry-After": {"60"}}, Delay: 5 * time.Second},
				chargebeetest.Fault{Delay: time.Hour})
			start := time.Now()
			resp, err := upsertSeats(t.Context(), client, "20")
			require.NoError(t, err)
			require.Equal(t, 3, resp.Attempts)
			require.InDelta(t, 5+60+30, time.Since(start).Seconds(), 1.5) // with backoff
			server.Close()
		}
	})
}

func TestServerClosedDuringADelayDoesNotProcessTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: 10 * time.Second})
		time.AfterFunc(time.Second, server.Close)
		_, err := upsertSeats(t.Context(), client, "20")
		var transportErr *chargebee.TransportError
		require.ErrorAs(t, err, &transportErr)
		require.Empty(t, server.ItemEntitlements("seats"))
	})
}

func TestServerCanBeClosedInABubbleAndAgainOutside(t *testing.T) {
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

// closableBody records whether it was closed.
type closableBody struct {
	io.Reader
	closed bool
}

func (b *closableBody) Close() error { b.closed = true; return nil }

func TestTransportImplementsRoundTripper(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	// roundTrip sends a request that prepare has changed, and returns the response and its body.
	roundTrip := func(prepare func(req *http.Request) *http.Request) (*http.Response, string, error) {
		sent := &closableBody{Reader: strings.NewReader(seatsForm)}
		req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/features/seats/item_entitlements", sent)
		require.NoError(t, err)
		req.Header["content-type"] = []string{"application/x-www-form-urlencoded"} //nolint:canonicalheader // as valid as any case
		req.SetBasicAuth(server.APIKey, "")
		req = prepare(req)
		resp, err := server.Transport().RoundTrip(req)
		require.True(t, sent.closed)
		if err != nil {
			return nil, "", err
		}
		require.Same(t, req, resp.Request)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp, string(body), nil
	}
	unchanged := func(req *http.Request) *http.Request { return req }

	resp, body, err := roundTrip(unchanged)
	require.NoError(t, err)
	require.Equal(t, "200 OK", resp.Status)
	require.Equal(t, []any{"HTTP/1.1", 1, 1}, []any{resp.Proto, resp.ProtoMajor, resp.ProtoMinor})
	require.JSONEq(t, `{"list":[]}`, body)
	require.EqualValues(t, 11, resp.ContentLength)

	_, _, err = roundTrip(func(req *http.Request) *http.Request {
		ctx, cancel := context.WithCancel(req.Context())
		cancel()
		return req.WithContext(ctx)
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, server.Requests(), 1)

	resp, body, err = roundTrip(func(req *http.Request) *http.Request { req.Method = "HEAD"; return req })
	require.NoError(t, err)
	require.Equal(t, 405, resp.StatusCode)
	require.Empty(t, body)
	require.Zero(t, resp.ContentLength)

	cancelsDuringTheRequest := func(req *http.Request) *http.Request {
		ctx, cancel := context.WithCancel(req.Context())
		server.OnApplied(func(url.Values) { cancel() })
		return req.WithContext(ctx)
	}
	_, _, err = roundTrip(cancelsDuringTheRequest)
	require.ErrorIs(t, err, context.Canceled)

	_, _, err = roundTrip(func(req *http.Request) *http.Request { req.URL = nil; return req })
	require.EqualError(t, err, "chargebeetest: the request has no URL")

	server.Close()
	_, _, err = roundTrip(unchanged)
	require.EqualError(t, err, "dial tcp: chargebeetest: the server is closed")
}
