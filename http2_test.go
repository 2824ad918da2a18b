package chargebee_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// The parts of HTTP/2 (RFC 9113) that a server needs to be unfriendly.
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7

	flagEndStream, flagAck, flagEndHeaders = 1, 1, 4

	codeNone, codeInternal, codeRefused, codeCancel, codeCalm = 0, 2, 7, 8, 11

	status200, status500 = "\x88", "\x8e" // in HPACK's static table
)

// http2Server plays one step for each request, the last one again and again.
// Everything happens over pipes, so that it can be in a bubble.
type http2Server struct {
	tls    *tls.Config
	steps  []http2Step
	bodies []string // of the requests; empty without one
	dialed int
}

type http2Step func(c *http2Conn, stream uint32)

// http2Conn is the server's end of a connection. Its frames go through a queue,
// because a pipe has no buffer and both ends may write at once.
type http2Conn struct {
	conn   net.Conn
	queue  chan []byte
	dead   bool // sends nothing any more, not even answers to pings
	closed bool
}

func (c *http2Conn) write() {
	for frame := range c.queue {
		_, _ = c.conn.Write(frame) // fails if the client has gone
	}
	_ = c.conn.Close()
}

// hangUp closes the connection after what is in the queue.
func (c *http2Conn) hangUp() {
	if !c.closed {
		close(c.queue)
	}
	c.closed = true
}

func (c *http2Conn) frame(kind, flags byte, stream uint32, payload string) {
	head := make([]byte, 9, 9+len(payload))
	binary.BigEndian.PutUint32(head, uint32(len(payload))<<8|uint32(kind))
	head[4] = flags
	binary.BigEndian.PutUint32(head[5:], stream)
	if !c.dead && !c.closed {
		c.queue <- append(head, payload...)
	}
}

func (c *http2Conn) reset(stream, code uint32) { c.frame(frameReset, 0, stream, be32(code)) }

func (c *http2Conn) goAway(lastStream, code uint32) {
	c.frame(frameGoAway, 0, 0, be32(lastStream)+be32(code))
}

func (c *http2Conn) answer(stream uint32, status, body string) {
	c.frame(frameHeaders, flagEndHeaders, stream, status)
	c.frame(frameData, flagEndStream, stream, body)
}

func be32(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }

func (s *http2Server) dial(context.Context, string, string) (net.Conn, error) {
	s.dialed++
	client, server := net.Pipe()
	conn := &http2Conn{conn: tls.Server(server, s.tls), queue: make(chan []byte, 16)}
	go conn.write()
	go s.serve(conn)
	return client, nil
}

func (s *http2Server) serve(c *http2Conn) {
	defer c.hangUp()
	if _, err := io.CopyN(io.Discard, c.conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	c.frame(frameSettings, 0, 0, "")
	bodies := make(map[uint32]string)
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(c.conn, head); err != nil {
			return
		}
		payload := make([]byte, binary.BigEndian.Uint32(head)>>8)
		if _, err := io.ReadFull(c.conn, payload); err != nil {
			return
		}
		kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		switch {
		case kind == frameSettings && flags&flagAck == 0:
			c.frame(frameSettings, flagAck, 0, "")
		case kind == framePing && flags&flagAck == 0:
			c.frame(framePing, flagAck, 0, string(payload))
		case kind == frameData:
			bodies[stream] += string(payload)
		}
		if (kind == frameData || kind == frameHeaders) && flags&flagEndStream != 0 {
			play := s.steps[min(len(s.bodies), len(s.steps)-1)]
			s.bodies = append(s.bodies, bodies[stream])
			play(c, stream)
		}
	}
}

func TestOverHTTP2(t *testing.T) {
	t.Parallel()
	certificate, trusted := testAuthority()
	succeeds := func(c *http2Conn, stream uint32) { c.answer(stream, status200, activated) }
	for name, test := range map[string]struct {
		first            http2Step // the other requests succeed
		attempts, dialed int
		took             time.Duration // without the wait before the second attempt
	}{
		"a call succeeds": {
			first:    succeeds,
			attempts: 1, dialed: 1,
		},
		"a 500 is tried again on the same connection": {
			first:    func(c *http2Conn, stream uint32) { c.answer(stream, status500, `<html>`) },
			attempts: 2, dialed: 1,
		},
		"a stream that is reset is tried again on the same connection": {
			first:    func(c *http2Conn, stream uint32) { c.reset(stream, codeInternal) },
			attempts: 2, dialed: 1,
		},
		"a stream that is canceled is tried again": {
			first:    func(c *http2Conn, stream uint32) { c.reset(stream, codeCancel) },
			attempts: 2, dialed: 1,
		},
		"a stream that is reset for calm is tried again": {
			first:    func(c *http2Conn, stream uint32) { c.reset(stream, codeCalm) },
			attempts: 2, dialed: 1,
		},
		"a stream that is reset in its body is tried again": {
			first: func(c *http2Conn, stream uint32) {
				c.frame(frameHeaders, flagEndHeaders, stream, status200)
				c.frame(frameData, 0, stream, activated[:20])
				c.reset(stream, codeInternal)
			},
			attempts: 2, dialed: 1,
		},
		"a stream that was never looked at is tried again": {
			first:    func(c *http2Conn, stream uint32) { c.reset(stream, codeRefused) },
			attempts: 2, dialed: 1,
		},
		"a stream that was answered may be reset": {
			first: func(c *http2Conn, stream uint32) {
				c.answer(stream, status200, activated)
				c.reset(stream, codeNone)
			},
			attempts: 1, dialed: 1,
		},
		"a server that goes away before it looked at the stream gets it again": {
			first: func(c *http2Conn, _ uint32) {
				c.goAway(0, codeNone)
				c.hangUp()
			},
			attempts: 2, dialed: 2,
		},
		"a server that goes away with the stream gets it again": {
			first: func(c *http2Conn, stream uint32) {
				c.goAway(stream, codeInternal)
				c.hangUp()
			},
			attempts: 2, dialed: 2,
		},
		"a server that goes away may answer first": {
			first: func(c *http2Conn, stream uint32) {
				c.goAway(stream, codeNone)
				c.answer(stream, status200, activated)
			},
			attempts: 1, dialed: 1,
		},
		"a server that hangs up gets it again": {
			first:    func(c *http2Conn, _ uint32) { c.hangUp() },
			attempts: 2, dialed: 2,
		},
		"a stream that is not answered is tried again on the same connection": {
			first:    func(*http2Conn, uint32) {},
			attempts: 2, dialed: 1, took: 30 * time.Second,
		},
		"a connection that is dead is not used again": {
			first:    func(c *http2Conn, _ uint32) { c.dead = true },
			attempts: 2, dialed: 2, took: 15 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &http2Server{
					tls:   &tls.Config{Certificates: certificate, NextProtos: []string{"h2"}, Time: in2050},
					steps: []http2Step{test.first, succeeds},
				}
				transport := chargebee.NewTransport()
				transport.DialContext = server.dial
				transport.TLSClientConfig = &tls.Config{RootCAs: trusted, Time: in2050}
				defer transport.CloseIdleConnections()
				client := newClient(t, transport, chargebee.WithBaseURL("https://example.com/api/v2"), chargebee.WithRetry(chargebee.Retry{}))

				start := time.Now()
				resp, err := activate(t, client)
				require.NoError(t, err)
				require.GreaterOrEqual(t, time.Since(start), test.took)
				require.LessOrEqual(t, time.Since(start), test.took+500*time.Millisecond) // the wait
				require.Equal(t, "cus_1", resp.PortalSession.CustomerID)
				require.Equal(t, test.attempts, resp.Attempts)
				require.Equal(t, test.dialed, server.dialed)
				for _, body := range server.bodies {
					require.Equal(t, "token=tok_secret", body)
				}
				_, err = activate(t, client)
				require.NoError(t, err)
			})
		})
	}
}

// Left to itself, net/http would send the request again and again.
func TestAServerThatTurnsEveryRequestAwayGetsNoMoreThanTheAttempts(t *testing.T) {
	t.Parallel()
	certificate, trusted := testAuthority()
	refusals := map[string]http2Step{
		"by a reset": func(c *http2Conn, stream uint32) { c.reset(stream, codeRefused) },
		"by a GOAWAY": func(c *http2Conn, _ uint32) {
			c.goAway(0, codeNone)
			c.hangUp()
		},
	}
	wrappers := map[string]func(http.RoundTripper) http.RoundTripper{
		"bare":    func(base http.RoundTripper) http.RoundTripper { return base },
		"wrapped": func(base http.RoundTripper) http.RoundTripper { return roundTripper(base.RoundTrip) },
	}
	requests := map[string]chargebee.Request{
		"a form":             {Method: http.MethodPost, Path: "/customers", Params: url.Values{"id": {"zoe"}}},
		"a POST without one": {Method: http.MethodPost, Path: "/customers"},
		"a GET":              {Method: http.MethodGet, Path: "/customers"},
	}
	for name, wrap := range wrappers {
		for refusal, refuse := range refusals {
			for request, req := range requests {
				t.Run(request+", "+name+", "+refusal, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						server := &http2Server{
							tls:   &tls.Config{Certificates: certificate, NextProtos: []string{"h2"}, Time: in2050},
							steps: []http2Step{refuse},
						}
						transport := chargebee.NewTransport()
						transport.DialContext = server.dial
						transport.TLSClientConfig = &tls.Config{RootCAs: trusted, Time: in2050}
						defer func() {
							synctest.Wait() // until net/http has let go of what was stopped
							transport.CloseIdleConnections()
						}()
						turns := 0
						client := newClient(t, transport, chargebee.WithBaseURL("https://example.com/api/v2"), chargebee.WithRetry(chargebee.Retry{}),
							chargebee.WithLimiter(limiterFunc(func(context.Context) error { turns++; return nil })),
							chargebee.WithTransportWrapper(wrap))
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						defer cancel()
						_, err := client.Do(ctx, req, nil)
						var transportErr *chargebee.TransportError
						require.ErrorAs(t, err, &transportErr)
						require.Equal(t, 3, transportErr.Attempts)
						require.Len(t, server.bodies, 3)
						require.Equal(t, 3, turns)
					})
				})
			}
		}
	}
}

// testAuthority has the certificate of httptest, for example.com.
func testAuthority() ([]tls.Certificate, *x509.CertPool) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	return server.TLS.Certificates, trusted
}

// in2050 is within the time in which the certificate of httptest is valid.
func in2050() time.Time { return time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC) }
