package chargebee

import (
	"net/http"
	"time"

	"github.com/typedbee/chargebee-go/internal/transport"
)

// Unexported parts that tests and benchmarks use.

// NewTransport returns the default transport.
var NewTransport = transport.New

// Delay returns the backoff after the given number of attempts.
func (r Retry) Delay(attempts int, retryAfter time.Duration, random float64) time.Duration {
	return r.withDefaults().policy().Backoff(attempts, retryAfter, random)
}

// WithOwnTransport makes a client treat a transport as the default one.
func WithOwnTransport(t *http.Transport) ClientOption {
	return clientOption(func(c *config) { c.pool = transport.Own(t) })
}
