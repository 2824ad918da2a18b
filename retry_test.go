package chargebee_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func TestMaxAttempts(t *testing.T) {
	t.Parallel()
	seven := []chargebee.ClientOption{chargebee.WithRetry(chargebee.Retry{MaxAttempts: 7})}
	for name, test := range map[string]struct {
		client []chargebee.ClientOption
		call   []chargebee.CallOption
		want   int
	}{
		"five by default":               {nil, nil, 5},
		"of the client":                 {seven, nil, 7},
		"of the call":                   {seven, []chargebee.CallOption{chargebee.WithRetry(chargebee.Retry{MaxAttempts: 2})}, 2},
		"one":                           {nil, []chargebee.CallOption{chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1})}, 1},
		"zero in a call is the default": {seven, []chargebee.CallOption{chargebee.WithRetry(chargebee.Retry{})}, 5},
		"five if only others are set":   {[]chargebee.ClientOption{chargebee.WithRetry(chargebee.Retry{BaseDelay: time.Second})}, nil, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := newFakeTransport(respond(503, temporaryJSON))
				_, err := activate(t.Context(), newClient(t, transport, test.client...), test.call...)
				var apiErr *chargebee.APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, test.want, apiErr.Attempts)
				require.Len(t, transport.requests, test.want)
			})
		})
	}
}

func TestRequestInProgressIsRetriedIfTheKeyWasSentBefore(t *testing.T) {
	t.Parallel()
	get, post := chargebee.Request{Method: http.MethodGet, Path: "/features"}, postCustomers
	ownKey := []chargebee.CallOption{chargebee.WithIdempotencyKey("login-1")}
	for name, test := range map[string]struct {
		req     chargebee.Request
		opts    []chargebee.CallOption
		first   []httpmock.Responder // a success follows
		retried bool
	}{
		"with a key of this attempt":                  {post, nil, []httpmock.Responder{respond(409, inProgressJSON)}, false},
		"with the caller's key":                       {post, ownKey, []httpmock.Responder{respond(409, inProgressJSON)}, true},
		"in another case":                             {post, ownKey, []httpmock.Responder{respond(409, `{"message":"previous Request is STILL in progress"}`)}, true},
		"after no response":                           {post, nil, []httpmock.Responder{failWith(io.EOF), respond(409, inProgressJSON)}, true},
		"after a 503":                                 {post, nil, []httpmock.Responder{respond(503, ``), respond(409, inProgressJSON)}, true},
		"after no response to a GET":                  {get, nil, []httpmock.Responder{failWith(io.EOF), respond(409, inProgressJSON)}, false},
		"of a GET with the caller's key":              {get, ownKey, []httpmock.Responder{respond(409, inProgressJSON)}, true},
		"of another state":                            {post, ownKey, []httpmock.Responder{respond(409, conflictJSON)}, false},
		"of another state after a 503":                {post, nil, []httpmock.Responder{respond(503, ``), respond(409, conflictJSON)}, false},
		"that is HTML":                                {post, ownKey, []httpmock.Responder{respond(409, `<html>`)}, false},
		"after a refused connection":                  {post, nil, []httpmock.Responder{failWith(&net.OpError{Op: "dial", Err: io.EOF}), respond(409, inProgressJSON)}, false},
		"after a 429, and a refused connection since": {post, nil, []httpmock.Responder{respond(429, ``), failWith(&net.OpError{Op: "dial", Err: io.EOF}), respond(409, inProgressJSON)}, true},
		"without retries":                             {post, append(ownKey, noRetries), []httpmock.Responder{respond(409, inProgressJSON)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := newFakeTransport(append(test.first, respond(200, `{}`))...)
				_, err := newClient(t, transport).Do(t.Context(), test.req, nil, test.opts...)
				if test.retried {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, ": 409 ")
					require.Len(t, transport.requests, len(test.first))
				}
			})
		})
	}
}

func TestAllAttemptsSendTheSameBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []http.Header
		modifying := func(next httpmock.Responder) httpmock.Responder { // for a transport that modifies the request
			return func(req *http.Request) (*http.Response, error) {
				require.Equal(t, "https://acme-test.chargebee.com/api/v2/portal_sessions/portal%201/activate", req.URL.String())
				reader, err := req.GetBody() // for transports that resend a request
				require.NoError(t, err)
				body, err := io.ReadAll(reader)
				require.NoError(t, err)
				require.Equal(t, "token=tok%2Bsecret", string(body))
				sent = append(sent, req.Header.Clone())
				req.Header.Set("X-Attempt", "added by a transport")
				req.Header.Del("Chargebee-Request-Origin-Ip")
				req.URL.Path = "/elsewhere"
				return next(req)
			}
		}
		transport := newFakeTransport(modifying(respond(503, `<html>`)), modifying(failWith(io.EOF)), modifying(respond(429, ``)), modifying(respond(200, `{"portal_session":{"id":"portal 1","customer_id":"cus_1"}}`)))
		ctx := chargebee.ContextWithHeaders(t.Context(), chargebee.Headers{OriginIP: "203.0.113.7"})
		resp, err := newClient(t, transport).PortalSessions.ActivatePortalSession(ctx, "portal 1", chargebee.ActivatePortalSessionParams{Token: "tok+secret"},
			chargebee.WithRetry(chargebee.Retry{MaxAttempts: 4}), chargebee.WithIdempotencyKey("login-1"))
		require.NoError(t, err)
		require.Equal(t, 4, resp.Attempts)
		require.Len(t, transport.requests, 4)
		for i, request := range transport.requests {
			require.Equal(t, "token=tok%2Bsecret", request.body)
			require.Equal(t, int64(18), request.ContentLength)
			require.Equal(t, http.Header{
				"Accept":                      {"application/json"},
				"Authorization":               {"Basic dGVzdF9rZXk6"},
				"Chargebee-Idempotency-Key":   {"login-1"},
				"Chargebee-Request-Origin-Ip": {"203.0.113.7"},
				"Content-Type":                {"application/x-www-form-urlencoded"},
				"User-Agent":                  {"typedbee-chargebee-go/0.1.0"},
			}, sent[i])
		}
	})
}

func TestEveryPOSTHasItsOwnKeyForAllAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := newFakeTransport(respond(502, ``), failWith(io.EOF), respond(200, `{}`))
		client := newClient(t, transport)
		var keys []string
		for range 2 {
			resp, err := client.Do(t.Context(), postCustomers, nil)
			require.NoError(t, err)
			keys = append(keys, resp.IdempotencyKey)
		}
		require.Len(t, transport.requests, 4)
		for i, key := range []string{keys[0], keys[0], keys[0], keys[1]} {
			require.Equal(t, []string{key}, transport.requests[i].Header.Values("chargebee-idempotency-key"))
		}
		require.Regexp(t, `^[!-~]{20,100}$`, keys[0])
		require.NotEqual(t, keys[0], keys[1])
	})
}

func TestGETIsRetriedWithTheCallersKeyOnly(t *testing.T) {
	t.Parallel()
	req := chargebee.Request{Method: http.MethodGet, Path: "/features", Params: url.Values{"limit": {"7"}}}
	for key, opts := range map[string][]chargebee.CallOption{"": nil, "key-1": {chargebee.WithIdempotencyKey("key-1")}} {
		synctest.Test(t, func(t *testing.T) {
			transport := newFakeTransport(failWith(io.EOF), respond(503, ``), respond(200, `{}`))
			resp, err := newClient(t, transport).Do(t.Context(), req, nil, opts...)
			require.NoError(t, err)
			require.Equal(t, []any{3, key}, []any{resp.Attempts, resp.IdempotencyKey})
			require.Len(t, transport.requests, 3)
			for _, request := range transport.requests {
				require.Equal(t, "https://acme-test.chargebee.com/api/v2/features?limit=7", request.URL.String())
				require.Equal(t, key, request.Header.Get("chargebee-idempotency-key"))
				require.Len(t, request.Header.Values("chargebee-idempotency-key"), len(opts))
			}
		})
	}
}

func TestDelayBeforeTheNextAttempt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		retry      chargebee.Retry
		attempts   int
		retryAfter time.Duration
		random     float64
		want       time.Duration
	}{
		"is at least a quarter of a second at first":    {attempts: 1, random: 0, want: 250 * time.Millisecond},
		"is up to half a second at first":               {attempts: 1, random: 0.5, want: 375 * time.Millisecond},
		"doubles":                                       {attempts: 2, random: 0.5, want: 750 * time.Millisecond},
		"is up to eight seconds":                        {attempts: 6, random: 0.5, want: 6 * time.Second},
		"stays at eight seconds":                        {attempts: 1_000_000, random: 0.5, want: 6 * time.Second},
		"is never 0":                                    {retry: chargebee.Retry{BaseDelay: 1}, attempts: 1, random: 0, want: 1},
		"starts at BaseDelay":                           {retry: chargebee.Retry{BaseDelay: time.Second}, attempts: 1, random: 0.5, want: 750 * time.Millisecond},
		"ends at MaxDelay":                              {retry: chargebee.Retry{MaxDelay: time.Second}, attempts: 9, random: 0.5, want: 750 * time.Millisecond},
		"is under MaxDelay even if BaseDelay is not":    {retry: chargebee.Retry{BaseDelay: time.Minute, MaxDelay: time.Second}, attempts: 1, random: 0.5, want: 750 * time.Millisecond},
		"does not overflow":                             {retry: chargebee.Retry{BaseDelay: math.MaxInt64, MaxDelay: math.MaxInt64}, attempts: 3, random: 0.5, want: 3 << 61},
		"has Retry-After as its least":                  {attempts: 1, retryAfter: 7 * time.Second, random: 0, want: 7 * time.Second},
		"has jitter on top of Retry-After":              {attempts: 1, retryAfter: 7 * time.Second, random: 0.5, want: 7125 * time.Millisecond},
		"may be shorter because of Retry-After":         {attempts: 6, retryAfter: time.Second, random: 0.5, want: 3 * time.Second},
		"does not overflow the longest Retry-After":     {attempts: 1, retryAfter: math.MaxInt64, random: 0.5, want: math.MaxInt64},
		"does not overflow a Retry-After of nearly all": {attempts: 1, retryAfter: math.MaxInt64 - 5, random: 0.5, want: math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, test.retry.Delay(test.attempts, test.retryAfter, test.random))
		})
	}
}

func TestWaitsAreRandomBetweenHalfOfTheDelayAndTheDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 8 * time.Second}
		short, long := make([]bool, len(limits)), make([]bool, len(limits))
		for i := range 600 {
			transport := newFakeTransport(respond(503, ``))
			if i%2 == 0 {
				transport = newFakeTransport(failWith(io.EOF))
			}
			_, err := activate(t.Context(), newClient(t, transport), chargebee.WithRetry(chargebee.Retry{MaxAttempts: 7}))
			require.Error(t, err)
			for i, wait := range transport.waits() {
				require.GreaterOrEqual(t, wait, limits[i]/2)
				require.LessOrEqual(t, wait, limits[i])
				short[i] = short[i] || wait < limits[i]*5/8
				long[i] = long[i] || wait > limits[i]*7/8
			}
		}
		require.NotContains(t, short, false) // by chance once in 10^36 runs
		require.NotContains(t, long, false)
	})
}

func TestWaitBeforeTheSecondAttempt(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for name, test := range map[string]struct {
		first         httpmock.Responder
		maxRetryAfter time.Duration
		deadline      time.Duration
		want          time.Duration // 0: the call returns immediately
	}{
		"follows no Retry-After":                 {respond(429, ``), 0, hour, 1},
		"follows no Retry-After of a transport":  {failWith(&chargebee.APIError{StatusCode: 503, RetryAfter: time.Minute}), 0, hour, 1},
		"follows the Retry-After of a 429":       {respond(429, ``, "Retry-After", "7"), 0, hour, 7 * time.Second},
		"follows the Retry-After of a 503":       {respond(503, ``, "Retry-After", "7"), 0, hour, 7 * time.Second},
		"follows a Retry-After that is a date":   {respond(429, ``, "Retry-After", "Sat, 01 Jan 2000 00:00:09 GMT"), 0, hour, 9 * time.Second},
		"may be a minute":                        {respond(429, ``, "Retry-After", "60"), 0, hour, time.Minute},
		"is not longer than a minute":            {respond(429, ``, "Retry-After", "61"), 0, hour, 0},
		"is not longer than MaxRetryAfter":       {respond(429, ``, "Retry-After", "6"), 5 * time.Second, hour, 0},
		"may end before the deadline":            {failWith(io.EOF), 0, 2, 1},
		"does not end with the deadline":         {failWith(io.EOF), 0, 1, 0},
		"may end before the deadline, by header": {respond(429, ``, "Retry-After", "3"), 0, 3*time.Second + 1, 3 * time.Second},
		"does not end with it, by header":        {respond(429, ``, "Retry-After", "3"), 0, 3 * time.Second, 0},
	} {
		// The clock of a bubble starts at midnight UTC, 2000-01-01.
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.deadline)
				defer cancel()
				var attempts []chargebee.Attempt
				client := newClient(t, newFakeTransport(test.first, respond(200, activatedJSON)),
					chargebee.WithRetry(chargebee.Retry{BaseDelay: 1, MaxDelay: 1, MaxRetryAfter: test.maxRetryAfter}),
					chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) { attempts = append(attempts, a) }))
				start := time.Now()
				_, err := activate(ctx, client)
				require.Equal(t, test.want, time.Since(start))
				require.Equal(t, test.want, attempts[0].RetryIn)
				require.Equal(t, test.want == 0, err != nil)
			})
		})
	}
}

func TestErrorOfACallWrapsItsLastErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		transportErr := &net.OpError{Op: "read", Net: "tcp", Err: io.EOF} // not a timeout
		transport := newFakeTransport(respond(503, temporaryJSON), failWith(transportErr))
		_, err := activate(ctx, newClient(t, transport), chargebee.WithRetry(chargebee.Retry{BaseDelay: time.Hour, MaxDelay: 2 * time.Second}))
		requireError(t, noSuccess+"no time for another attempt: context deadline exceeded, "+
			"after read tcp: EOF, after 503 internal_temporary_error: try again"+suffix(2, true, transport.requests[0].Header.Get("chargebee-idempotency-key")), err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, io.EOF)
		require.ErrorIs(t, err, chargebee.ErrInternalTemporaryError)
		var netErr net.Error // the last one is found first
		require.ErrorAs(t, err, &netErr)
		require.True(t, netErr.Timeout())
		var apiErr *chargebee.APIError
		require.ErrorAs(t, err, &apiErr)
		require.Equal(t, 1, apiErr.Attempts)
	})
}

// The certificate is a real one, and net/http does not trust it.
func TestUntrustedCertificateIsNotRetried(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(server.URL))
	require.NoError(t, err)
	_, err = activate(t.Context(), client)
	var transportErr *chargebee.TransportError
	require.ErrorAs(t, err, &transportErr)
	require.Equal(t, 1, transportErr.Attempts)
	require.ErrorAs(t, err, new(*tls.CertificateVerificationError))
}

func TestRequestInProgressIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		deadline   time.Duration // 0: none
		retryAfter string
		took       [2]time.Duration // at least and at most
		requests   [2]int
		err        string
	}{
		"until the deadline":            {20 * time.Second, "", [2]time.Duration{19 * time.Second, 20 * time.Second}, [2]int{8, 16}, noSuccess + "no time for another attempt: context deadline exceeded, after 409 "},
		"for a minute without one":      {0, "", [2]time.Duration{59 * time.Second, time.Minute}, [2]int{12, 26}, apiError + "409 "},
		"as the server requests it":     {20 * time.Second, "9", [2]time.Duration{18 * time.Second, 20 * time.Second}, [2]int{3, 3}, noSuccess + "no time for another attempt: context deadline exceeded, after 409 "},
		"for a tenth of a second":       {150 * time.Millisecond, "", [2]time.Duration{100 * time.Millisecond, 100 * time.Millisecond}, [2]int{2, 2}, noSuccess + "no time for another attempt: context deadline exceeded, after 409 "},
		"not for the whole minute":      {0, "60", [2]time.Duration{0, 0}, [2]int{1, 1}, apiError + "409 "},
		"not longer than MaxRetryAfter": {0, "61", [2]time.Duration{0, 0}, [2]int{1, 1}, apiError + "409 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				transport := newFakeTransport(respond(409, inProgressJSON, "Retry-After", test.retryAfter))
				start := time.Now()
				_, err := activate(ctx, newClient(t, transport), chargebee.WithIdempotencyKey("login-1"), chargebee.WithRetry(chargebee.Retry{MaxAttempts: 2}))
				require.ErrorContains(t, fmt.Errorf("%T %w", err, err), test.err)
				require.GreaterOrEqual(t, time.Since(start), test.took[0])
				require.LessOrEqual(t, time.Since(start), test.took[1])
				require.GreaterOrEqual(t, len(transport.requests), test.requests[0])
				require.LessOrEqual(t, len(transport.requests), test.requests[1])
				for _, wait := range transport.waits() {
					require.GreaterOrEqual(t, wait, 100*time.Millisecond)
				}
				key, unknown := chargebee.OutcomeUnknown(err)
				require.Equal(t, []any{"login-1", true}, []any{key, unknown})
			})
		})
	}
}

// A server that goes on after the client has given up on an attempt: each call has 8 seconds for an attempt and 20 in all.
func TestWorkThatTakesLongerThanAnAttemptSucceeds(t *testing.T) {
	t.Parallel()
	for _, took := range []time.Duration{10 * time.Second, 12 * time.Second, 16 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			for range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				start := time.Now()
				transport := newFakeTransport(stall, func(req *http.Request) (*http.Response, error) {
					if time.Since(start) < took {
						return respond(409, inProgressJSON)(req)
					}
					return respond(200, activatedJSON, "Chargebee-Idempotency-Replayed", "true")(req)
				})
				resp, err := activate(ctx, newClient(t, transport), chargebee.WithAttemptTimeout(8*time.Second))
				require.NoError(t, err)
				require.True(t, resp.IdempotencyReplayed)
				cancel()
			}
		})
	}
}

// The outage begins at a random time before the call, and ends. The waits decide who succeeds: full jitter with three
// attempts, for example, gets 38 % of calls over two seconds.
func TestCallsOutliveAnOutage(t *testing.T) {
	t.Parallel()
	const calls = 4000
	for outage, least := range map[time.Duration]int{
		time.Second: calls, 2 * time.Second: calls, 3 * time.Second: calls, 4 * time.Second: calls - 1, 5 * time.Second: calls * 98 / 100,
	} {
		synctest.Test(t, func(t *testing.T) {
			succeeded := 0
			for range calls {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				end := time.Now().Add(rand.N(outage))
				transport := newFakeTransport(func(req *http.Request) (*http.Response, error) {
					if time.Now().Before(end) {
						return respond(503, `<html>`)(req)
					}
					return respond(200, activatedJSON)(req)
				})
				if _, err := activate(ctx, newClient(t, transport)); err == nil {
					succeeded++
				}
				cancel()
			}
			t.Logf("an outage of %v: %.2f %% succeed", outage, 100*float64(succeeded)/calls)
			require.GreaterOrEqual(t, succeeded, least)
		})
	}
}
