package chargebeetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

const apiPath = "/api/v2"

// Server is one Chargebee site, made by [NewServer]. It is safe for concurrent
// use, and is an http.Handler besides, for a server of your own that serves it at
// the root: /api/v2 and /portal/login.
type Server struct {
	URL    string // API root, with /api/v2
	Site   string
	APIKey string // the one key it accepts

	// LoginURL is the page in the place of Chargebee's hosted login. It takes
	// return_url and cancel_url, lists the customers of AddCustomer, and sends
	// the browser back with a session, or without one.
	LoginURL string

	now            func() time.Time
	listener       net.Listener
	grandfathering bool
	forgetful      bool // keeps no requests
	operations     []operation

	http   *http.Server
	served chan struct{}

	mu        sync.Mutex
	closed    bool
	requests  []Request
	faults    []Fault
	limit     limit
	memory    memory
	customers []string
	sessions  map[string]*chargebee.PortalSession
	features  map[string]*feature
	items     map[string]Item
}

// Option configures a server. A nil option does nothing.
type Option func(*Server)

// WithClock sets the server's clock: it dates and expires sessions, and counts
// the minutes of the rate limit and of idempotency keys. nil is time.Now, the
// default. It must not call the server. The delay of a [Fault] is real time, or
// that of a synctest bubble.
func WithClock(now func() time.Time) Option {
	return func(s *Server) {
		if now != nil {
			s.now = now
		}
	}
}

// WithListener sets where the server listens, instead of on a free port of
// loopback, the default and what nil means. The server closes it.
func WithListener(l net.Listener) Option {
	return func(s *Server) { s.listener = l }
}

// WithGrandfathering makes the site one with grandfathering, on which
// Chargebee does not support the entitlement operation.
func WithGrandfathering() Option {
	return func(s *Server) { s.grandfathering = true }
}

// WithRateLimit answers 429 with Retry-After where a request would be one more
// than perMinute within the last 60 seconds. 0 and less is no limit, the default.
func WithRateLimit(perMinute int) Option {
	return func(s *Server) { s.limit.perMinute = perMinute }
}

// WithoutRequests keeps no record of requests, for a server that runs long:
// [Server.Requests] is then empty.
func WithoutRequests() Option {
	return func(s *Server) { s.forgetful = true }
}

// NewServer returns a server that listens on loopback until it is closed.
//
// It does not listen in a testing/synctest bubble, where waiting for a connection
// would stop the bubble's clock, nor where the system forbids it. URL and LoginURL
// then lead nowhere, and clients of NewClient use [Server.Transport].
func NewServer(opts ...Option) *Server {
	s := &Server{
		Site:   "emulator-test",
		APIKey: "test_" + rand.Text(),
		now:    time.Now,
		operations: []operation{
			{"/portal_sessions/{portal-session-id}/activate", 70, (*Server).activatePortalSession},
			{"/features/{feature-id}/item_entitlements", 50, (*Server).upsertOrRemoveItemEntitlements},
		},
		memory:   memory{firsts: make(map[string]*remembered)},
		sessions: make(map[string]*chargebee.PortalSession),
		features: make(map[string]*feature),
		items:    make(map[string]Item),
	}
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	if s.listener == nil && !inBubble() {
		s.listener, _ = new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	}
	address := "127.0.0.1:0" // where nobody can listen
	if s.listener != nil {
		address = reachable(s.listener.Addr())
		s.serve()
	}
	s.URL = "http://" + address + apiPath
	s.LoginURL = "http://" + address + loginPath
	return s
}

// reachable is how to call a listener, which may listen on all addresses.
func reachable(address net.Addr) string {
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return address.String()
}

func (s *Server) serve() {
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	s.served = make(chan struct{})
	go func() {
		defer close(s.served)
		_ = s.http.Serve(s.listener) // ends with Close
	}()
}

// inBubble reports whether the caller is in a testing/synctest bubble. There is
// no API to ask; the header of a stack trace says so.
func inBubble() bool {
	var stack [128]byte
	header, _, _ := bytes.Cut(stack[:runtime.Stack(stack[:], false)], []byte("\n"))
	return bytes.Contains(header, []byte("synctest bubble"))
}

// Close stops listening, closes all connections, and makes Transport fail. It may
// be called again.
func (s *Server) Close() {
	s.mu.Lock()
	wasClosed := s.closed
	s.closed = true
	s.mu.Unlock()
	if s.http != nil && !wasClosed {
		_ = s.http.Close()
		<-s.served
	}
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// NewClient returns a client of this server; in a testing/synctest bubble, one
// that uses [Server.Transport]. The options are those of [chargebee.NewClient],
// and so are the errors.
func (s *Server) NewClient(opts ...chargebee.ClientOption) (*chargebee.Client, error) {
	ours := []chargebee.ClientOption{chargebee.WithBaseURL(s.URL)}
	if s.http == nil || inBubble() {
		ours = append(ours, chargebee.WithHTTPClient(&http.Client{Transport: s.Transport()}))
	}
	return chargebee.NewClient(s.Site, s.APIKey, append(ours, opts...)...)
}
