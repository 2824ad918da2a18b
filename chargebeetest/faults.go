package chargebeetest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Fault is what goes wrong with one request. The zero Fault lets one request
// through untouched, and so skips it. Headers that frame the body, such as
// Content-Length, are dropped: net/http sets them.
//
// A client that leaves during Delay has not been served, as if the connection
// had been cut before; with CutAfter it has.
type Fault struct {
	Route  string // template, as "/features/{feature-id}/item_entitlements", or another path below /api/v2; "" matches any request
	Status int    // not 0: answer this, from 200 to 999, with Header and Body, and do no work
	Header http.Header
	Body   string
	Delay  time.Duration // before anything else; where work is to follow, its idempotency key is in progress meanwhile
	Cut    Cut
}

// Cut is how a connection ends.
type Cut int

// The zero value cuts nothing.
const (
	CutBefore Cut = iota + 1 // the connection is lost, and nothing done
	CutAfter                 // the work is done, unless there is a Status, and the answer lost
	CutBody                  // the same, but the answer breaks off half-way
)

// Inject queues faults. Each request meets the first queued fault that matches
// it, and uses it up.
func (s *Server) Inject(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		f.Header = canonical(f.Header)
		for _, name := range []string{"Content-Length", "Transfer-Encoding", "Trailer"} {
			f.Header.Del(name)
		}
		s.faults = append(s.faults, f)
	}
}

// takeFault returns the fault that a request meets, which is then used up.
func (s *Server) takeFault(path string) Fault {
	met := slices.IndexFunc(s.faults, func(f Fault) bool {
		_, matches := match(apiPath+f.Route, path)
		return f.Route == "" || matches
	})
	if met < 0 {
		return Fault{}
	}
	fault := s.faults[met]
	if met == 0 { // the usual case, without moving the others
		s.faults = s.faults[1:]
	} else {
		s.faults = slices.Delete(s.faults, met, met+1)
	}
	return fault
}

// answer is what a request gets that comes no further than the fault; nil if
// it does come further.
func (f Fault) answer() *answer {
	switch {
	case f.Status == 0 && f.Cut != CutBefore:
		return nil
	case f.Status != 0 && (f.Status < 200 || f.Status > 999):
		return newAnswer(http.StatusInternalServerError, map[string]string{"message": fmt.Sprint("chargebeetest: a Fault cannot answer with the status ", f.Status)})
	}
	return &answer{f.Status, f.Header, []byte(f.Body)}
}

// wait is the delay. It reports whether the client is still there afterwards.
func (f Fault) wait(ctx context.Context) bool {
	if f.Delay <= 0 {
		return true
	}
	select {
	case <-time.After(f.Delay):
		return true
	case <-ctx.Done():
		return false
	}
}
