package chargebeetest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// respondWith returns a handler with a fixed response.
func respondWith(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
}

func get(server *chargebeetest.Server, path string) *httptest.ResponseRecorder {
	return serve(server, "GET", path, nil)
}

func TestHandleServesOtherPaths(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	server.Handle("GET /customers/{id}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.PathValue("id")) }))
	server.Handle("/api/v2/customers", respondWith("customers"))
	server.Handle("example.com/plans", respondWith("plans")) // the host of httptest.NewRequest
	server.Handle("GET other.example/plans", respondWith("other plans"))
	server.Handle("POST /features/{id}", respondWith("feature"))
	server.Handle("/api/v2", respondWith("root"))
	for _, test := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/api/v2/customers/zo%C3%AB", 200, "zoë"},
		{"HEAD", "/api/v2/customers/zoe", 200, "zoe"}, // net/http does not send the body
		{"GET", "/api/v2/customers", 200, "customers"},
		{"PUT", "/api/v2/customers", 200, "customers"},
		{"GET", "/api/v2/plans", 200, "plans"},
		{"GET", "http://other.example/api/v2/plans", 200, "other plans"},
		{"POST", "/api/v2/features/seats", 200, "feature"},
		{"GET", "/api/v2", 200, "root"},
		{"PUT", "/api/v2/customers/zoe", 405, `"api_error_code":"http_method_not_supported"`},
		{"GET", "/api/v2/customers/zoe/cards", 501, "chargebeetest does not emulate GET /customers/zoe/cards"},
		{"GET", "/customers/zoe", 501, "chargebeetest does not emulate GET /customers/zoe: paths of the API begin with /api/v2"},
	} {
		w := serve(server, test.method, test.path, nil)
		require.Equal(t, test.status, w.Code, test)
		require.Contains(t, w.Body.String(), test.body)
	}
}

func TestHandlerOverEveryTransport(t *testing.T) {
	t.Parallel()
	const form = "action=upsert&item_entitlements[item_id][0]=team"
	for _, transportName := range transportNames {
		t.Run(transportName, func(t *testing.T) {
			t.Parallel()
			server, post := newServerOver(t, transportName)
			server.Handle("POST /echo", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				w.Header()["x-handler"] = []string{"yes"} //nolint:canonicalheader // as valid as any case
				w.Header().Set("Content-Length", "999")
				w.WriteHeader(http.StatusContinue)
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusCreated)
				w.WriteHeader(http.StatusTeapot) // too late
				w.Header().Set("X-Late", "yes")
				fmt.Fprint(w, r.Method, " ", r.URL, " ", r.RequestURI, " ", r.ContentLength, " ", string(body), " ",
					r.Header.Get("chargebee-idempotency-key"), " ", err, " ", r.Host != "", " ", r.RemoteAddr[:4])
			}))
			resp, body, err := post("key-1", "/echo")
			require.NoError(t, err)
			require.Equal(t, 201, resp.StatusCode)
			require.Equal(t, "POST /api/v2/echo /api/v2/echo 48 "+form+" key-1 <nil> true 127.", body)
			require.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))
			require.Equal(t, "yes", resp.Header.Get("X-Handler"))
			require.Empty(t, resp.Header.Get("X-Late"))
			require.EqualValues(t, len(body), resp.ContentLength)

			resp, replayed, err := post("key-1", "/echo")
			require.NoError(t, err)
			require.Equal(t, 201, resp.StatusCode)
			require.Equal(t, body, replayed)
			require.Equal(t, "true", resp.Header.Get("chargebee-idempotency-replayed"))
			require.Len(t, server.Requests(), 2)
			require.Equal(t, "team", server.Requests()[0].Form.Get("item_entitlements[item_id][0]"))
		})
	}
}

func TestHandlerReceivesARequestInMemoryAsFromAConnection(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	server.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Method, " ", r.Host, " ", r.URL, " ", r.ContentLength, " ", r.Header.Get("X-Note"))
	}))
	body := io.NopCloser(strings.NewReader("x=y")) // of unknown length
	req, err := http.NewRequestWithContext(t.Context(), "", server.URL+"/a%2Fb?c=d", body)
	require.NoError(t, err)
	req.Method, req.Host = "", ""        // which mean GET and the host of the URL
	req.Header["x-note"] = []string{"1"} //nolint:canonicalheader // as valid as any case
	req.SetBasicAuth(server.APIKey, "")
	resp, err := server.Transport().RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	received, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "GET "+req.URL.Host+" /api/v2/a%2Fb?c=d 3 1", string(received))
}

func TestHandledRequestPassesTheChecksOfAnyOther(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t, chargebeetest.WithRateLimit(5))
	calls := 0
	server.Handle("POST /customers", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(map[int]int{1: 409, 2: 300, 3: 204}[calls])
	}))
	server.Inject(chargebeetest.Fault{Status: 503, Route: "/customers"})
	for i, step := range []struct {
		header []string
		status int
		calls  int
	}{
		{nil, 503, 0},
		{[]string{"Authorization", ""}, 401, 0},
		{[]string{"chargebee-event-email", "x"}, 400, 0},
		{nil, 409, 1},
		{nil, 300, 2}, // the error released the key
		{nil, 204, 3}, // and so did what is no success
		{nil, 204, 3},
		{nil, 429, 3},
	} {
		header := append([]string{"chargebee-idempotency-key", "key-1"}, step.header...)
		w := serve(server, "POST", "/api/v2/customers", strings.NewReader(`{"not":"a form"}`), header...)
		require.Equal(t, step.status, w.Code, i)
		require.Equal(t, step.calls, calls, i)
	}
	require.Len(t, server.Requests(), 8)
}

func TestOperationsCannotBeReplaced(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	server.Handle("/", respondWith("handled"))
	server.Handle("POST /portal_sessions/{id}/activate", respondWith("handled"))
	_, err := activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
	require.Equal(t, "handled", get(server, "/api/v2/anything").Body.String())
	require.Equal(t, "handled", serve(server, "DELETE", seatsPath, nil).Body.String())
}

func TestLaterHandlerReplacesTheEarlierOne(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	server.Handle("/customers", respondWith("first"))
	server.Handle("/api/v2/customers", respondWith("second"))
	require.Equal(t, "second", get(server, "/api/v2/customers").Body.String())
	require.NotContains(t, get(server, "/api/v2/plans").Body.String(), "rejected")
}

func TestRejectedHandlersAreReportedInTheResponse(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	server.Handle("{", respondWith("x"))
	require.Contains(t, get(server, "/api/v2/plans").Body.String(), "which has rejected: ")
	server.Handle("GET /customers/{id}", respondWith("customer"))
	for pattern, reason := range map[string]string{
		"":                       "invalid pattern",
		"customers":              `parsing \"customers\"`,
		"GET /plans/{":           `parsing \"GET /api/v2/plans/{\"`,
		"GET /customers/{other}": `pattern \"GET /api/v2/customers/{other}\"`,
	} {
		server.Handle(pattern, respondWith("x"))
		w := get(server, "/api/v2/plans")
		require.Equal(t, 501, w.Code, pattern)
		require.Contains(t, w.Body.String(), "serve it with Server.Handle, which has rejected: ", pattern)
		require.Contains(t, w.Body.String(), reason, pattern)
	}
	server.Handle("GET /plans", nil)
	require.Contains(t, get(server, "/api/v2/plans").Body.String(), `the handler of \"GET /api/v2/plans\" is nil`)
	require.Equal(t, "customer", get(server, "/api/v2/customers/zoe").Body.String())
}

func TestHandlerMayPanic(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	for path, value := range map[string]any{"/text": "a reason", "/error": errors.New("a reason"), "/abort": http.ErrAbortHandler} {
		server.Handle("POST "+path, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(value) }))
	}
	for _, path := range []string{"/text", "/error"} {
		w := serve(server, "POST", "/api/v2"+path, nil, "chargebee-idempotency-key", "key-1")
		require.Equal(t, 500, w.Code)
		require.JSONEq(t, `{"message":"chargebeetest: the handler of POST /api/v2`+path+` panicked: a reason"}`, w.Body.String())
	}
	_, err := client.Do(t.Context(), chargebee.Request{Method: "POST", Path: "/abort"}, nil)
	require.ErrorIs(t, err, io.EOF)
	server.Inject(chargebeetest.Fault{Cut: chargebeetest.CutBody})
	_, err = client.Do(t.Context(), chargebee.Request{Method: "POST", Path: "/abort"}, nil, chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1}))
	require.ErrorIs(t, err, io.EOF)
	server.Inject(chargebeetest.Fault{Cut: chargebeetest.CutBody})
	require.Contains(t, serve(server, "POST", "/api/v2/abort", nil).Body.String(), "this connection cannot be closed") // a recorder
	require.Zero(t, server.StoredKeys())
}

func TestResponsesOfHandlers(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	for path, h := range map[string]http.HandlerFunc{
		"/nothing": func(http.ResponseWriter, *http.Request) {},
		"/json": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "x/y")
			fmt.Fprint(w, "{}")
		},
		"/unguessed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			fmt.Fprint(w, "<html>")
		},
		"/digit": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "7") },
		"/late": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "{}")
			w.Header().Set("Content-Type", "x/y")
		},
		"/html":         func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"/redirect":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusSeeOther) },
		"/invalid":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(1000) },
		"/also/invalid": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(99) },
	} {
		server.Handle(path, h)
	}
	for path, want := range map[string]struct {
		status            int
		contentType, body string
	}{
		"/nothing":      {200, "", ""},
		"/json":         {200, "x/y", "{}"},
		"/unguessed":    {200, "", "<html>"},
		"/digit":        {200, "text/plain; charset=utf-8", "7"},
		"/late":         {200, "text/plain; charset=utf-8", "{}"},
		"/html":         {200, "text/html; charset=utf-8", "<html>"},
		"/redirect":     {303, "text/html; charset=utf-8", "<a href=\"/x\">See Other</a>.\n\n"},
		"/invalid":      {500, "application/json;charset=utf-8", `{"message":"chargebeetest: a handler cannot have the status 1000"}`},
		"/also/invalid": {500, "application/json;charset=utf-8", `{"message":"chargebeetest: a handler cannot have the status 99"}`},
	} {
		w := get(server, "/api/v2"+path)
		require.Equal(t, want.status, w.Code, path)
		require.Equal(t, want.contentType, w.Header().Get("Content-Type"), path)
		require.Equal(t, want.body, w.Body.String(), path)
	}
}

func TestHandlerMayUseTheServer(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	server.Handle("POST /portal_sessions/of/{customer}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		login := server.AddPortalSession(r.PathValue("customer"))
		server.Handle("GET /last", respondWith("{}"))
		fmt.Fprintf(w, `{"id":%q}`, login.SessionID)
	}))
	var created struct{ ID string }
	_, err := client.Do(t.Context(), chargebee.Request{Method: "POST", Path: "/portal_sessions/of/zoe"}, &created)
	require.NoError(t, err)
	session, found := server.PortalSession(created.ID)
	require.True(t, found)
	require.Equal(t, "zoe", session.CustomerID)
	require.Equal(t, 200, get(server, "/api/v2/last").Code)
}

func TestHandlerOfBackgroundWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t)
		var handled *http.Request
		server.Handle("POST /exports", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handled = r
			assert.NoError(t, handled.Context().Err()) // although the client has left
			fmt.Fprint(w, `{"export":{}}`)
		}))
		server.Inject(chargebeetest.Fault{Work: time.Minute})
		export := chargebee.Request{Method: "POST", Path: "/exports"}
		key := chargebee.WithIdempotencyKey("key-1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.Do(ctx, export, nil, key)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.ErrorIs(t, handled.Context().Err(), context.Canceled)
		resp, err := client.Do(t.Context(), export, nil, key)
		require.NoError(t, err)
		require.True(t, resp.IdempotencyReplayed)
	})
}
