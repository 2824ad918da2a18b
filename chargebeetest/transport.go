package chargebeetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Transport returns a way to the server that opens no socket and starts no
// goroutine, so that it works in a testing/synctest bubble too. It takes every
// host for this server.
func (s *Server) Transport() http.RoundTripper { return inMemory{s} }

type inMemory struct{ server *Server }

func (m inMemory) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	switch {
	case req.URL == nil:
		return nil, errors.New("chargebeetest: the request has no URL")
	case req.Context().Err() != nil:
		return nil, req.Context().Err()
	case m.server.isClosed():
		return nil, errors.New("chargebeetest: the server is closed")
	}
	answer := m.server.respond(req)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if answer == nil {
		return nil, fmt.Errorf("chargebeetest: the connection was cut: %w", io.EOF)
	}
	return answer.response(req), nil
}

// response is the answer as net/http would read it from the wire.
func (a *answer) response(req *http.Request) *http.Response {
	length := len(a.body)
	if declared, err := strconv.Atoi(a.header.Get("Content-Length")); err == nil {
		length = declared
	}
	body := io.Reader(bytes.NewReader(a.body))
	switch {
	case req.Method == http.MethodHead || !a.mayHaveBody():
		body, length = http.NoBody, 0
	case length > len(a.body):
		body = io.MultiReader(body, cutOff{})
	}
	return &http.Response{
		Status:        fmt.Sprint(a.status, " ", http.StatusText(a.status)),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.header,
		Body:          io.NopCloser(body),
		ContentLength: int64(length),
		Request:       req,
	}
}

// cutOff is how a body ends that is not whole.
type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
