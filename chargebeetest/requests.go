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
	maxBody    = 8 << 20
	maxDiscard = 256 << 20 // read and discarded of a body that is too long
)

// Request is a request that the server received.
type Request struct {
	Method, Path string // Path is escaped, as sent
	Header       http.Header
	Form         url.Values // nil if Body is nil or not a valid form
	Body         []byte     // nil if the body was cut off or longer than 8 MiB
	At           time.Time  // when the body had been read, on the server's clock
}

// readRequest reads a request, without decoding its form. It discards a body that
// is too long instead of responding early, because most clients read the response
// only after they have sent the whole request.
func readRequest(r *http.Request) (request Request, readErr *apiError) {
	request = Request{Method: cmp.Or(r.Method, http.MethodGet), Path: r.URL.EscapedPath(), Header: canonicalHeader(r.Header)}
	if r.Body == nil {
		request.Body = []byte{}
		return request, nil
	}
	var body bytes.Buffer
	if r.ContentLength <= maxBody {
		body.Grow(int(max(0, r.ContentLength)) + bytes.MinRead)
		if _, err := body.ReadFrom(io.LimitReader(r.Body, maxBody+1)); err != nil {
			return request, newAPIError(http.StatusBadRequest, chargebee.ErrInvalidRequest, "", "The body cannot be read")
		}
	}
	if r.ContentLength > maxBody || body.Len() > maxBody {
		_, _ = io.CopyN(io.Discard, r.Body, maxDiscard)
		return request, newAPIError(http.StatusBadRequest, chargebee.ErrInvalidRequest, "", "The body is longer than 8 MiB")
	}
	request.Body = body.Bytes()
	return request, nil
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

// Requests returns a copy of the requests received so far, in order. It returns nil
// with [WithoutRequests].
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
