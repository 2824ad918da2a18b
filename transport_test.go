package chargebee_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// newLoopbackServer starts a server on loopback, and returns its URL and the number of its connections so far.
func newLoopbackServer(t *testing.T, handler http.HandlerFunc) (baseURL string, connections *atomic.Int64) {
	t.Helper()
	connections = new(atomic.Int64)
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, connections
}

// newLoopbackClient returns a client of a server on loopback, with the default transport. It retries immediately.
func newLoopbackClient(t *testing.T, handler http.HandlerFunc, opts ...chargebee.ClientOption) (*chargebee.Client, *atomic.Int64) {
	t.Helper()
	baseURL, connections := newLoopbackServer(t, handler)
	client, err := chargebee.NewClient("acme-test", "test_key", append([]chargebee.ClientOption{
		chargebee.WithBaseURL(baseURL + "/gateway/api/v2/"),
		chargebee.WithRetry(chargebee.Retry{BaseDelay: 1, MaxDelay: 1}),
	}, opts...)...)
	require.NoError(t, err)
	return client, connections
}

// respondActivated is a handler of activations.
func respondActivated(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, activatedJSON)
}

// newPipeTransport returns the default transport, but its connections are pipes to serve instead of
// sockets, so that a synctest bubble can contain both ends.
func newPipeTransport(t *testing.T, serve func(net.Conn)) *http.Transport {
	t.Helper()
	transport := chargebee.NewTransport()
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go serve(server)
		return client, nil
	}
	t.Cleanup(func() {
		synctest.Wait() // until net/http has returned its connections to the pool
		transport.CloseIdleConnections()
	})
	return transport
}

var overPipes = chargebee.WithBaseURL("http://127.0.0.1/api/v2")

func TestConcurrentCallersReuseConnections(t *testing.T) {
	t.Parallel()
	const callers, rounds = 64, 50
	var arrivals sync.WaitGroup
	client, connections := newLoopbackClient(t, func(w http.ResponseWriter, r *http.Request) {
		arrivals.Done()
		arrivals.Wait() // until the requests of all callers have arrived
		respondActivated(w, r)
	}, noRetries)
	for range rounds {
		arrivals.Add(callers)
		var calls sync.WaitGroup
		for range callers {
			calls.Go(func() {
				if _, err := activate(t.Context(), client); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
	}
	require.Less(t, connections.Load(), int64(2*callers)) // net/http occasionally drops one
}

func TestErrorResponsesLeaveTheConnectionReusable(t *testing.T) {
	t.Parallel()
	responses := []struct {
		status int
		body   string
	}{
		{200, activatedJSON}, {200, `<html>`}, {204, ``}, {302, `<a>`}, {404, ``}, {400, `{"message":"wrong"}`},
		{503, `<html>`}, {429, strings.Repeat(" ", 64<<10)}, {502, strings.Repeat(" ", 320<<10)}, {200, activatedJSON},
	}
	var arrived atomic.Int64
	client, connections := newLoopbackClient(t, func(w http.ResponseWriter, _ *http.Request) {
		response := responses[arrived.Add(1)-1]
		w.WriteHeader(response.status)
		_, _ = io.WriteString(w, response.body)
	})
	var err error
	for arrived.Load() < int64(len(responses)) {
		_, err = activate(t.Context(), client)
	}
	require.NoError(t, err)
	require.Equal(t, int64(1), connections.Load())
}

func TestIdleConnectionsAreClosedAfter90Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan time.Time, 1)
		transport := newPipeTransport(t, func(conn net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn) // until the client closes the connection
			closed <- time.Now()
		})
		start := time.Now()
		_, err := newClient(t, transport, overPipes).Do(t.Context(), chargebee.Request{Method: http.MethodGet, Path: "/features"}, nil)
		require.NoError(t, err)
		require.Equal(t, 90*time.Second, (<-closed).Sub(start))
	})
}

func TestTLSHandshakesTimeOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		silent := newPipeTransport(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
		start := time.Now()
		_, err := activate(t.Context(), newClient(t, silent, noRetries))
		require.Error(t, err)
		require.Equal(t, 10*time.Second, time.Since(start))
	})
}

// By default net/http replays a GET on a reused connection that the server closes.
func TestEachReplayOnAClosedConnectionIsAnAttempt(t *testing.T) {
	t.Parallel()
	withoutBody := chargebee.WithTransportWrapper(func(base http.RoundTripper) http.RoundTripper {
		return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			if req.Body == http.NoBody {
				req.Body = nil // which means the same
			}
			return base.RoundTrip(req)
		})
	})
	noWrapper := chargebee.WithUserAgent("acme-billing/1.4")
	for _, test := range []struct {
		method string
		opt    chargebee.ClientOption
	}{{http.MethodGet, noWrapper}, {http.MethodGet, withoutBody}, {http.MethodPost, noWrapper}} {
		var arrived atomic.Int64
		observed := 0
		client, _ := newLoopbackClient(t, func(w http.ResponseWriter, _ *http.Request) {
			if arrived.Add(1) == 2 {
				panic(http.ErrAbortHandler) // closes the connection
			}
			_, _ = io.WriteString(w, `{}`)
		}, test.opt, chargebee.WithObserver(func(context.Context, chargebee.Attempt) { observed++ }))
		for _, attempts := range []int{1, 2} {
			resp, err := client.Do(t.Context(), chargebee.Request{Method: test.method, Path: "/customers", Params: url.Values{"id": {"zoe"}}}, nil)
			require.NoError(t, err)
			require.Equal(t, attempts, resp.Attempts)
		}
		require.Equal(t, 3, observed)
		require.Equal(t, int64(3), arrived.Load())
	}
}

func TestErrorOfNetHTTPIsKept(t *testing.T) {
	t.Parallel()
	transport := chargebee.NewTransport()
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route") }
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for _, params := range []any{nil, url.Values{"id": {"zoe"}}} {
			_, err := newClient(t, transport, noRetries).Do(t.Context(), chargebee.Request{Method: method, Path: "/customers", Params: params}, nil)
			require.EqualError(t, err, "chargebee: "+method+" /customers: not sent: no route")
		}
	}
}

func TestTransportsCanAddToEveryHeader(t *testing.T) {
	t.Parallel()
	sent := http.Header{
		"Accept":                    {"application/json"},
		"Authorization":             {"Basic dGVzdF9rZXk6"},
		"Chargebee-Idempotency-Key": {"login-1"},
		"Content-Type":              {"application/x-www-form-urlencoded"},
		"User-Agent":                {"typedbee-chargebee-go/0.1.0"},
	}
	for name := range sent {
		transport := newFakeTransport(func(req *http.Request) (*http.Response, error) {
			req.Header.Add(name, "added")
			return respond(200, activatedJSON)(req)
		})
		_, err := activate(t.Context(), newClient(t, transport), chargebee.WithIdempotencyKey("login-1"))
		require.NoError(t, err)
		want := sent.Clone()
		want.Add(name, "added")
		require.Equal(t, want, transport.onlyRequest(t).Header)
	}
}

// The client runs in a process of its own, because net/http reads the environment only once.
func TestDefaultTransportUsesTheProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	const baseURLOfChild = "CHARGEBEE_TEST_BASE_URL"
	if baseURL := os.Getenv(baseURLOfChild); baseURL != "" {
		client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithInsecureHTTP(), chargebee.WithBaseURL(baseURL))
		require.NoError(t, err)
		_, err = activate(t.Context(), client)
		require.NoError(t, err)
		return
	}
	baseURL, direct := newLoopbackServer(t, respondActivated)
	proxyURL, proxied := newLoopbackServer(t, respondActivated)
	baseURL = strings.Replace(baseURL, "127.0.0.1", "0.0.0.0", 1) // net/http uses no proxy for loopback addresses
	for _, test := range []struct {
		noProxy string
		want    []int64 // direct and proxied so far
	}{{"", []int64{0, 1}}, {"0.0.0.0", []int64{1, 1}}} {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		child.Env = append(os.Environ(), baseURLOfChild+"="+baseURL, "HTTP_PROXY="+proxyURL, "NO_PROXY="+test.noProxy, "no_proxy="+test.noProxy)
		output, err := child.CombinedOutput()
		require.NoError(t, err, string(output))
		require.Equal(t, test.want, []int64{direct.Load(), proxied.Load()})
	}
}

func TestLaterWrappersEncloseEarlierOnes(t *testing.T) {
	t.Parallel()
	wrapped := 0
	wrapper := func(name string) chargebee.ClientOption {
		return chargebee.WithTransportWrapper(func(base http.RoundTripper) http.RoundTripper {
			wrapped++
			return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
				req.Header.Add("X-Passed", name)
				return base.RoundTrip(req)
			})
		})
	}
	transport := newFakeTransport(respond(200, activatedJSON))
	client := newClient(t, nil, wrapper("earlier"), chargebee.WithHTTPClient(&http.Client{Transport: transport}), wrapper("later"))
	for i := range 2 {
		_, err := activate(t.Context(), client)
		require.NoError(t, err)
		require.Equal(t, []string{"later", "earlier"}, transport.requests[i].Header["X-Passed"])
	}
	require.Equal(t, 2, wrapped) // by NewClient alone
}

// Wrappers that hedge send a request twice.
func TestWrappersCanSendARequestTwice(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	client, _ := newLoopbackClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("token") == "tok_secret" {
			arrived.Add(1)
		}
		respondActivated(w, r)
	}, chargebee.WithTransportWrapper(func(base http.RoundTripper) http.RoundTripper {
		return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			second := req.Clone(req.Context())
			second.Body, err = req.GetBody()
			require.NoError(t, err)
			return base.RoundTrip(second)
		})
	}))
	_, err := activate(t.Context(), client)
	require.NoError(t, err)
	require.Equal(t, int64(2), arrived.Load())
}

// The test is not parallel, because it replaces http.DefaultTransport.
func TestHTTPClientWithoutATransportUsesHTTPDefaultTransport(t *testing.T) {
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	transport := newFakeTransport(respond(200, activatedJSON))
	http.DefaultTransport = transport
	_, err := activate(t.Context(), newClient(t, nil))
	require.NoError(t, err)
	transport.onlyRequest(t)
}

func TestOnlyTheTransportAndTheTimeoutOfAnHTTPClientAreUsed(t *testing.T) {
	t.Parallel()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	site := &url.URL{Scheme: "https", Host: "acme-test.chargebee.com", Path: "/"}
	jar.SetCookies(site, []*http.Cookie{{Name: "a", Value: "b"}})
	transport := newFakeTransport(respond(302, "", "Location", "/", "Set-Cookie", "c=d"))
	httpClient := &http.Client{Transport: transport, Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error {
		t.Error("CheckRedirect was called")
		return nil
	}}
	client := newClient(t, nil, chargebee.WithHTTPClient(httpClient))
	require.Equal(t, []any{transport, jar, time.Minute}, []any{httpClient.Transport, httpClient.Jar, httpClient.Timeout})
	httpClient.Transport, httpClient.Timeout = nil, 1 // later changes have no effect
	_, err = activate(t.Context(), client)
	require.ErrorContains(t, err, "302 Found")
	require.Empty(t, transport.onlyRequest(t).Header["Cookie"]) // the jar is not used
	require.Len(t, jar.Cookies(site), 1)
}
