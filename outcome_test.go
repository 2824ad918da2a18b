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
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strconv"
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

// openCircuitError is an error of a transport wrapper that says whether to retry.
type openCircuitError bool

func (e openCircuitError) Error() string   { return "the circuit is open" }
func (e openCircuitError) Retryable() bool { return bool(e) }

// suffix is what the text of an error says about its call as a whole.
func suffix(attempts int, unknown bool, key string) string {
	var notes []string
	if attempts > 1 {
		notes = append(notes, strconv.Itoa(attempts)+" attempts")
	}
	if unknown {
		notes = append(notes, "outcome unknown", "idempotency key "+key)
	}
	if notes == nil {
		return ""
	}
	return " (" + strings.Join(notes, ", ") + ")"
}

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
		"408 of a proxy":                    {respond(408, `<html>`), retried, unknown, apiError + "408 Request Timeout", 408, "", ""},
		"499 of a proxy":                    {respond(499, ``), final, unknown, apiError + "499", 499, "", ""},
		"303":                               {respond(303, ``, "Location", "/"), final, unknown, apiError + "303 See Other", 303, "", ""},
		"409 with HTML":                     {respond(409, `<html>`), final, unknown, apiError + "409 Conflict", 409, "", ""},
		"409 without a body":                {respond(409, ``), final, unknown, apiError + "409 Conflict", 409, "", ""},
		"409 that is cut off":               {cutOff(409, `{"api_error_code":"invalid_st`), final, unknown, apiError + "409 Conflict", 409, "", ""},
		"403 of a firewall":                 {respond(403, `<html>`), final, known, apiError + "403 Forbidden", 403, "", ""},
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
		"400 with the text of that 409":     {respond(400, inProgressJSON), final, known, apiError + "400 invalid_state_for_request: The previous request is still in progress. Please retry the request", 400, "invalid_state_for_request", ""},
		"400 with half an error":            {cutOff(400, `{"message":"wro`), final, known, apiError + "400 Bad Request", 400, "", ""},
		"a redirect":                        {respond(302, ``, "Location", "https://elsewhere.example.com/"), final, known, apiError + "302 Found", 302, "", ""},
		"a redirect to a malformed URL":     {respond(308, ``, "Location", "http://[::1"), final, known, apiError + "308 Permanent Redirect", 308, "", ""},
		"199":                               {respond(199, activatedJSON), final, known, apiError + "199", 199, "", ""},
		"300":                               {respond(300, activatedJSON), final, known, apiError + "300 Multiple Choices", 300, "", ""},
		"a success that does not parse":     {respond(200, `<html>`), final, unknown, invalidBody + "invalid character '<' looking for beginning of value", 200, "", ""},
		"a success after a byte order mark": {respond(200, "\ufeff"+activatedJSON), final, unknown, invalidBody + "invalid character 'ï' looking for beginning of value", 200, "", ""},
		"a success of white space":          {respond(200, " \n"), final, unknown, invalidBody + "unexpected end of JSON input", 200, "", ""},
		"a success of null":                 {respond(200, `null`), final, unknown, invalidBody + "portal_session.id is missing", 200, "", ""},
		"a success that is only ok":         {respond(200, `{"ok":true}`), final, unknown, invalidBody + "portal_session.id is missing", 200, "", ""},
		"a success with an error":           {respond(200, conflictJSON), final, unknown, invalidBody + "an error of Chargebee's", 200, "", ""},
		"a session with an error":           {respond(200, `{"portal_session":{"id":"portal_1","customer_id":"cus_1"},"api_error_code":"internal_error"}`), final, unknown, invalidBody + "an error of Chargebee's", 200, "", ""},
		"a success that is not UTF-8":       {respond(200, `{"portal_session":{"id":"portal_1","customer_id":"`+"\xff"+`"}}`), final, unknown, invalidBody + "not UTF-8", 200, "", ""},
		"a success of something else":       {respond(200, `{"customer":{}}`), final, unknown, invalidBody + "portal_session.id is missing", 200, "", ""},
		"a success of another session":      {respond(200, `{"portal_session":{"id":"portal_2","customer_id":"cus_1"}}`), final, unknown, invalidBody + "portal_session.id is that of another session", 200, "", ""},
		"a success without a customer":      {respond(200, `{"portal_session":{"id":"portal_1","status":"activated"}}`), final, unknown, invalidBody + "portal_session.customer_id is missing", 200, "", ""},
		"a success of a null customer":      {respond(200, `{"portal_session":{"id":"portal_1","customer_id":null}}`), final, unknown, invalidBody + "portal_session.customer_id is missing", 200, "", ""},
		"a success of an empty customer":    {respond(200, `{"portal_session":{"id":"portal_1","customer_id":""}}`), final, unknown, invalidBody + "portal_session.customer_id is missing", 200, "", ""},
		"a success without any body":        {bare(200), final, unknown, invalidBody + "empty", 200, "", ""},
		"a 404 without any body":            {bare(404), final, known, apiError + "404 Not Found", 404, "", ""},
		"a response without any field":      {bare(0), final, known, apiError + "0", 0, "", ""},
		"a success that is too long":        {respond(200, strings.Repeat(" ", 1<<20+1)), final, unknown, invalidBody + "longer than 1 MiB", 200, "", "undecodable"},
		"a success that is cut off":         {cutOff(200, `{"portal_session":{"id":"por`), retried, unknown, noResponse + "unexpected EOF", 200, "", "connection"},
		"a success whose body stalls":       {stallInBody(200), retried, unknown, noResponse + "attempt timeout: context deadline exceeded: the connection was closed", 200, "", "attempt_timeout"},
		"an attempt timeout":                {stall, retried, unknown, noResponse + "context deadline exceeded: attempt timeout", 0, "", "attempt_timeout"},
		"a connection that is refused":      {failWith(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}), retried, known, notSent + "dial tcp: connection refused", 0, "", "connection"},
		"a name that does not resolve":      {failWith(&net.DNSError{Err: "no such host", Name: "acme-test.chargebee.com", IsNotFound: true}), retried, known, notSent + "lookup acme-test.chargebee.com: no such host", 0, "", "connection"},
		"a write that fails":                {failWith(&net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}), retried, unknown, noResponse + "write tcp: broken pipe", 0, "", "connection"},
		"an error that is not Retryable":    {failWith(fmt.Errorf("breaker: %w", openCircuitError(false))), final, unknown, noResponse + "breaker: the circuit is open", 0, "", "permanent"},
		"an error that is Retryable":        {failWith(openCircuitError(true)), retried, unknown, noResponse + "the circuit is open", 0, "", "connection"},
		"a connection that is closed":       {failWith(io.EOF), retried, unknown, noResponse + "EOF", 0, "", "connection"},
		"a closed connection, in url.Error": {failWith(&url.Error{Op: "Post", URL: "https://acme-test.chargebee.com", Err: io.EOF}), retried, unknown, noResponse + `Post "https://acme-test.chargebee.com": EOF`, 0, "", "connection"},
		"a timeout of the transport's own":  {failWith(context.DeadlineExceeded), retried, unknown, noResponse + "context deadline exceeded", 0, "", "deadline"},
		"any other error of a transport":    {failWith(errors.New("something else")), retried, unknown, noResponse + "something else", 0, "", "connection"},
		"an APIError of the transport":      {failWith(&chargebee.APIError{StatusCode: 404, Code: "made_up"}), retried, unknown, noResponse + "chargebee:  : 404 made_up", 0, "", "connection"},
		"neither a response nor an error":   {failWith(nil), retried, unknown, noResponse + "the transport returned neither a response nor an error", 0, "", "connection"},
		"an error that is a nil pointer":    {failWith((*pointerError)(nil)), retried, unknown, noResponse + "<nil>", 0, "", "connection"},
		"a certificate that is not valid":   {failWith(&tls.CertificateVerificationError{Err: errors.New("no")}), final, known, notSent + "tls: failed to verify certificate: no", 0, "", "permanent"},
		"an unknown authority":              {failWith(&url.Error{Op: "Post", URL: "https://proxy", Err: x509.UnknownAuthorityError{}}), final, known, notSent + `Post "https://proxy": x509: certificate signed by unknown authority`, 0, "", "permanent"},
		"a certificate of another host":     {failWith(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "acme-test.chargebee.com"}), final, known, notSent + "x509: certificate is not valid for any names, but wanted to match acme-test.chargebee.com", 0, "", "permanent"},
		"a certificate that has expired":    {failWith(x509.CertificateInvalidError{Reason: x509.Expired}), final, known, notSent + "x509: certificate has expired or is not yet valid: ", 0, "", "permanent"},
		"a certificate error with a token":  {failWith(&url.Error{Op: "Post", URL: "https://proxy/?token=tok_secret", Err: x509.UnknownAuthorityError{}}), final, known, notSent + `Post "https://proxy/?token=[redacted]": x509: certificate signed by unknown authority`, 0, "", "permanent"},
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
				sentKey := transport.onlyRequest(t).Header.Get("chargebee-idempotency-key")
				requireError(t, test.err+suffix(1, test.unknown, sentKey), err)
				key, unknown := chargebee.OutcomeUnknown(fmt.Errorf("validating the login: %w", err))
				require.Equal(t, test.unknown, unknown)
				require.Equal(t, map[bool]string{true: sentKey}[unknown], key)
				require.Error(t, transport.onlyRequest(t).Context().Err()) // it ends with the attempt
				require.Len(t, attempts, 1)
				require.Equal(t, []any{test.status, test.code, test.failure}, []any{attempts[0].StatusCode, attempts[0].Code, attempts[0].Failure})

				transport = newFakeTransport(test.first, respond(200, activatedJSON))
				resp, err = activate(t.Context(), newClient(t, transport))
				if !test.retried {
					sentKey = transport.onlyRequest(t).Header.Get("chargebee-idempotency-key")
					requireError(t, test.err+suffix(1, test.unknown, sentKey), err)
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
	refused := failWith(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})
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
		"429 to every attempt":                      {responders{respond(429, ``)}, 9, apiError + "429 Too Many Requests", 5, 429, known, ""},
		"429, then 404":                             {responders{respond(429, ``), respond(404, `{"api_error_code":"resource_not_found"}`)}, 9, apiError + "404 resource_not_found", 2, 404, known, " code=resource_not_found"},
		"429 with a long Retry-After":               {responders{respond(429, ``, "Retry-After", "3600")}, 9, apiError + "429 Too Many Requests", 1, 429, known, ""},
		"429 that leaves no time":                   {responders{respond(429, ``, "Retry-After", "50")}, 9, noSuccess + noTime + "429 Too Many Requests", 1, 429, known, " failure=deadline"},
		"429, then no response":                     {responders{respond(429, ``), failWith(io.EOF)}, 9, noSuccess + "EOF, after 429 Too Many Requests", 5, 429, unknown, " failure=connection"},
		"503 that leaves no time":                   {responders{respond(503, ``, "Retry-After", "50")}, 9, noSuccess + noTime + "503 Service Unavailable", 1, 503, unknown, " failure=deadline"},
		"503, then 429 that leaves no time":         {responders{respond(503, ``), respond(429, ``, "Retry-After", "50")}, 9, noSuccess + noTime + "429 Too Many Requests", 2, 429, unknown, " failure=deadline"},
		"503, 429, then 409":                        {responders{respond(503, ``), respond(429, ``), respond(409, conflictJSON)}, 9, apiError + "409 invalid_state_for_request: The session is activated", 3, 409, unknown, " code=invalid_state_for_request"},
		"502, 503, then no response":                {responders{respond(502, `<html>`), respond(503, temporaryJSON), failWith(io.ErrUnexpectedEOF)}, 9, noSuccess + "unexpected EOF, after 503 internal_temporary_error: try again", 5, 503, unknown, " code=internal_temporary_error failure=connection"},
		"503, then an untrusted certificate":        {responders{respond(503, ``), failWith(x509.UnknownAuthorityError{})}, 9, noSuccess + "x509: certificate signed by unknown authority, after 503 Service Unavailable", 2, 503, unknown, " failure=permanent"},
		"no response":                               {responders{failWith(io.EOF)}, 9, noResponse + "EOF", 5, 0, unknown, " failure=connection"},
		"no response, then 503":                     {responders{failWith(io.EOF), respond(502, `<html>`), respond(503, temporaryJSON)}, 9, apiError + "503 internal_temporary_error: try again", 5, 503, unknown, " code=internal_temporary_error"},
		"no response, then 429":                     {responders{failWith(io.EOF), respond(429, ``)}, 9, apiError + "429 Too Many Requests", 5, 429, unknown, ""},
		"no response, then 429 that leaves no time": {responders{failWith(io.EOF), respond(429, ``, "Retry-After", "50")}, 9, noSuccess + noTime + "429 Too Many Requests", 2, 429, unknown, " failure=deadline"},
		"no response, then 401":                     {responders{failWith(io.EOF), respond(401, ``)}, 9, apiError + "401 Unauthorized", 2, 401, unknown, ""},
		"no response, then maintenance":             {responders{failWith(io.EOF), respond(503, maintenanceJSON)}, 9, apiError + "503 site_not_ready", 2, 503, unknown, " code=site_not_ready"},
		"no response, then replayed 404":            {responders{failWith(io.EOF), respond(404, ``, replayed...)}, 9, apiError + "404 Not Found", 2, 404, known, ""},
		"no response, replayed 429, then 404":       {responders{failWith(io.EOF), respond(429, ``, replayed...), respond(404, ``)}, 9, apiError + "404 Not Found", 3, 404, known, ""},
		"never sent":                                {responders{refused}, 9, notSent + "dial tcp: connection refused", 5, 0, known, " failure=connection"},
		"never sent, then no response":              {responders{refused, failWith(io.EOF)}, 9, noResponse + "EOF", 5, 0, unknown, " failure=connection"},
		"no response, then never sent":              {responders{failWith(io.EOF), refused}, 9, noResponse + "dial tcp: connection refused", 5, 0, unknown, " failure=connection"},
		"never sent, then 404":                      {responders{refused, respond(404, ``)}, 9, apiError + "404 Not Found", 2, 404, known, ""},
		"never sent, and limiter's error":           {responders{refused}, 1, notSent + "limiter: full, after dial tcp: connection refused", 1, 0, known, " failure=limiter"},
		"in maintenance, after 408":                 {responders{respond(408, ``), respond(503, maintenanceJSON)}, 9, apiError + "503 site_not_ready", 2, 503, unknown, " code=site_not_ready"},
		"attempt timeouts":                          {responders{stall}, 9, noResponse + "context deadline exceeded: attempt timeout", 5, 0, unknown, " failure=attempt_timeout"},
		"attempt timeout, 429 that leaves no time":  {responders{stall, respond(429, ``, "Retry-After", "50")}, 9, noSuccess + noTime + "429 Too Many Requests", 2, 429, unknown, " failure=deadline"},
		"a success that cannot be decoded":          {responders{respond(200, `{}`)}, 9, invalidBody + "portal_session.id is missing", 1, 200, unknown, " failure=undecodable"},
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
				requireError(t, test.err+suffix(test.attempts, test.unknown, "login-1"), err)
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
				require.Equal(t, fmt.Sprintf("%sattempts=%d status=%d outcome_unknown=%t%s%s\n", failureRecord, test.attempts, test.status,
					test.unknown, test.log, map[bool]string{true: " idempotency_key=login-1"}[test.unknown]), records[len(records)-2])
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
		&chargebee.DecodeError{Response: chargebee.Response{StatusCode: 200, IdempotencyKey: "login-1"}}: "login-1",
		&chargebee.DecodeError{IdempotencyKey: "login-1"}:                                                "login-1",
		&chargebee.APIError{Method: "GET", StatusCode: 503, IdempotencyKey: "login-1"}:                   "",
		&chargebee.TransportError{Method: "GET", Attempts: 1, IdempotencyKey: "login-1"}:                 "",
		&chargebee.DecodeError{Method: "GET", IdempotencyKey: "login-1"}:                                 "",
	} {
		key, unknown := chargebee.OutcomeUnknown(err)
		require.Equal(t, want, key, err)
		require.Equal(t, want != "", unknown, err)
	}
}

func TestAnyOfJoinedErrorsDecides(t *testing.T) {
	t.Parallel()
	refused := &chargebee.APIError{StatusCode: 400, Code: "param_wrong_value", IdempotencyKey: "job-1"}
	open := &chargebee.APIError{StatusCode: 503, IdempotencyKey: "job-2"}
	lost := &chargebee.TransportError{Attempts: 1, IdempotencyKey: "job-3"}
	for name, test := range map[string]struct {
		err         error
		key         string // "" if the outcome is known
		unavailable bool
	}{
		"a refusal and a 503":               {errors.Join(refused, open), "job-2", true},
		"a 503 and a refusal":               {errors.Join(open, refused), "job-2", true},
		"a refusal and no response":         {errors.Join(refused, lost), "job-3", true},
		"two refusals":                      {errors.Join(refused, refused), "", false},
		"joined errors in one that wraps":   {fmt.Errorf("job: %w", errors.Join(io.EOF, fmt.Errorf("item: %w", open))), "job-2", true},
		"errors of others":                  {errors.Join(io.EOF, context.Canceled), "", false},
		"what a failure wraps itself":       {&chargebee.TransportError{Attempts: 0, Err: open}, "", true},
		"several that one error text wraps": {fmt.Errorf("%w, %w", refused, lost), "job-3", true},
	} {
		key, unknown := chargebee.OutcomeUnknown(test.err)
		require.Equal(t, []any{test.key, test.key != ""}, []any{key, unknown}, name)
		require.Equal(t, test.unavailable, chargebee.Unavailable(test.err), name)
	}
}

// Each error is that of a call, or one that a test of a user makes.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{
		302: true, 303: true, 400: false, 401: true, 402: false, 403: true, 404: false, 405: false, 408: true, 409: false, 422: false, 429: true,
		499: true, 500: true, 501: true, 502: true, 503: true, 504: true,
	} {
		_, err := activate(t.Context(), newClient(t, newFakeTransport(respond(status, `{"api_error_code":"a_code"}`)), noRetries))
		require.Equal(t, want, chargebee.Unavailable(err), status)
	}
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"nil":                        {nil, false},
		"an invalid argument":        {&chargebee.ParamError{Field: "token"}, false},
		"an error of others":         {io.EOF, false},
		"no response":                {&chargebee.TransportError{Attempts: 1}, true},
		"not sent":                   {&chargebee.TransportError{}, true},
		"a captive portal":           {&chargebee.DecodeError{Response: chargebee.Response{StatusCode: 200}}, true},
		"maintenance":                {&chargebee.APIError{StatusCode: 503, Code: chargebee.ErrSiteReadOnlyMode}, true},
		"a site that does not exist": {&chargebee.APIError{StatusCode: 404, Code: chargebee.ErrSiteNotFound}, true},
		"a key that is not accepted": {&chargebee.APIError{StatusCode: 401, Code: chargebee.ErrAPIAuthenticationFailed}, true},
		"a request in progress":      {&chargebee.APIError{StatusCode: 409, Code: chargebee.ErrInvalidStateForRequest, Message: "The previous request is still in progress"}, true},
		"a 409 with HTML":            {&chargebee.APIError{StatusCode: 409}, true},
		"a wrapped 500":              {fmt.Errorf("login: %w", &chargebee.APIError{StatusCode: 500}), true},
		"a GET without a response":   {&chargebee.TransportError{Method: "GET", Attempts: 1}, true},
	} {
		require.Equal(t, test.want, chargebee.Unavailable(test.err), name)
	}
}

// The transport is that of net/http, so that the client knows whether it sent anything.
func TestCallThatWasNeverSentHasAKnownOutcome(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	untrusted := httptest.NewUnstartedServer(nil)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	plain := httptest.NewServer(nil)
	t.Cleanup(plain.Close)
	wrapped := &http.Client{Transport: roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			err = errors.New("the wrapper says nothing of the reason")
		}
		return resp, err
	})}
	unresolved := chargebee.NewTransport()
	unresolved.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "acme-test.chargebee.com", IsNotFound: true}
	}
	broken := chargebee.NewTransport()
	broken.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route") }
	silent := chargebee.NewTransport()
	silent.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, errors.New("silence")
	}
	for name, opts := range map[string][]chargebee.ClientOption{
		"a refused connection":          {chargebee.WithBaseURL(closed.URL)},
		"a name that does not resolve":  {chargebee.WithHTTPClient(&http.Client{Transport: unresolved})},
		"an untrusted certificate":      {chargebee.WithBaseURL(untrusted.URL)},
		"a server that has no TLS":      {chargebee.WithBaseURL(strings.Replace(plain.URL, "http:", "https:", 1))},
		"a refused connection, wrapped": {chargebee.WithBaseURL(closed.URL), chargebee.WithHTTPClient(wrapped)},
		"a dialer that fails":           {chargebee.WithHTTPClient(&http.Client{Transport: broken})},
		"a dialer that does not return": {chargebee.WithHTTPClient(&http.Client{Transport: silent}), chargebee.WithAttemptTimeout(time.Millisecond)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := chargebee.NewClient("acme-test", "test_key", append(opts, noRetries)...)
			require.NoError(t, err)
			_, err = activate(t.Context(), client)
			var transportErr *chargebee.TransportError
			require.ErrorAs(t, err, &transportErr)
			require.Equal(t, 1, transportErr.Attempts)
			require.Contains(t, err.Error(), ": not sent: ")
			_, unknown := chargebee.OutcomeUnknown(err)
			require.False(t, unknown)
		})
	}
}

// nilErrors are nil pointers to errors whose methods panic.
var nilErrors = map[string]error{
	"net.OpError": (*net.OpError)(nil), "net.DNSError": (*net.DNSError)(nil), "url.Error": (*url.Error)(nil), "pointerError": (*pointerError)(nil),
	"APIError": (*chargebee.APIError)(nil), "TransportError": (*chargebee.TransportError)(nil), "DecodeError": (*chargebee.DecodeError)(nil),
}

func TestErrorsThatAreNilPointersDoNotPanic(t *testing.T) {
	t.Parallel()
	for name, nilErr := range nilErrors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, unknown := chargebee.OutcomeUnknown(errors.Join(io.EOF, nilErr))
			require.False(t, unknown)
			require.False(t, chargebee.Unavailable(nilErr))
			canceled, cancel := context.WithCancelCause(t.Context())
			cancel(nilErr)
			for _, test := range []struct {
				ctx       context.Context
				responder httpmock.Responder
				limiter   error
			}{
				{t.Context(), failWith(nilErr), nil},
				{t.Context(), respond(200, activatedJSON), nilErr},
				{t.Context(), respondBody(200, brokenReader{nilErr}), nil},
				{t.Context(), respondBody(404, brokenReader{nilErr}), nil},
				{canceled, respond(200, activatedJSON), nil},
			} {
				limiter := limiterFunc(func(context.Context) error { return test.limiter })
				if test.limiter == nil {
					limiter = func(context.Context) error { return nil }
				}
				_, err := activate(test.ctx, newClient(t, newFakeTransport(test.responder), noRetries, chargebee.WithLimiter(limiter)))
				require.Error(t, err)
				require.NotEmpty(t, err.Error())
				var transportErr *chargebee.TransportError
				if errors.As(err, &transportErr) {
					require.Error(t, transportErr.Err)
				}
			}
		})
	}
}

// Each wrapper sends a request of which the attempt does not know what became of it.
func TestRequestsThatAWrapperHidesAreNotTakenForNeverSent(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, wrap := range map[string]func(http.RoundTripper) http.RoundTripper{
		"it does not wait for the request": func(base http.RoundTripper) http.RoundTripper {
			return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
				dialing := make(chan struct{})
				detached := req.WithContext(httptrace.WithClientTrace(context.WithoutCancel(req.Context()), &httptrace.ClientTrace{
					GetConn: func(string) { close(dialing); <-t.Context().Done() },
				}))
				go func() { _, _ = base.RoundTrip(detached) }()
				<-dialing
				return nil, errors.New("bulkhead timeout")
			})
		},
		"its requests lose the context": func(base http.RoundTripper) http.RoundTripper {
			return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
				return base.RoundTrip(req.WithContext(context.Background()))
			})
		},
		"it sends nothing": func(http.RoundTripper) http.RoundTripper {
			return roundTripperFunc(func(*http.Request) (*http.Response, error) { return nil, &net.OpError{Op: "dial", Err: io.EOF} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := chargebee.NewClient("acme-test", "test_key", noRetries, chargebee.WithBaseURL(closed.URL), chargebee.WithTransportWrapper(wrap))
			require.NoError(t, err)
			_, err = activate(t.Context(), client)
			require.Error(t, err)
			_, unknown := chargebee.OutcomeUnknown(err)
			require.True(t, unknown)
		})
	}
}

// A transport wrapper that retries hides the first request, which was sent.
func TestCallThatAWrapperRepeatedIsNotTakenForNeverSent(t *testing.T) {
	t.Parallel()
	server, _ := newLoopbackServer(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	client, err := chargebee.NewClient("acme-test", "test_key", noRetries, chargebee.WithBaseURL(server),
		chargebee.WithTransportWrapper(func(base http.RoundTripper) http.RoundTripper {
			return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
				_, err := base.RoundTrip(req)
				require.Error(t, err)
				elsewhere := req.Clone(req.Context())
				elsewhere.URL.Host = "127.0.0.1:1" // where nobody listens
				return base.RoundTrip(elsewhere)
			})
		}))
	require.NoError(t, err)
	_, err = activate(t.Context(), client)
	require.ErrorContains(t, err, "dial tcp 127.0.0.1:1: ")
	_, unknown := chargebee.OutcomeUnknown(err)
	require.True(t, unknown)
}
