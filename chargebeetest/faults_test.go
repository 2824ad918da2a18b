package chargebeetest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

var transportNames = []string{"in memory", "over HTTP/1.1", "over HTTP/2"}

// newServerOver returns a server and a function that upserts an entitlement under an
// idempotency key over the named transport, or sends the same form to another path. That
// function returns the response and its body, or the error of either.
func newServerOver(t *testing.T, transportName string) (
	server *chargebeetest.Server, post func(key string, path ...string) (*http.Response, string, error),
) {
	t.Helper()
	server, _ = newServer(t)
	root, transport := server.URL, server.Transport()
	switch transportName {
	case "over HTTP/1.1":
		transport = new(http.Transport)
	case "over HTTP/2":
		secure := httptest.NewUnstartedServer(server)
		secure.EnableHTTP2 = true
		secure.StartTLS()
		t.Cleanup(secure.Close)
		root, transport = secure.URL+"/api/v2", secure.Client().Transport
	}
	return server, func(key string, path ...string) (*http.Response, string, error) {
		path = append(path, "/features/seats/item_entitlements")
		req, err := http.NewRequestWithContext(t.Context(), "POST", root+path[0], strings.NewReader("action=upsert&item_entitlements[item_id][0]=team"))
		require.NoError(t, err)
		req.SetBasicAuth(server.APIKey, "")
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("chargebee-idempotency-key", key)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return nil, "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp, string(body), err
	}
}

func TestFaultWithAStatusReplacesTheResponse(t *testing.T) {
	t.Parallel()
	const json, invalid = "application/json;charset=utf-8", `{"message":"chargebeetest: a Fault cannot have the status `
	html := http.Header{"Content-Type": {"text/html"}, "retry-after": {"7"}}
	framing := http.Header{"content-length": {"3"}, "Transfer-Encoding": {"x"}, "Trailer": {"X"}}
	type received struct{ contentType, retryAfter, body string }
	tests := []struct {
		fault  chargebeetest.Fault
		status int
		want   received
		err    error
	}{
		{chargebeetest.Fault{Status: 502, Header: html, Body: "<html>Bad Gateway</html>"}, 502, received{"text/html", "7", "<html>Bad Gateway</html>"}, nil},
		{chargebeetest.Fault{Status: 503}, 503, received{}, nil},
		{chargebeetest.Fault{Status: 304, Body: "x"}, 304, received{}, nil},
		{chargebeetest.Fault{Status: 302, Header: http.Header{"Location": {"https://example.com/"}}}, 302, received{}, nil},
		{chargebeetest.Fault{Status: 200, Header: framing, Body: "<html>"}, 200, received{body: "<html>"}, nil},
		{chargebeetest.Fault{Status: 503, Body: "<html>Service Unavailable</html>", Cut: chargebeetest.CutBody}, 503, received{body: "<html>Service Un"}, io.ErrUnexpectedEOF},
		{chargebeetest.Fault{Status: 200, Cut: chargebeetest.CutBody}, 200, received{}, io.ErrUnexpectedEOF},
		{chargebeetest.Fault{Status: 204, Body: "x", Cut: chargebeetest.CutBody}, 204, received{}, nil}, // HTTP allows no body
		{chargebeetest.Fault{Status: -1}, 500, received{json, "", invalid + `-1"}`}, nil},
		{chargebeetest.Fault{Status: 1}, 500, received{json, "", invalid + `1"}`}, nil},
		{chargebeetest.Fault{Status: 101}, 500, received{json, "", invalid + `101"}`}, nil},
		{chargebeetest.Fault{Status: 199}, 500, received{json, "", invalid + `199"}`}, nil},
		{chargebeetest.Fault{Status: 999}, 999, received{}, nil},
		{chargebeetest.Fault{Status: 1000}, 500, received{json, "", invalid + `1000"}`}, nil},
	}
	for _, transportName := range transportNames {
		t.Run(transportName, func(t *testing.T) {
			t.Parallel()
			server, post := newServerOver(t, transportName)
			for _, test := range tests {
				server.Inject(test.fault)
				resp, body, err := post("key-1")
				require.ErrorIs(t, err, test.err)
				require.Equal(t, test.status, resp.StatusCode)
				require.Empty(t, resp.Header.Get("Trailer"))
				require.Equal(t, test.want, received{resp.Header.Get("Content-Type"), resp.Header.Get("Retry-After"), body})
			}
			require.Empty(t, server.ItemEntitlements("seats"))
			require.Len(t, server.Requests(), len(tests))
		})
	}
}

func TestCutClosesTheConnectionBeforeOrAfterProcessing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault       chargebeetest.Fault
		isProcessed bool
	}{
		"before processing":                  {chargebeetest.Fault{Cut: chargebeetest.CutBefore}, false},
		"after processing":                   {chargebeetest.Fault{Cut: chargebeetest.CutAfter}, true},
		"in the body":                        {chargebeetest.Fault{Cut: chargebeetest.CutBody}, true},
		"before the response of a fault":     {chargebeetest.Fault{Cut: chargebeetest.CutBefore, Status: 200}, false},
		"instead of the response of a fault": {chargebeetest.Fault{Cut: chargebeetest.CutAfter, Status: 200}, false},
		"in the body of a fault":             {chargebeetest.Fault{Cut: chargebeetest.CutBody, Status: 200, Body: `{"list":[]}`}, false},
	}
	for _, transportName := range transportNames {
		t.Run(transportName, func(t *testing.T) {
			t.Parallel()
			server, post := newServerOver(t, transportName)
			for name, test := range tests {
				before := len(server.ItemEntitlements("seats"))
				server.Inject(test.fault)
				_, _, err := post(name)
				require.Error(t, err, name)
				require.Equal(t, test.isProcessed, len(server.ItemEntitlements("seats")) > before, name)

				resp, body, err := post(name)
				require.NoError(t, err, name)
				require.Contains(t, body, `"object":"item_entitlement"`, name)
				require.Equal(t, test.isProcessed, resp.Header.Get("chargebee-idempotency-replayed") == "true", name)
				removed := serve(server, "POST", seatsPath, strings.NewReader("action=remove&item_entitlements[item_id][0]=team"))
				require.Equal(t, 200, removed.Code, name)
			}
		})
	}
}

func TestRecordedResponseCannotBeCut(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	server.Inject(chargebeetest.Fault{Cut: chargebeetest.CutAfter})
	w := serve(server, "POST", seatsPath, strings.NewReader(seatsForm))
	require.Equal(t, 500, w.Code)
	require.JSONEq(t, `{"message":"chargebeetest: this connection cannot be closed"}`, w.Body.String())
}

func TestRequestConsumesTheFirstMatchingFault(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	server.Inject(
		chargebeetest.Fault{Route: "/features/{feature-id}/item_entitlements", Status: 404},
		chargebeetest.Fault{Route: "/customers/{customer-id}", Status: 402},
		chargebeetest.Fault{Status: 403},
	)
	server.Inject(chargebeetest.Fault{}, chargebeetest.Fault{Status: 401})
	login := server.AddPortalSession("zoe")
	activatePath, customerPath := "/api/v2/portal_sessions/"+login.SessionID+"/activate", "/api/v2/customers/zoe"
	for i, step := range []struct {
		path, body string
		status     int
	}{
		{activatePath, "token=" + login.Token, 403},
		{seatsPath, seatsForm, 404},
		{seatsPath, seatsForm, 200},
		{activatePath, "token=" + login.Token, 401},
		{activatePath, "token=" + login.Token, 200},
		{customerPath, "", 402},
		{customerPath, "", 501},
	} {
		require.Equal(t, step.status, serve(server, "POST", step.path, strings.NewReader(step.body)).Code, i)
	}
}

func TestFaultMatchesTheMethod(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	server.Inject(chargebeetest.Fault{Route: "/features/{feature-id}/item_entitlements", Method: "POST", Status: 404}, chargebeetest.Fault{Method: "GET", Status: 403})
	for i, step := range []struct {
		method string
		status int
	}{{"GET", 403}, {"GET", 200}, {"POST", 404}, {"POST", 200}} {
		require.Equal(t, step.status, serve(server, step.method, seatsPath, strings.NewReader(seatsForm)).Code, i)
	}
}

func TestInjectCopiesFaults(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	fault := chargebeetest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}
	server.Inject(fault, fault)
	fault.Header.Set("Retry-After", "8")
	for range 2 {
		_, err := upsertSeats(t.Context(), client, "20")
		var apiErr *chargebee.APIError
		require.ErrorAs(t, err, &apiErr)
		require.Equal(t, 7*time.Second, apiErr.RetryAfter)
		apiErr.Header.Set("Retry-After", "9")
	}
}

func TestRequestOfADisconnectedClientIsProcessedOnlyWithCutAfter(t *testing.T) {
	t.Parallel()
	for cut, isProcessed := range map[chargebeetest.Cut]bool{
		chargebeetest.CutAfter: true, 0: false, chargebeetest.CutBefore: false, chargebeetest.CutBody: false,
	} {
		synctest.Test(t, func(t *testing.T) {
			server, client := newServer(t)
			server.Inject(chargebeetest.Fault{Delay: time.Minute, Cut: cut})
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			key := chargebee.WithIdempotencyKey("key-1")
			_, err := upsertSeats(ctx, client, "20", key)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 10*time.Second, time.Since(start))
			require.Equal(t, isProcessed, len(server.ItemEntitlements("seats")) == 1, cut)

			repeated, err := upsertSeats(t.Context(), client, "20", key)
			require.NoError(t, err)
			require.Equal(t, isProcessed, repeated.IdempotencyReplayed, cut)
		})
	}
}

func TestServerDetectsAClosedConnectionDuringADelay(t *testing.T) {
	t.Parallel()
	received, applied := make(chan struct{}, 1), make(chan struct{})
	server, client := newServer(t, chargebeetest.WithClock(func() time.Time { // also called for each received request
		select {
		case received <- struct{}{}:
		default:
		}
		return time.Now()
	}))
	<-received // the clock is also called for the created_at of the feature
	server.OnApplied(func(url.Values) { close(applied) })
	server.Inject(chargebeetest.Fault{Delay: time.Hour, Cut: chargebeetest.CutAfter})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-received
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

func TestClearFaultsReturnsTheUnusedFaults(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	require.Empty(t, server.ClearFaults())
	server.Inject(chargebeetest.Fault{Status: 503}, chargebeetest.Fault{Status: 502}, chargebeetest.Fault{Status: 500})
	_, err := activate(t, client, server.AddPortalSession("zoe"))
	require.ErrorContains(t, err, "503")
	unused := server.ClearFaults()
	require.Len(t, unused, 2)
	require.Equal(t, 502, unused[0].Status)
	require.Equal(t, 500, unused[1].Status)
	_, err = activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
}
