package chargebee

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Retry says how often a call may be sent, and how long to wait in between.
// The zero value, and each zero field, means the default.
//
// A call is sent again if its answer is [APIError.Retryable], or if none
// arrived: the connection was refused, reset or cut off, or the attempt timeout
// was over. Nothing else is sent again: no other answer, and no failure that
// would recur, such as a certificate that is not trusted. The 409 of a request
// in progress counts only if the idempotency key has been sent before: by an
// earlier attempt, or because it is the caller's own.
//
// Every attempt is the same path, headers and body, under the same key.
// Chargebee knows a key for 30 minutes: leave the whole of a call well below.
//
// The wait is random, up to BaseDelay after the first attempt, and up to twice
// as long after each further one, but never above MaxDelay. Where the server
// sent Retry-After, the random wait is added to what it asks for. If it asks for
// more than MaxRetryAfter, or if the wait would pass the deadline of the call's
// context, the call ends at once.
type Retry struct {
	MaxAttempts   int           // 0: 3. 1: no retry
	BaseDelay     time.Duration // 0: 500 ms
	MaxDelay      time.Duration // 0: 8 s
	MaxRetryAfter time.Duration // 0: 60 s
}

func (r Retry) withDefaults() Retry {
	return Retry{
		MaxAttempts:   cmp.Or(r.MaxAttempts, 3),
		BaseDelay:     cmp.Or(r.BaseDelay, 500*time.Millisecond),
		MaxDelay:      cmp.Or(r.MaxDelay, 8*time.Second),
		MaxRetryAfter: cmp.Or(r.MaxRetryAfter, 60*time.Second),
	}
}

// again reports whether a call is worth another attempt after one that ended
// with err. keySent says that the server may have seen its key before that one.
func (r Retry) shouldRetry(attempts int, err error, keySent bool) bool {
	var transportErr *TransportError
	var apiErr *APIError
	switch {
	case attempts >= r.MaxAttempts:
		return false
	case errors.As(err, &transportErr):
		return !transportErr.nonRetryable
	case errors.As(err, &apiErr):
		return apiErr.Retryable() && apiErr.RetryAfter <= r.MaxRetryAfter &&
			(apiErr.StatusCode != http.StatusConflict || keySent)
	}
	return false
}

// delay is the wait after so many attempts: exponential with full jitter, on
// top of what the server asked for. random is in [0, 1).
func (r Retry) backoff(attempts int, retryAfter time.Duration, random float64) time.Duration {
	ceiling := math.Min(float64(r.MaxDelay), math.Ldexp(float64(r.BaseDelay), attempts-1))
	jitter := max(1, time.Duration(random*ceiling))
	return retryAfter + min(jitter, math.MaxInt64-retryAfter)
}

// Retryable reports whether the same call, sent again later under the same
// idempotency key, may succeed: true for 429, 500, 502, 503 and 504, and for
// the 409 that says that the previous request under this key is still in
// progress. A 503 of site_not_ready or site_read_only_mode lasts for a
// maintenance window and is not worth a wait.
func (e *APIError) Retryable() bool {
	switch e.StatusCode {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return !e.inMaintenance()
	case http.StatusConflict:
		return strings.Contains(strings.ToLower(e.Message), "previous request is still in progress")
	}
	return false
}

func (e *APIError) inMaintenance() bool {
	return e.StatusCode == http.StatusServiceUnavailable && (e.Code == ErrSiteNotReady || e.Code == ErrSiteReadOnlyMode)
}

// isPermanent reports whether a failure would be the same at the next attempt.
func isPermanent(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var request *url.Error
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &hostname) ||
		errors.As(err, &invalid) || errors.As(err, &request) && request.Op == "parse"
}

// retryAfter is how long the Retry-After header asks to wait, in seconds or as
// an HTTP date. It is 0 where the header is absent, malformed, or in the past,
// and 292 years, the most that a Duration holds, where it asks for more.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	seconds, _ := strconv.ParseUint(value, 10, 64) // 0 if malformed, the most if out of range
	const limit = math.MaxInt64 / time.Second
	return time.Duration(min(seconds, uint64(limit))) * time.Second
}
