package chargebeetest

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

const (
	apiPath = "/api/v2"
	maxBody = 16 << 20
)

// Server is one Chargebee site, made by [NewServer]. It is safe for concurrent
// use, and is an http.Handler besides, for a server of your own.
type Server struct {
	URL    string // API root, with /api/v2
	Site   string
	APIKey string // the one key it accepts

	now       func() time.Time
	http      *http.Server
	served    chan struct{}
	listenErr error

	mu       sync.Mutex
	requests []Request
	sessions map[string]*chargebee.PortalSession
	features map[string]*feature
	items    map[string]Item
}

// Option configures a server.
type Option func(*Server)

// WithClock sets the server's clock, which dates and expires sessions. nil is
// time.Now, the default.
func WithClock(now func() time.Time) Option {
	return func(s *Server) {
		if now != nil {
			s.now = now
		}
	}
}

// NewServer returns a server that listens on loopback until it is closed. If
// it cannot listen, NewClient says so.
func NewServer(opts ...Option) *Server {
	s := &Server{
		Site:     "emulator-test",
		APIKey:   "test_" + rand.Text(),
		now:      time.Now,
		served:   make(chan struct{}),
		sessions: make(map[string]*chargebee.PortalSession),
		features: make(map[string]*feature),
		items:    make(map[string]Item),
	}
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		s.listenErr = fmt.Errorf("chargebeetest: %w", err)
		close(s.served)
		return s
	}
	s.URL = "http://" + listener.Addr().String() + apiPath
	go func() {
		defer close(s.served)
		_ = s.http.Serve(listener) // ends with Close
	}()
	return s
}

// Close stops listening and closes all connections. It may be called again.
func (s *Server) Close() {
	_ = s.http.Close()
	<-s.served
}

// NewClient returns a client of this server.
func (s *Server) NewClient(opts ...chargebee.ClientOption) (*chargebee.Client, error) {
	if s.listenErr != nil {
		return nil, s.listenErr
	}
	return chargebee.NewClient(s.Site, s.APIKey, append([]chargebee.ClientOption{chargebee.WithBaseURL(s.URL)}, opts...)...)
}

// Request is a request as it arrived.
type Request struct {
	Method, Path string // Path as sent, escaped
	Header       http.Header
	Form         url.Values // nil if the body is no form
	Body         []byte
}

// Requests returns a copy of what arrived, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := slices.Clone(s.requests)
	for i, r := range requests {
		requests[i].Header = r.Header.Clone()
		requests[i].Form = url.Values(http.Header(r.Form).Clone())
		requests[i].Body = slices.Clone(r.Body)
	}
	return requests
}

// operation is one route and what is behind it. serve runs under the lock.
type operation struct {
	route string
	serve func(s *Server, id string, form url.Values) (any, *refusal)
}

func operations() []operation {
	return []operation{
		{"/portal_sessions/{portal-session-id}/activate", (*Server).activatePortalSession},
		{"/features/{feature-id}/item_entitlements", (*Server).upsertOrRemoveItemEntitlements},
	}
}

// ServeHTTP answers as the API does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, refused := s.answer(w, r)
	if refused != nil {
		write(w, refused.status, refused.body())
		return
	}
	write(w, http.StatusOK, answer)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) (any, *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, chargebee.ErrInvalidRequest, "", "The body cannot be read or is too long")
	}
	form, formErr := parseForm(r.Header.Get("Content-Type"), body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{
		Method: r.Method, Path: r.URL.EscapedPath(), Header: r.Header.Clone(), Form: form, Body: body,
	})

	if !s.authenticates(r) {
		return nil, refuse(http.StatusUnauthorized, chargebee.ErrAPIAuthenticationFailed, "", "Sorry, authentication failed. Invalid api key")
	}
	for _, op := range operations() {
		id, ok := match(apiPath+op.route, r.URL.EscapedPath())
		switch {
		case !ok:
			continue
		case r.Method != http.MethodPost:
			return nil, refuse(http.StatusMethodNotAllowed, chargebee.ErrHTTPMethodNotSupported, "", "The http method is not allowed for this URL")
		case formErr != nil:
			return nil, refuse(http.StatusBadRequest, chargebee.ErrInvalidRequest, "", "The body must be application/x-www-form-urlencoded: "+formErr.Error())
		}
		return op.serve(s, id, form)
	}
	return nil, refuse(http.StatusNotFound, chargebee.ErrResourceNotFound, "", "There is nothing at this path")
}

func (s *Server) authenticates(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	return ok && password == "" && subtle.ConstantTimeCompare([]byte(user), []byte(s.APIKey)) == 1
}

func parseForm(contentType string, body []byte) (url.Values, error) {
	if len(body) == 0 {
		return url.Values{}, nil
	}
	if mediaType, _, err := mime.ParseMediaType(contentType); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, errors.New("the content type is another")
	}
	form := make(url.Values)
	for pair := range strings.SplitSeq(string(body), "&") { // url.ParseQuery takes no more than 10,000
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		switch {
		case nameErr != nil || valueErr != nil:
			return nil, errors.New("an escape is malformed")
		case form.Has(name):
			return nil, errors.New("a parameter is there twice")
		}
		form.Set(name, value)
	}
	return form, nil
}

// match compares a path, escaped, with a route that has one {…} in it, and
// returns what stands there.
func match(route, path string) (id string, ok bool) {
	want, got := strings.Split(route, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return "", false
	}
	for i, segment := range want {
		value, err := url.PathUnescape(got[i])
		switch {
		case err != nil:
			return "", false
		case strings.HasPrefix(segment, "{"):
			id = value
		case segment != value:
			return "", false
		}
	}
	return id, true
}
