package chargebeetest

import (
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"

	chargebee "github.com/typedbee/chargebee-go"
)

// admittedRequest is a request that passed all checks but those of its parameters.
type admittedRequest struct {
	request   Request
	http      *http.Request
	operation operation // zero for a handler of Handle
	id        string    // in the path
	keyRecord *keyRecord
}

// admit checks everything but the parameters of a request. It returns either the
// admitted request or a response: an error, or the replay of an earlier response.
func (s *Server) admit(r receivedRequest) (*admittedRequest, *response) {
	if !r.isAuthenticated {
		return nil, newAPIError(http.StatusUnauthorized, chargebee.ErrAPIAuthenticationFailed, "",
			"Sorry, authentication failed. Invalid api key").response()
	}
	if limited := s.countRequest(); limited != nil {
		return nil, limited
	}
	operation, id, resp := s.findTarget(r)
	if resp != nil {
		return nil, resp
	}
	if apiErr := validateHeaders(r.Request); apiErr != nil {
		return nil, apiErr.response()
	}
	if r.readErr != nil {
		return nil, r.readErr.response()
	}
	record, resp := s.claimKey(r.Request)
	if resp != nil {
		return nil, resp
	}
	return &admittedRequest{r.Request, r.http, operation, id, record}, nil
}

// countRequest counts a request in the rate limit. It returns the response to a
// request over the limit.
func (s *Server) countRequest() *response {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rateLimit.count(s.now())
}

func (s *Server) claimKey(r Request) (*keyRecord, *response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys.claim(r, s.now())
}

// findTarget returns the operation at the path, or the zero operation if a handler of
// Handle serves the request. It returns a response if there is neither.
func (s *Server) findTarget(r receivedRequest) (operation, string, *response) {
	op, id, isKnownPath := s.findOperation(r.Method, r.Path)
	if op.handle != nil {
		if isLonger(id, op.maxIDLength) {
			return operation{}, "", newAPIError(http.StatusBadRequest, chargebee.ErrParamWrongValue, "",
				"The ID in the path is too long").response()
		}
		return op, id, nil
	}
	isHandled, allowsOtherMethods := s.handlers.find(r.toHTTP(r.http))
	switch {
	case isHandled:
		return operation{}, "", nil
	case isKnownPath || allowsOtherMethods:
		return operation{}, "", newAPIError(http.StatusMethodNotAllowed, chargebee.ErrHTTPMethodNotSupported, "",
			"The http method is not allowed for this URL").response()
	}
	return operation{}, "", s.handlers.notEmulated(r.Request)
}

// isAuthenticated reports whether the user name of HTTP Basic is the API key, and
// the password is empty. The colon may be missing, because some of the vendor's
// clients omit it.
func (s *Server) isAuthenticated(header http.Header) bool {
	scheme, encoded, _ := strings.Cut(header.Get("Authorization"), " ")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	user := strings.TrimSuffix(string(decoded), ":")
	return strings.EqualFold(scheme, "Basic") && err == nil && subtle.ConstantTimeCompare([]byte(user), []byte(s.APIKey)) == 1
}
