package chargebeetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// Transport returns a transport that sends every request to this server, whatever
// its host. It opens no socket, and so also works in a testing/synctest bubble. Only a
// [Fault] with Work starts a goroutine.
func (s *Server) Transport() http.RoundTripper { return inMemoryTransport{s} }

type inMemoryTransport struct{ server *Server }

func (t inMemoryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	switch {
	case req.URL == nil:
		return nil, errors.New("chargebeetest: the request has no URL")
	case req.Context().Err() != nil:
		return nil, req.Context().Err()
	case t.server.isClosed():
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("chargebeetest: the server is closed")}
	}
	resp := t.server.respond(req)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if resp == nil {
		return nil, fmt.Errorf("chargebeetest: the connection was closed without a response: %w", io.EOF)
	}
	return resp.toHTTP(req), nil
}

// toHTTP returns the response as net/http would read it from a connection.
func (r *response) toHTTP(req *http.Request) *http.Response {
	length := len(r.body)
	if declared, err := strconv.Atoi(r.header.Get("Content-Length")); err == nil {
		length = declared
	}
	body := io.Reader(bytes.NewReader(r.body))
	switch {
	case req.Method == http.MethodHead || !r.allowsBody():
		body, length = http.NoBody, 0
	case length > len(r.body):
		body = io.MultiReader(body, truncatedReader{})
	}
	return &http.Response{
		Status:        fmt.Sprint(r.status, " ", http.StatusText(r.status)),
		StatusCode:    r.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        r.header,
		Body:          io.NopCloser(body),
		ContentLength: int64(length),
		Close:         r.header.Get("Connection") == "close",
		Request:       req,
	}
}

// truncatedReader ends a truncated body with the error of net/http.
type truncatedReader struct{}

func (truncatedReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
