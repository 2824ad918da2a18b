package chargebeetest

import "net/url"

// StoredKeys returns how many idempotency keys the server holds.
func (s *Server) StoredKeys() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys.requestsByKey)
}

// EmulateGet makes the server emulate an operation that responds with its parameters.
func (s *Server) EmulateGet(route string) {
	s.operations = append(s.operations, operation{"GET", route, 50, func(_ *Server, c call) (any, *apiError) { return c.params, nil }})
}

// OnApplied makes the server call a function after each request that it executes
// without an error. It does not call the function for replays.
func (s *Server) OnApplied(applied func(form url.Values)) {
	for i, op := range s.operations {
		s.operations[i].handle = func(s *Server, c call) (any, *apiError) {
			result, apiErr := op.handle(s, c)
			if apiErr == nil {
				applied(c.params)
			}
			return result, apiErr
		}
	}
}
