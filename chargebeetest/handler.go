package chargebeetest

import (
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

// operation is one route and what is behind it. serve runs under the lock.
type operation struct {
	route string
	maxID int // characters
	serve func(s *Server, id string, form url.Values) (any, *refusal)
}

// task is a request that was let in.
type task struct {
	request   Request
	operation operation
	id        string
	form      url.Values
	claimed   *remembered // nil without an idempotency key
}

// ServeHTTP answers as the API does. A [Fault] that cuts the connection needs
// one that can be cut: that of a server, not a recorder.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == loginPath {
		s.serveLogin(w, r)
		return
	}
	answer := s.respond(r)
	if answer == nil {
		longAgo := time.Unix(0, 1)
		if http.NewResponseController(w).SetWriteDeadline(longAgo) == nil {
			return // and net/http, which can write nothing, closes the connection
		}
		answer = newAnswer(http.StatusInternalServerError, map[string]string{"message": "chargebeetest: this connection cannot be cut"})
	}
	w.Header()["Content-Type"] = nil // or net/http would guess one
	maps.Copy(w.Header(), answer.header)
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body) // a client that has gone needs no answer
}

// respond is the life of one request. It returns nil if the client hears nothing.
func (s *Server) respond(r *http.Request) *answer {
	request, unreadable := receive(r)
	fault := s.arrive(request)
	var admitted *task
	answer := fault.answer()
	if answer == nil {
		admitted, answer = s.admit(request, unreadable)
	}
	clientStays := fault.wait(r.Context()) && !s.isClosed()
	switch {
	case admitted == nil:
	case clientStays || fault.Cut == CutAfter:
		answer = s.perform(admitted)
	default:
		s.abandon(admitted)
	}
	switch {
	case !clientStays || fault.Cut == CutBefore || fault.Cut == CutAfter:
		return nil
	case fault.Cut == CutBody:
		return answer.halved()
	}
	return answer
}

// arrive records a request and returns the fault that it meets.
func (s *Server) arrive(r Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.forgetful {
		r.At = s.now()
		s.requests = append(s.requests, r)
	}
	return s.takeFault(r.Path)
}

// admit checks all of a request but its parameters. If it is not let in, the
// answer says why, or repeats an earlier one.
func (s *Server) admit(r Request, unreadable *refusal) (*task, *answer) {
	if !s.authenticates(r) {
		return nil, refuse(http.StatusUnauthorized, chargebee.ErrAPIAuthenticationFailed, "", "Sorry, authentication failed. Invalid api key").answer()
	}
	task, refused := s.newTask(r, unreadable)
	s.mu.Lock()
	defer s.mu.Unlock()
	if tooMany := s.limit.exceeded(s.now()); tooMany != nil {
		return nil, tooMany
	}
	if refused != nil {
		return nil, refused.answer()
	}
	claimed, taken := s.memory.claim(r, s.now())
	if taken != nil {
		return nil, taken
	}
	task.claimed = claimed
	return task, nil
}

func (s *Server) newTask(r Request, unreadable *refusal) (*task, *refusal) {
	operation, id, found := s.find(r.Path)
	switch {
	case !found:
		return nil, refuse(http.StatusNotFound, chargebee.ErrResourceNotFound, "", "There is nothing at this path")
	case r.Method != http.MethodPost:
		return nil, refuse(http.StatusMethodNotAllowed, chargebee.ErrHTTPMethodNotSupported, "", "The http method is not allowed for this URL")
	case isLonger(id, operation.maxID):
		return nil, refuse(http.StatusBadRequest, chargebee.ErrParamWrongValue, "", "The id in the path is too long")
	}
	if refused := checkHeaders(r.Header); refused != nil {
		return nil, refused
	}
	if unreadable != nil {
		return nil, unreadable
	}
	form, err := parseForm(r)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, chargebee.ErrInvalidRequest, "", "The body must be application/x-www-form-urlencoded: "+err.Error())
	}
	return &task{request: r, operation: operation, id: id, form: form}, nil
}

// perform does the work. Only a success is remembered under the key.
func (s *Server) perform(t *task) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	result, refused := t.operation.serve(s, t.id, t.form)
	if refused != nil {
		s.memory.release(t.request, t.claimed)
		return refused.answer()
	}
	done := newAnswer(http.StatusOK, result)
	if t.claimed != nil {
		t.claimed.answer = done.clone()
	}
	return done
}

// abandon leaves the work undone.
func (s *Server) abandon(t *task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory.release(t.request, t.claimed)
}

// authenticates accepts the key as the user of HTTP Basic, and without the
// colon too, as some of the vendor's clients send it.
func (s *Server) authenticates(r Request) bool {
	scheme, encoded, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	user := strings.TrimSuffix(string(decoded), ":")
	return strings.EqualFold(scheme, "Basic") && err == nil && subtle.ConstantTimeCompare([]byte(user), []byte(s.APIKey)) == 1
}

// find returns the operation at a path, escaped, and the id in it.
func (s *Server) find(path string) (op operation, id string, found bool) {
	for _, op := range s.operations {
		if id, ok := match(apiPath+op.route, path); ok {
			return op, id, true
		}
	}
	return operation{}, "", false
}

// match compares a path, escaped, with a route that has one {…} in it, and
// returns what stands there.
func match(route, path string) (id string, ok bool) {
	want, got := strings.Split(route, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return "", false
	}
	for i, segment := range want {
		value, _ := url.PathUnescape(got[i]) // as EscapedPath made it
		switch {
		case strings.HasPrefix(segment, "{"):
			id = value
		case segment != value:
			return "", false
		}
	}
	return id, true
}
