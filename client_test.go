package chargebee_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

var postCustomers = chargebee.Request{Method: http.MethodPost, Path: "/customers"}

func TestServerReceivesPathHeadersAndBody(t *testing.T) {
	t.Parallel()
	var received []string
	client, _ := newLoopbackClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received = []string{r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("chargebee-request-origin-user-encoded"), r.Header.Get("Content-Length"), string(body)}
		_, _ = io.WriteString(w, `{"portal_session":{"id":"portal 1","customer_id":"cus_1"}}`)
	})
	ctx := chargebee.ContextWithHeaders(t.Context(), chargebee.Headers{OriginUser: "zoë@exämple.com"})
	_, err := client.PortalSessions.ActivatePortalSession(ctx, "portal 1", chargebee.ActivatePortalSessionParams{Token: "tok+ secret"})
	require.NoError(t, err)
	require.Equal(t, []string{"/gateway/api/v2/portal_sessions/portal%201/activate", "Basic dGVzdF9rZXk6", "em/Dq0BleMOkbXBsZS5jb20=", "19", "token=tok%2B+secret"}, received)
}

func TestManyGoroutinesShareAClient(t *testing.T) {
	t.Parallel()
	client, _ := newLoopbackClient(t, func(w http.ResponseWriter, r *http.Request) {
		token := r.FormValue("token")
		if r.Header.Get("Chargebee-Request-Origin-Device") != token || r.Header.Get("X-Own") != token || r.Header.Get("X-C") != "3" {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = io.WriteString(w, activatedJSON)
	}, chargebee.WithHeader("X-A", "1"), chargebee.WithHeader("X-B", "2"), chargebee.WithHeader("X-C", "3"))
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			device := fmt.Sprintf("device-%d", i)
			for range 10 {
				_, err := client.PortalSessions.ActivatePortalSession(t.Context(), "portal_1",
					chargebee.ActivatePortalSessionParams{Token: device},
					chargebee.WithHeaders(chargebee.Headers{OriginDevice: device}), chargebee.WithHeader("X-Own", device))
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

func TestResponseDescribesTheCall(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("~", 100) // the longest
	transport := newFakeTransport(respond(200, activatedJSON, "Chargebee-Idempotency-Replayed", "true", "X-Other", "x"))
	resp, err := activate(t.Context(), newClient(t, transport), chargebee.WithIdempotencyKey(key))
	require.NoError(t, err)
	header := http.Header{"Chargebee-Idempotency-Replayed": {"true"}, "X-Other": {"x"}}
	require.Equal(t, chargebee.Response{StatusCode: 200, Header: header, Body: []byte(activatedJSON), Attempts: 1, IdempotencyKey: key, IdempotencyReplayed: true}, resp.Response)
}

func TestDo(t *testing.T) {
	t.Parallel()
	const customer = `{"customer":{"id":"cus_1"}}`
	noBody := func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 204, Header: http.Header{"Chargebee-Idempotency-Replayed": {"true"}}}, nil
	}
	client := newClient(t, newFakeTransport(respond(201, customer), respond(299, customer, "Chargebee-Idempotency-Replayed", "false"),
		noBody, respond(204, ``), respond(404, `{}`)))
	var result struct{ Customer struct{ ID string } }
	resp, err := client.Do(t.Context(), postCustomers, &result)
	require.NoError(t, err)
	require.Equal(t, "cus_1", result.Customer.ID)
	require.Equal(t, 201, resp.StatusCode)

	resp, err = client.Do(t.Context(), postCustomers, nil) // without a result, the body is for the caller
	require.NoError(t, err)
	require.Equal(t, []any{299, customer, false}, []any{resp.StatusCode, string(resp.Body), resp.IdempotencyReplayed})

	resp, err = client.Do(t.Context(), postCustomers, nil) // without a result, there need not be a body
	require.NoError(t, err)
	require.Equal(t, []any{204, true}, []any{resp.StatusCode, resp.IdempotencyReplayed})

	for range 2 {
		resp, err = client.Do(t.Context(), postCustomers, &result)
		require.Error(t, err)
		require.Nil(t, resp)
	}
}

func TestDoDoesNotChangeItsOptions(t *testing.T) {
	t.Parallel()
	opts := append(make([]chargebee.CallOption, 0, 2), chargebee.WithHeader("X-Team", "billing"))
	_, err := newClient(t, newFakeTransport(respond(200, `{}`))).Do(t.Context(), postCustomers, struct{}{}, opts...)
	require.EqualError(t, err, "chargebee: result must be nil or a pointer")
	require.Nil(t, opts[:2][1])
}

func TestBodiesAreReadUpToALimit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limit int
		body  string
		call  func(*chargebee.Client) error
	}{
		"of a resource": {1 << 20, activatedJSON, func(client *chargebee.Client) error {
			_, err := activate(t.Context(), client)
			return err
		}},
		"of a list": {16 << 20, emptyListJSON, func(client *chargebee.Client) error {
			_, err := upsert(t.Context(), client)
			return err
		}},
		"of any other operation": {16 << 20, emptyListJSON, func(client *chargebee.Client) error {
			_, err := client.Do(t.Context(), postCustomers, nil)
			return err
		}},
	} {
		padded := test.body + strings.Repeat(" ", test.limit+1-len(test.body))
		atLimit := func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(padded[:test.limit])), ContentLength: 7}, nil // which is wrong
		}
		client := newClient(t, newFakeTransport(atLimit, respond(200, padded), respond(404, padded)))
		require.NoError(t, test.call(client), name)

		var decodeErr *chargebee.DecodeError
		require.ErrorAs(t, test.call(client), &decodeErr, name)
		require.EqualError(t, decodeErr.Err, fmt.Sprintf("longer than %d MiB", test.limit>>20))
		require.Len(t, decodeErr.Response.Body, test.limit)

		err := test.call(client)
		var apiErr *chargebee.APIError
		require.ErrorAs(t, err, &apiErr, name)
		require.Len(t, apiErr.Body, 64<<10)
		require.NoError(t, errors.Unwrap(err)) // the body was not cut off
	}
}

func TestContentLengthMayBeWrong(t *testing.T) {
	t.Parallel()
	for _, length := range []int64{-1, 0, 1, 2, 10, 1 << 20, 1<<20 + 1, 1 << 62} {
		resp, err := activate(t.Context(), newClient(t, roundTripperFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, ContentLength: length, Body: io.NopCloser(strings.NewReader(activatedJSON))}, nil
		})))
		require.NoError(t, err, length)
		require.Equal(t, activatedJSON, string(resp.Body), length)
	}
}

func TestErrorBodyThatStallsIsReadForASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := func(req *http.Request) (*http.Response, error) {
			body := io.MultiReader(strings.NewReader(`{"message":"wr`), stalledReader{req.Context()})
			return respondBody(400, body)(req)
		}
		start := time.Now()
		_, err := activate(t.Context(), newClient(t, newFakeTransport(first)))
		requireError(t, apiError+"400 Bad Request", err)
		require.Equal(t, time.Second, time.Since(start))
		require.EqualError(t, errors.Unwrap(err), "the body did not arrive in time")
		require.NotErrorIs(t, err, context.Canceled) // nobody canceled the call
		var apiErr *chargebee.APIError
		require.ErrorAs(t, err, &apiErr)
		require.Equal(t, `{"message":"wr`, string(apiErr.Body))

		start = time.Now()
		padding := strings.Repeat(" ", 64<<10)
		_, err = activate(t.Context(), newClient(t, newFakeTransport(func(req *http.Request) (*http.Response, error) {
			return respondBody(404, io.MultiReader(strings.NewReader(padding), stalledReader{req.Context()}))(req)
		})))
		requireError(t, apiError+"404 Not Found", err)
		require.Equal(t, time.Second, time.Since(start)) // for the rest, so that the connection can be reused
	})
}

func TestCutOffErrorResponseKeepsItsBodyAndCause(t *testing.T) {
	t.Parallel()
	_, err := activate(t.Context(), newClient(t, newFakeTransport(respondCutOff(404, activatedJSON))))
	var apiErr *chargebee.APIError
	require.ErrorAs(t, err, &apiErr)
	require.Equal(t, activatedJSON, string(apiErr.Body))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// endingReader ends a context when it is read. It has a number of bytes.
type endingReader struct {
	end    func()
	length int
}

func (r *endingReader) Read(p []byte) (int, error) {
	r.end()
	n := min(len(p), r.length)
	r.length -= n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestContextThatEndsAfterAnErrorResponseIsNotItsCause(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 100, 1 << 20} { // the last is longer than what is read
		ctx, cancel := context.WithCancel(t.Context())
		_, err := activate(ctx, newClient(t, newFakeTransport(respondBody(404, &endingReader{cancel, length}))))
		requireError(t, apiError+"404 Not Found", err)
		require.NotErrorIs(t, err, context.Canceled)
	}
}

func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	fiveSeconds := []chargebee.ClientOption{chargebee.WithAttemptTimeout(5 * time.Second)}
	ofHTTPClient := func(timeout time.Duration) []chargebee.ClientOption {
		return []chargebee.ClientOption{chargebee.WithHTTPClient(&http.Client{Transport: newFakeTransport(stall), Timeout: timeout})}
	}
	for name, test := range map[string]struct {
		responder httpmock.Responder
		client    []chargebee.ClientOption
		call      []chargebee.CallOption
		want      time.Duration
	}{
		"is 30 seconds by default":           {stall, nil, nil, 30 * time.Second},
		"covers the body of a success":       {stallInBody(200), nil, nil, 30 * time.Second},
		"covers the body of an error":        {stallInBody(503), []chargebee.ClientOption{chargebee.WithAttemptTimeout(time.Second / 2)}, nil, time.Second / 2},
		"is that of the client":              {stall, fiveSeconds, nil, 5 * time.Second},
		"is that of the call":                {stall, fiveSeconds, []chargebee.CallOption{chargebee.WithAttemptTimeout(7 * time.Second)}, 7 * time.Second},
		"is the default if it is 0":          {stall, fiveSeconds, []chargebee.CallOption{chargebee.WithAttemptTimeout(0)}, 30 * time.Second},
		"is the HTTP client's if shorter":    {nil, ofHTTPClient(3 * time.Second), nil, 3 * time.Second},
		"is the HTTP client's of 1 ns":       {nil, ofHTTPClient(1), nil, 1},
		"is not the HTTP client's if longer": {nil, ofHTTPClient(time.Minute), nil, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, newFakeTransport(test.responder), append(test.client, noRetries)...)
				start := time.Now()
				_, err := activate(t.Context(), client, test.call...)
				require.Equal(t, test.want, time.Since(start))
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		})
	}
}

func TestContextEndsTheCall(t *testing.T) {
	t.Parallel()
	canceled, expired := context.Canceled, context.DeadlineExceeded
	reason := errors.New("the user went away")
	late := func(req *http.Request) (*http.Response, error) { // notices the attempt timeout after two seconds
		<-req.Context().Done()
		time.Sleep(2 * time.Second)
		return nil, context.DeadlineExceeded
	}
	slow := func(req *http.Request) (*http.Response, error) {
		time.Sleep(2 * time.Second)
		return respond(503, temporaryJSON)(req)
	}
	for name, test := range map[string]struct {
		end     error // of the context
		after   time.Duration
		first   httpmock.Responder
		elapsed time.Duration
		err     string
		failure string // of the attempt
		retries bool   // the attempt was not to be the last
	}{
		"canceled without a response":          {canceled, time.Second, stall, time.Second, noResponse + "context canceled: the user went away", "canceled", false},
		"expired without a response":           {expired, time.Second, stall, time.Second, noResponse + "context deadline exceeded: the user went away", "deadline", false},
		"expired in the body of a success":     {expired, time.Second, stallInBody(200), time.Second, noResponse + "the user went away: context deadline exceeded: the connection was closed", "deadline", false},
		"expired in the body of a 404":         {expired, time.Second / 2, stallInBody(404), time.Second / 2, apiError + "404 Not Found", "", false},
		"expired in the body of a 503":         {expired, time.Second / 2, stallInBody(503), time.Second / 2, apiError + "503 Service Unavailable", "", false},
		"canceled during a response":           {canceled, time.Second, slow, 2 * time.Second, noSuccess + "the user went away: context canceled, after 503 internal_temporary_error: try again", "", false},
		"expired during a response":            {expired, time.Second, slow, 2 * time.Second, noSuccess + "the user went away: context deadline exceeded, after 503 internal_temporary_error: try again", "", false},
		"expired during an attempt timeout":    {expired, 31 * time.Second, late, 32 * time.Second, noResponse + "the user went away: context deadline exceeded, after attempt timeout: context deadline exceeded", "attempt_timeout", false},
		"canceled in a wait after a response":  {canceled, 1, respond(503, temporaryJSON), 1, noSuccess + "the user went away: context canceled, after 503 internal_temporary_error: try again", "", true},
		"canceled in a wait after no response": {canceled, 1, failWith(io.EOF), 1, noResponse + "the user went away: context canceled, after EOF", "connection", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithTimeoutCause(t.Context(), test.after, reason)
				defer stop()
				if errors.Is(test.end, canceled) {
					var cancel context.CancelCauseFunc
					ctx, cancel = context.WithCancelCause(t.Context())
					time.AfterFunc(test.after, func() { cancel(reason) })
				}
				var attempt chargebee.Attempt
				transport := newFakeTransport(test.first)
				client := newClient(t, transport, chargebee.WithRetry(chargebee.Retry{BaseDelay: time.Hour, MaxDelay: time.Hour}),
					chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) { attempt = a }))
				start := time.Now()
				_, err := activate(ctx, client, chargebee.WithIdempotencyKey("login-1"))
				require.Equal(t, test.elapsed, time.Since(start))
				requireError(t, test.err+suffix(1, !strings.Contains(test.err, "404"), "login-1"), err)
				require.ErrorIs(t, err, test.end)
				require.ErrorIs(t, err, reason)
				require.Len(t, transport.requests, 1)
				require.Equal(t, test.failure, attempt.Failure)
				require.Equal(t, test.retries, attempt.RetryIn > 0)
			})
		})
	}
}

// In an errgroup the error of one call is the cause that cancels the others.
func TestErrorOfAnotherCallAsCauseIsNotTheErrorOfThisCall(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{
		"an API error":      &chargebee.APIError{StatusCode: 404, Code: chargebee.ErrResourceNotFound, IdempotencyKey: "key-of-another"},
		"a 503":             fmt.Errorf("another: %w", &chargebee.APIError{StatusCode: 503, IdempotencyKey: "key-of-another"}),
		"a transport error": &chargebee.TransportError{Attempts: 3, IdempotencyKey: "key-of-another", Err: io.EOF},
		"a certificate":     &chargebee.TransportError{Attempts: 1, Err: x509.UnknownAuthorityError{}},
		"a deadline":        &chargebee.TransportError{Attempts: 1, Err: context.DeadlineExceeded},
		"a decode error":    &chargebee.DecodeError{Response: chargebee.Response{StatusCode: 200}, Err: io.EOF},
		"a param error":     &chargebee.ParamError{Field: "token", Reason: "must not be empty"},
		"a code":            chargebee.ErrResourceNotFound,
		"a type":            chargebee.ErrTypeInvalidRequest,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(cause)
			var log bytes.Buffer
			client := newClient(t, newFakeTransport(respond(200, activatedJSON)), chargebee.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			_, err := activate(ctx, client, chargebee.WithIdempotencyKey("key-of-this"))
			requireError(t, notSent+fmt.Sprint(cause)+": context canceled", err)
			_, unknown := chargebee.OutcomeUnknown(err)
			require.False(t, unknown)
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, chargebee.ErrResourceNotFound)
			require.NotErrorIs(t, err, chargebee.ErrTypeInvalidRequest)
			for _, target := range []any{new(*chargebee.APIError), new(*chargebee.DecodeError), new(*chargebee.ParamError)} {
				require.NotErrorAs(t, err, target)
			}
			var transportErr *chargebee.TransportError
			require.ErrorAs(t, err, &transportErr)
			require.Equal(t, "key-of-this", transportErr.IdempotencyKey)
			require.NotErrorAs(t, transportErr.Err, new(*chargebee.TransportError))
			require.Contains(t, log.String(), "attempts=0 status=0 outcome_unknown=false failure=canceled\n")
			if name == "an API error" || name == "a transport error" {
				require.ErrorIs(t, err, cause)
			}
		})
	}
}

func TestCauseThatMatchesTheResponseDoesNotHideTheCancellation(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := activate(ctx, newClient(t, roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		cancel(chargebee.ErrInternalTemporaryError)
		return respond(503, temporaryJSON)(req)
	})))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, chargebee.ErrInternalTemporaryError)
}

// Each response is a success of which nobody can tell that Chargebee sent it.
func TestSuccessThatMayNotBeChargebeesIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	var customer struct{ Customer struct{ ID string } }
	for name, test := range map[string]struct {
		status int
		body   string
		result any
		reason string // "": it is accepted
	}{
		"a firewall's challenge":            {202, ``, nil, "empty"},
		"a 200 without a body":              {200, ``, nil, "empty"},
		"a 204":                             {204, ``, nil, ""},
		"a 204 where a result is requested": {204, ``, &customer, "empty"},
		"a 204 with a body":                 {204, `{"ok":true}`, nil, "neither a resource nor a list"},
		"a captive portal":                  {200, `<html>log in</html>`, nil, "invalid character '<' looking for beginning of value"},
		"white space":                       {200, " \n", nil, "unexpected end of JSON input"},
		"null":                              {200, `null`, nil, "not a JSON object"},
		"null where a result is requested":  {200, `null`, &customer, "not a JSON object"},
		"a list":                            {200, `[]`, nil, "json: cannot unmarshal array into Go value of type struct { Code *json.RawMessage \"json:\\\"api_error_code\\\"\" }"},
		"only ok":                           {200, `{"ok":true}`, nil, "neither a resource nor a list"},
		"only scalars":                      {200, `{"a":"{","b":[1][0]`, nil, "invalid character '[' after object key:value pair"},
		"an error":                          {200, conflictJSON, nil, "an error of Chargebee's"},
		"an error for a result":             {200, conflictJSON, &customer, "an error of Chargebee's"},
		"JSON after a byte order mark":      {200, "\ufeff" + `{"customer":{}}`, nil, "invalid character 'ï' looking for beginning of value"},
		"a resource":                        {200, `{"customer":{"id":"zoe"}}`, nil, ""},
		"a resource after a number":         {200, `{"a":1,"customer":{"id":"zoe"}}`, nil, ""},
		"a list of resources":               {200, `{"list":[]}`, nil, ""},
		"an empty object":                   {200, `{}`, nil, ""},
		"scalars for a result":              {200, `{"success":true}`, &customer, ""},
		"a code that is no text":            {200, `{"api_error_code":{}}`, nil, "an error of Chargebee's"},
		"a code that is null":               {200, `{"api_error_code":null,"list":[]}`, nil, ""},
		"not UTF-8":                         {200, "{\"a\":{\"b\":\"\xff\"}}", nil, "not UTF-8"},
		"a resource after 99 scalars":       {200, "{" + strings.Repeat(`"a":1,`, 99) + `"b":{}}`, nil, ""},
		"a resource after 100 scalars":      {200, "{" + strings.Repeat(`"a":1,`, 100) + `"b":{}}`, nil, "neither a resource nor a list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := newFakeTransport(respond(test.status, test.body))
			_, err := newClient(t, transport).Do(t.Context(), postCustomers, test.result, chargebee.WithIdempotencyKey("job-17"))
			transport.onlyRequest(t)
			if test.reason == "" {
				require.NoError(t, err)
				return
			}
			var decodeErr *chargebee.DecodeError
			require.ErrorAs(t, err, &decodeErr)
			require.EqualError(t, decodeErr.Err, test.reason)
			key, unknown := chargebee.OutcomeUnknown(err)
			require.Equal(t, []any{"job-17", true}, []any{key, unknown})
		})
	}
}

// late is a result that takes longer to decode than the context allows.
type late struct{ end func() }

func (l *late) UnmarshalJSON([]byte) error {
	l.end()
	return nil
}

func TestResponseThatIsDecodedAfterTheContextHasEndedIsNoSuccess(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	errGone := errors.New("the user went away")
	client := newClient(t, newFakeTransport(respond(200, `{"customer":{}}`)))
	resp, err := client.Do(ctx, postCustomers, &late{func() { cancel(errGone) }}, chargebee.WithIdempotencyKey("job-17"))
	require.Nil(t, resp)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, errGone)
	require.EqualError(t, err, "chargebee: POST /customers: no response: the user went away: context canceled: "+
		"the response was not decoded in time (outcome unknown, idempotency key job-17)")
	key, unknown := chargebee.OutcomeUnknown(err)
	require.Equal(t, []any{"job-17", true}, []any{key, unknown})

	synctest.Test(t, func(t *testing.T) {
		var end context.CancelFunc
		transport := newFakeTransport(respond(503, temporaryJSON), func(req *http.Request) (*http.Response, error) {
			end()
			return respond(200, activatedJSON)(req)
		})
		ctx, cancel := context.WithCancel(t.Context())
		end = cancel
		_, err := activate(ctx, newClient(t, transport))
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, chargebee.ErrInternalTemporaryError) // of the attempt before
	})

	ctx, end := context.WithCancel(t.Context())
	_, err = upsert(ctx, newClient(t, roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		end()
		const entry = `{"item_entitlement":{"id":"ent_1"}}`
		return respond(200, `{"list":[`+strings.Repeat(entry+",", 10_000)+entry+`]}`)(req) // a long list checks the context
	})))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "the response was not decoded in time")
}

// Each body is the worst of its kind. A list of empty objects, for example, is short, but its entries are long.
func TestMemoryOfAResponseIsBounded(t *testing.T) {
	fill := func(start, entry, end string, size int) string {
		return start + strings.Repeat(entry, (size-len(start)-len(end))/len(entry)) + end
	}
	activation := func(client *chargebee.Client) error {
		_, err := activate(t.Context(), client)
		return err
	}
	list := func(client *chargebee.Client) error {
		_, err := upsert(t.Context(), client)
		return err
	}
	feature := func(client *chargebee.Client) error {
		_, err := client.Features.RetrieveFeature(t.Context(), "seats")
		return err
	}
	features := func(client *chargebee.Client) error {
		_, err := client.Features.ListFeatures(t.Context(), chargebee.ListFeaturesParams{})
		return err
	}
	levels := fill(`{"feature":{"id":"seats","levels":[{}`, `,{}`, `]}}`, 1<<20)
	for name, test := range map[string]struct {
		status int
		body   string
		call   func(*chargebee.Client) error
	}{
		"levels of a feature":       {200, levels, feature},
		"fewer levels of a feature": {200, fill(`{"feature":{"id":"seats","levels":[{}`, `,{}`, `]}}`, 600_000), feature},
		"levels of features":        {200, `{"list":[` + levels + strings.Repeat(","+levels, 14) + `]}`, features},
		"fewer levels of features":  {200, fill(`{"list":[`+strings.Repeat(" ", 15<<20)+`{"feature":{"id":"seats","levels":[{}`, `,{}`, `]}}]}`, 15<<20+590_000), features},
		"a short list of features":  {200, fill(`{"list":[{"feature":{"id":"seats","levels":[{}`, `,{}`, `]}}]}`, 192<<10), features},
		"linked customers":          {200, fill(`{"portal_session":{"id":"portal_1","customer_id":"cus_1","linked_customers":[{}`, `,{}`, `]}}`, 16<<20), activation},
		"fewer linked customers":    {200, fill(`{"portal_session":{"id":"portal_1","customer_id":"cus_1","linked_customers":[{}`, `,{}`, `]}}`, 1<<20), activation},
		"as many as allowed":        {200, fill(`{"portal_session":{"id":"portal_1","customer_id":"cus_1","linked_customers":[{}`, `,{}`, `]}}`, 300_000), activation},
		"fewer numbers":             {200, fill(`{"list":[1`, `,1`, `]}`, 192<<10), list},
		"entries without an id":     {200, fill(`{"list":[{}`, `,{}`, `]}`, 16<<20), list},
		"entries that are numbers":  {200, fill(`{"list":[1`, `,1`, `]}`, 16<<20), list},
		"a member":                  {200, fill(`{"a":"`, "a", `","list":[]}`, 16<<20), list},
		"an entry":                  {200, fill(`{"list":[{"item_entitlement":{"id":"`, "a", `"}}]}`, 16<<20), list},
		"text that is not UTF-8":    {200, fill(`{"list":[{"item_entitlement":{"id":"`, "\xff", `"}}]}`, 16<<20), list},
		"escaped text":              {200, fill(`{"portal_session":{"id":"portal_1","customer_id":"`, `\u0001`, `"}}`, 1<<20), activation},
		"members":                   {200, fill(`{"a":1`, `,"a":1`, `}`, 16<<20), list},
		"nested lists":              {200, fill(`{"a":[[]`, `,[]`, `],"list":[]}`, 16<<20), list},
		"short entries":             {200, fill(`{"list":[{"item_entitlement":{"id":"a"}}`, `,{"item_entitlement":{"id":"a"}}`, `]}`, 16<<20), list},
		"an error":                  {400, fill(`{"param":["a"`, `,"a"`, `]}`, 16<<20), activation},
	} {
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		_, _ = io.WriteString(w, test.body)
		_ = w.Close()
		client, _ := newLoopbackClient(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(test.status)
			_, _ = w.Write(zipped.Bytes())
		})
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := test.call(client)
		runtime.ReadMemStats(&after)
		allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
		t.Logf("%s: %d MiB allocated, %v", name, allocated, err != nil)
		require.Less(t, allocated, uint64(64), name)
	}
}
