package chargebeetest

import (
	"context"
	"time"
)

// backgroundWork is the processing of a request during the Work of a fault.
type backgroundWork struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// executeInBackground executes a request after the given time, even if the client
// disconnects. It returns the response, or nil if the client disconnects or the server
// is closed before.
func (s *Server) executeInBackground(a *admittedRequest, after time.Duration) *response {
	client := a.http.Context()
	ctx, cancel := context.WithCancel(context.WithoutCancel(client))
	a.http = a.http.WithContext(ctx)
	work := &backgroundWork{cancel, make(chan struct{})}
	if !s.startWork(work) {
		cancel()
		s.release(a)
		return nil
	}
	var resp *response
	go func() {
		defer s.endWork(work)
		if wait(ctx, after) {
			resp = s.execute(a)
		} else {
			s.release(a)
		}
	}()
	select {
	case <-work.done:
		return resp
	case <-client.Done():
		return nil
	}
}

// startWork registers work that Close is to end. It returns false after Close.
func (s *Server) startWork(work *backgroundWork) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work[work] = struct{}{}
	}
	return !s.closed
}

func (s *Server) endWork(work *backgroundWork) {
	s.mu.Lock()
	delete(s.work, work)
	s.mu.Unlock()
	work.cancel()
	close(work.done)
}
