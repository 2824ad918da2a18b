package chargebee_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// The parts of HTTP/2 (RFC 9113) that the server needs.
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7

	flagEndStream, flagAck, flagEndHeaders = 1, 1, 4

	codeNone, codeProtocol, codeInternal, codeRefused = 0, 1, 2, 7

	http2Status200, http2Status500 = "\x88", "\x8e" // in HPACK's static table
)

// http2Server gives each request to the next of its responders, and all further requests to the last one.
type http2Server struct {
	responders []http2Responder
	bodies     []string // of the requests
	dialed     int
}

type http2Responder func(c *http2Conn, stream uint32)

// http2Conn is the server's end of a connection. Its frames pass through a queue,
// because a pipe has no buffer, and both ends may write at once.
type http2Conn struct {
	net.Conn
	queue  chan []byte
	closed bool // of queue
	dead   bool // sends nothing more, and does not respond to pings
}

func (c *http2Conn) sendQueue() {
	for frame := range c.queue {
		_, _ = c.Write(frame) // fails if the client has closed the connection
	}
	_ = c.Close()
}

// closeQueue closes the connection after the frames in the queue.
func (c *http2Conn) closeQueue() {
	if !c.closed {
		close(c.queue)
	}
	c.closed = true
}

func (c *http2Conn) send(kind, flags byte, stream uint32, payload string) {
	if c.dead || c.closed {
		return
	}
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	frame = binary.BigEndian.AppendUint32(append(frame, flags), stream)
	c.queue <- append(frame, payload...)
}

func (c *http2Conn) respond(stream uint32, status, body string) {
	c.send(frameHeaders, flagEndHeaders, stream, status)
	c.send(frameData, flagEndStream, stream, body)
}

func (c *http2Conn) reset(stream, code uint32) { c.send(frameReset, 0, stream, bigEndian(code)) }

func (c *http2Conn) goAway(lastStream, code uint32) {
	c.send(frameGoAway, 0, 0, bigEndian(lastStream)+bigEndian(code))
}

func bigEndian(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }

func (s *http2Server) serve(c *http2Conn) {
	s.dialed++
	go c.sendQueue()
	defer c.closeQueue()
	_, _ = io.CopyN(io.Discard, c, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
	c.send(frameSettings, 0, 0, "")
	bodies := make(map[uint32]string)
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		payload := make([]byte, binary.BigEndian.Uint32(head)>>8)
		_, _ = io.ReadFull(c, payload)
		kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		switch {
		case kind == frameSettings && flags&flagAck == 0:
			c.send(frameSettings, flagAck, 0, "")
		case kind == framePing && flags&flagAck == 0:
			c.send(framePing, flagAck, 0, string(payload))
		case kind == frameData:
			bodies[stream] += string(payload)
		}
		if (kind == frameData || kind == frameHeaders) && flags&flagEndStream != 0 {
			responder := s.responders[min(len(s.bodies), len(s.responders)-1)]
			s.bodies = append(s.bodies, bodies[stream])
			responder(c, stream)
		}
	}
}

// exampleTLS returns the settings of a server and a client that use the certificate of httptest for example.com.
func exampleTLS() (server, client *tls.Config) {
	example := httptest.NewTLSServer(http.NotFoundHandler())
	defer example.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(example.Certificate())
	in2050 := func() time.Time { return time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC) } // when the certificate is valid
	server = &tls.Config{Certificates: example.TLS.Certificates, NextProtos: []string{"h2"}, Time: in2050}
	return server, &tls.Config{RootCAs: trusted, Time: in2050}
}

// newHTTP2Client returns a client of server, with the default transport.
func newHTTP2Client(t *testing.T, server *http2Server, serverTLS, clientTLS *tls.Config, opts ...chargebee.ClientOption) *chargebee.Client {
	t.Helper()
	transport := newPipeTransport(t, func(conn net.Conn) {
		server.serve(&http2Conn{Conn: tls.Server(conn, serverTLS), queue: make(chan []byte, 16)})
	})
	transport.TLSClientConfig = clientTLS.Clone()
	return newClient(t, transport, append(opts, chargebee.WithBaseURL("https://example.com/api/v2"))...)
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := exampleTLS()
	succeed := func(c *http2Conn, stream uint32) { c.respond(stream, http2Status200, activatedJSON) }
	for name, test := range map[string]struct {
		first       http2Responder // all further requests succeed
		attempts    int
		connections int
		took        time.Duration // without the wait before the second attempt
	}{
		"a call succeeds":                           {succeed, 1, 1, 0},
		"an internal error resets the stream":       {func(c *http2Conn, stream uint32) { c.reset(stream, codeInternal) }, 2, 1, 0},
		"the server does not process a stream":      {func(c *http2Conn, stream uint32) { c.reset(stream, codeRefused) }, 2, 1, 0},
		"the server does not respond":               {func(*http2Conn, uint32) {}, 2, 2, 30 * time.Second},
		"the connection is dead":                    {func(c *http2Conn, _ uint32) { c.dead = true }, 2, 2, 15 * time.Second},
		"the server closes the connection":          {func(c *http2Conn, _ uint32) { c.closeQueue() }, 2, 2, 0},
		"a response of 500 keeps the connection":    {func(c *http2Conn, stream uint32) { c.respond(stream, http2Status500, `<html>`) }, 2, 1, 0},
		"a reset follows the whole response":        {func(c *http2Conn, stream uint32) { succeed(c, stream); c.reset(stream, codeNone) }, 1, 1, 0},
		"the server goes away without processing":   {func(c *http2Conn, _ uint32) { c.goAway(0, codeNone); c.closeQueue() }, 2, 2, 0},
		"the server goes away and does not respond": {func(c *http2Conn, stream uint32) { c.goAway(stream, codeInternal); c.closeQueue() }, 2, 2, 0},
		"the server goes away and responds":         {func(c *http2Conn, stream uint32) { c.goAway(stream, codeNone); succeed(c, stream) }, 1, 1, 0},
		"a reset follows half of the body": {func(c *http2Conn, stream uint32) {
			c.send(frameHeaders, flagEndHeaders, stream, http2Status200)
			c.send(frameData, 0, stream, activatedJSON[:20])
			c.reset(stream, codeInternal)
		}, 2, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &http2Server{responders: []http2Responder{test.first, succeed}}
				client := newHTTP2Client(t, server, serverTLS, clientTLS)
				start := time.Now()
				resp, err := activate(t.Context(), client)
				require.NoError(t, err)
				require.GreaterOrEqual(t, time.Since(start), test.took)
				require.LessOrEqual(t, time.Since(start), test.took+500*time.Millisecond)
				require.Equal(t, test.attempts, resp.Attempts)
				require.Equal(t, test.connections, server.dialed)
				_, err = activate(t.Context(), client)
				require.NoError(t, err)
				require.Len(t, server.bodies, test.attempts+1)
				for _, body := range server.bodies {
					require.Equal(t, "token=tok_secret", body)
				}
			})
		})
	}
}

// By default net/http repeatedly resends a request that an HTTP/2 server did not process.
func TestHTTP2RequestsAreNotReplayedPastTheLimiter(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := exampleTLS()
	wrapper := chargebee.WithTransportWrapper(func(base http.RoundTripper) http.RoundTripper { return roundTripperFunc(base.RoundTrip) })
	for notProcessed, responder := range map[string]http2Responder{
		"reset":  func(c *http2Conn, stream uint32) { c.reset(stream, codeRefused) },
		"GOAWAY": func(c *http2Conn, _ uint32) { c.goAway(0, codeNone); c.closeQueue() },
	} {
		for name, test := range map[string]struct {
			req      chargebee.Request
			attempts int
			err      string
		}{
			"POST": {chargebee.Request{Method: http.MethodPost, Path: "/customers", Params: url.Values{"id": {"zoe"}}}, 15, "not processed: the server did not process the request (15 attempts)"},
			// net/http does not tell why it would resend a request without a body.
			"POST without body": {chargebee.Request{Method: http.MethodPost, Path: "/customers"}, 5, "no response: the connection was lost (5 attempts, outcome unknown, "},
			"GET":               {chargebee.Request{Method: http.MethodGet, Path: "/customers"}, 15, "not processed: the server did not process the request (15 attempts)"},
		} {
			t.Run(notProcessed+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := &http2Server{responders: []http2Responder{responder}}
					waits, observed := 0, 0
					client := newHTTP2Client(t, server, serverTLS, clientTLS, wrapper,
						chargebee.WithLimiter(limiterFunc(func(context.Context) error { waits++; return nil })),
						chargebee.WithObserver(func(context.Context, chargebee.Attempt) { observed++ }))
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					_, err := client.Do(ctx, test.req, nil)
					var transportErr *chargebee.TransportError
					require.ErrorAs(t, err, &transportErr)
					require.ErrorContains(t, err, test.err)
					_, unknown := chargebee.OutcomeUnknown(err)
					require.Equal(t, test.attempts == 5, unknown)
					want := test.attempts
					require.Equal(t, []int{want, want, want, want}, []int{transportErr.Attempts, len(server.bodies), waits, observed})
				})
			})
		}
	}
}

func TestWaitsAfterRequestsThatAreNotProcessed(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := exampleTLS()
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		server := &http2Server{responders: []http2Responder{func(c *http2Conn, stream uint32) { c.reset(stream, codeRefused) }}}
		client := newHTTP2Client(t, server, serverTLS, clientTLS,
			chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) { waits = append(waits, a.RetryIn) }))
		_, err := activate(t.Context(), client)
		require.ErrorContains(t, err, "not processed: ")
		const s = time.Second
		limits := []time.Duration{
			1, 1, 1, // at once
			s / 2, s, 2 * s, 4 * s, 8 * s, 8 * s, 8 * s, // the backoff of attempts that do not count
			s / 2, s, 2 * s, 4 * s, 0, // the backoff of those that count
		}
		require.Len(t, waits, len(limits))
		for i, limit := range limits {
			require.LessOrEqual(t, waits[i], limit, i)
			require.GreaterOrEqual(t, waits[i], min(limit, max(1, limit/2)), i)
		}
	})
}

// net/http would resend these requests, although the server may have processed them.
func TestRequestThatTheServerMayHaveProcessedHasAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := exampleTLS()
	for name, params := range map[string]any{"with a body": url.Values{"id": {"zoe"}}, "without a body": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &http2Server{responders: []http2Responder{func(c *http2Conn, stream uint32) { c.reset(stream, codeProtocol) }}}
				client := newHTTP2Client(t, server, serverTLS, clientTLS, noRetries)
				_, err := client.Do(t.Context(), chargebee.Request{Method: http.MethodPost, Path: "/customers", Params: params}, nil, chargebee.WithIdempotencyKey("job-17"))
				key, unknown := chargebee.OutcomeUnknown(err)
				require.Equal(t, []any{"job-17", true}, []any{key, unknown})
				require.Len(t, server.bodies, 1)
			})
		})
	}
	// Of a server that speaks HTTP/1.1 too, net/http does not tell which of the two it had to do with.
	synctest.Test(t, func(t *testing.T) {
		server := &http2Server{responders: []http2Responder{
			func(c *http2Conn, stream uint32) { c.respond(stream, http2Status200, `{}`); c.closeQueue() },
			func(c *http2Conn, stream uint32) { c.reset(stream, codeProtocol) },
		}}
		serverOfHTTP1, dialed := serverTLS.Clone(), 0
		serverOfHTTP1.NextProtos = nil
		transport := newPipeTransport(t, func(conn net.Conn) {
			if dialed++; dialed%2 == 0 {
				server.serve(&http2Conn{Conn: tls.Server(conn, serverTLS), queue: make(chan []byte, 16)})
				return
			}
			encrypted := tls.Server(conn, serverOfHTTP1)
			_, _ = http.ReadRequest(bufio.NewReader(encrypted))
			_, _ = io.WriteString(encrypted, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
			_, _ = io.Copy(io.Discard, encrypted)
			_ = encrypted.Close()
		})
		transport.TLSClientConfig = clientTLS.Clone()
		client := newClient(t, transport, noRetries, chargebee.WithBaseURL("https://example.com/api/v2"))
		for range 3 {
			_, err := client.Do(t.Context(), postCustomers, nil)
			require.NoError(t, err)
			synctest.Wait() // until the connection is closed
		}
		require.Equal(t, 3, dialed)
		_, err := client.Do(t.Context(), postCustomers, nil, chargebee.WithIdempotencyKey("job-17"))
		key, unknown := chargebee.OutcomeUnknown(err)
		require.Equal(t, []any{"job-17", true}, []any{key, unknown})
		require.Len(t, server.bodies, 2) // net/http may have dialed for another one
	})
	for _, header := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		for name, params := range map[string]any{"with a body": url.Values{"id": {"zoe"}}, "without a body": nil} {
			var applied atomic.Int64
			client, _ := newLoopbackClient(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					applied.Add(1)
					panic(http.ErrAbortHandler) // closes the connection
				}
				_, _ = io.WriteString(w, `{}`)
			}, noRetries, chargebee.WithTransportWrapper(func(base http.RoundTripper) http.RoundTripper {
				return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
					req.Header.Set(header, "a key of a wrapper")
					return base.RoundTrip(req)
				})
			}))
			_, err := client.Do(t.Context(), chargebee.Request{Method: http.MethodGet, Path: "/customers"}, nil) // leaves a connection to reuse
			require.NoError(t, err)
			_, err = client.Do(t.Context(), chargebee.Request{Method: http.MethodPost, Path: "/customers", Params: params}, nil)
			_, unknown := chargebee.OutcomeUnknown(err)
			require.True(t, unknown, name+header)
			require.Equal(t, int64(1), applied.Load(), name+header)
		}
	}
}
