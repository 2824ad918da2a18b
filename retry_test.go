package chargebee_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	ownKey := []chargebee.CallOption{chargebee.WithIdempotencyKey("login-1")}
	for name, test := range map[string]struct {
		first step
		opts  []chargebee.CallOption
		again bool
	}{
		"429 of the site's limit":                 {first: answers(429, `{"api_error_code":"api_request_limit_exceeded","type":"operation_failed"}`), again: true},
		"429 of a third party's limit":            {first: answers(429, `{"api_error_code":"third_party_api_request_limit_exceeded"}`), again: true},
		"429 of a lock":                           {first: answers(429, `{"api_error_code":"lock_timeout"}`), again: true},
		"429 with a code of next year":            {first: answers(429, `{"api_error_code":"a_code_of_next_year"}`), again: true},
		"429 with HTML":                           {first: answers(429, `<html>slow down</html>`), again: true},
		"500 with Chargebee's error":              {first: answers(500, `{"api_error_code":"internal_error","type":"operation_failed"}`), again: true},
		"500 with nothing":                        {first: answers(500, ``), again: true},
		"502 with HTML":                           {first: answers(502, `<html>Bad Gateway</html>`), again: true},
		"503 with HTML":                           {first: answers(503, `<html>Service Unavailable</html>`), again: true},
		"503 with nothing":                        {first: answers(503, ``), again: true},
		"503 with Chargebee's error":              {first: answers(503, temporary), again: true},
		"503 of the database":                     {first: answers(503, `{"api_error_code":"db_connection_failure"}`), again: true},
		"503 with a session":                      {first: answers(503, activated), again: true},
		"503 with half an error":                  {first: cuts(503, `{"message":"The si`), again: true},
		"503 whose body stalls":                   {first: stallsInBody(503), again: true},
		"504 with HTML":                           {first: answers(504, `<html>Gateway Timeout</html>`), again: true},
		"429 of a site that is not ready":         {first: answers(429, `{"api_error_code":"site_not_ready"}`), again: true},
		"502 of a site that is read-only":         {first: answers(502, `{"api_error_code":"site_read_only_mode"}`), again: true},
		"503 of a site that is not ready":         {first: answers(503, `{"api_error_code":"site_not_ready"}`)},
		"503 of a site that is read-only":         {first: answers(503, `{"api_error_code":"site_read_only_mode"}`)},
		"409 in progress, under a key sent first": {first: answers(409, inProgress)},
		"409 in progress, in other letters":       {first: answers(409, `{"message":"previous Request is STILL in progress"}`), opts: ownKey, again: true},
		"409 in progress, under the caller's key": {first: answers(409, inProgress), opts: ownKey, again: true},
		"409 of a state":                          {first: answers(409, conflict)},
		"409 of a state, under the caller's key":  {first: answers(409, conflict), opts: ownKey},
		"409 with HTML, under the caller's key":   {first: answers(409, `<html>`), opts: ownKey},
		"503 of a site that is not ready, cut":    {first: cuts(503, `{"api_error_code":"site_not_ready"}`)},
		"400":                                     {first: answers(400, `{"api_error_code":"param_wrong_value"}`)},
		"400 with half an error":                  {first: cuts(400, `{"message":"wro`)},
		"401":                                     {first: answers(401, `{"api_error_code":"api_authentication_failed"}`)},
		"403":                                     {first: answers(403, `{"api_error_code":"request_blocked"}`)},
		"404":                                     {first: answers(404, ``)},
		"405":                                     {first: answers(405, `{"api_error_code":"http_method_not_supported"}`)},
		"408":                                     {first: answers(408, ``)},
		"422":                                     {first: answers(422, `{"api_error_code":"unable_to_process_request"}`)},
		"501":                                     {first: answers(501, ``)},
		"a redirect":                              {first: answers(302, ``, "Location", "https://elsewhere.example.com/")},
		"a success that does not parse":           {first: answers(200, `<html>`)},
		"a success of something else":             {first: answers(200, `{"customer":{}}`)},
		"a success that is too long":              {first: answers(200, strings.Repeat(" ", 16<<20+1))},
		"a success that is cut off":               {first: cuts(200, `{"portal_session":{"id":"por`), again: true},
		"a success whose body stalls":             {first: stallsInBody(200), again: true},
		"a connection that is refused":            {first: fails(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}), again: true},
		"a connection that is reset":              {first: fails(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}), again: true},
		"a connection that is closed":             {first: fails(io.EOF), again: true},
		"an answer that is cut off":               {first: fails(io.ErrUnexpectedEOF), again: true},
		"a name that is not resolved":             {first: fails(&net.DNSError{Err: "server misbehaving", Name: "acme-test.chargebee.com"}), again: true},
		"a transport that times out by itself":    {first: fails(context.DeadlineExceeded), again: true},
		"a refusal that a transport made up":      {first: fails(&chargebee.APIError{StatusCode: 404}), again: true},
		"a transport's own error":                 {first: fails(errors.New("something else")), again: true},
		"a lost connection in an *url.Error":      {first: fails(&url.Error{Op: "Post", URL: "https://acme-test.chargebee.com", Err: io.EOF}), again: true},
		"an attempt timeout":                      {first: stalling, again: true},
		"a certificate that does not verify":      {first: fails(&tls.CertificateVerificationError{Err: errors.New("no")})},
		"a certificate of an unknown authority":   {first: fails(&url.Error{Op: "Post", Err: x509.UnknownAuthorityError{}})},
		"a certificate of another host":           {first: fails(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "acme-test.chargebee.com"})},
		"a certificate that has expired":          {first: fails(x509.CertificateInvalidError{Reason: x509.Expired})},
		"a certificate, near a token":             {first: fails(&url.Error{Op: "Post", URL: "https://proxy/?token=tok_secret", Err: x509.UnknownAuthorityError{}})},
		"a malformed URL":                         {first: fails(&url.Error{Op: "parse", URL: "%", Err: errors.New("no")})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScript(test.first, succeeds)
				resp, err := activate(t, s.client(t), test.opts...)
				if !test.again {
					require.Error(t, err)
					require.Len(t, s.sent, 1)
					return
				}
				require.NoError(t, err)
				require.Equal(t, "cus_1", resp.PortalSession.CustomerID)
				require.Equal(t, 2, resp.Attempts)
				require.Len(t, s.sent, 2)
			})
		})
	}
}

// The certificate is a real one, and so is the refusal to trust it.
func TestACertificateThatIsNotTrustedIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(server.URL))
	require.NoError(t, err)
	_, err = activate(t, client)
	var transportErr *chargebee.TransportError
	require.ErrorAs(t, err, &transportErr)
	require.Equal(t, 1, transportErr.Attempts)
	var verification *tls.CertificateVerificationError
	require.ErrorAs(t, err, &verification)
}

func TestInProgressIsTriedAgainIfAnEarlierAttemptSentTheKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(fails(io.EOF), answers(409, inProgress), succeeds)
		resp, err := activate(t, s.client(t))
		require.NoError(t, err)
		require.Equal(t, 3, resp.Attempts)

		s = newScript(answers(503, ``), answers(409, inProgress), succeeds)
		resp, err = activate(t, s.client(t))
		require.NoError(t, err)
		require.Equal(t, 3, resp.Attempts)

		s = newScript(answers(503, ``), answers(409, conflict), succeeds)
		_, err = activate(t, s.client(t))
		require.ErrorIs(t, err, chargebee.ErrInvalidStateForRequest)
		require.Len(t, s.sent, 2)
	})
}

func TestAGETIsTriedAgainWithoutAKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(fails(io.EOF), answers(503, ``), succeeds)
		resp, err := s.client(t).Do(t.Context(), chargebee.Request{
			Method: http.MethodGet, Path: "/features", Params: url.Values{"limit": {"7"}},
		}, nil)
		require.NoError(t, err)
		require.Equal(t, 3, resp.Attempts)
		require.Empty(t, resp.IdempotencyKey)
		for _, attempt := range s.sent {
			require.Equal(t, "/api/v2/features?limit=7", attempt.URL.RequestURI())
			require.Empty(t, attempt.Header.Values("chargebee-idempotency-key"))
		}

		s = newScript(fails(io.EOF), answers(409, inProgress), succeeds)
		_, err = s.client(t).Do(t.Context(), chargebee.Request{Method: http.MethodGet, Path: "/features"}, nil)
		require.ErrorIs(t, err, chargebee.ErrInvalidStateForRequest)

		s = newScript(fails(io.EOF), answers(409, inProgress), succeeds)
		resp, err = s.client(t).Do(t.Context(), chargebee.Request{Method: http.MethodGet, Path: "/features"}, nil, chargebee.WithIdempotencyKey("key-1"))
		require.NoError(t, err)
		require.Equal(t, 3, resp.Attempts)
	})
}

func TestEveryAttemptIsTheSameBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// A transport that adds to the headers, as those for traces do.
		careless := func(next step) step {
			return func(req *http.Request) (*http.Response, error) {
				header := req.Header.Clone()
				req.Header.Set("X-Attempt", "added by a transport")
				req.Header.Del("Chargebee-Request-Origin-Ip")
				req.URL.Path = "/elsewhere"
				resp, err := next(req)
				req.Header = header
				return resp, err
			}
		}
		s := newScript(careless(answers(503, `<html>`)), careless(fails(io.EOF)), careless(answers(429, ``)), succeeds)
		ctx := chargebee.ContextWithHeaders(t.Context(), chargebee.Headers{OriginIP: "203.0.113.7"})
		resp, err := s.client(t).PortalSessions.ActivatePortalSession(ctx, "portal/1", chargebee.ActivatePortalSessionParams{Token: "tok+secret"},
			chargebee.WithRetry(chargebee.Retry{MaxAttempts: 4}), chargebee.WithIdempotencyKey("login-1"))
		require.NoError(t, err)
		require.Equal(t, 4, resp.Attempts)
		require.Equal(t, "login-1", resp.IdempotencyKey)
		require.Len(t, s.sent, 4)
		for _, attempt := range s.sent {
			require.Equal(t, "token=tok%2Bsecret", attempt.body)
			require.Equal(t, int64(18), attempt.ContentLength)
			require.Equal(t, http.Header{
				"Accept":                      {"application/json"},
				"Authorization":               {"Basic dGVzdF9rZXk6"},
				"Chargebee-Idempotency-Key":   {"login-1"},
				"Chargebee-Request-Origin-Ip": {"203.0.113.7"},
				"Content-Type":                {"application/x-www-form-urlencoded"},
				"User-Agent":                  {"typedbee-chargebee-go/0.1.0"},
			}, attempt.Header)
		}
		require.Equal(t, "/api/v2/portal_sessions/portal%2F1/activate", s.sent[3].URL.EscapedPath())
	})
}

// Mocks read it to see what is sent, and transports of others to send it again.
func TestATransportOfTheCallersCanReadTheBodyAgain(t *testing.T) {
	t.Parallel()
	_, err := activate(t, answeringClient(t, func(req *http.Request) (*http.Response, error) {
		again, err := req.GetBody()
		require.NoError(t, err)
		body, err := io.ReadAll(again)
		require.NoError(t, err)
		require.Equal(t, "token=tok_secret", string(body))
		return answers(200, activated)(req)
	}))
	require.NoError(t, err)
}

func TestARandomKeyIsTheSameForAllAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(answers(502, ``), fails(io.EOF), succeeds)
		resp, err := activate(t, s.client(t))
		require.NoError(t, err)
		for _, attempt := range s.sent {
			require.Equal(t, []string{resp.IdempotencyKey}, attempt.Header.Values("chargebee-idempotency-key"))
		}
	})
}

func TestHowOftenACallIsTried(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		client []chargebee.ClientOption
		call   []chargebee.CallOption
		want   int
	}{
		"three times by default":         {want: 3},
		"as the client says":             {client: []chargebee.ClientOption{chargebee.WithRetry(chargebee.Retry{MaxAttempts: 5})}, want: 5},
		"as the call says":               {client: []chargebee.ClientOption{chargebee.WithRetry(chargebee.Retry{MaxAttempts: 5})}, call: []chargebee.CallOption{chargebee.WithRetry(chargebee.Retry{MaxAttempts: 2})}, want: 2},
		"once":                           {call: []chargebee.CallOption{chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1})}, want: 1},
		"zero in a call is the default":  {client: []chargebee.ClientOption{chargebee.WithRetry(chargebee.Retry{MaxAttempts: 5})}, call: []chargebee.CallOption{chargebee.WithRetry(chargebee.Retry{})}, want: 3},
		"other fields leave it at three": {client: []chargebee.ClientOption{chargebee.WithRetry(chargebee.Retry{BaseDelay: time.Second})}, want: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScript(answers(503, temporary))
				client, err := chargebee.NewClient("acme-test", "test_key", append(test.client, chargebee.WithHTTPClient(&http.Client{Transport: s}))...)
				require.NoError(t, err)
				_, err = activate(t, client, test.call...)
				var apiErr *chargebee.APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, test.want, apiErr.Attempts)
				require.Len(t, s.sent, test.want)
				require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: 503 internal_temporary_error: try again")
			})
		})
	}
}

func TestTheWaitAfterAnAttempt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		retry    chargebee.Retry
		attempts int
		asked    time.Duration
		random   float64
		want     time.Duration
	}{
		"is up to half a second at first": {attempts: 1, random: 0.5, want: 250 * time.Millisecond},
		"doubles":                         {attempts: 2, random: 0.5, want: 500 * time.Millisecond},
		"doubles again":                   {attempts: 3, random: 0.5, want: time.Second},
		"is up to eight seconds":          {attempts: 6, random: 0.5, want: 4 * time.Second},
		"stays there":                     {attempts: 1_000_000, random: 0.5, want: 4 * time.Second},
		"is never nothing, which would mean the end":          {attempts: 1, random: 0, want: 1},
		"starts at BaseDelay":                                 {retry: chargebee.Retry{BaseDelay: time.Second}, attempts: 1, random: 0.5, want: 500 * time.Millisecond},
		"ends at MaxDelay":                                    {retry: chargebee.Retry{MaxDelay: time.Second}, attempts: 9, random: 0.5, want: 500 * time.Millisecond},
		"is under MaxDelay, also if BaseDelay is not":         {retry: chargebee.Retry{BaseDelay: time.Minute, MaxDelay: time.Second}, attempts: 1, random: 0.5, want: 500 * time.Millisecond},
		"does not overflow":                                   {retry: chargebee.Retry{BaseDelay: math.MaxInt64, MaxDelay: math.MaxInt64}, attempts: 3, random: 0.5, want: 1 << 62},
		"is what the server asked for, and the random part":   {attempts: 1, asked: 7 * time.Second, random: 0.5, want: 7250 * time.Millisecond},
		"is never less than the server asked for":             {attempts: 1, asked: 7 * time.Second, random: 0, want: 7*time.Second + 1},
		"does not overflow on top of what the server asked":   {attempts: 1, asked: math.MaxInt64, random: 0.5, want: math.MaxInt64},
		"does not overflow on top of nearly as much as holds": {attempts: 1, asked: math.MaxInt64 - 5, random: 0.5, want: math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, test.retry.Delay(test.attempts, test.asked, test.random))
		})
	}
}

func TestTheWaitsAreRandomUnderTheCap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		caps := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 8 * time.Second}
		low, high := make([]bool, len(caps)), make([]bool, len(caps))
		for range 300 {
			s := newScript(answers(503, ``))
			_, err := activate(t, s.client(t), chargebee.WithRetry(chargebee.Retry{MaxAttempts: 7}))
			require.Error(t, err)
			for i, wait := range s.waits() {
				require.Positive(t, wait)
				require.LessOrEqual(t, wait, caps[i])
				low[i] = low[i] || wait < caps[i]/4
				high[i] = high[i] || wait > caps[i]*3/4
			}
		}
		require.NotContains(t, low, false) // by chance: once in 10^36 runs
		require.NotContains(t, high, false)
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		value  string
		want   time.Duration
	}{
		"seconds":            {429, "7", 7 * time.Second},
		"a minute":           {429, "60", time.Minute},
		"seconds with a 503": {503, "7", 7 * time.Second},
		"an HTTP date":       {429, "Sat, 01 Jan 2000 00:00:09 GMT", 9 * time.Second},
		"none":               {429, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The clock of a bubble starts at midnight UTC, 2000-01-01.
			synctest.Test(t, func(t *testing.T) {
				s := newScript(answers(test.status, ``, "Retry-After", test.value), succeeds)
				_, err := activate(t, s.client(t))
				require.NoError(t, err)
				wait := s.waits()[0]
				require.Greater(t, wait, test.want)
				require.LessOrEqual(t, wait, test.want+500*time.Millisecond)
			})
		})
	}
}

func TestACallDoesNotWaitLongerThanMaxRetryAfter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		retry chargebee.Retry
		value string
		want  time.Duration
	}{
		"a minute by default": {value: "61", want: 61 * time.Second},
		"what the call says":  {retry: chargebee.Retry{MaxRetryAfter: 5 * time.Second}, value: "6", want: 6 * time.Second},
		"by a date":           {value: "Sat, 01 Jan 2000 01:00:00 GMT", want: time.Hour},
		"by far":              {value: "99999999999999999999", want: 9223372036 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScript(answers(429, `{"api_error_code":"api_request_limit_exceeded"}`, "Retry-After", test.value), succeeds)
				start := time.Now()
				_, err := activate(t, s.client(t), chargebee.WithRetry(test.retry))
				require.Zero(t, time.Since(start))
				require.Len(t, s.sent, 1)
				var apiErr *chargebee.APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, test.want, apiErr.RetryAfter)
				require.True(t, apiErr.Retryable())
			})
		})
	}
}

func TestATimedOutAttemptIsTriedAgainWithinTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(stalling, succeeds)
		start := time.Now()
		resp, err := activate(t, s.client(t, chargebee.WithAttemptTimeout(2*time.Second)))
		require.NoError(t, err)
		require.Equal(t, 2, resp.Attempts)
		require.Greater(t, time.Since(start), 2*time.Second)
		require.LessOrEqual(t, time.Since(start), 2500*time.Millisecond)
	})
}

func TestAttemptsThatTimeOutEndWithTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(stalling)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		err := activateWith(ctx, s.client(t, chargebee.WithAttemptTimeout(2*time.Second)), chargebee.WithRetry(chargebee.Retry{MaxAttempts: 9}))
		require.LessOrEqual(t, time.Since(start), 5*time.Second)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.GreaterOrEqual(t, len(s.sent), 2)
	})
}

func TestAWaitThatWouldPassTheDeadlineIsNotStarted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		step step
		line string
		is   error
	}{
		"after an answer": {
			answers(429, `{"api_error_code":"api_request_limit_exceeded","message":"slow down"}`, "Retry-After", "3"),
			"no success: no time for another attempt: context deadline exceeded, after 429 api_request_limit_exceeded: slow down",
			chargebee.ErrAPIRequestLimitExceeded,
		},
		"after none": {
			fails(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}),
			"no response: no time for another attempt: context deadline exceeded, after read tcp: connection reset by peer",
			syscall.ECONNRESET,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond) // under any wait, with Retry-After or not
				defer cancel()
				s := newScript(test.step, succeeds)
				start := time.Now()
				err := activateWith(ctx, s.client(t))
				require.Zero(t, time.Since(start))
				require.Len(t, s.sent, 1)
				require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: "+test.line)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, test.is)
				var transportErr *chargebee.TransportError
				require.ErrorAs(t, err, &transportErr)
				require.Equal(t, 1, transportErr.Attempts)
			})
		})
	}
	t.Run("but one that ends before it is", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			s := newScript(answers(429, ``, "Retry-After", "3"), succeeds)
			require.NoError(t, activateWith(ctx, s.client(t)))
			require.Len(t, s.sent, 2)
		})
	})
}

func TestAWaitThatEndsWithTheDeadlineIsNotStarted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		start := time.Now()
		err := activateWith(ctx, newScript(fails(io.EOF)).client(t),
			chargebee.WithRetry(chargebee.Retry{BaseDelay: 1, MaxDelay: 1}), chargebee.WithIdempotencyKey("login-1"))
		require.Zero(t, time.Since(start))
		key, unknown := chargebee.OutcomeUnknown(err)
		require.True(t, unknown)
		require.Equal(t, "login-1", key)
	})
}

func TestCancellingEndsAWaitInTheSameInstant(t *testing.T) {
	t.Parallel()
	reason := errors.New("the user went away")
	for name, test := range map[string]struct {
		first step
		line  string
		is    error
	}{
		"after an answer": {
			answers(503, temporary, "Retry-After", "30"),
			"no success: the user went away: context canceled, after 503 internal_temporary_error: try again",
			chargebee.ErrInternalTemporaryError,
		},
		"after none": {
			fails(io.EOF),
			"no response: the user went away: context canceled, after EOF",
			io.EOF,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				s := newScript(test.first, succeeds)
				client := s.client(t, chargebee.WithObserver(func(context.Context, chargebee.Attempt) {
					time.AfterFunc(time.Nanosecond, func() { cancel(reason) }) // less than any wait but the shortest
				}))
				start := time.Now()
				err := activateWith(ctx, client, chargebee.WithRetry(chargebee.Retry{BaseDelay: time.Hour, MaxDelay: time.Hour}))
				require.Equal(t, time.Nanosecond, time.Since(start))
				require.Len(t, s.sent, 1)
				require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: "+test.line)
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, reason)
				require.ErrorIs(t, err, test.is)
			})
		})
	}
}

func TestTheContextsEndDuringAnErrorBodyLeavesBothErrors(t *testing.T) {
	t.Parallel()
	for _, status := range []int{404, 503} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				s := newScript(stallsInBody(status))
				start := time.Now()
				err := activateWith(ctx, s.client(t))
				require.Equal(t, 200*time.Millisecond, time.Since(start))
				var apiErr *chargebee.APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, status, apiErr.StatusCode)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.NotErrorAs(t, err, new(*chargebee.TransportError))
			})
		})
	}
}

func TestTheContextsEndAfterAnAnswerLeavesBothErrors(t *testing.T) {
	t.Parallel()
	for reason, test := range map[string]struct {
		end func(cancel func())
		is  error
	}{
		"context canceled":          {func(cancel func()) { cancel() }, context.Canceled},
		"context deadline exceeded": {func(func()) { time.Sleep(2 * time.Second) }, context.DeadlineExceeded},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				s := newScript(func(req *http.Request) (*http.Response, error) {
					test.end(cancel)
					return answers(503, temporary)(req)
				})
				var heard []chargebee.Attempt
				err := activateWith(ctx, s.client(t, chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) { heard = append(heard, a) })))
				require.Len(t, heard, 1)
				require.Zero(t, heard[0].RetryIn)
				require.ErrorIs(t, err, test.is)
				require.ErrorIs(t, err, chargebee.ErrInternalTemporaryError)
				require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: "+
					"no success: "+reason+", after 503 internal_temporary_error: try again")
			})
		})
	}
}

func TestTheEndOfTheContextDuringALateAttemptTimeoutIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("the login took too long")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, reason)
		defer cancel()
		s := newScript(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			time.Sleep(2 * time.Second)
			return nil, context.DeadlineExceeded
		})
		require.ErrorIs(t, activateWith(ctx, s.client(t, chargebee.WithAttemptTimeout(2*time.Second))), reason)
	})
}

func TestTheContextOfAnAttemptEndsWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(answers(503, ``), succeeds)
		_, err := activate(t, s.client(t))
		require.NoError(t, err)
		for _, attempt := range s.sent {
			require.ErrorIs(t, attempt.Context().Err(), context.Canceled)
		}
	})
}

func TestAnErrorBodyThatTheAttemptTimeoutCutsSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, err := activate(t, newScript(stallsInBody(503)).client(t, once))
		var apiErr *chargebee.APIError
		require.ErrorAs(t, err, &apiErr)
		require.Equal(t, 503, apiErr.StatusCode)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestTheErrorAtTheEndHoldsTheLastAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(answers(502, `<html>`), answers(503, temporary), fails(io.ErrUnexpectedEOF))
		_, err := activate(t, s.client(t), chargebee.WithIdempotencyKey("login-1"))
		require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: "+
			"no success: unexpected EOF, after 503 internal_temporary_error: try again")
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.ErrorIs(t, err, chargebee.ErrInternalTemporaryError)
		var transportErr *chargebee.TransportError
		require.ErrorAs(t, err, &transportErr)
		require.Equal(t, 3, transportErr.Attempts)
		require.Equal(t, "login-1", transportErr.IdempotencyKey)
		var apiErr *chargebee.APIError
		require.ErrorAs(t, err, &apiErr)
		require.Equal(t, 2, apiErr.Attempts)

		s = newScript(fails(io.ErrUnexpectedEOF), answers(502, `<html>`), answers(503, temporary))
		_, err = activate(t, s.client(t))
		require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: 503 internal_temporary_error: try again")
		require.NotErrorAs(t, err, new(*chargebee.TransportError))
	})
}

func TestACallThatIsStoppedHoldsTheLastAnswerAndTheLastError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		s := newScript(answers(503, temporary), fails(io.EOF))
		err := activateWith(ctx, s.client(t), chargebee.WithRetry(chargebee.Retry{MaxAttempts: 100, BaseDelay: time.Hour, MaxDelay: time.Second}))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, io.EOF)
		require.ErrorIs(t, err, chargebee.ErrInternalTemporaryError)
		require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: no success: "+
			"no time for another attempt: context deadline exceeded, after EOF, after 503 internal_temporary_error: try again")
	})
}

// In an errgroup the error of one call is the cause that ends the others.
func TestACauseThatIsAnotherCallsErrorIsNotTakenForThisOnes(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{
		"an answer": &chargebee.APIError{StatusCode: 404, Code: chargebee.ErrResourceNotFound, IdempotencyKey: "key-of-another"},
		"none":      &chargebee.TransportError{Attempts: 3, IdempotencyKey: "key-of-another", Err: io.EOF},
		"a 503":     fmt.Errorf("another: %w", &chargebee.APIError{StatusCode: 503, Code: chargebee.ErrResourceNotFound, IdempotencyKey: "key-of-another"}),
		"a code":    chargebee.ErrResourceNotFound,
		"a type":    chargebee.ErrTypeInvalidRequest,
		"a success": &chargebee.DecodeError{Response: chargebee.Response{StatusCode: 200}, Err: io.EOF},
		"a refusal": &chargebee.ParamError{Field: "token", Reason: "must not be empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(cause)
			var log bytes.Buffer
			m := newMock(t, http.StatusOK, activated)
			err := activateWith(ctx, m.client(t, chargebee.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))), chargebee.WithIdempotencyKey("key-of-this"))
			_, unknown := chargebee.OutcomeUnknown(err)
			require.False(t, unknown)
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, chargebee.ErrResourceNotFound)
			require.NotErrorIs(t, err, chargebee.ErrTypeInvalidRequest)
			require.NotErrorAs(t, err, new(*chargebee.APIError))
			require.NotErrorAs(t, err, new(*chargebee.ParamError))
			require.NotErrorAs(t, err, new(*chargebee.DecodeError))
			var transportErr *chargebee.TransportError
			require.ErrorAs(t, err, &transportErr)
			require.Equal(t, "key-of-this", transportErr.IdempotencyKey)
			require.NotErrorAs(t, transportErr.Err, new(*chargebee.TransportError))
			require.Contains(t, log.String(), "attempts=0 status=0 outcome_unknown=false failure=canceled\n")
			if name == "an answer" || name == "none" {
				require.ErrorIs(t, err, cause)
			}
		})
	}
}

func TestACauseThatLooksLikeTheAnswerDoesNotHideTheCancellation(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	s := newScript(func(req *http.Request) (*http.Response, error) {
		cancel(chargebee.ErrInternalTemporaryError)
		return answers(503, temporary)(req)
	})
	err := activateWith(ctx, s.client(t))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, chargebee.ErrInternalTemporaryError)
}

func TestWhatATransportMakesUpDoesNotSetTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(fails(&chargebee.APIError{StatusCode: 503, RetryAfter: 10 * time.Hour}), succeeds)
		_, err := activate(t, s.client(t))
		require.NoError(t, err)
		require.LessOrEqual(t, s.waits()[0], 500*time.Millisecond)
	})
}

// nobody is an error that cannot be asked.
type nobody struct{ text string }

func (n *nobody) Error() string { return n.text }

func TestANilErrorInAnErrorDoesNotPanic(t *testing.T) {
	t.Parallel()
	_, err := activate(t, newMockFunc(t, httpmock.NewErrorResponder((*nobody)(nil))).client(t))
	require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: no response: <nil>")
}

func TestNothingIsSentOnAContextThatEndedWhileTheCallWaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		turns := 0
		limiter := limiterFunc(func(context.Context) error {
			if turns++; turns == 2 {
				cancel() // and it does not say so
			}
			return nil
		})
		s := newScript(answers(503, temporary))
		err := activateWith(ctx, s.client(t, chargebee.WithLimiter(limiter)))
		require.Len(t, s.sent, 1)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, chargebee.ErrInternalTemporaryError)
	})
}

func TestTheLastErrorIsFoundBeforeTheOneBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := newScript(fails(&net.OpError{Op: "dial", Net: "tcp", Err: io.EOF})) // which is no timeout
		err := activateWith(ctx, s.client(t), chargebee.WithRetry(chargebee.Retry{BaseDelay: time.Hour, MaxDelay: time.Hour}))
		var netErr net.Error
		require.ErrorAs(t, err, &netErr)
		require.True(t, netErr.Timeout())
	})
}
