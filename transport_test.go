package chargebee_test

import (
	"bufio"
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
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func TestManyConcurrentCallersReuseTheirConnections(t *testing.T) {
	t.Parallel()
	const callers, rounds = 64, 50
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	arrived, release := make(chan struct{}, callers), make(chan struct{})
	var connections connections
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-release
		_, _ = io.WriteString(w, activated)
	}))
	server.Config.ConnState = connections.count
	server.Start()
	t.Cleanup(server.Close)
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(server.URL))
	require.NoError(t, err)

	for range rounds {
		var calls sync.WaitGroup
		for range callers {
			calls.Go(func() {
				if _, err := activate(t, client); err != nil {
					t.Error(err)
					cancel()
				}
			})
		}
		for range callers { // all are under way at once
			select {
			case <-arrived:
			case <-ctx.Done():
				close(release)
				return
			}
		}
		for range callers {
			release <- struct{}{}
		}
		calls.Wait()
	}
	require.Less(t, connections.opened.Load(), int64(2*callers)) // now and then net/http gives one up
}

func TestAnErrorLeavesTheConnectionForTheNextCall(t *testing.T) {
	t.Parallel()
	answers := []struct {
		status int
		body   string
	}{
		{200, activated}, {200, `<html>`}, {204, ``}, {302, `<a>`}, {404, ``}, {400, `{"message":"wrong"}`},
		{503, `<html>`}, {429, strings.Repeat(" ", 64<<10)}, {502, strings.Repeat(" ", 320<<10)}, {200, activated},
	}
	var connections connections
	var answered atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer := answers[answered.Add(1)-1]
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body)
	}))
	server.Config.ConnState = connections.count
	server.Start()
	t.Cleanup(server.Close)
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(server.URL),
		chargebee.WithRetry(chargebee.Retry{BaseDelay: 1, MaxDelay: 1}))
	require.NoError(t, err)
	for answered.Load() < int64(len(answers)) {
		_, err = activate(t, client)
	}
	require.NoError(t, err)
	require.Equal(t, int64(1), connections.opened.Load())
}

// connections counts those of a server.
type connections struct{ opened, open atomic.Int64 }

func (c *connections) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.opened.Add(1)
		c.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		c.open.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

func TestNoConnectionIsLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var connections connections
		var requests atomic.Int64
		listener := newPipeListener()
		server := &http.Server{ConnState: connections.count, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then does it hear that the client hangs up
			switch requests.Add(1) % 5 {
			case 0:
				<-r.Context().Done() // until the attempt timeout
			case 1:
				panic(http.ErrAbortHandler)
			case 2:
				w.WriteHeader(http.StatusServiceUnavailable)
			case 3:
				w.WriteHeader(http.StatusBadGateway)
				_, _ = io.WriteString(w, strings.Repeat(" ", 1<<20)) // more than anyone reads
			default:
				_, _ = io.WriteString(w, activated)
			}
		})}
		go func() { _ = server.Serve(listener) }()
		defer server.Close()
		transport := chargebee.NewTransport()
		transport.DialContext = listener.dial
		client := newClient(t, transport, chargebee.WithRetry(chargebee.Retry{}), chargebee.WithBaseURL("http://127.0.0.1/api/v2"))
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			_ = activateWith(ctx, client)
			cancel()
			time.Sleep(time.Second) // net/http's server takes its time to close
			require.LessOrEqual(t, connections.open.Load(), int64(1))
		}
		require.Greater(t, requests.Load(), int64(15))
		time.Sleep(90 * time.Second) // after that time an idle connection is closed
		synctest.Wait()
		require.Zero(t, connections.open.Load())
	})
}

func TestAKeptConnectionThatTheServerDroppedIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dialed := 0
		transport := chargebee.NewTransport()
		defer transport.CloseIdleConnections()
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			dialed++
			client, server := net.Pipe()
			go func() { // one answer, and then it reads a request and hangs up
				defer server.Close()
				requests := bufio.NewReader(server)
				if req, err := http.ReadRequest(requests); err == nil {
					_, _ = io.Copy(io.Discard, req.Body)
					_, _ = io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(len(activated))+"\r\n\r\n"+activated)
				}
				_, _ = http.ReadRequest(requests)
			}()
			return client, nil
		}
		client := newClient(t, transport, chargebee.WithRetry(chargebee.Retry{}), chargebee.WithBaseURL("http://127.0.0.1/api/v2"))
		first, err := activate(t, client)
		require.NoError(t, err)
		require.Equal(t, 1, first.Attempts)
		second, err := activate(t, client)
		require.NoError(t, err)
		require.Equal(t, 2, second.Attempts)
		require.Equal(t, 2, dialed)
	})
}

func TestATLSHandshakeHasATimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := chargebee.NewTransport()
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, server) }()
			return client, nil
		}
		start := time.Now()
		_, err := activate(t, newClient(t, transport))
		require.Error(t, err)
		require.Equal(t, 10*time.Second, time.Since(start))
	})
}

// pipeListener listens where no socket is.
type pipeListener struct {
	net.Listener
	conns chan net.Conn
}

func newPipeListener() *pipeListener { return &pipeListener{conns: make(chan net.Conn)} }

func (l *pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	l.conns <- server
	return client, nil
}

func (l *pipeListener) Accept() (net.Conn, error) {
	conn, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (l *pipeListener) Close() error {
	close(l.conns)
	return nil
}

// The process is a new one, because net/http reads the environment once.
func TestTheDefaultTransportUsesNoProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	const inChild = "CHARGEBEE_TEST_BASE_URL"
	if baseURL := os.Getenv(inChild); baseURL != "" {
		client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(baseURL), chargebee.WithInsecureHTTP())
		require.NoError(t, err)
		_, err = activate(t, client)
		require.NoError(t, err)
		return
	}
	var direct, proxied atomic.Int64
	count := func(n *atomic.Int64) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			n.Add(1)
			_, _ = io.WriteString(w, activated)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	// net/http never asks a proxy for a loopback address, and 0.0.0.0 is none.
	baseURL := strings.Replace(count(&direct), "127.0.0.1", "0.0.0.0", 1)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), inChild+"="+baseURL, "HTTP_PROXY="+count(&proxied), "NO_PROXY=", "no_proxy=")
	output, err := child.CombinedOutput()
	require.NoError(t, err, string(output))
	require.Equal(t, int64(1), direct.Load())
	require.Zero(t, proxied.Load())
}

func TestWrappersStandAroundTheTransportTheLaterOutside(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("x-passed") != "later, earlier" {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, activated)
	}))
	t.Cleanup(server.Close)
	wrapped := 0
	passing := func(name string) chargebee.ClientOption {
		return chargebee.WithTransportWrapper(func(base http.RoundTripper) http.RoundTripper {
			wrapped++
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				req = req.Clone(req.Context())
				req.Header.Set("x-passed", strings.TrimPrefix(req.Header.Get("x-passed")+", "+name, ", "))
				return base.RoundTrip(req)
			})
		})
	}
	for name, transport := range map[string]chargebee.ClientOption{
		"the default transport": chargebee.WithUserAgent("acme/1"), // which leaves it alone
		"one of the caller's":   chargebee.WithHTTPClient(server.Client()),
	} {
		client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(server.URL),
			passing("earlier"), transport, passing("later"))
		require.NoError(t, err)
		_, err = activate(t, client)
		require.NoError(t, err, name)
		_, err = activate(t, client)
		require.NoError(t, err, name)
		require.Equal(t, 2, wrapped)
		wrapped = 0
	}
}

// Hedging wrappers send a request twice at the same time.
func TestAWrapperMaySendARequestAgain(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived.Add(1)
		_, _ = io.WriteString(w, activated)
	}))
	t.Cleanup(server.Close)
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(server.URL),
		chargebee.WithTransportWrapper(func(base http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				second := req.Clone(req.Context())
				var err error
				second.Body, err = req.GetBody()
				require.NoError(t, err)
				resp, err := base.RoundTrip(req)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.NotNil(t, req.GetBody)
				return base.RoundTrip(second)
			})
		}))
	require.NoError(t, err)
	_, err = activate(t, client)
	require.NoError(t, err)
	require.Equal(t, int64(2), arrived.Load())
}

// It is not parallel: closing any test server closes the idle connections of
// the standard transport.
func TestAnHTTPClientWithoutATransportMeansTheStandardOne(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, activated) }))
	t.Cleanup(server.Close)
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(server.URL), chargebee.WithHTTPClient(&http.Client{}))
	require.NoError(t, err)

	pooled := make(chan error, 1)
	_, err = client.PortalSessions.ActivatePortalSession(
		httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{PutIdleConn: func(err error) { pooled <- err }}),
		"portal_1", chargebee.ActivatePortalSessionParams{Token: "tok_secret"})
	require.NoError(t, err)
	require.NoError(t, <-pooled)

	var reused bool
	req, err := http.NewRequestWithContext(
		httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }}),
		http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.True(t, reused)
}

func TestOnlyTheTransportAndTheTimeoutOfAnHTTPClientAreUsedAndOnlyAsTheyWere(t *testing.T) {
	t.Parallel()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	site := &url.URL{Scheme: "https", Host: "acme-test.chargebee.com", Path: "/"}
	jar.SetCookies(site, []*http.Cookie{{Name: "a", Value: "b"}})
	m := newMockFunc(t, httpmock.NewStringResponder(302, "").HeaderSet(http.Header{"Location": {"/"}, "Set-Cookie": {"c=d"}}))
	own := &http.Client{Transport: m, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		t.Error("asked about a redirect")
		return nil
	}}
	client, err := chargebee.NewClient("acme-test", "test_key", once, chargebee.WithHTTPClient(own))
	require.NoError(t, err)
	own.Transport, own.Timeout = nil, 1
	_, err = activate(t, client)
	require.ErrorContains(t, err, "302 Found")
	require.Empty(t, m.only(t).Header["Cookie"])
	require.Len(t, jar.Cookies(site), 1)
}

func TestAGETOnAConnectionThatIsClosedCountsAsAnAttempt(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if arrived.Add(1) == 2 {
			panic(http.ErrAbortHandler) // closes the connection, which was used before
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	t.Cleanup(server.Close)
	attempts := 0
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(server.URL), chargebee.WithRetry(chargebee.Retry{BaseDelay: 1}),
		chargebee.WithObserver(func(context.Context, chargebee.Attempt) { attempts++ }))
	require.NoError(t, err)
	for range 2 {
		_, err = client.Do(t.Context(), chargebee.Request{Method: http.MethodGet, Path: "/customers"}, nil)
		require.NoError(t, err)
	}
	require.Equal(t, 3, attempts)
	require.Equal(t, int64(3), arrived.Load())
}
