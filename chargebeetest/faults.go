package chargebeetest

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// Fault describes what goes wrong with one request. The zero Fault has no effect,
// and so skips one request.
//
// If the client disconnects during Delay, the request is not processed, as with
// CutBefore. With CutAfter it still is. If the client disconnects during Work, the
// request is processed in any case.
type Fault struct {
	// Route is a template such as "/features/{feature-id}/item_entitlements", or
	// any other path relative to /api/v2. "" matches every request.
	Route string

	// Method is the method of the requests that match, such as POST. "" matches every
	// method.
	Method string

	// Status, if it is not 0, makes the server respond with Status, Header and
	// Body instead of processing the request. It must be from 200 to 999.
	Status int
	Header http.Header // without Content-Length, Transfer-Encoding and Trailer, which net/http sets
	Body   string

	// Delay passes before anything else happens. If the request is processed
	// afterwards, its idempotency key is in progress during Delay.
	Delay time.Duration

	// Work is how long the request is processed, after Delay. Processing goes on after
	// the client has disconnected: the idempotency key stays in progress during Work, then
	// the change is applied and the response is stored for the replay. [Server.Close] ends
	// Work, and the request is then not processed. Work has no effect if the request is not
	// processed, as with Status and CutBefore. With CutAfter and CutBody, the connection is
	// closed after Work.
	Work time.Duration

	Cut Cut
}

// Cut says when the connection is closed. The zero value keeps it open.
type Cut int

// The points at which a Fault closes the connection.
const (
	CutBefore Cut = iota + 1 // before the request is processed
	CutAfter                 // after the request is processed, unless Status is set; no response is sent
	CutBody                  // like CutAfter, but in the middle of the response body
)

// Inject queues faults. Each request consumes the first matching fault.
func (s *Server) Inject(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		f.Header = canonicalHeader(f.Header)
		deleteFraming(f.Header)
		s.faults = append(s.faults, f)
	}
}

// ClearFaults removes the faults that no request has consumed, and returns them.
func (s *Server) ClearFaults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	unused := s.faults
	s.faults = nil
	return unused
}

// takeFault removes the first fault that matches the request and returns it, or the
// zero Fault if none matches.
func (s *Server) takeFault(r Request) Fault {
	i := slices.IndexFunc(s.faults, func(f Fault) bool { return f.matches(r) })
	if i < 0 {
		return Fault{}
	}
	fault := s.faults[i]
	if i == 0 { // the usual case, without moving the other faults
		s.faults = s.faults[1:]
	} else {
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	return fault
}

func (f Fault) matches(r Request) bool {
	_, matchesRoute := matchRoute(apiPath+f.Route, r.Path)
	return (f.Route == "" || matchesRoute) && (f.Method == "" || f.Method == r.Method)
}

// response returns the response that replaces processing the request. It returns
// nil if the request is to be processed.
func (f Fault) response() *response {
	switch {
	case f.Status == 0 && f.Cut != CutBefore:
		return nil
	case f.Status != 0 && !isFinalStatus(f.Status):
		return invalidStatus("a Fault", f.Status)
	}
	return &response{f.Status, f.Header, []byte(f.Body)}
}

// wait waits for d. It returns false if the context ends before.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
