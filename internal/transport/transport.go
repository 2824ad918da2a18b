// Package transport has the connections of a client, and keeps net/http from resending
// requests.
package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// New returns the default transport. [http.DefaultTransport] keeps two idle
// connections to a host, so concurrent callers of the one host of this API would open
// a connection for almost every call. It also sends no HTTP/2 pings, so all attempts of
// a call could go to the same dead connection. This one detects a dead connection
// within half of the default attempt timeout.
func New() *http.Transport {
	const connections = 1024 // for a thousand concurrent callers over HTTP/1.1
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    connections,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
	}
}

// Pool is the innermost transport of a client. It never resends a request: one that the
// server provably did not process fails with [ErrNotProcessed].
type Pool struct {
	owned bool // by the client, which may replace the transport

	mu                 sync.Mutex
	current            *generation
	retired            []*generation // which may have connections in use
	sawHTTP1, sawHTTP2 bool
}

// generation is a transport whose connections are trusted since a time.
type generation struct {
	transport http.RoundTripper // nil: http.DefaultTransport at the time of the request
	since     time.Time
	attempts  int // that use it
}

// Own returns a pool whose transport nobody else uses.
func Own(transport *http.Transport) *Pool {
	return &Pool{owned: true, current: &generation{transport: transport}}
}

// Share returns a pool of the caller's transport. If it is nil, each request goes to
// what [http.DefaultTransport] is at that time, as in net/http.
func Share(transport http.RoundTripper) *Pool {
	return &Pool{current: &generation{transport: transport}}
}

func (g *generation) roundTripper() http.RoundTripper {
	if g.transport == nil {
		return http.DefaultTransport
	}
	return g.transport
}

func (g *generation) closeIdle() {
	if closer, ok := g.roundTripper().(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// CloseIdleConnections closes the connections that no request uses.
func (p *Pool) CloseIdleConnections() {
	p.mu.Lock()
	current := p.current
	p.mu.Unlock()
	current.closeIdle()
	p.closeRetired()
}

// closeRetired closes the idle connections of the generations that were replaced, until
// nothing uses them.
func (p *Pool) closeRetired() {
	p.mu.Lock()
	retired := p.retired
	p.retired = nil
	for _, g := range retired {
		if g.attempts > 0 || time.Since(p.current.since) < time.Second {
			p.retired = append(p.retired, g)
		}
	}
	p.mu.Unlock()
	for _, g := range retired {
		g.closeIdle()
	}
}

// Renew keeps later requests from the connections that were open at a time: after a
// request that got no response, they may all be dead without a sign of it. It closes
// the idle ones. Those in use are left to their requests if the pool is owned; they stay
// in the pool if it is shared.
func (p *Pool) Renew(openAt time.Time) {
	p.mu.Lock()
	old := p.current
	if old.since.After(openAt) || time.Since(old.since) < time.Second {
		p.mu.Unlock()
		return
	}
	p.current = &generation{transport: old.transport, since: time.Now()}
	if p.owned {
		p.current.transport = old.transport.(*http.Transport).Clone()
		p.retired = append(p.retired, old)
	}
	p.mu.Unlock()
	old.closeIdle()
}

var (
	// ErrNotProcessed means that the server closed the connection, or rejected the
	// request, before it processed it.
	ErrNotProcessed = errors.New("the server did not process the request")
	errLost         = errors.New("the connection was lost")
)

// RoundTrip implements [http.RoundTripper].
func (p *Pool) RoundTrip(req *http.Request) (*http.Response, error) {
	attempt, ok := req.Context().Value(attemptKey{}).(*Attempt)
	if !ok { // a wrapper has lost the context
		p.mu.Lock()
		attempt = &Attempt{generation: p.current}
		p.mu.Unlock()
	}
	attempt.begun.Add(1)
	defer attempt.ended.Add(1)
	transport := attempt.generation.transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	if _, ok := transport.(*http.Transport); !ok {
		return transport.RoundTrip(req)
	}
	if req.Body == nil || req.Body == http.NoBody {
		return p.sendWithoutBody(transport, req)
	}
	clone := req.WithContext(req.Context()) // because wrappers may resend the original
	clone.GetBody = nil                     // or net/http could resend it
	if p.resendsOnlyUnprocessed(req) {
		clone.GetBody = func() (io.ReadCloser, error) { return nil, ErrNotProcessed }
	}
	resp, err := transport.RoundTrip(clone)
	if err != nil && isNotProcessed(err.Error()) {
		err = ErrNotProcessed
	}
	return resp, err
}

// resendsOnlyUnprocessed reports whether net/http would resend req only if nothing of it
// was written. It trusts a server less if it speaks HTTP/2, or if req has a header that
// promises that it can be repeated.
func (p *Pool) resendsOnlyUnprocessed(req *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sawHTTP1 && !p.sawHTTP2 && req.Header.Get("Idempotency-Key") == "" && req.Header.Get("X-Idempotency-Key") == ""
}

// isNotProcessed reports whether net/http would resend a request over HTTP/2, if it had
// its body, because the server did not process it. There is no type for these errors.
// net/http would also resend one that the server ended with PROTOCOL_ERROR, which promises
// nothing.
func isNotProcessed(text string) bool {
	reason, found := strings.CutPrefix(text, "http2: Transport: cannot retry err [")
	return found && (strings.Contains(reason, "REFUSED_STREAM") || strings.Contains(reason, "GOAWAY")) ||
		text == "net/http: cannot rewind body after connection loss"
}

// sendWithoutBody cancels a request when, after it was written, net/http gets another
// connection for it.
func (p *Pool) sendWithoutBody(transport http.RoundTripper, req *http.Request) (*http.Response, error) {
	reason := errLost
	if req.Method == http.MethodGet || p.resendsOnlyUnprocessed(req) {
		reason = ErrNotProcessed
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	var sent atomic.Bool
	clone := req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { sent.Store(true) },
		GetConn: func(string) {
			if sent.Load() {
				cancel(reason)
			}
		},
	}))
	resp, err := transport.RoundTrip(clone)
	if err != nil && errors.Is(context.Cause(ctx), reason) {
		err = reason
	}
	return resp, err
}

// Attempt observes what becomes of the requests of an attempt.
type Attempt struct {
	hooks      httptrace.ClientTrace
	pool       *Pool
	generation *generation
	previous   net.Conn // of the attempt before this one

	begun, ended          atomic.Int32 // requests
	connecting, connected atomic.Int32

	mu   sync.Mutex
	conn net.Conn // that a request got last
}

type attemptKey struct{}

// Begin begins the attempt after previous, which is nil before the first one, and
// returns a context for its requests. End must follow, after the body of the response
// was read.
func (p *Pool) Begin(ctx context.Context, previous *Attempt) (*Attempt, context.Context) {
	a := &Attempt{pool: p}
	if previous != nil {
		a.previous = previous.lastConn()
	}
	p.mu.Lock()
	a.generation = p.current
	a.generation.attempts++
	p.mu.Unlock()
	a.hooks.GetConn, a.hooks.GotConn = a.getConn, a.gotConn
	return a, httptrace.WithClientTrace(context.WithValue(ctx, attemptKey{}, a), &a.hooks)
}

// End ends an attempt.
func (p *Pool) End(a *Attempt) {
	p.mu.Lock()
	a.generation.attempts--
	wasRenewed := len(p.retired) > 0
	p.mu.Unlock()
	if wasRenewed {
		p.closeRetired()
	}
}

func (a *Attempt) getConn(string) { a.connecting.Add(1) }

func (a *Attempt) gotConn(info httptrace.GotConnInfo) {
	a.connected.Add(1)
	a.mu.Lock()
	a.conn = info.Conn
	a.mu.Unlock()
	if !info.Reused {
		a.pool.sawProtocol(info.Conn)
	}
}

func (p *Pool) sawProtocol(conn net.Conn) {
	encrypted, ok := conn.(interface{ ConnectionState() tls.ConnectionState })
	isHTTP2 := ok && encrypted.ConnectionState().NegotiatedProtocol == "h2"
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sawHTTP1 = p.sawHTTP1 || !isHTTP2
	p.sawHTTP2 = p.sawHTTP2 || isHTTP2
}

func (a *Attempt) lastConn() net.Conn {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.conn
}

// SameConn reports whether this attempt used the connection of the one before it.
func (a *Attempt) SameConn() bool { return a.previous != nil && a.lastConn() == a.previous }

// NeverSent reports whether it is certain that nothing was sent in an attempt that failed
// with err: all its requests have ended, and none got a connection. A transport that is
// not net/http's says so with its error. It knows nothing of requests without the
// context of the attempt.
func (a *Attempt) NeverSent(err error) bool {
	if a.begun.Load() == 0 || a.begun.Load() != a.ended.Load() || a.connected.Load() > 0 {
		return false
	}
	_, isObserved := a.generation.roundTripper().(*http.Transport)
	return isObserved || a.connecting.Load() > 0 || isConnectError(err)
}

// isConnectError reports whether err is that of a name that does not resolve, of a
// connection that was not made, or of an untrusted certificate.
func isConnectError(err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial" || IsUntrusted(err)
}

// IsUntrusted reports whether err is that of a certificate that is not trusted.
func IsUntrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var certificate x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &certificate)
}

// ReadBody reads a body, up to limit. If it returns an error, it also returns the part
// that was read. The buffer is as long as length says, or doubles.
func ReadBody(body io.Reader, length int64, limit int) (content []byte, isTooLong bool, err error) {
	size := 512
	if 0 < length && length < int64(limit) {
		size = int(length) + 1
	}
	content = make([]byte, 0, size)
	for {
		n, err := body.Read(content[len(content):cap(content)])
		content = content[:len(content)+n]
		switch {
		case err == io.EOF: // a reader returns it unwrapped
			return content, false, nil
		case err != nil:
			return content, false, err
		case len(content) > limit:
			return content[:limit], true, nil
		case len(content) == cap(content):
			grown := make([]byte, len(content), min(2*cap(content), limit+1))
			copy(grown, content)
			content = grown
		}
	}
}
