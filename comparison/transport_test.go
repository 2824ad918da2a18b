package comparison_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	activatedJSON    = `{"portal_session":{"id":"portal_1","status":"activated","customer_id":"cus_1"}}`
	limitedJSON      = `{"message":"slow down","api_error_code":"api_request_limit_exceeded","type":"operation_failed","http_status_code":429}`
	entitlementsJSON = `{"list":[{"item_entitlement":{"id":"ent_1","item_id":"team","feature_id":"seats","value":"20"}}]}`
)

// responder is a transport that responds from memory.
type responder func(*http.Request) (*http.Response, error)

func (r responder) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return r(req)
}

// respond responds with a status, a body, and headers: names and values in turn.
func respond(status int, body string, headers ...string) responder {
	return respondWith(status, func(*http.Request) io.Reader { return strings.NewReader(body) }, headers...)
}

// respondWith responds with the body that newBody returns.
func respondWith(status int, newBody func(*http.Request) io.Reader, headers ...string) responder {
	return func(req *http.Request) (*http.Response, error) {
		header := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i < len(headers); i += 2 {
			header.Set(headers[i], headers[i+1])
		}
		return &http.Response{
			StatusCode: status, Status: http.StatusText(status), ProtoMajor: 1, ProtoMinor: 1,
			Header: header, Body: io.NopCloser(newBody(req)), ContentLength: -1, Request: req,
		}, nil
	}
}

func activated() responder { return respond(http.StatusOK, activatedJSON) }

// fail fails every request.
func fail(err error) responder {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func refuseConnection() responder {
	return fail(&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)})
}

func resetConnection() responder {
	return fail(&net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)})
}

// hang never responds.
func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// inTurn gives each request to the next of its responders, and all further requests to the
// last one.
func inTurn(responders ...responder) responder {
	var mu sync.Mutex
	requests := 0
	return func(req *http.Request) (*http.Response, error) {
		mu.Lock()
		r := responders[min(requests, len(responders)-1)]
		requests++
		mu.Unlock()
		return r(req)
	}
}

// recorder records what was sent.
type recorder struct {
	next responder

	mu       sync.Mutex
	requests []sentRequest
}

type sentRequest struct {
	*http.Request
	body string
	at   time.Time
}

func record(next responder) *recorder { return &recorder{next: next} }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	r.mu.Lock()
	r.requests = append(r.requests, sentRequest{req, string(body), time.Now()})
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

// cutOff is a body whose connection is lost in the middle.
func cutOff(*http.Request) io.Reader {
	return io.MultiReader(strings.NewReader(activatedJSON[:20]), errorReader{io.ErrUnexpectedEOF})
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// drip is a body that never ends, with a byte each second.
func drip(req *http.Request) io.Reader { return dripReader{req} }

type dripReader struct{ req *http.Request }

func (r dripReader) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	case <-r.req.Context().Done():
		return 0, errors.Join(errors.New("read"), r.req.Context().Err())
	}
}
