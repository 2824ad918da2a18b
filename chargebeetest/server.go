package chargebeetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

// Server is an emulated Chargebee site. Use [NewServer] to create one. A Server is
// safe for concurrent use. It is also an http.Handler, for the root of an HTTP
// server of your own: its paths start with /api/v2 and /portal.
type Server struct {
	URL    string // root of the API, including /api/v2
	Site   string
	APIKey string // the only API key that the server accepts

	// LoginURL is the login page in place of Chargebee's hosted login. It takes the
	// parameters return_url and cancel_url and lists the customers of AddCustomer.
	// A login redirects to return_url with a portal session, a cancellation
	// redirects to cancel_url.
	LoginURL string

	// CertificatePEM is the certificate that a client must trust. It is nil without
	// [WithTLS].
	CertificatePEM []byte

	now             func() time.Time
	listener        net.Listener
	grandfathering  bool
	discardRequests bool
	operations      []operation
	handlers        handlerSet
	tls             *selfSigned // nil without WithTLS

	http      *http.Server
	serveDone chan struct{}

	mu        sync.Mutex
	closed    bool
	work      map[*backgroundWork]struct{}
	requests  []Request
	faults    []Fault
	rateLimit rateLimit
	keys      idempotencyKeys

	customers       []string                              // of AddCustomer
	linkedCustomers map[string][]chargebee.LinkedCustomer // of every known customer
	sessions        map[string]*portalSession
	accessTokens    map[string]*portalSession // of the sessions with an access URL
	features        map[string]*feature
	orderedFeatures []*feature // in the order of creation
	items           map[string]Item
	catalog         catalog
}

// Option configures a server. A nil option does nothing.
type Option func(*Server)

// WithClock sets the server's clock, which determines the timestamps and the expiry
// of portal sessions, the expiry of idempotency keys, and the rate limit. The
// default, also for nil, is time.Now. The function must not call the server. The
// delay of a [Fault] does not use this clock: it takes real time, or the time of a
// synctest bubble.
func WithClock(now func() time.Time) Option {
	return func(s *Server) {
		if now != nil {
			s.now = now
		}
	}
}

// WithListener sets the listener of the server, which the server closes. The
// default, also for nil, is a free port on the loopback interface.
func WithListener(l net.Listener) Option {
	return func(s *Server) { s.listener = l }
}

// WithGrandfathering enables grandfathering for the site. Chargebee does not support
// the entitlement operation on such sites.
func WithGrandfathering() Option {
	return func(s *Server) { s.grandfathering = true }
}

// WithRateLimit limits the requests within the last 60 seconds. Requests over the
// limit get 429 with Retry-After. 0 or less means no limit, which is the default.
func WithRateLimit(perMinute int) Option {
	return func(s *Server) { s.rateLimit.perMinute = perMinute }
}

// WithoutRequests makes the server discard requests instead of storing them for
// [Server.Requests], which then returns nil. Use it for a server that runs long.
func WithoutRequests() Option {
	return func(s *Server) { s.discardRequests = true }
}

// NewServer returns a server that listens on the loopback interface until it is closed.
//
// The server does not listen in a testing/synctest bubble, where waiting for a
// connection would stop the bubble's clock, or if the system does not allow it. URL
// and LoginURL are then not reachable, and clients of NewClient use [Server.Transport].
func NewServer(opts ...Option) *Server {
	s := &Server{
		Site:       "emulator-test",
		APIKey:     "test_" + rand.Text(),
		now:        time.Now,
		operations: allOperations(),
		work:       make(map[*backgroundWork]struct{}),
		keys:       idempotencyKeys{requestsByKey: make(map[string]*keyRecord)},

		linkedCustomers: make(map[string][]chargebee.LinkedCustomer),
		sessions:        make(map[string]*portalSession),
		accessTokens:    make(map[string]*portalSession),
		features:        make(map[string]*feature),
		items:           make(map[string]Item),
		catalog:         catalog{byKey: make(map[entitlementKey]*entitlement)},
	}
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	if s.listener == nil && !inSynctestBubble() {
		s.listener, _ = new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	}
	address := "127.0.0.1:0" // never reachable
	if s.listener != nil {
		address = dialAddress(s.listener.Addr())
		s.serve()
	}
	scheme := "http://"
	if s.tls != nil {
		scheme = "https://"
	}
	s.URL = scheme + address + apiPath
	s.LoginURL = scheme + address + loginPath
	return s
}

// dialAddress returns the address at which to reach a listener. For a listener on
// all interfaces, that is the loopback interface.
func dialAddress(address net.Addr) string {
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return address.String()
}

func (s *Server) serve() {
	s.http = &http.Server{
		Handler:           wireHandler{s},
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	serve := s.http.Serve
	if s.tls != nil {
		s.http.TLSConfig = s.tls.serverConfig()
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	s.serveDone = make(chan struct{})
	go func() {
		defer close(s.serveDone)
		_ = serve(s.listener) // returns after Close
	}()
}

// inSynctestBubble reports whether the caller is in a testing/synctest bubble. No API
// reports that, but the header of a stack trace does.
func inSynctestBubble() bool {
	var stack [128]byte
	header, _, _ := bytes.Cut(stack[:runtime.Stack(stack[:], false)], []byte("\n"))
	return bytes.Contains(header, []byte("synctest bubble"))
}

// Close stops listening, closes all connections, ends the work of faults without
// applying it, and makes Transport fail. Further calls do nothing.
func (s *Server) Close() {
	s.mu.Lock()
	wasClosed := s.closed
	s.closed = true
	unfinished := slices.Collect(maps.Keys(s.work))
	s.mu.Unlock()
	if s.http != nil && !wasClosed {
		_ = s.http.Close()
		<-s.serveDone
	}
	for _, work := range unfinished {
		work.cancel()
	}
	for _, work := range unfinished {
		<-work.done
	}
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// NewClient returns a client of this server. In a testing/synctest bubble, the
// client uses [Server.Transport]. With [WithTLS], it trusts the certificate of the
// server, and only that. The options and errors are those of
// [chargebee.NewClient].
func (s *Server) NewClient(opts ...chargebee.ClientOption) (*chargebee.Client, error) {
	defaults := []chargebee.ClientOption{chargebee.WithBaseURL(s.URL)}
	switch {
	case s.http == nil || inSynctestBubble():
		defaults = append(defaults, chargebee.WithHTTPClient(&http.Client{Transport: s.Transport()}))
	case s.tls != nil:
		defaults = append(defaults, chargebee.WithHTTPClient(&http.Client{Transport: s.tls.clientTransport()}))
	}
	return chargebee.NewClient(s.Site, s.APIKey, append(defaults, opts...)...)
}
