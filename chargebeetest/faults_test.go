package chargebeetest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

const entitlementsRoute = "/features/{feature-id}/item_entitlements"

var once = chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1})

// way is one to reach a server.
type way struct {
	name string
	to   func(t *testing.T, server *chargebeetest.Server) (baseURL string, transport http.RoundTripper)
}

func ways() []way {
	return []way{
		{"in memory", func(t *testing.T, server *chargebeetest.Server) (string, http.RoundTripper) {
			t.Helper()
			return server.URL, server.Transport()
		}},
		{"over HTTP/1.1", func(t *testing.T, server *chargebeetest.Server) (string, http.RoundTripper) {
			t.Helper()
			return server.URL, new(http.Transport)
		}},
		{"over HTTP/2", func(t *testing.T, server *chargebeetest.Server) (string, http.RoundTripper) {
			t.Helper()
			tls := httptest.NewUnstartedServer(server)
			tls.EnableHTTP2 = true
			tls.StartTLS()
			t.Cleanup(tls.Close)
			return tls.URL + "/api/v2", tls.Client().Transport
		}},
	}
}

// newServer returns a server, and a client that comes this way and tries once.
func (w way) newServer(t *testing.T) (*chargebeetest.Server, *chargebee.Client) {
	t.Helper()
	server, _ := newServer(t)
	baseURL, transport := w.to(t, server)
	client, err := server.NewClient(once, chargebee.WithBaseURL(baseURL), chargebee.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)
	return server, client
}

func TestAFaultAnswersForTheServer(t *testing.T) {
	t.Parallel()
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			server, client := way.newServer(t)
			server.Inject(
				chargebeetest.Fault{Status: 502, Header: http.Header{"Content-Type": {"text/html"}, "Retry-After": {"7"}}, Body: "<html>Bad Gateway</html>"},
				chargebeetest.Fault{Status: 503},
				chargebeetest.Fault{Status: 200, Body: "{"},
				chargebeetest.Fault{Status: 302, Header: http.Header{"Location": {"https://example.com/"}}},
			)
			var apiErr *chargebee.APIError
			_, err := upsertWith(t.Context(), client, "20")
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, 502, apiErr.StatusCode)
			require.Equal(t, 7*time.Second, apiErr.RetryAfter)
			require.Equal(t, "text/html", apiErr.Header.Get("Content-Type"))
			require.Equal(t, "<html>Bad Gateway</html>", string(apiErr.Body))
			_, err = upsertWith(t.Context(), client, "20")
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, 503, apiErr.StatusCode)
			require.Empty(t, apiErr.Body)
			_, err = upsertWith(t.Context(), client, "20")
			var decodeErr *chargebee.DecodeError
			require.ErrorAs(t, err, &decodeErr)
			_, err = upsertWith(t.Context(), client, "20")
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, 302, apiErr.StatusCode)

			require.Empty(t, server.ItemEntitlements("seats"))
			require.Len(t, server.Requests(), 4)
			_, err = upsertWith(t.Context(), client, "20")
			require.NoError(t, err)
		})
	}
}

func TestACutLosesTheAnswerAndPerhapsTheWork(t *testing.T) {
	t.Parallel()
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			server, client := way.newServer(t)
			for name, test := range map[string]struct {
				fault    chargebeetest.Fault
				replayed bool
			}{
				"before the work":                  {chargebeetest.Fault{Cut: chargebeetest.CutBefore}, false},
				"after the work":                   {chargebeetest.Fault{Cut: chargebeetest.CutAfter}, true},
				"in the answer":                    {chargebeetest.Fault{Cut: chargebeetest.CutBody}, true},
				"before a fault's answer":          {chargebeetest.Fault{Cut: chargebeetest.CutBefore, Status: 200}, false},
				"after a fault's answer":           {chargebeetest.Fault{Cut: chargebeetest.CutAfter, Status: 200}, false},
				"in a fault's answer":              {chargebeetest.Fault{Cut: chargebeetest.CutBody, Status: 200, Body: `{"list":[]}`}, false},
				"in a fault's answer without body": {chargebeetest.Fault{Cut: chargebeetest.CutBody, Status: 200}, false},
			} {
				before := len(server.Requests())
				server.Inject(test.fault)
				key := chargebee.WithIdempotencyKey("key-" + strconv.Itoa(before))
				_, err := upsertWith(t.Context(), client, "20", key)
				var lost *chargebee.TransportError
				require.ErrorAs(t, err, &lost, name)
				require.Len(t, server.ItemEntitlements("seats"), map[bool]int{true: 1}[test.replayed], name)

				again, err := upsertWith(t.Context(), client, "20", key)
				require.NoError(t, err, name)
				require.Equal(t, test.replayed, again.IdempotencyReplayed, name)
				require.Len(t, again.ItemEntitlements, 1, name)
				require.Len(t, server.Requests(), before+2, name)
				_, err = change(t, client, chargebee.ActionRemove, chargebee.ItemEntitlementParams{ItemID: "team"})
				require.NoError(t, err, name)
			}
		})
	}
}

func TestAnErrorAnswerCanBreakOffToo(t *testing.T) {
	t.Parallel()
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			server, client := way.newServer(t)
			server.Inject(chargebeetest.Fault{Status: 503, Body: "<html>Service Unavailable</html>", Cut: chargebeetest.CutBody})
			_, err := upsertWith(t.Context(), client, "20")
			var apiErr *chargebee.APIError
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, "<html>Service Un", string(apiErr.Body))
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		})
	}
}

func TestEachFaultMeetsTheNextRequestThatItMatches(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	server.Inject(
		chargebeetest.Fault{Route: entitlementsRoute, Status: 404},
		chargebeetest.Fault{Route: "/customers/{customer-id}", Status: 402},
		chargebeetest.Fault{Status: 403},
	)
	server.Inject(chargebeetest.Fault{}, chargebeetest.Fault{Status: 401})
	status := func(err error) int {
		var apiErr *chargebee.APIError
		if errors.As(err, &apiErr) {
			return apiErr.StatusCode
		}
		require.NoError(t, err)
		return 200
	}
	login := server.AddPortalSession("zoe")
	entitle := func() error { _, err := upsertWith(t.Context(), client, "20"); return err }

	_, err := activate(t, client, login)
	require.Equal(t, 403, status(err))
	require.Equal(t, 404, status(entitle()))
	require.Equal(t, 200, status(entitle()))
	_, err = activate(t, client, login)
	require.Equal(t, 401, status(err))
	_, err = activate(t, client, login)
	require.Equal(t, 200, status(err))
	_, err = client.Do(t.Context(), chargebee.Request{Method: "GET", Path: "/customers/{customer-id}", PathValues: []string{"zoe"}}, nil)
	require.Equal(t, 402, status(err))
	_, err = client.Do(t.Context(), chargebee.Request{Method: "GET", Path: "/customers/{customer-id}", PathValues: []string{"zoe"}}, nil)
	require.Equal(t, 404, status(err))
}

func TestAFaultArrivesTheSameEachWay(t *testing.T) {
	t.Parallel()
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			server, client := way.newServer(t)
			server.Inject(
				chargebeetest.Fault{Status: 429, Header: http.Header{"retry-after": {"7"}, "content-length": {"3"}, "Trailer": {"X"}}, Body: "<html>"},
				chargebeetest.Fault{Status: 204, Body: "x", Cut: chargebeetest.CutBody},
			)
			var apiErr *chargebee.APIError
			_, err := upsertWith(t.Context(), client, "20")
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, 7*time.Second, apiErr.RetryAfter)
			require.Equal(t, "<html>", string(apiErr.Body))
			require.Empty(t, apiErr.Header.Values("Content-Type"))
			_, err = upsertWith(t.Context(), client, "20")
			var decodeErr *chargebee.DecodeError
			require.ErrorAs(t, err, &decodeErr)
			require.Equal(t, 204, decodeErr.Response.StatusCode)
			require.Empty(t, decodeErr.Response.Body)
		})
	}
}

func TestAFaultIsTheServersOwnOnceInjected(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	fault := chargebeetest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}
	server.Inject(fault, fault)
	fault.Header.Set("Retry-After", "8")
	for range 2 {
		_, err := upsertWith(t.Context(), client, "20", once)
		var apiErr *chargebee.APIError
		require.ErrorAs(t, err, &apiErr)
		require.Equal(t, 7*time.Second, apiErr.RetryAfter)
		apiErr.Header.Set("Retry-After", "9")
	}
}

func TestAFaultThatHTTPCannotExpressIsNamed(t *testing.T) {
	t.Parallel()
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			server, client := way.newServer(t)
			for _, status := range []int{-1, 1, 101, 199, 1000} {
				server.Inject(chargebeetest.Fault{Status: status})
				_, err := upsertWith(t.Context(), client, "20")
				require.ErrorContains(t, err, "500 Internal Server Error: chargebeetest: a Fault cannot have the status "+strconv.Itoa(status))
			}
		})
	}
	server, _ := newServer(t)
	server.Inject(chargebeetest.Fault{Cut: chargebeetest.CutAfter})
	w := httptest.NewRecorder()
	server.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	require.Equal(t, 500, w.Code)
	require.JSONEq(t, `{"message":"chargebeetest: this connection cannot be closed"}`, w.Body.String())
}

func TestADelayComesBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		server.Inject(chargebeetest.Fault{Delay: 7 * time.Second}, chargebeetest.Fault{Delay: 5 * time.Second, Status: 404})
		start := time.Now()
		_, err := upsertWith(t.Context(), client, "20")
		require.NoError(t, err)
		require.Equal(t, 7*time.Second, time.Since(start))
		_, err = upsertWith(t.Context(), client, "20")
		require.ErrorContains(t, err, "404")
		require.Equal(t, 12*time.Second, time.Since(start))
	})
}

func TestAClientThatLeavesDuringADelayIsNotServed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cut      chargebeetest.Cut
		replayed bool
	}{
		"unless the cut comes after the work": {chargebeetest.CutAfter, true},
		"without a cut":                       {0, false},
		"with a cut before the work":          {chargebeetest.CutBefore, false},
		"with a cut in the answer":            {chargebeetest.CutBody, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := newServer(t)
				server.Inject(chargebeetest.Fault{Delay: time.Minute, Cut: test.cut})
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				key := chargebee.WithIdempotencyKey("key-1")
				_, err := upsertWith(ctx, client, "20", key)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, 10*time.Second, time.Since(start))
				require.Len(t, server.ItemEntitlements("seats"), map[bool]int{true: 1}[test.replayed])

				again, err := upsertWith(t.Context(), client, "20", key)
				require.NoError(t, err)
				require.Equal(t, 1, again.Attempts)
				require.Equal(t, test.replayed, again.IdempotencyReplayed)
			})
		})
	}
}

func TestAClientThatLeavesDuringADelayIsNoticedOverTheWireToo(t *testing.T) {
	t.Parallel()
	arrived, applied := make(chan struct{}, 1), make(chan struct{})
	server, client := newServer(t, chargebeetest.WithClock(func() time.Time { // it is asked when a request has arrived
		select {
		case arrived <- struct{}{}:
		default:
		}
		return time.Now()
	}))
	server.OnApplied(func(url.Values) { close(applied) })
	server.Inject(chargebeetest.Fault{Delay: time.Hour, Cut: chargebeetest.CutAfter})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	key := chargebee.WithIdempotencyKey("key-1")
	_, err := upsertWith(ctx, client, "20", key)
	require.ErrorIs(t, err, context.Canceled)
	<-applied
	again, err := upsertWith(t.Context(), client, "20", key, once)
	require.NoError(t, err)
	require.True(t, again.IdempotencyReplayed)
}
