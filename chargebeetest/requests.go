package chargebeetest

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

const (
	maxBody                   = 8 << 20
	maxDiscard                = 256 << 20 // read and discarded of a body that is too long
	maxDiscardUnauthenticated = 256 << 10
)

// Request is a request that the server received.
type Request struct {
	Method, Path string     // Path is escaped, as sent
	Query        url.Values // of the URL; never nil, and without what is malformed
	Header       http.Header
	Form         url.Values // of a body that is a valid form; nil if Body is nil or no such form
	Body         []byte     // nil without the API key, or if the body was cut off or longer than 8 MiB
	At           time.Time  // when the body had been read, on the server's clock

	rawQuery string
}

// receivedRequest is a request whose body has been read.
type receivedRequest struct {
	Request
	http            *http.Request
	isAuthenticated bool
	readErr         *apiError // of an authenticated request
	hasUnreadBody   bool      // more of the body may follow: the connection cannot be used again
}

// receive reads a request, without decoding its form. It keeps the body of an
// authenticated request only.
func (s *Server) receive(r *http.Request) receivedRequest {
	received := receivedRequest{http: r, Request: Request{
		Method:   cmp.Or(r.Method, http.MethodGet),
		Path:     r.URL.EscapedPath(),
		Header:   canonicalHeader(r.Header),
		rawQuery: r.URL.RawQuery,
	}}
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	received.isAuthenticated = s.isAuthenticated(received.Header)
	if received.isAuthenticated {
		received.Body, received.readErr = readBody(body, r.ContentLength)
	} else {
		_, err := io.CopyN(io.Discard, body, maxDiscardUnauthenticated+1)
		received.hasUnreadBody = !errors.Is(err, io.EOF)
	}
	return received
}

// readBody reads a body into memory that grows with what arrives, whatever length is
// announced. It discards a body that is too long instead of responding early, because
// most clients read the response only after they have sent the whole request.
func readBody(r io.Reader, announced int64) ([]byte, *apiError) {
	var body []byte
	var err error
	if announced <= maxBody {
		body, err = io.ReadAll(io.LimitReader(r, maxBody+1))
	}
	switch {
	case err != nil:
		return nil, newAPIError(http.StatusBadRequest, chargebee.ErrInvalidRequest, "", "The body cannot be read")
	case announced > maxBody || len(body) > maxBody:
		_, _ = io.CopyN(io.Discard, r, maxDiscard)
		return nil, newAPIError(http.StatusBadRequest, chargebee.ErrInvalidRequest, "", "The body is longer than 8 MiB")
	}
	return body, nil
}

// canonicalHeader returns a copy of a header with canonical names, as net/http reads
// it from a connection.
func canonicalHeader(header http.Header) http.Header {
	canonical := make(http.Header, len(header))
	for name, values := range header {
		for _, value := range values {
			canonical.Add(name, value)
		}
	}
	return canonical
}

// toHTTP returns the request as net/http would read it from a connection, with a body
// that can be read. original is the request as it arrived.
func (r Request) toHTTP(original *http.Request) *http.Request {
	req := original.Clone(original.Context())
	req.Method = r.Method
	req.Header = r.Header.Clone()
	req.Host = cmp.Or(req.Host, req.URL.Host)
	req.URL = &url.URL{Path: req.URL.Path, RawPath: req.URL.RawPath, RawQuery: req.URL.RawQuery}
	req.RequestURI = req.URL.RequestURI()
	req.RemoteAddr = cmp.Or(req.RemoteAddr, "127.0.0.1:0") // in memory
	req.ContentLength, req.TransferEncoding = int64(len(r.Body)), nil
	req.Body, req.GetBody = io.NopCloser(bytes.NewReader(r.Body)), nil
	return req
}

// requestLog holds the last requests, up to a limit.
type requestLog struct {
	limit int
	list  []Request
}

func (l *requestLog) add(r Request) {
	if l.limit <= 0 {
		return
	}
	l.list = append(l.list, r)
	if len(l.list) > l.limit {
		l.list[0] = Request{} // does not keep the body in memory
		l.list = l.list[1:]
	}
}

// Requests returns a copy of the requests received so far, in order. It returns only the
// last ones with [WithRecentRequests], and nil with [WithoutRequests].
func (s *Server) Requests() []Request {
	s.mu.Lock()
	requests := slices.Clone(s.requests.list)
	s.mu.Unlock()
	for i, r := range requests {
		requests[i].Query, _ = url.ParseQuery(r.rawQuery)
		requests[i].Header = r.Header.Clone()
		requests[i].Body = slices.Clone(r.Body)
		if r.Body != nil {
			requests[i].Form, _ = parseForm(r)
		}
	}
	return requests
}

// ClearRequests removes the requests received so far from [Server.Requests].
func (s *Server) ClearRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests.list = nil
}
