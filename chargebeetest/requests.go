package chargebeetest

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

const (
	maxBody  = 8 << 20
	maxDrain = 256 << 20
)

// Request is a request as it arrived.
type Request struct {
	Method, Path string // Path as sent, escaped
	Header       http.Header
	Form         url.Values // nil if Body is nil, or no form
	Body         []byte     // nil if it is over 8 MiB or broke off
	At           time.Time  // when it had been read, on the server's clock
}

// receive reads a request. A body that is too long is read to its end, or as
// far as is bearable, because most clients hear no answer before they have sent
// everything. The form is left until somebody asks for it.
func receive(r *http.Request) (request Request, unreadable *refusal) {
	request = Request{Method: cmp.Or(r.Method, http.MethodGet), Path: r.URL.EscapedPath(), Header: canonical(r.Header)}
	if r.Body == nil {
		request.Body = []byte{}
		return request, nil
	}
	var body bytes.Buffer
	if r.ContentLength <= maxBody {
		body.Grow(int(max(0, r.ContentLength)) + bytes.MinRead)
		if _, err := body.ReadFrom(io.LimitReader(r.Body, maxBody+1)); err != nil {
			return request, refuse(http.StatusBadRequest, chargebee.ErrInvalidRequest, "", "The body cannot be read")
		}
	}
	if r.ContentLength > maxBody || body.Len() > maxBody {
		_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
		return request, refuse(http.StatusBadRequest, chargebee.ErrInvalidRequest, "", "The body is longer than 8 MiB")
	}
	request.Body = body.Bytes()
	return request, nil
}

// canonical copies a header, with its names as net/http reads them from the wire.
func canonical(header http.Header) http.Header {
	read := make(http.Header, len(header))
	for name, values := range header {
		for _, value := range values {
			read.Add(name, value)
		}
	}
	return read
}

// Requests returns a copy of what arrived, in order; nil [WithoutRequests].
func (s *Server) Requests() []Request {
	s.mu.Lock()
	requests := slices.Clone(s.requests)
	s.mu.Unlock()
	for i, r := range requests {
		requests[i].Header = r.Header.Clone()
		requests[i].Body = slices.Clone(r.Body)
		if r.Body != nil {
			requests[i].Form, _ = parseForm(r)
		}
	}
	return requests
}
