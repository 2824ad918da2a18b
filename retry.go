package chargebee

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Retry says how often a call may be sent, and how long to wait in between.
// The zero value, and each zero field, means the default.
//
// This version sends every call once: the values are checked and kept, and
// nothing is repeated yet. [APIError.Retryable] tells what is worth repeating.
type Retry struct {
	MaxAttempts   int           // 0: 3. 1: no retry
	BaseDelay     time.Duration // 0: 500 ms
	MaxDelay      time.Duration // 0: 8 s
	MaxRetryAfter time.Duration // 0: 60 s
}

// Retryable reports whether the same call, sent again later under the same
// idempotency key, may succeed: true for 429, 500, 502, 503 and 504, and for
// the 409 that says that the previous request under this key is still in
// progress. The codes site_not_ready and site_read_only_mode last for a
// maintenance window and are not worth a wait.
func (e *APIError) Retryable() bool {
	switch e.StatusCode {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return e.Code != ErrSiteNotReady && e.Code != ErrSiteReadOnlyMode
	case http.StatusConflict:
		return strings.Contains(strings.ToLower(e.Message), "previous request is still in progress")
	}
	return false
}

// retryAfter is how long the Retry-After header asks to wait, in seconds or as
// an HTTP date. It is 0 where the header is absent, malformed, or in the past,
// and 292 years, the most that a Duration holds, where it asks for more.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	seconds, err := strconv.ParseUint(value, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	const most = math.MaxInt64 / time.Second
	return time.Duration(min(seconds, uint64(most))) * time.Second
}
