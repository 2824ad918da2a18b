package chargebeetest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const apiPath = "/api/v2"

// operation is an operation of the API and its route.
type operation struct {
	method      string
	route       string // with at most one {placeholder}, for the ID
	maxIDLength int    // in characters

	// handle validates the parameters and does the work. The caller holds the lock.
	handle func(s *Server, c call) (any, *apiError)
}

// call is what an operation is called with.
type call struct {
	id     string     // in the path
	params url.Values // of the query or the body
	header http.Header
}

// allOperations returns the operations of package chargebee.
func allOperations() []operation {
	return slices.Concat(portalSessionOperations(), featureOperations(), itemEntitlementOperations(), entitlementOperations())
}

// findOperation returns the operation at an escaped path, and the ID in the path. found
// is false if there is none, and op is zero if there is none with this method.
func (s *Server) findOperation(method, path string) (op operation, id string, found bool) {
	for _, candidate := range s.operations {
		candidateID, ok := matchRoute(apiPath+candidate.route, path)
		switch {
		case ok && candidate.method == method:
			return candidate, candidateID, true
		case ok:
			found = true
		}
	}
	return operation{}, "", found
}

// matchRoute matches an escaped path against a route. It returns the unescaped
// value of the route's {placeholder}.
func matchRoute(route, path string) (id string, ok bool) {
	want, got := strings.Split(route, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return "", false
	}
	for i, segment := range want {
		value, _ := url.PathUnescape(got[i]) // cannot fail after URL.EscapedPath
		switch {
		case strings.HasPrefix(segment, "{"):
			id = value
		case segment != value:
			return "", false
		}
	}
	return id, true
}
