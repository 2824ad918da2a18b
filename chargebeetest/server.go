package chargebeetest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"io"
	"log"
	"maps"
	"math"
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

	// CertificatePEM is the certificate that a client must trust, and TLSConfig the
	// configuration of an HTTP server that has it. They are nil without [WithTLS].
	CertificatePEM []byte
	TLSConfig      *tls.Config

	now            func() time.Time
	listener       net.Listener
	noListener     bool
	ownRoot        string // where clients of NewClient reach the server, without a path
	publicRoot     string // of WithPublicURL
	grandfathering bool
	operations     []operation
	handlers       handlerSet
	tls            *selfSigned // nil without WithTLS

	http      *http.Server
	serveDone chan struct{}

	mu        sync.Mutex
	closed    bool
	work      map[*backgroundWork]struct{}
	requests  requestLog
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

// NewServer returns a server that listens on the loopback interface until it is closed.
//
// The server does not listen with [WithoutListener], in a testing/synctest bubble, where
// waiting for a connection would stop the bubble's clock, or if the system does not allow
// it. URL and LoginURL are then not reachable, unless they are those of [WithPublicURL],
// and clients of NewClient use [Server.Transport].
func NewServer(opts ...Option) *Server {
	s := &Server{
		Site:       "emulator-test",
		APIKey:     "test_" + rand.Text(),
		now:        time.Now,
		operations: allOperations(),
		work:       make(map[*backgroundWork]struct{}),
		requests:   requestLog{limit: math.MaxInt},
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
	if s.listener == nil && !s.noListener && !inSynctestBubble() {
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
	s.ownRoot = scheme + address
	root := cmp.Or(s.publicRoot, s.ownRoot)
	s.URL = root + apiPath
	s.LoginURL = root + loginPath
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
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	serve := s.http.Serve
	if s.tls != nil {
		s.http.TLSConfig = s.TLSConfig.Clone()
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

// NewClient returns a client of this server. It reaches the server directly, whatever
// [WithPublicURL] says. In a testing/synctest bubble, and if the server does not listen,
// it uses [Server.Transport]. With [WithTLS], it trusts the certificate of the server,
// and only that. The options and errors are those of
// [chargebee.NewClient].
func (s *Server) NewClient(opts ...chargebee.ClientOption) (*chargebee.Client, error) {
	defaults := []chargebee.ClientOption{chargebee.WithBaseURL(s.ownRoot + apiPath)}
	switch {
	case s.http == nil || inSynctestBubble():
		defaults = append(defaults, chargebee.WithHTTPClient(&http.Client{Transport: s.Transport()}))
	case s.tls != nil:
		defaults = append(defaults, chargebee.WithHTTPClient(&http.Client{Transport: s.tls.clientTransport()}))
	}
	return chargebee.NewClient(s.Site, s.APIKey, append(defaults, opts...)...)
}
