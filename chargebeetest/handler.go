package chargebeetest

import (
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

// admittedRequest is a request that passed all checks but those of its parameters.
type admittedRequest struct {
	request   Request
	operation operation
	call      call
	keyRecord *keyRecord // nil without an idempotency key
}

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
		resp = newJSONResponse(http.StatusInternalServerError,
			map[string]string{"message": "chargebeetest: this connection cannot be closed"})
	}
	w.Header()["Content-Type"] = nil // keeps net/http from guessing one
	maps.Copy(w.Header(), resp.header)
	w.WriteHeader(resp.status)
	_, _ = w.Write(resp.body) // fails only if the client has disconnected
}

// respond processes one request from arrival to response. It returns nil if the
// connection is to be closed without a response.
func (s *Server) respond(r *http.Request) *response {
	request, readErr := readRequest(r)
	fault := s.record(request)
	var admitted *admittedRequest
	resp := fault.response()
	if resp == nil {
		admitted, resp = s.admit(request, readErr)
	}
	if admitted != nil && request.Method == http.MethodGet {
		admitted.call.params = r.URL.Query()
	}
	isConnected := fault.wait(r.Context()) && !s.isClosed()
	switch {
	case admitted == nil:
	case isConnected || fault.Cut == CutAfter:
		resp = s.execute(admitted)
	default:
		s.release(admitted)
	}
	switch {
	case !isConnected || fault.Cut == CutBefore || fault.Cut == CutAfter:
		return nil
	case fault.Cut == CutBody:
		return resp.truncated()
	}
	return resp
}

// record stores a request and returns the fault that it consumes.
func (s *Server) record(r Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.discardRequests {
		r.At = s.now()
		s.requests = append(s.requests, r)
	}
	return s.takeFault(r.Path)
}

// admit checks everything but the parameters of a request. It returns either the
// admitted request or a response: an error, or the replay of an earlier response.
func (s *Server) admit(r Request, readErr *apiError) (*admittedRequest, *response) {
	if !s.isAuthenticated(r) {
		return nil, newAPIError(http.StatusUnauthorized, chargebee.ErrAPIAuthenticationFailed, "",
			"Sorry, authentication failed. Invalid api key").response()
	}
	admitted, apiErr := s.checkRequest(r, readErr)
	s.mu.Lock()
	defer s.mu.Unlock()
	if limited := s.rateLimit.count(s.now()); limited != nil {
		return nil, limited
	}
	if apiErr != nil {
		return nil, apiErr.response()
	}
	record, resp := s.keys.claim(r, s.now())
	if resp != nil {
		return nil, resp
	}
	admitted.keyRecord = record
	return admitted, nil
}

// checkRequest checks the path, the method, the headers and the body.
func (s *Server) checkRequest(r Request, readErr *apiError) (*admittedRequest, *apiError) {
	operation, id, found := s.findOperation(r.Method, r.Path)
	switch {
	case !found:
		return nil, newAPIError(http.StatusNotFound, chargebee.ErrResourceNotFound, "", "There is no operation at this path")
	case operation.handle == nil:
		return nil, newAPIError(http.StatusMethodNotAllowed, chargebee.ErrHTTPMethodNotSupported, "",
			"The http method is not allowed for this URL")
	case isLonger(id, operation.maxIDLength):
		return nil, newAPIError(http.StatusBadRequest, chargebee.ErrParamWrongValue, "", "The ID in the path is too long")
	}
	if apiErr := validateHeaders(r.Header); apiErr != nil {
		return nil, apiErr
	}
	if readErr != nil {
		return nil, readErr
	}
	form, err := parseForm(r)
	if err != nil {
		return nil, newAPIError(http.StatusBadRequest, chargebee.ErrInvalidRequest, "",
			"The body must be application/x-www-form-urlencoded: "+err.Error())
	}
	return &admittedRequest{request: r, operation: operation, call: call{id, form, r.Header}}, nil
}

// execute runs the operation. It stores a successful response under the
// idempotency key; after an error the key can be used again.
func (s *Server) execute(a *admittedRequest) *response {
	s.mu.Lock()
	defer s.mu.Unlock()
	result, apiErr := a.operation.handle(s, a.call)
	if apiErr != nil {
		s.keys.release(a.request, a.keyRecord)
		return apiErr.response()
	}
	resp := newJSONResponse(http.StatusOK, result)
	if a.keyRecord != nil {
		a.keyRecord.response = resp.clone()
	}
	return resp
}

// release gives up a request without running the operation.
func (s *Server) release(a *admittedRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.release(a.request, a.keyRecord)
}

// isAuthenticated reports whether the user name of HTTP Basic is the API key, and
// the password is empty. The colon may be missing, because some of the vendor's
// clients omit it.
func (s *Server) isAuthenticated(r Request) bool {
	scheme, encoded, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	user := strings.TrimSuffix(string(decoded), ":")
	return strings.EqualFold(scheme, "Basic") && err == nil && subtle.ConstantTimeCompare([]byte(user), []byte(s.APIKey)) == 1
}
