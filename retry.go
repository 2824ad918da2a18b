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

// Retry configures how many times a call is sent and how long it waits in between.
// The zero value, and each zero field, means the default.
//
// A call is retried if the response is an [APIError] that is Retryable, or if no
// complete response arrived: the connection was refused, reset or closed, or the
// attempt timed out. Nothing else is retried: no other response, and no failure
// that would recur, such as an untrusted certificate. The 409 of a request that is
// still in progress is retried only if the idempotency key was sent before, by an
// earlier attempt, or perhaps by an earlier call because it is the caller's own.
//
// Every attempt has the same path, headers, body and idempotency key. Chargebee
// keeps a key for 30 minutes: keep the call's total time, retries included, well
// under that.
//
// The backoff is exponential with full jitter: a random time of up to BaseDelay
// after the first attempt, and of up to twice as long after each further one, but
// never more than MaxDelay. If the response has a Retry-After header, the random
// time is added to it. If Retry-After exceeds MaxRetryAfter, or if the wait would
// pass the deadline of the call's context, the call returns immediately.
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

// shouldRetry reports whether to retry after an attempt that ended with err.
// keySent means that the server may have seen the key before that attempt.
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

// backoff returns the wait after the given number of attempts: exponential with
// full jitter, on top of Retry-After. random is in [0, 1).
func (r Retry) backoff(attempts int, retryAfter time.Duration, random float64) time.Duration {
	ceiling := math.Min(float64(r.MaxDelay), math.Ldexp(float64(r.BaseDelay), attempts-1))
	jitter := max(1, time.Duration(random*ceiling))
	return retryAfter + min(jitter, math.MaxInt64-retryAfter)
}

// Retryable reports whether repeating the call with the same idempotency key may
// succeed: true for 429, 500, 502, 503 and 504, and for the 409 that says that the
// previous request with this key is still in progress. It is false for a 503
// site_not_ready or site_read_only_mode, which last for a maintenance window.
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

// isPermanent reports whether err would recur at the next attempt.
func isPermanent(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var request *url.Error
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &hostname) ||
		errors.As(err, &invalid) || errors.As(err, &request) && request.Op == "parse"
}

// retryAfter returns the wait that the Retry-After header requests, in seconds or
// as an HTTP date. It is 0 if the header is absent, malformed, or in the past, and
// at most 292 years, the longest Duration.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	seconds, _ := strconv.ParseUint(value, 10, 64) // 0 if malformed, the maximum if out of range
	const limit = math.MaxInt64 / time.Second
	return time.Duration(min(seconds, uint64(limit))) * time.Second
}
