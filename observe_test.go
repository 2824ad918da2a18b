package chargebee_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// How the log records of an activation begin.
const (
	attemptRecord = `level=DEBUG msg="chargebee attempt" method=POST route=` + activateRoute + ` `
	retryRecord   = `level=WARN msg="chargebee retry" method=POST route=` + activateRoute + ` `
	failureRecord = `level=WARN msg="chargebee call failed" method=POST route=` + activateRoute + ` `
)

// withoutTime removes from a record what is random or depends on the clock.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.TimeKey:
		return slog.Attr{}
	case "retry_in":
		return slog.Bool(a.Key, a.Value.Duration() > 0)
	}
	return a
}

func TestLimiterIsCalledBeforeEveryAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls []time.Time
		transport := newFakeTransport(respond(503, ``), failWith(io.EOF), respond(200, activatedJSON))
		_, err := activate(t.Context(), newClient(t, transport, chargebee.WithLimiter(limiterFunc(func(context.Context) error {
			calls = append(calls, time.Now())
			time.Sleep(time.Minute)
			return nil
		}))))
		require.NoError(t, err)
		require.Len(t, calls, 3)
		for i, request := range transport.requests {
			require.Equal(t, time.Minute, request.at.Sub(calls[i])) // so the backoff comes first
		}
		for _, wait := range transport.waits() {
			require.Greater(t, wait, time.Minute)
		}
	})
}

func TestLimiterGetsTheContextOfTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var log bytes.Buffer
		transport := newFakeTransport(respond(200, activatedJSON))
		_, err := activate(ctx, newClient(t, transport, chargebee.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
			chargebee.WithLimiter(limiterFunc(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }))))
		requireError(t, notSent+"limiter: context deadline exceeded", err)
		require.Contains(t, log.String(), "failure=deadline\n")
		require.Empty(t, transport.requests)
	})
}

func TestLimiterAndTransportAreNotCalledOnceTheContextIsDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		transport := newFakeTransport(respond(503, temporaryJSON))
		client := newClient(t, transport, chargebee.WithLimiter(limiterFunc(func(context.Context) error {
			if calls++; calls == 2 {
				cancel() // without an error
			}
			return nil
		})))
		_, err := activate(ctx, client, chargebee.WithIdempotencyKey("login-1"))
		requireError(t, noSuccess+"context canceled, after 503 internal_temporary_error: try again"+suffix(1, true, "login-1"), err)
		for range 64 { // because a select chooses at random
			_, err := activate(ctx, client)
			requireError(t, notSent+"context canceled", err)
		}
		require.Equal(t, 2, calls)
		require.Len(t, transport.requests, 1)
	})
}

func TestObserverReportsEveryAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var attempts []chargebee.Attempt
		slowly := func(next httpmock.Responder) httpmock.Responder {
			return func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return next(req)
			}
		}
		transport := newFakeTransport(slowly(respond(503, temporaryJSON)), slowly(failWith(io.EOF)), slowly(respond(404, ``)),
			slowly(respond(200, activatedJSON)))
		client := newClient(t, transport, chargebee.WithObserver(func(ctx context.Context, a chargebee.Attempt) {
			require.Equal(t, "login-1", ctx.Value(callKey{}))
			attempts = append(attempts, a)
		}))
		ctx := context.WithValue(t.Context(), callKey{}, "login-1")
		_, notFound := activate(ctx, client, chargebee.WithIdempotencyKey("login-1"))
		_, err := activate(ctx, client)
		require.NoError(t, err)

		require.Len(t, attempts, 4)
		requireError(t, apiError+"503 internal_temporary_error: try again"+suffix(1, true, "login-1"), attempts[0].Err)
		requireError(t, noResponse+"EOF"+suffix(2, true, "login-1"), attempts[1].Err) // without the previous error
		waits := transport.waits()
		require.Equal(t, []chargebee.Attempt{
			{Method: "POST", Route: activateRoute, Number: 1, StatusCode: 503, Err: attempts[0].Err, Code: "internal_temporary_error", Duration: time.Second, RetryIn: waits[0] - time.Second},
			{Method: "POST", Route: activateRoute, Number: 2, StatusCode: 0, Err: attempts[1].Err, Failure: "connection", Duration: time.Second, RetryIn: waits[1] - time.Second},
			{Method: "POST", Route: activateRoute, Number: 3, StatusCode: 404, Err: notFound, Duration: time.Second},
			{Method: "POST", Route: activateRoute, Number: 1, StatusCode: 200, Duration: time.Second},
		}, attempts)
		require.Positive(t, attempts[0].RetryIn)
		require.Positive(t, attempts[1].RetryIn)
	})
}

func TestObserverReportsOnlyTextThatLooksLikeACode(t *testing.T) {
	t.Parallel()
	for sent, reported := range map[string]chargebee.ErrorCode{
		"a_code_of_next_year":        "a_code_of_next_year",
		"azAZ_09":                    "azAZ_09",
		"ERROR_INSUFFICIENT_BALANCE": "ERROR_INSUFFICIENT_BALANCE",
		"zoë@exämple.com":            "",
		"zoe smith":                  "",
		"a-code":                     "",
		strings.Repeat("a", 100):     chargebee.ErrorCode(strings.Repeat("a", 100)),
		strings.Repeat("a", 101):     "",
	} {
		var attempt chargebee.Attempt
		client := newClient(t, newFakeTransport(respond(400, `{"api_error_code":"`+sent+`"}`)),
			chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) { attempt = a }))
		_, err := activate(t.Context(), client)
		require.ErrorIs(t, err, chargebee.ErrorCode(sent))
		require.Equal(t, reported, attempt.Code)
		require.Empty(t, attempt.Failure)
	}
}

type callKey struct{}

// callHandler handles only records with the context of a call.
type callHandler struct{ slog.Handler }

func (h callHandler) Handle(ctx context.Context, r slog.Record) error {
	if ctx.Value(callKey{}) == nil {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func TestLogRecords(t *testing.T) {
	t.Parallel()
	const code503 = "attempt=1 status=503 duration=0s code=internal_temporary_error"
	records := func(lines ...string) string { return strings.Join(lines, "\n") + "\n" }
	for name, test := range map[string]struct {
		level      slog.Level
		responders []httpmock.Responder
		want       string
	}{
		"of a success": {slog.LevelDebug, []httpmock.Responder{respond(200, secretSession)}, records(attemptRecord + "attempt=1 status=200 duration=0s")},
		"of a retry that succeeds, at info level": {slog.LevelInfo, []httpmock.Responder{respond(503, temporaryJSON), respond(200, secretSession)}, records(retryRecord + code503 + " retry_in=true")},
		"of a 404": {slog.LevelDebug, []httpmock.Responder{respond(404, `{"message":"no portal_1 of zoe@example.com","api_error_code":"resource_not_found"}`)}, records(
			attemptRecord+"attempt=1 status=404 duration=0s code=resource_not_found",
			failureRecord+"attempts=1 status=404 outcome_unknown=false code=resource_not_found")},
		"of a text that does not look like a code": {slog.LevelDebug, []httpmock.Responder{respond(400, `{"api_error_code":"zoe@example.com"}`)}, records(
			attemptRecord+"attempt=1 status=400 duration=0s",
			failureRecord+"attempts=1 status=400 outcome_unknown=false")},
		"of a retry that succeeds": {slog.LevelDebug, []httpmock.Responder{respond(503, temporaryJSON), respond(200, secretSession)}, records(
			attemptRecord+code503,
			retryRecord+code503+" retry_in=true",
			attemptRecord+"attempt=2 status=200 duration=0s")},
		"of retries that fail": {slog.LevelDebug, []httpmock.Responder{failWith(errors.New("dialing for zoe@example.com")), stall, respondCutOff(200, secretSession), respond(404, ``)}, records(
			attemptRecord+"attempt=1 status=0 duration=0s failure=connection",
			retryRecord+"attempt=1 status=0 duration=0s failure=connection retry_in=true",
			attemptRecord+"attempt=2 status=0 duration=30s failure=attempt_timeout",
			retryRecord+"attempt=2 status=0 duration=30s failure=attempt_timeout retry_in=true",
			attemptRecord+"attempt=3 status=200 duration=0s failure=connection",
			retryRecord+"attempt=3 status=200 duration=0s failure=connection retry_in=true",
			attemptRecord+"attempt=4 status=404 duration=0s",
			failureRecord+"attempts=4 status=404 outcome_unknown=true idempotency_key=login-1")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				handler := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: test.level, ReplaceAttr: withoutTime})
				client := newClient(t, newFakeTransport(test.responders...), chargebee.WithLogger(slog.New(callHandler{handler})),
					chargebee.WithRetry(chargebee.Retry{BaseDelay: 1, MaxDelay: 1}))
				ctx := chargebee.ContextWithHeaders(t.Context(), chargebee.Headers{OriginUser: "zoe@example.com", OriginIP: "203.0.113.7"})
				_, _ = activate(context.WithValue(ctx, callKey{}, "login-1"), client, chargebee.WithIdempotencyKey("login-1"))
				require.Equal(t, test.want, log.String())
			})
		})
	}
}

// In a web server every browser tab that is closed cancels a call.
func TestCanceledCallIsNoWarning(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level]string{
		slog.LevelInfo: "level=INFO" + strings.TrimPrefix(failureRecord, "level=WARN") + "attempts=1 status=0 outcome_unknown=true failure=canceled idempotency_key=login-1\n",
		slog.LevelWarn: "",
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var log bytes.Buffer
		client := newClient(t, newFakeTransport(func(req *http.Request) (*http.Response, error) {
			cancel()
			return stall(req)
		}), chargebee.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level, ReplaceAttr: withoutTime}))))
		_, err := activate(ctx, client, chargebee.WithIdempotencyKey("login-1"))
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, want, log.String())
	}
}

// The test is not parallel, because it replaces the default logger.
func TestNothingIsLoggedWithoutALogger(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	_, err := activate(t.Context(), newClient(t, newFakeTransport(respond(http.StatusBadRequest, `{}`))))
	require.Error(t, err)
	require.Empty(t, log.String())
}

func TestPanicOfAnObserverReachesTheCaller(t *testing.T) {
	t.Parallel()
	client := newClient(t, newFakeTransport(respond(200, activatedJSON)),
		chargebee.WithObserver(func(context.Context, chargebee.Attempt) { panic("the observer's own") }))
	require.PanicsWithValue(t, "the observer's own", func() { _, _ = activate(t.Context(), client) })
}
