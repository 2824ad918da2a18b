package chargebeetest

import "net/url"

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
