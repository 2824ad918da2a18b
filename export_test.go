package chargebee

import "time"

// What the tests see besides the public surface.

var NewTransport = newTransport

// Delay is the wait after so many attempts, with the defaults filled in.
func (r Retry) Delay(attempts int, asked time.Duration, random float64) time.Duration {
	return r.withDefaults().backoff(attempts, asked, random)
}
