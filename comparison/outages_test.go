package comparison_test

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"
)

func outages() table {
	const chance = 0.03
	return table{"outages", []row{
		varying("503 for 2 s", chance, successes(2*time.Second, unavailable, documented)),
		varying("503 for 4 s", chance, successes(4*time.Second, unavailable, documented)),
		varying("503 for 5 s", chance, successes(5*time.Second, unavailable, documented)),
		varying("503 for 5 s, all set to five attempts", chance, successes(5*time.Second, unavailable, fiveAttempts)),
		varying("connection refused for 4 s", chance, successes(4*time.Second, constant(refuseConnection()), documented)),
		varying("connection reset for 4 s", chance, successes(4*time.Second, constant(resetConnection()), documented)),
		varying("429 for 10 s, with `Retry-After` until its end", chance, successes(10*time.Second, limited, documented)),
		varying("the same, default settings", chance, successes(10*time.Second, limited, byDefault)),
		varying("503 for 4 s, default settings", chance, successesByDefault),
		measured("requests while 503 persists, default settings", requestsAfter(http.StatusServiceUnavailable)),
		measured("requests while 429 persists, default settings", requestsAfter(http.StatusTooManyRequests)),
	}}
}

// successes counts the calls that succeed over an outage. Each call begins at another time
// of the outage, and has a deadline of 20 s. fail returns what responds during the outage,
// of which a time is left.
func successes(outage time.Duration, fail func(left time.Duration) responder, retries retries) observation {
	return inBubble(func(m measurement) string {
		const calls = 1000
		succeeded := 0
		for i := range calls {
			end := time.Now().Add(outage * time.Duration(calls-i) / calls)
			c := m.clientWith(settings{retries: retries, transport: responder(func(req *http.Request) (*http.Response, error) {
				if left := time.Until(end); left > 0 {
					return fail(left)(req)
				}
				return activated()(req)
			})})
			ctx, cancel := context.WithTimeout(m.Context(), 20*time.Second)
			if _, err := activate(ctx, c); err == nil {
				succeeded++
			}
			cancel()
		}
		return percent(succeeded, calls)
	})
}

func constant(r responder) func(time.Duration) responder {
	return func(time.Duration) responder { return r }
}

func unavailable(time.Duration) responder {
	return respond(http.StatusServiceUnavailable, "<html>Service Unavailable</html>")
}

// limited says when the limit ends.
func limited(left time.Duration) responder {
	return respond(http.StatusTooManyRequests, limitedJSON, "Retry-After", strconv.Itoa(int(math.Ceil(left.Seconds()))))
}

// successesByDefault counts for both ways in which the README of v4 configures a client.
func successesByDefault(m measurement) string {
	text := successes(4*time.Second, unavailable, byDefault)(m)
	if m.lib == v4 {
		text += " with `NewClientConfig`; " + successes(4*time.Second, unavailable, byDefaultLiteral)(m) + " with `ClientConfig{…}`"
	}
	return text
}

func requestsAfter(status int) observation {
	return inBubble(func(m measurement) string {
		transport := record(respond(status, ""))
		_, err := activate(m.Context(), m.clientWith(settings{transport: transport, retries: byDefault}))
		require.Error(m, err)
		return plural(len(transport.requests), "request")
	})
}
