package chargebeetest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// Handle serves requests that the server does not emulate. The pattern is one of
// [http.ServeMux], with or without the prefix /api/v2: "GET /customers/{id}" and
// "/api/v2/customers" both work. The operations of package chargebee cannot be
// replaced. A later handler of the same pattern replaces the earlier one.
//
// Such a request passes authentication, the rate limit, faults, [Server.Requests] and
// idempotency keys like any other. The handler sees the whole path, the header and the
// body. Its response is sent when it returns, without its Content-Length,
// Transfer-Encoding and Trailer, which net/http sets, and, if successful, stored under the
// idempotency key of a POST. A handler that panics with http.ErrAbortHandler closes the
// connection; any other panic is reported with the status 500.
//
// Handle does not panic. If the pattern is malformed or conflicts with another one,
// or if h is nil, requests that the server does not emulate get 501 with the reason.
func (s *Server) Handle(pattern string, h http.Handler) {
	s.handlers.add(withAPIPath(pattern), h)
}

// withAPIPath returns a pattern with /api/v2 before its path.
func withAPIPath(pattern string) string {
	methodAndHost, path, hasPath := strings.Cut(pattern, "/")
	path = "/" + path
	if !hasPath || path == apiPath || strings.HasPrefix(path, apiPath+"/") {
		return pattern
	}
	return methodAndHost + apiPath + path
}

// handlerSet holds the handlers of Handle. Its zero value has none.
type handlerSet struct {
	mux http.ServeMux

	mu        sync.Mutex
	byPattern map[string]http.Handler
	rejected  []string // why handlers were rejected
}

func (set *handlerSet) add(pattern string, h http.Handler) {
	set.mu.Lock()
	defer set.mu.Unlock()
	if h == nil {
		set.rejected = append(set.rejected, fmt.Sprintf("the handler of %q is nil", pattern))
		return
	}
	if set.byPattern[pattern] == nil {
		if err := set.register(pattern); err != nil {
			set.rejected = append(set.rejected, err.Error())
			return
		}
	}
	set.byPattern[pattern] = h
}

// register adds a pattern to the mux. The mux calls the handler that the pattern has
// at the time of the request.
func (set *handlerSet) register(pattern string) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = errors.New(fmt.Sprint(reason))
		}
	}()
	set.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { set.handler(pattern).ServeHTTP(w, r) })
	if set.byPattern == nil {
		set.byPattern = make(map[string]http.Handler)
	}
	return nil
}

func (set *handlerSet) handler(pattern string) http.Handler {
	set.mu.Lock()
	defer set.mu.Unlock()
	return set.byPattern[pattern]
}

// find reports whether there is a handler for a request, or else whether there is one
// for the same path with another method.
func (set *handlerSet) find(r *http.Request) (isHandled, allowsOtherMethods bool) {
	h, pattern := set.mux.Handler(r)
	if pattern != "" {
		return true, false
	}
	var w responseRecorder
	h.ServeHTTP(&w, r) // an error response of the mux
	return false, w.status == http.StatusMethodNotAllowed
}

// serve returns the response of the handler, or nil if it closes the connection.
func (set *handlerSet) serve(r *http.Request) (resp *response) {
	defer func() {
		reason := recover()
		if err, isError := reason.(error); isError && errors.Is(err, http.ErrAbortHandler) {
			resp = nil
		} else if reason != nil {
			resp = newMessage(http.StatusInternalServerError,
				fmt.Sprintf("chargebeetest: the handler of %s %s panicked: %v", r.Method, r.URL.Path, reason))
		}
	}()
	var w responseRecorder
	set.mux.ServeHTTP(&w, r)
	return w.response()
}

// notEmulated returns the response to a request for which there is neither an operation
// nor a handler. It has no code of Chargebee's: a test for resource_not_found must not
// pass because of it.
func (set *handlerSet) notEmulated(r Request) *response {
	if !strings.HasPrefix(r.Path, apiPath+"/") {
		return newMessage(http.StatusNotImplemented,
			fmt.Sprintf("chargebeetest does not emulate %s %.200s: paths of the API begin with %s", r.Method, r.Path, apiPath))
	}
	set.mu.Lock()
	defer set.mu.Unlock()
	target := r.Method + " " + strings.TrimPrefix(r.Path, apiPath)
	message := fmt.Sprintf("chargebeetest does not emulate %.200s: serve it with Server.Handle", target)
	if len(set.rejected) > 0 {
		message += ", which has rejected: " + strings.Join(set.rejected, "; ")
	}
	return newMessage(http.StatusNotImplemented, message)
}

// responseRecorder is an http.ResponseWriter in memory.
type responseRecorder struct {
	header http.Header
	body   bytes.Buffer

	status         int         // 0 until the header is sent
	sent           http.Header // the header at that time
	hasContentType bool        // even if it is nil, which keeps net/http from guessing one
}

func (w *responseRecorder) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}

// WriteHeader sends the header. Like net/http, it takes an informational status for an
// additional response, which this one discards.
func (w *responseRecorder) WriteHeader(status int) {
	isInformational := status >= 100 && status < 200
	if w.status == 0 && !isInformational {
		w.status, w.sent = status, canonicalHeader(w.header)
		_, w.hasContentType = w.header["Content-Type"]
	}
}

func (w *responseRecorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// response returns what was written, with the Content-Type that net/http would guess.
func (w *responseRecorder) response() *response {
	w.WriteHeader(http.StatusOK)
	if !isFinalStatus(w.status) {
		return invalidStatus("a handler", w.status)
	}
	deleteFraming(w.sent)
	if !w.hasContentType && w.body.Len() > 0 {
		w.sent.Set("Content-Type", http.DetectContentType(w.body.Bytes()))
	}
	return &response{w.status, w.sent, w.body.Bytes()}
}
