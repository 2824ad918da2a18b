package chargebee_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
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

const (
	inProgressJSON  = `{"message":"The previous request is still in progress. Please retry the request","type":"invalid_request","api_error_code":"invalid_state_for_request"}`
	conflictJSON    = `{"message":"The session is activated","type":"invalid_request","api_error_code":"invalid_state_for_request"}`
	temporaryJSON   = `{"message":"try again","type":"operation_failed","api_error_code":"internal_temporary_error"}`
	maintenanceJSON = `{"api_error_code":"site_not_ready"}`
)

// pointerError panics if it is formatted while nil.
type pointerError struct{ text string }

func (e *pointerError) Error() string { return e.text }

// Each case is a first attempt. A client without retries returns its error, and the default client either
// retries or returns the same error.
func TestAttemptOutcomes(t *testing.T) {
	t.Parallel()
	const retried, final, unknown, known = true, false, true, false
	cutOff := func(status int, body string) httpmock.Responder { // new for each request
		return func(req *http.Request) (*http.Response, error) { return respondCutOff(status, body)(req) }
	}
	bare := func(status int) httpmock.Responder {
		return func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: status}, nil }
	}
	for name, test := range map[string]struct {
		first            httpmock.Responder
		retried, unknown bool
		err              string
		status           int
		code             chargebee.ErrorCode
		failure          string
	}{
		"429 of the site's limit":           {respond(429, `{"api_error_code":"api_request_limit_exceeded"}`), retried, known, apiError + "429 api_request_limit_exceeded", 429, "api_request_limit_exceeded", ""},
		"429 with HTML":                     {respond(429, `<html>slow down</html>`), retried, known, apiError + "429 Too Many Requests", 429, "", ""},
		"500 without a body":                {respond(500, ``), retried, unknown, apiError + "500 Internal Server Error", 500, "", ""},
		"500 with a code of maintenance":    {respond(500, maintenanceJSON), retried, unknown, apiError + "500 site_not_ready", 500, "site_not_ready", ""},
		"501":                               {respond(501, ``), final, unknown, apiError + "501 Not Implemented", 501, "", ""},
		"502 with HTML":                     {respond(502, `<html>Bad Gateway</html>`), retried, unknown, apiError + "502 Bad Gateway", 502, "", ""},
		"503 with Chargebee's error":        {respond(503, temporaryJSON), retried, unknown, apiError + "503 internal_temporary_error: try again", 503, "internal_temporary_error", ""},
		"503 with a session":                {respond(503, activatedJSON), retried, unknown, apiError + "503 Service Unavailable", 503, "", ""},
		"503 with half an error":            {cutOff(503, `{"message":"The si`), retried, unknown, apiError + "503 Service Unavailable", 503, "", ""},
		"503 whose body stalls":             {stallInBody(503), retried, unknown, apiError + "503 Service Unavailable", 503, "", ""},
		"503 in maintenance":                {respond(503, maintenanceJSON), final, known, apiError + "503 site_not_ready", 503, "site_not_ready", ""},
		"503 in maintenance, cut off":       {cutOff(503, maintenanceJSON), final, known, apiError + "503 site_not_ready", 503, "site_not_ready", ""},
		"503 in read-only mode":             {respond(503, `{"api_error_code":"site_read_only_mode"}`), final, known, apiError + "503 site_read_only_mode", 503, "site_read_only_mode", ""},
		"504 with HTML":                     {respond(504, `<html>Gateway Timeout</html>`), retried, unknown, apiError + "504 Gateway Timeout", 504, "", ""},
		"a status that HTTP does not have":  {respond(600, ``), final, unknown, apiError + "600", 600, "", ""},
		"409 of a request in progress":      {respond(409, inProgressJSON), final, unknown, apiError + "409 invalid_state_for_request: The previous request is still in progress. Please retry the request", 409, "invalid_state_for_request", ""},
		"409 of a state":                    {respond(409, conflictJSON), final, known, apiError + "409 invalid_state_for_request: The session is activated", 409, "invalid_state_for_request", ""},
		"400":                               {respond(400, `{"api_error_code":"param_wrong_value"}`), final, known, apiError + "400 param_wrong_value", 400, "param_wrong_value", ""},
		"400 with half an error":            {cutOff(400, `{"message":"wro`), final, known, apiError + "400 Bad Request", 400, "", ""},
		"a redirect":                        {respond(302, ``, "Location", "https://elsewhere.example.com/"), final, known, apiError + "302 Found", 302, "", ""},
		"a redirect to a malformed URL":     {respond(308, ``, "Location", "http://[::1"), final, known, apiError + "308 Permanent Redirect", 308, "", ""},
		"199":                               {respond(199, activatedJSON), final, known, apiError + "199", 199, "", ""},
		"300":                               {respond(300, activatedJSON), final, known, apiError + "300 Multiple Choices", 300, "", ""},
		"a success that does not parse":     {respond(200, `<html>`), final, known, invalidBody + "invalid character '<' looking for beginning of value", 200, "", ""},
		"a success of something else":       {respond(200, `{"customer":{}}`), final, known, invalidBody + "portal_session.id is missing", 200, "", ""},
		"a success without any body":        {bare(200), final, known, invalidBody + "empty", 200, "", ""},
		"a 404 without any body":            {bare(404), final, known, apiError + "404 Not Found", 404, "", ""},
		"a response without any field":      {bare(0), final, known, apiError + "0", 0, "", ""},
		"a success that is too long":        {respond(200, strings.Repeat(" ", 16<<20+1)), final, known, invalidBody + "longer than 16 MiB", 200, "", "undecodable"},
		"a success that is cut off":         {cutOff(200, `{"portal_session":{"id":"por`), retried, unknown, noResponse + "unexpected EOF", 200, "", "connection"},
		"a success whose body stalls":       {stallInBody(200), retried, unknown, noResponse + "attempt timeout: context deadline exceeded: the connection was closed", 200, "", "attempt_timeout"},
		"an attempt timeout":                {stall, retried, unknown, noResponse + "context deadline exceeded: attempt timeout", 0, "", "attempt_timeout"},
		"a connection that is refused":      {failWith(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}), retried, unknown, noResponse + "dial tcp: connection refused", 0, "", "connection"},
		"a connection that is closed":       {failWith(io.EOF), retried, unknown, noResponse + "EOF", 0, "", "connection"},
		"a closed connection, in url.Error": {failWith(&url.Error{Op: "Post", URL: "https://acme-test.chargebee.com", Err: io.EOF}), retried, unknown, noResponse + `Post "https://acme-test.chargebee.com": EOF`, 0, "", "connection"},
		"a timeout of the transport's own":  {failWith(context.DeadlineExceeded), retried, unknown, noResponse + "context deadline exceeded", 0, "", "deadline"},
		"any other error of a transport":    {failWith(errors.New("something else")), retried, unknown, noResponse + "something else", 0, "", "connection"},
		"an APIError of the transport":      {failWith(&chargebee.APIError{StatusCode: 404, Code: "made_up"}), retried, unknown, noResponse + "chargebee:  : 404 made_up", 0, "", "connection"},
		"neither a response nor an error":   {failWith(nil), retried, unknown, noResponse + "the transport returned neither a response nor an error", 0, "", "connection"},
		"an error that is a nil pointer":    {failWith((*pointerError)(nil)), retried, unknown, noResponse + "<nil>", 0, "", "connection"},
		"a certificate that is not valid":   {failWith(&tls.CertificateVerificationError{Err: errors.New("no")}), final, unknown, noResponse + "tls: failed to verify certificate: no", 0, "", "permanent"},
		"an unknown authority":              {failWith(&url.Error{Op: "Post", URL: "https://proxy", Err: x509.UnknownAuthorityError{}}), final, unknown, noResponse + `Post "https://proxy": x509: certificate signed by unknown authority`, 0, "", "permanent"},
		"a certificate of another host":     {failWith(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "acme-test.chargebee.com"}), final, unknown, noResponse + "x509: certificate is not valid for any names, but wanted to match acme-test.chargebee.com", 0, "", "permanent"},
		"a certificate that has expired":    {failWith(x509.CertificateInvalidError{Reason: x509.Expired}), final, unknown, noResponse + "x509: certificate has expired or is not yet valid: ", 0, "", "permanent"},
		"a certificate error with a token":  {failWith(&url.Error{Op: "Post", URL: "https://proxy/?token=tok_secret", Err: x509.UnknownAuthorityError{}}), final, unknown, noResponse + `Post "https://proxy/?token=[redacted]": x509: certificate signed by unknown authority`, 0, "", "permanent"},
		"a malformed URL":                   {failWith(&url.Error{Op: "parse", URL: "%", Err: errors.New("no")}), final, unknown, noResponse + `parse "%": no`, 0, "", "permanent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var attempts []chargebee.Attempt
				transport := newFakeTransport(test.first)
				resp, err := activate(t.Context(), newClient(t, transport, noRetries,
					chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) { attempts = append(attempts, a) })))
				require.Nil(t, resp)
				requireError(t, test.err, err)
				key, unknown := chargebee.OutcomeUnknown(fmt.Errorf("validating the login: %w", err))
				require.Equal(t, test.unknown, unknown)
				request := transport.onlyRequest(t)
				require.Equal(t, map[bool]string{true: request.Header.Get("chargebee-idempotency-key")}[unknown], key)
				require.Error(t, request.Context().Err()) // it ends with the attempt
				require.Len(t, attempts, 1)
				require.Equal(t, []any{test.status, test.code, test.failure}, []any{attempts[0].StatusCode, attempts[0].Code, attempts[0].Failure})

				transport = newFakeTransport(test.first, respond(200, activatedJSON))
				resp, err = activate(t.Context(), newClient(t, transport))
				if !test.retried {
					requireError(t, test.err, err)
					require.Len(t, transport.requests, 1)
					return
				}
				require.NoError(t, err)
				require.Equal(t, "cus_1", resp.PortalSession.CustomerID)
				require.Equal(t, 2, resp.Attempts)
				require.Len(t, transport.requests, 2)
			})
		})
	}
}

// Each case is a call that fails. It has a deadline of 40 seconds and an attempt timeout of two seconds.
func TestCallOutcomes(t *testing.T) {
	t.Parallel()
	const unknown, known = true, false
	type responders = []httpmock.Responder
	const noTime = "no time for another attempt: context deadline exceeded, after "
	replayed := []string{"Chargebee-Idempotency-Replayed", "true"}
	for name, test := range map[string]struct {
		responders responders
		limit      int // the number of attempts that the limiter allows
		err        string
		attempts   int
		status     int
		unknown    bool
		log        string
	}{
		"429 to every attempt":                      {responders{respond(429, ``)}, 9, apiError + "429 Too Many Requests", 3, 429, known, ""},
		"429, then 404":                             {responders{respond(429, ``), respond(404, `{"api_error_code":"resource_not_found"}`)}, 9, apiError + "404 resource_not_found", 2, 404, known, " code=resource_not_found"},
		"429 with a long Retry-After":               {responders{respond(429, ``, "Retry-After", "3600")}, 9, apiError + "429 Too Many Requests", 1, 429, known, ""},
		"429 that leaves no time":                   {responders{respond(429, ``, "Retry-After", "50")}, 9, noSuccess + noTime + "429 Too Many Requests", 1, 429, known, " failure=deadline"},
		"429, then no response":                     {responders{respond(429, ``), failWith(io.EOF)}, 9, noSuccess + "EOF, after 429 Too Many Requests", 3, 429, unknown, " failure=connection"},
		"503 that leaves no time":                   {responders{respond(503, ``, "Retry-After", "50")}, 9, noSuccess + noTime + "503 Service Unavailable", 1, 503, unknown, " failure=deadline"},
		"503, then 429 that leaves no time":         {responders{respond(503, ``), respond(429, ``, "Retry-After", "50")}, 9, noSuccess + noTime + "429 Too Many Requests", 2, 429, unknown, " failure=deadline"},
		"503, 429, then 409":                        {responders{respond(503, ``), respond(429, ``), respond(409, conflictJSON)}, 9, apiError + "409 invalid_state_for_request: The session is activated", 3, 409, unknown, " code=invalid_state_for_request"},
		"502, 503, then no response":                {responders{respond(502, `<html>`), respond(503, temporaryJSON), failWith(io.ErrUnexpectedEOF)}, 9, noSuccess + "unexpected EOF, after 503 internal_temporary_error: try again", 3, 503, unknown, " code=internal_temporary_error failure=connection"},
		"503, then an untrusted certificate":        {responders{respond(503, ``), failWith(x509.UnknownAuthorityError{})}, 9, noSuccess + "x509: certificate signed by unknown authority, after 503 Service Unavailable", 2, 503, unknown, " failure=permanent"},
		"no response":                               {responders{failWith(io.EOF)}, 9, noResponse + "EOF", 3, 0, unknown, " failure=connection"},
		"no response, then 503":                     {responders{failWith(io.EOF), respond(502, `<html>`), respond(503, temporaryJSON)}, 9, apiError + "503 internal_temporary_error: try again", 3, 503, unknown, " code=internal_temporary_error"},
		"no response, then 429":                     {responders{failWith(io.EOF), respond(429, ``)}, 9, apiError + "429 Too Many Requests", 3, 429, unknown, ""},
		"no response, then 429 that leaves no time": {responders{failWith(io.EOF), respond(429, ``, "Retry-After", "50")}, 9, noSuccess + noTime + "429 Too Many Requests", 2, 429, unknown, " failure=deadline"},
		"no response, then 401":                     {responders{failWith(io.EOF), respond(401, ``)}, 9, apiError + "401 Unauthorized", 2, 401, unknown, ""},
		"no response, then maintenance":             {responders{failWith(io.EOF), respond(503, maintenanceJSON)}, 9, apiError + "503 site_not_ready", 2, 503, unknown, " code=site_not_ready"},
		"no response, then replayed 404":            {responders{failWith(io.EOF), respond(404, ``, replayed...)}, 9, apiError + "404 Not Found", 2, 404, known, ""},
		"no response, replayed 429, then 404":       {responders{failWith(io.EOF), respond(429, ``, replayed...), respond(404, ``)}, 9, apiError + "404 Not Found", 3, 404, known, ""},
		"in progress at every attempt":              {responders{respond(409, inProgressJSON)}, 9, apiError + "409 invalid_state_for_request: The previous request is still in progress. Please retry the request", 3, 409, unknown, " code=invalid_state_for_request"},
		"attempt timeouts":                          {responders{stall}, 9, noResponse + "context deadline exceeded: attempt timeout", 3, 0, unknown, " failure=attempt_timeout"},
		"attempt timeout, 429 that leaves no time":  {responders{stall, respond(429, ``, "Retry-After", "50")}, 9, noSuccess + noTime + "429 Too Many Requests", 2, 429, unknown, " failure=deadline"},
		"a success that cannot be decoded":          {responders{respond(200, `{}`)}, 9, invalidBody + "portal_session.id is missing", 1, 200, known, " failure=undecodable"},
		"limiter's error before any attempt":        {responders{respond(200, activatedJSON)}, 0, notSent + "limiter: full", 0, 0, known, " failure=limiter"},
		"limiter's error after 503":                 {responders{respond(503, temporaryJSON)}, 1, noSuccess + "limiter: full, after 503 internal_temporary_error: try again", 1, 503, unknown, " code=internal_temporary_error failure=limiter"},
		"limiter's error after 429":                 {responders{respond(429, ``)}, 1, noSuccess + "limiter: full, after 429 Too Many Requests", 1, 429, known, " failure=limiter"},
		"limiter's error after a timeout":           {responders{stall}, 1, noResponse + "limiter: full, after context deadline exceeded: attempt timeout", 1, 0, unknown, " failure=limiter"},
		"no response, 429 and limiter's error":      {responders{failWith(io.EOF), respond(429, ``)}, 2, noSuccess + "limiter: full, after 429 Too Many Requests", 2, 429, unknown, " failure=limiter"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
				defer cancel()
				var log bytes.Buffer
				full := errors.New("full")
				waits := 0
				limiter := limiterFunc(func(context.Context) error {
					if waits++; waits > test.limit {
						return full
					}
					return nil
				})
				transport := newFakeTransport(test.responders...)
				client := newClient(t, transport, chargebee.WithLimiter(limiter), chargebee.WithAttemptTimeout(2*time.Second),
					chargebee.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: withoutTime}))))
				_, err := activate(ctx, client, chargebee.WithIdempotencyKey("login-1"))
				requireError(t, test.err, err)
				require.Equal(t, waits > test.limit, errors.Is(err, full))
				require.Len(t, transport.requests, test.attempts)
				key, unknown := chargebee.OutcomeUnknown(err)
				require.Equal(t, test.unknown, unknown)
				require.Equal(t, map[bool]string{true: "login-1"}[unknown], key)
				var transportErr *chargebee.TransportError
				if errors.As(err, &transportErr) {
					require.Equal(t, test.attempts, transportErr.Attempts)
					require.Equal(t, "login-1", transportErr.IdempotencyKey)
				}
				records := strings.SplitAfter(log.String(), "\n")
				require.Equal(t, fmt.Sprintf("%sattempts=%d status=%d outcome_unknown=%t%s\n",
					failureRecord, test.attempts, test.status, test.unknown, test.log), records[len(records)-2])
			})
		})
	}
}

func TestOutcomeOfErrorsNotMadeByACall(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{ // the key; "" if the outcome is known
		nil:    "",
		io.EOF: "",
		&chargebee.APIError{StatusCode: 503, IdempotencyKey: "login-1"}:                                  "login-1",
		&chargebee.APIError{StatusCode: 404, IdempotencyKey: "login-1"}:                                  "",
		&chargebee.TransportError{Attempts: 1, IdempotencyKey: "login-1"}:                                "login-1",
		&chargebee.TransportError{Attempts: 0, IdempotencyKey: "login-1"}:                                "",
		&chargebee.ParamError{Field: "token"}:                                                            "",
		&chargebee.DecodeError{Response: chargebee.Response{StatusCode: 200, IdempotencyKey: "login-1"}}: "",
	} {
		key, unknown := chargebee.OutcomeUnknown(err)
		require.Equal(t, want, key, err)
		require.Equal(t, want != "", unknown, err)
	}
}
