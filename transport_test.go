package chargebee_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
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

// connectionCounter counts the connections of a server.
type connectionCounter struct{ opened, open atomic.Int64 }

func (c *connectionCounter) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.opened.Add(1)
		c.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		c.open.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

// newLoopbackServer starts a server on loopback and returns its URL.
func newLoopbackServer(t *testing.T, handler http.HandlerFunc) (baseURL string, connections *connectionCounter) {
	t.Helper()
	connections = new(connectionCounter)
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnState = connections.connState
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, connections
}

// newDefaultClient returns a client with the default transport, which retries immediately.
func newDefaultClient(t *testing.T, baseURL string, opts ...chargebee.ClientOption) *chargebee.Client {
	t.Helper()
	opts = append([]chargebee.ClientOption{
		chargebee.WithBaseURL(baseURL),
		chargebee.WithRetry(chargebee.Retry{BaseDelay: 1, MaxDelay: 1}),
	}, opts...)
	client, err := chargebee.NewClient("acme-test", "test_key", opts...)
	require.NoError(t, err)
	return client
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
	baseURL, connections := newLoopbackServer(t, func(w http.ResponseWriter, _ *http.Request) {
		arrivals.Done()
		arrivals.Wait() // until the requests of all callers have arrived
		_, _ = io.WriteString(w, activatedJSON)
	})
	client := newDefaultClient(t, baseURL, noRetries)
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
	require.Less(t, connections.opened.Load(), int64(2*callers)) // net/http occasionally drops one
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
	baseURL, connections := newLoopbackServer(t, func(w http.ResponseWriter, _ *http.Request) {
		response := responses[arrived.Add(1)-1]
		w.WriteHeader(response.status)
		_, _ = io.WriteString(w, response.body)
	})
	client := newDefaultClient(t, baseURL)
	var err error
	for arrived.Load() < int64(len(responses)) {
		_, err = activate(t.Context(), client)
	}
	require.NoError(t, err)
	require.Equal(t, int64(1), connections.opened.Load())
}

// pipeListener accepts the server's ends of pipes.
type pipeListener struct {
	net.Listener
	conns chan net.Conn
}

func (l pipeListener) Accept() (net.Conn, error) {
	conn, open := <-l.conns
	if !open {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (l pipeListener) Close() error {
	close(l.conns)
	return nil
}

func TestFailedCallsLeaveNoConnectionOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var connections connectionCounter
		var requests atomic.Int64
		listener := pipeListener{conns: make(chan net.Conn)}
		server := &http.Server{ConnState: connections.connState, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client disconnects
			switch requests.Add(1) % 5 {
			case 0:
				<-r.Context().Done() // until the attempt times out
			case 1:
				panic(http.ErrAbortHandler)
			case 2:
				w.WriteHeader(http.StatusServiceUnavailable)
			case 3:
				w.WriteHeader(http.StatusBadGateway)
				_, _ = io.WriteString(w, strings.Repeat(" ", 1<<20)) // more than the client reads
			default:
				_, _ = io.WriteString(w, activatedJSON)
			}
		})}
		go func() { _ = server.Serve(listener) }()
		defer server.Close()
		client := newClient(t, newPipeTransport(t, func(conn net.Conn) { listener.conns <- conn }), overPipes)
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			_, _ = activate(ctx, client)
			cancel()
			time.Sleep(time.Second) // net/http's server lingers before it closes
			require.LessOrEqual(t, connections.open.Load(), int64(1))
		}
		require.Greater(t, requests.Load(), int64(15))
		time.Sleep(90 * time.Second) // the timeout of idle connections
		synctest.Wait()
		require.Zero(t, connections.open.Load())
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

// Left to itself, net/http replays a GET on a reused connection that the server closes.
func TestEachReplayOnAClosedConnectionIsAnAttempt(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		var arrived atomic.Int64
		baseURL, _ := newLoopbackServer(t, func(w http.ResponseWriter, _ *http.Request) {
			if arrived.Add(1) == 2 {
				panic(http.ErrAbortHandler) // closes the connection
			}
			_, _ = io.WriteString(w, `{}`)
		})
		observed := 0
		client := newDefaultClient(t, baseURL, chargebee.WithObserver(func(context.Context, chargebee.Attempt) { observed++ }))
		req := chargebee.Request{Method: method, Path: "/customers", Params: url.Values{"id": {"zoe"}}}
		for _, attempts := range []int{1, 2} {
			resp, err := client.Do(t.Context(), req, nil)
			require.NoError(t, err)
			require.Equal(t, attempts, resp.Attempts)
		}
		require.Equal(t, 3, observed)
		require.Equal(t, int64(3), arrived.Load())
	}
}

// The client runs in a process of its own, because net/http reads the environment only once.
func TestDefaultTransportIgnoresTheProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	const baseURLOfChild = "CHARGEBEE_TEST_BASE_URL"
	if baseURL := os.Getenv(baseURLOfChild); baseURL != "" {
		_, err := activate(t.Context(), newDefaultClient(t, baseURL, chargebee.WithInsecureHTTP()))
		require.NoError(t, err)
		return
	}
	var direct, proxied atomic.Int64
	respondAndCount := func(count *atomic.Int64) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			count.Add(1)
			_, _ = io.WriteString(w, activatedJSON)
		}
	}
	baseURL, _ := newLoopbackServer(t, respondAndCount(&direct))
	proxyURL, _ := newLoopbackServer(t, respondAndCount(&proxied))
	baseURL = strings.Replace(baseURL, "127.0.0.1", "0.0.0.0", 1) // net/http uses no proxy for loopback addresses
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), baseURLOfChild+"="+baseURL, "HTTP_PROXY="+proxyURL, "NO_PROXY=", "no_proxy=")
	output, err := child.CombinedOutput()
	require.NoError(t, err, string(output))
	require.Equal(t, int64(1), direct.Load())
	require.Zero(t, proxied.Load())
}

func TestLaterWrappersEncloseEarlierOnes(t *testing.T) {
	t.Parallel()
	baseURL, _ := newLoopbackServer(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Join(r.Header["X-Passed"], ", ") != "later, earlier" {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, activatedJSON)
	})
	for name, transport := range map[string]chargebee.ClientOption{
		"the default transport": chargebee.WithUserAgent("acme/1"), // leaves the transport unchanged
		"the caller's":          chargebee.WithHTTPClient(&http.Client{Transport: new(http.Transport)}),
	} {
		wrapped := 0
		wrapper := func(name string) chargebee.ClientOption {
			return chargebee.WithTransportWrapper(func(base http.RoundTripper) http.RoundTripper {
				wrapped++
				return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
					req = req.Clone(req.Context())
					req.Header.Add("X-Passed", name)
					return base.RoundTrip(req)
				})
			})
		}
		client := newDefaultClient(t, baseURL, wrapper("earlier"), transport, wrapper("later"))
		for range 2 {
			_, err := activate(t.Context(), client)
			require.NoError(t, err, name)
		}
		require.Equal(t, 2, wrapped) // by NewClient alone
	}
}

// Wrappers that hedge send a request twice.
func TestWrappersCanSendARequestTwice(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	baseURL, _ := newLoopbackServer(t, func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); string(body) == "token=tok_secret" {
			arrived.Add(1)
		}
		_, _ = io.WriteString(w, activatedJSON)
	})
	client := newDefaultClient(t, baseURL, chargebee.WithTransportWrapper(func(base http.RoundTripper) http.RoundTripper {
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

// The test is not parallel: closing any test server closes the idle connections of http.DefaultTransport.
func TestHTTPClientWithoutATransportUsesHTTPDefaultTransport(t *testing.T) {
	baseURL, _ := newLoopbackServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, activatedJSON) })
	client := newDefaultClient(t, baseURL, chargebee.WithHTTPClient(&http.Client{}))
	pooled := make(chan error, 1)
	_, err := activate(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{PutIdleConn: func(err error) { pooled <- err }}), client)
	require.NoError(t, err)
	require.NoError(t, <-pooled)

	var reused bool
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, baseURL, nil)
	require.NoError(t, err)
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.True(t, reused)
}

func TestOnlyTheTransportAndTheTimeoutOfAnHTTPClientAreUsed(t *testing.T) {
	t.Parallel()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	site := &url.URL{Scheme: "https", Host: "acme-test.chargebee.com", Path: "/"}
	jar.SetCookies(site, []*http.Cookie{{Name: "a", Value: "b"}})
	transport := newFakeTransport(respond(302, "", "Location", "/", "Set-Cookie", "c=d"))
	httpClient := &http.Client{Transport: transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		t.Error("CheckRedirect was called")
		return nil
	}}
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithHTTPClient(httpClient))
	require.NoError(t, err)
	httpClient.Transport, httpClient.Timeout = nil, 1 // later changes have no effect
	_, err = activate(t.Context(), client)
	require.ErrorContains(t, err, "302 Found")
	require.Empty(t, transport.onlyRequest(t).Header["Cookie"])
	require.Len(t, jar.Cookies(site), 1)
}
