package chargebee_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// A load balancer that changes its targets closes HTTP/2 connections while requests are on the way.
func TestNoCallFailsBecauseAServerGoesAway(t *testing.T) {
	t.Parallel()
	const calls = 3200
	for _, test := range []struct {
		callers int
		every   int64 // the number of responses after which the server closes a connection: enough that no call meets ten of them
	}{{8, 100}, {64, 300}, {64, 1000}} {
		callers, every := test.callers, test.every
		var responses, attempts, connections, done atomic.Int64
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if responses.Add(1)%every == 0 {
				w.Header().Set("Connection", "close") // which is GOAWAY in HTTP/2
			}
			respondActivated(w, nil)
		}))
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // net/http abandons handshakes that it does not need
		server.EnableHTTP2 = true
		server.StartTLS()
		transport := chargebee.NewTransport()
		transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
		client, err := chargebee.NewClient("acme-test", "test_key", noRetries, chargebee.WithOwnTransport(transport), chargebee.WithBaseURL(server.URL),
			chargebee.WithObserver(func(context.Context, chargebee.Attempt) { attempts.Add(1) }))
		require.NoError(t, err)
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				for range calls / callers {
					if _, err := activate(t.Context(), client); err != nil {
						t.Error(err)
						return
					}
					done.Add(1)
				}
			})
		}
		group.Wait()
		client.CloseIdleConnections()
		server.Close()
		t.Logf("%d callers, after every %d responses: %d calls, %d attempts, %d connections", callers, every, done.Load(), attempts.Load(), connections.Load())
		require.Equal(t, int64(calls), done.Load())
		require.Greater(t, connections.Load(), calls/every/2)
	}
}

// deadPool serves connections that die without a sign of it after their first response, up to a number of connections.
type deadPool struct {
	dying  int64
	dialed atomic.Int64
	full   sync.WaitGroup // until all that die have got a request
}

func (p *deadPool) serve(conn net.Conn) {
	dies := p.dialed.Add(1) <= p.dying
	reader := bufio.NewReader(conn)
	for i := 0; ; i++ {
		req, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		if dies && i == 0 {
			p.full.Done()
			p.full.Wait()
		}
		if !dies || i == 0 {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(activatedJSON), activatedJSON)
		}
	}
}

func TestAttemptAfterATimeoutTakesAFreshConnection(t *testing.T) {
	t.Parallel()
	const pooled, calls = 60, 20
	for name, option := range map[string]func(*http.Transport) chargebee.ClientOption{
		"of the default transport": chargebee.WithOwnTransport,
		"of the caller's transport": func(t *http.Transport) chargebee.ClientOption {
			return chargebee.WithHTTPClient(&http.Client{Transport: t})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &deadPool{dying: pooled}
				server.full.Add(pooled)
				transport := newPipeTransport(t, server.serve)
				client, err := chargebee.NewClient("acme-test", "test_key", overPipes, option(transport), chargebee.WithAttemptTimeout(8*time.Second))
				require.NoError(t, err)
				t.Cleanup(client.CloseIdleConnections)
				var group sync.WaitGroup
				for range pooled {
					group.Go(func() { _, _ = activate(t.Context(), client) })
				}
				group.Wait()
				require.Equal(t, int64(pooled), server.dialed.Load())

				attempts := 0
				for range calls {
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
					resp, err := activate(ctx, client)
					cancel()
					require.NoError(t, err)
					attempts += resp.Attempts
				}
				require.Equal(t, calls+1, attempts)
				require.Equal(t, int64(pooled+1), server.dialed.Load())
			})
		})
	}
}

// newServerWithBadFirstConnection returns a server that fails each request on its first connection.
func newServerWithBadFirstConnection(fail http2Responder) *http2Server {
	server := new(http2Server)
	server.responders = []http2Responder{func(c *http2Conn, stream uint32) {
		if server.dialed == 1 {
			fail(c, stream)
			return
		}
		c.respond(stream, http2Status200, activatedJSON)
	}}
	return server
}

// The connection is in use by the other callers all the time, so it is never idle. A ping would take 15 seconds to
// notice that it is dead.
func TestCallersOfADeadHTTP2ConnectionTakeAFreshOne(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := exampleTLS()
	synctest.Test(t, func(t *testing.T) {
		server := newServerWithBadFirstConnection(func(c *http2Conn, _ uint32) { c.dead = true })
		transport := newPipeTransport(t, func(conn net.Conn) {
			server.serve(&http2Conn{Conn: tls.Server(conn, serverTLS), queue: make(chan []byte, 16)})
		})
		transport.TLSClientConfig = clientTLS.Clone()
		client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithOwnTransport(transport),
			chargebee.WithBaseURL("https://example.com/api/v2"), chargebee.WithAttemptTimeout(2*time.Second))
		require.NoError(t, err)
		var group sync.WaitGroup
		for i := range 10 {
			group.Go(func() {
				time.Sleep(time.Duration(i) * 150 * time.Millisecond)
				resp, err := activate(t.Context(), client)
				if err != nil || resp.Attempts != 2 {
					t.Error(i, resp, err)
				}
			})
		}
		group.Wait()
		require.Equal(t, 2, server.dialed)
		client.CloseIdleConnections()
		time.Sleep(time.Minute) // until a ping finds the first connection dead
	})
}

// The server refuses each stream of its first connection.
func TestRefusedStreamsMoveToAnotherConnection(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := exampleTLS()
	synctest.Test(t, func(t *testing.T) {
		server := newServerWithBadFirstConnection(func(c *http2Conn, stream uint32) { c.reset(stream, codeRefused) })
		start := time.Now()
		resp, err := activate(t.Context(), newHTTP2Client(t, server, serverTLS, clientTLS, noRetries))
		require.NoError(t, err)
		require.Equal(t, 3, resp.Attempts)
		require.Equal(t, 2, server.dialed)
		require.Less(t, time.Since(start), time.Millisecond)
	})
}

// After attempts that timed out, others still use the connections of before.
func TestConnectionsOfBeforeAnAttemptTimeoutAreClosed(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := exampleTLS()
	for name, test := range map[string]struct {
		serve   func(net.Conn)
		baseURL string
	}{
		"HTTP/1.1": {func(conn net.Conn) {
			reader := bufio.NewReader(conn)
			for {
				req, err := http.ReadRequest(reader)
				if err != nil {
					return
				}
				body, _ := io.ReadAll(req.Body)
				if string(body) == "token=stall" {
					continue
				}
				time.Sleep(1500 * time.Millisecond)
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(activatedJSON), activatedJSON)
			}
		}, "http://127.0.0.1/api/v2"},
		"HTTP/2": {func(conn net.Conn) {
			server := &http2Server{responders: []http2Responder{func(c *http2Conn, stream uint32) {
				go func() {
					time.Sleep(1500 * time.Millisecond)
					c.respond(stream, http2Status200, activatedJSON)
				}()
			}}}
			server.serve(&http2Conn{Conn: tls.Server(conn, serverTLS), queue: make(chan []byte, 16)})
		}, "https://example.com/api/v2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var open atomic.Int64
				transport := newPipeTransport(t, func(conn net.Conn) {
					open.Add(1)
					defer open.Add(-1)
					test.serve(conn)
				})
				transport.TLSClientConfig = clientTLS.Clone()
				client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithOwnTransport(transport), chargebee.WithBaseURL(test.baseURL))
				require.NoError(t, err)
				call := func(delay, attemptTimeout time.Duration, token string) {
					time.Sleep(delay)
					_, _ = client.PortalSessions.ActivatePortalSession(t.Context(), "portal_1", chargebee.ActivatePortalSessionParams{Token: token},
						chargebee.WithAttemptTimeout(attemptTimeout), chargebee.WithRetry(chargebee.Retry{MaxAttempts: 2}))
				}
				var group sync.WaitGroup
				group.Go(func() { call(0, time.Second, "stall") }) // ends while the other call is on the way
				group.Go(func() { call(500*time.Millisecond, time.Minute, "ok") })
				group.Wait()
				time.Sleep(2 * time.Second)
				client.CloseIdleConnections()
				synctest.Wait()
				require.Zero(t, open.Load())
			})
		})
	}
}

func activateWithin(ctx context.Context, client *chargebee.Client, attemptTimeout time.Duration, token string) error {
	_, err := client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: token},
		chargebee.WithAttemptTimeout(attemptTimeout), chargebee.WithRetry(chargebee.Retry{MaxAttempts: 2, BaseDelay: 1, MaxDelay: 1}))
	return err
}

// Of an HTTP/1.1 connection, net/http itself does this.
func TestConnectionInUseDuringAnAttemptTimeoutIsClosedAfterItsCall(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := exampleTLS()
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Int64
		transport := newPipeTransport(t, func(conn net.Conn) {
			open.Add(1)
			defer open.Add(-1)
			server := new(http2Server)
			server.responders = []http2Responder{func(c *http2Conn, stream uint32) {
				switch server.bodies[len(server.bodies)-1] {
				case "token=stall":
				case "token=slow":
					time.AfterFunc(5*time.Second, func() { c.respond(stream, http2Status200, activatedJSON) })
				default:
					c.respond(stream, http2Status200, activatedJSON)
				}
			}}
			server.serve(&http2Conn{Conn: tls.Server(conn, serverTLS), queue: make(chan []byte, 16)})
		})
		transport.TLSClientConfig = clientTLS.Clone()
		client := newClient(t, nil, chargebee.WithOwnTransport(transport), chargebee.WithBaseURL("https://example.com/api/v2"))
		var slow sync.WaitGroup
		slow.Go(func() {
			if err := activateWithin(t.Context(), client, time.Minute, "slow"); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		require.Error(t, activateWithin(t.Context(), client, time.Second, "stall"))
		for range 40 {
			require.NoError(t, activateWithin(t.Context(), client, time.Minute, "ok"))
		}
		require.Equal(t, int64(2), open.Load())
		slow.Wait()
		synctest.Wait()
		require.Equal(t, int64(1), open.Load())
		client.CloseIdleConnections()
		synctest.Wait()
		require.Zero(t, open.Load())
	})
}

func TestTransportsOfBeforeAttemptTimeoutsAreFreed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := newPipeTransport(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
		client := newClient(t, nil, overPipes, chargebee.WithOwnTransport(transport))
		runtime.GC() // twice, because a sync.Pool keeps its garbage once
		before := liveHeap()
		for range 1000 {
			require.Error(t, activateWithin(t.Context(), client, 2*time.Second, "stall"))
		}
		require.Less(t, liveHeap(), before+1<<20)
		runtime.KeepAlive(client)
	})
}

// A server that refuses every stream would otherwise get a new connection with every other request.
func TestRefusedStreamsTakeANewConnectionOnceASecond(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := exampleTLS()
	synctest.Test(t, func(t *testing.T) {
		server := &http2Server{responders: []http2Responder{func(c *http2Conn, stream uint32) { c.reset(stream, codeRefused) }}}
		client := newHTTP2Client(t, server, serverTLS, clientTLS, noRetries)
		for _, dialed := range []int{2, 3} {
			for range 10 {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond) // enough for the attempts that follow at once
				_, err := activate(ctx, client)
				require.ErrorContains(t, err, "(4 attempts)")
				cancel()
			}
			require.Equal(t, dialed, server.dialed)
			time.Sleep(time.Second)
		}
	})
}

// The server closes a kept connection, and net/http notices before it writes a byte of the next request.
func TestKeptConnectionThatIsClosedIsReplacedWithoutAnAttempt(t *testing.T) {
	t.Parallel()
	for name, req := range map[string]chargebee.Request{
		"for a POST":                {Method: http.MethodPost, Path: "/customers", Params: url.Values{"id": {"zoe"}}},
		"for a POST without a body": postCustomers,
		"for a GET":                 {Method: http.MethodGet, Path: "/customers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dialed, waits := 0, 0
				var conns []net.Conn
				transport := newPipeTransport(t, (&deadPool{}).serve)
				dial := transport.DialContext
				transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
					dialed++
					conn, err := dial(ctx, network, address)
					closing := &closingConn{Conn: conn}
					conns = append(conns, closing)
					return closing, err
				}
				client := newClient(t, transport, overPipes, noRetries,
					chargebee.WithLimiter(limiterFunc(func(context.Context) error { waits++; return nil })))
				_, err := client.Do(t.Context(), req, nil)
				require.NoError(t, err)
				conns[0].(*closingConn).closed = true
				_, err = client.Do(t.Context(), req, nil)
				require.NoError(t, err)
				require.Equal(t, 2, dialed)
				require.Equal(t, 3, waits)
			})
		})
	}
}

// The server closes two of three kept connections.
func TestKeptConnectionsAreTriedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var served, dialed atomic.Int64
		var conns [3]*closingConn
		transport := newPipeTransport(t, func(conn net.Conn) {
			delay := time.Duration(served.Add(1)) * time.Second // the last connection responds last, and is used again first
			reader := bufio.NewReader(conn)
			for {
				req, err := http.ReadRequest(reader)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				time.Sleep(delay)
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(activatedJSON), activatedJSON)
			}
		})
		dial := transport.DialContext
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			closing := &closingConn{Conn: conn}
			conns[dialed.Add(1)-1] = closing
			return closing, err
		}
		client := newClient(t, nil, overPipes, noRetries, chargebee.WithOwnTransport(transport))
		var group sync.WaitGroup
		for i := range 3 {
			time.Sleep(time.Millisecond)
			group.Go(func() {
				if _, err := activate(t.Context(), client); err != nil {
					t.Error(i, err)
				}
			})
		}
		group.Wait()
		synctest.Wait()
		conns[1].closed, conns[2].closed = true, true
		resp, err := activate(t.Context(), client)
		require.NoError(t, err)
		require.Equal(t, 3, resp.Attempts)
		require.Equal(t, int64(3), dialed.Load())
	})
}

// closingConn fails each write once it is closed, before a byte is written.
type closingConn struct {
	net.Conn
	closed bool
}

func (c *closingConn) Write(p []byte) (int, error) {
	if c.closed {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

// The test is not parallel, because it replaces http.DefaultTransport.
func TestHTTPDefaultTransportIsLookedUpForEachRequest(t *testing.T) {
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	client := newClient(t, nil)
	for range 2 {
		transport := newFakeTransport(respond(200, activatedJSON))
		http.DefaultTransport = transport
		_, err := activate(t.Context(), client)
		require.NoError(t, err)
		transport.onlyRequest(t)
	}
	closed := 0
	http.DefaultTransport = closableTransport{close: func() { closed++ }}
	client.CloseIdleConnections()
	require.Equal(t, 1, closed)
}

type closableTransport struct {
	http.RoundTripper
	close func()
}

func (t closableTransport) CloseIdleConnections() { t.close() }

func TestCloseIdleConnections(t *testing.T) {
	t.Parallel()
	client, connections := newLoopbackClient(t, respondActivated)
	for i := range int64(3) {
		_, err := activate(t.Context(), client)
		require.NoError(t, err)
		require.Equal(t, i+1, connections.Load())
		client.CloseIdleConnections()
	}
	newClient(t, newFakeTransport(respond(200, activatedJSON))).CloseIdleConnections() // which has none
	new(chargebee.Client).CloseIdleConnections()
	(*chargebee.Client)(nil).CloseIdleConnections()
}

// The test is not parallel, because it looks at the goroutines and the memory of the whole process.
func TestManyCallersDoNotAccumulateResources(t *testing.T) {
	const callers, callsOfEach = 1_000, 20
	var arrivals sync.WaitGroup
	arrivals.Add(callers)
	var requests atomic.Int64
	client, connections := newLoopbackClient(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) <= callers { // the first call of each caller opens a connection
			arrivals.Done()
			arrivals.Wait()
		}
		respondActivated(w, r)
	}, noRetries)
	callAll := func(calls int) {
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				for range calls {
					if _, err := activate(t.Context(), client); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
	}
	resources := func() (goroutines int, heap uint64) {
		runtime.GC()
		runtime.GC() // sync.Pool keeps its contents for one collection
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return runtime.NumGoroutine(), stats.HeapAlloc
	}
	callAll(1)
	goroutinesBefore, heapBefore := resources()
	callAll(callsOfEach)
	require.Less(t, connections.Load(), int64(3*callers)) // net/http drops some on a slow machine
	var goroutines int
	var heap uint64
	hasNotGrown := func() bool {
		goroutines, heap = resources()
		return goroutines < goroutinesBefore+callers/10 && heap < heapBefore+callers*callsOfEach*100 // 100 bytes for each call
	}
	if !assert.Eventually(t, hasNotGrown, 10*time.Second, 100*time.Millisecond) {
		t.Errorf("%d goroutines before, %d after; %d bytes before, %d after", goroutinesBefore, goroutines, heapBefore, heap)
	}
}
