package comparison_test

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"testing"
	"time"

	cb4 "github.com/chargebee/chargebee-go/v4"
)

func outages() table {
	const chance = 0.03
	return table{"outages", []row{
		varying("503 for 2 s", chance, successes(2*time.Second, unavailable, documented)),
		varying("503 for 4 s", chance, successes(4*time.Second, unavailable, documented)),
		varying("503 for 5 s", chance, successes(5*time.Second, unavailable, documented)),
		varying("503 for 5 s, if all three are set to five attempts", chance, successes(5*time.Second, unavailable, fiveAttempts)),
		varying("connections refused for 4 s", chance, successes(4*time.Second, constant(refuseConnection()), documented)),
		varying("connections reset for 4 s", chance, successes(4*time.Second, constant(resetConnection()), documented)),
		varying("429 for 10 s, with the right `Retry-After`", chance, successes(10*time.Second, limited, documented)),
		varying("the same, with default settings", chance, successes(10*time.Second, limited, byDefault)),
		varying("503 for 4 s, with default settings", chance, successesByDefault),
	}}
}

// successes counts the calls that succeed over an outage. Each call begins at another time
// of the outage, and has a deadline of 20 s. fail returns what responds during the outage,
// of which a time is left.
func successes(outage time.Duration, fail func(left time.Duration) responder, retries retries) observation {
	return inBubble(func(ctx context.Context, t *testing.T, lib library) string {
		return countSuccesses(ctx, outage, fail, func(transport http.RoundTripper) client {
			return lib.mustClientWith(t, settings{transport: transport, retries: retries})
		})
	})
}

func countSuccesses(ctx context.Context, outage time.Duration, fail func(left time.Duration) responder, newClient func(http.RoundTripper) client) string {
	const calls = 1000
	succeeded := 0
	for i := range calls {
		end := time.Now().Add(outage * time.Duration(calls-i) / calls)
		c := newClient(responder(func(req *http.Request) (*http.Response, error) {
			if left := time.Until(end); left > 0 {
				return fail(left)(req)
			}
			return activated()(req)
		}))
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		if _, err := activate(ctx, c); err == nil {
			succeeded++
		}
		cancel()
	}
	return percent(succeeded, calls)
}

func constant(r responder) func(time.Duration) responder {
	return func(time.Duration) responder { return r }
}

func unavailable(time.Duration) responder {
	return respond(http.StatusServiceUnavailable, "<html>Service Unavailable</html>")
}

// limited says when the limit ends.
func limited(left time.Duration) responder {
	return respond(http.StatusTooManyRequests, `{"message":"slow down","api_error_code":"api_request_limit_exceeded","type":"operation_failed","http_status_code":429}`,
		"Retry-After", strconv.Itoa(int(math.Ceil(left.Seconds()))))
}

// successesByDefault also counts for both ways in which v4's README configures a client.
func successesByDefault(t *testing.T, lib library) string {
	text := successes(4*time.Second, unavailable, byDefault)(t, lib)
	if lib != v4 {
		return text
	}
	literal := inBubble(func(ctx context.Context, _ *testing.T, _ library) string {
		return countSuccesses(ctx, 4*time.Second, unavailable, func(transport http.RoundTripper) client {
			return v4Client{cb4.NewClient(&cb4.ClientConfig{SiteName: site, ApiKey: apiKey, HTTPClient: &http.Client{Transport: transport}})}
		})
	})(t, lib)
	return text + " with `NewClientConfig`; " + literal + " with `ClientConfig{…}`"
}
