package chargebeetest

import "net/url"

// KeysRemembered is how many idempotency keys the server has in memory.
func (s *Server) KeysRemembered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.memory.firsts)
}

// OnApplied makes the server report each request whose work it has done, and
// not those that it refuses or answers from its memory.
func (s *Server) OnApplied(applied func(form url.Values)) {
	for i, op := range s.operations {
		s.operations[i].serve = func(s *Server, id string, form url.Values) (any, *refusal) {
			result, refused := op.serve(s, id, form)
			if refused == nil {
				applied(form)
			}
			return result, refused
		}
	}
}
