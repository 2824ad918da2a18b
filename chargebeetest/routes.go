package chargebeetest

import (
	"net/url"
	"strings"
)

const apiPath = "/api/v2"

// operation is an operation of the API and its route.
type operation struct {
	route       string // with one {placeholder}, for the ID
	maxIDLength int    // in characters

	// handle validates the parameters and does the work. The caller holds the lock.
	handle func(s *Server, id string, form url.Values) (any, *apiError)
}

// findOperation returns the operation at an escaped path, and the ID in the path.
func (s *Server) findOperation(path string) (op operation, id string, found bool) {
	for _, op := range s.operations {
		if id, ok := matchRoute(apiPath+op.route, path); ok {
			return op, id, true
		}
	}
	return operation{}, "", false
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
