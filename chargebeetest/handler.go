package chargebeetest

import (
	"maps"
	"net/http"
	"strings"
	"time"
)

// ServeHTTP implements http.Handler. A [Fault] that closes the connection needs
// the ResponseWriter of an http.Server; a recorder has no connection to close.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == loginPath:
		s.serveLogin(w, r)
		return
	case strings.HasPrefix(r.URL.Path, accessPath):
		s.serveAccess(w, r)
		return
	}
	resp := s.respond(r)
	if resp == nil {
		longAgo := time.Unix(0, 1)
		if http.NewResponseController(w).SetWriteDeadline(longAgo) == nil {
			return // net/http cannot write a response, and closes the connection
		}
		resp = newMessage(http.StatusInternalServerError, "chargebeetest: this connection cannot be closed")
	}
	w.Header()["Content-Type"] = nil // keeps net/http from guessing one
	maps.Copy(w.Header(), resp.header)
	if isOnConnection(r) {
		lowerCaseReplayedHeader(w.Header())
	}
	w.WriteHeader(resp.status)
	_, _ = w.Write(resp.body) // fails only if the client has disconnected
}

// respond processes one request from arrival to response. It returns nil if the
// connection is to be closed without a response.
func (s *Server) respond(r *http.Request) *response {
	received := s.receive(r)
	fault := s.record(received.Request)
	var admitted *admittedRequest
	resp := fault.response()
	if resp == nil {
		admitted, resp = s.admit(received)
	}
	isConnected := wait(r.Context(), fault.Delay) && !s.isClosed()
	switch {
	case admitted == nil:
	case !isConnected && fault.Cut != CutAfter:
		s.release(admitted)
	case fault.Work > 0:
		resp = s.executeInBackground(admitted, fault.Work)
	default:
		resp = s.execute(admitted)
	}
	switch {
	case resp == nil || !isConnected || fault.Cut == CutBefore || fault.Cut == CutAfter:
		return nil
	case fault.Cut == CutBody:
		resp = resp.truncated()
	}
	if received.hasUnreadBody {
		resp.header.Set("Connection", "close")
	}
	return resp
}

// record stores a request and returns the fault that it consumes.
func (s *Server) record(r Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.At = s.now()
	s.requests.add(r)
	return s.takeFault(r)
}

// execute runs the operation or the handler of Handle. It stores a successful
// response under the idempotency key; after an error the key can be used again.
func (s *Server) execute(a *admittedRequest) *response {
	if a.operation.handle == nil {
		return s.executeHandler(a)
	}
	params, apiErr := parseParams(a.request)
	if apiErr != nil {
		s.release(a)
		return apiErr.response()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	resp := runOperation(s, a.operation, call{a.id, params, a.request.Header})
	s.keys.finish(a.keyRecord, resp)
	return resp
}

func runOperation(s *Server, op operation, c call) *response {
	result, apiErr := op.handle(s, c)
	if apiErr != nil {
		return apiErr.response()
	}
	return newJSONResponse(http.StatusOK, result)
}

// executeHandler does not hold the lock, because the handler may call the server.
func (s *Server) executeHandler(a *admittedRequest) (resp *response) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.keys.finish(a.keyRecord, resp)
	}()
	return s.handlers.serve(a.request.toHTTP(a.http))
}

// release gives up a request without running the operation.
func (s *Server) release(a *admittedRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.finish(a.keyRecord, nil)
}
