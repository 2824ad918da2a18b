package chargebeetest

import (
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

// timestamp returns the time on the server's clock, with the precision of the API.
func (s *Server) timestamp() chargebee.Timestamp {
	return chargebee.Timestamp{Time: s.now().UTC().Truncate(time.Second)}
}
