package chargebee_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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
		_, _ = io.WriteString(w, activatedJSON)
	})
	ctx := chargebee.ContextWithHeaders(t.Context(), chargebee.Headers{OriginUser: "zoë@exämple.com"})
	_, err := client.PortalSessions.ActivatePortalSession(ctx, "a/b c", chargebee.ActivatePortalSessionParams{Token: "tok+ secret"})
	require.NoError(t, err)
	require.Equal(t, []string{"/gateway/api/v2/portal_sessions/a%2Fb%20c/activate", "Basic dGVzdF9rZXk6", "em/Dq0BleMOkbXBsZS5jb20=", "19", "token=tok%2B+secret"}, received)
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
	const limit, errorLimit = 16 << 20, 64 << 10
	padded := activatedJSON + strings.Repeat(" ", limit+1-len(activatedJSON))
	atLimit := func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(padded[:limit])), ContentLength: 7}, nil // which is wrong
	}
	client := newClient(t, newFakeTransport(atLimit, respond(200, padded), respond(404, padded)))
	_, err := activate(t.Context(), client)
	require.NoError(t, err)

	_, err = activate(t.Context(), client)
	requireError(t, invalidBody+"longer than 16 MiB", err)
	var decodeErr *chargebee.DecodeError
	require.ErrorAs(t, err, &decodeErr)
	require.Len(t, decodeErr.Response.Body, limit)

	_, err = activate(t.Context(), client)
	requireError(t, apiError+"404 Not Found", err)
	var apiErr *chargebee.APIError
	require.ErrorAs(t, err, &apiErr)
	require.Len(t, apiErr.Body, errorLimit)
	require.NoError(t, errors.Unwrap(err)) // the body was not cut off
}

func TestCutOffErrorResponseKeepsItsBodyAndCause(t *testing.T) {
	t.Parallel()
	_, err := activate(t.Context(), newClient(t, newFakeTransport(respondCutOff(404, activatedJSON))))
	var apiErr *chargebee.APIError
	require.ErrorAs(t, err, &apiErr)
	require.Equal(t, activatedJSON, string(apiErr.Body))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
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
		"covers the body of an error":        {stallInBody(503), nil, nil, 30 * time.Second},
		"is that of the client":              {stall, fiveSeconds, nil, 5 * time.Second},
		"is that of the call":                {stall, fiveSeconds, []chargebee.CallOption{chargebee.WithAttemptTimeout(7 * time.Second)}, 7 * time.Second},
		"is the default if it is 0":          {stall, fiveSeconds, []chargebee.CallOption{chargebee.WithAttemptTimeout(0)}, 30 * time.Second},
		"is the HTTP client's if shorter":    {nil, ofHTTPClient(3 * time.Second), nil, 3 * time.Second},
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
		"expired in the body of a 404":         {expired, time.Second, stallInBody(404), time.Second, apiError + "404 Not Found", "", false},
		"expired in the body of a 503":         {expired, time.Second, stallInBody(503), time.Second, apiError + "503 Service Unavailable", "", false},
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
				_, err := activate(ctx, client)
				require.Equal(t, test.elapsed, time.Since(start))
				requireError(t, test.err, err)
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
