package chargebee_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func TestTheLimiterIsAskedBeforeEveryAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked []int // how many attempts had been sent by then
		s := newScript(answers(503, ``), fails(io.EOF), succeeds)
		client := s.client(t, chargebee.WithLimiter(limiterFunc(func(context.Context) error {
			asked = append(asked, len(s.sent))
			time.Sleep(time.Minute)
			return nil
		})))
		_, err := activate(t, client)
		require.NoError(t, err)
		require.Equal(t, []int{0, 1, 2}, asked)
		for _, wait := range s.waits() {
			require.Greater(t, wait, time.Minute)
		}
	})
}

func TestTheLimiterIsAskedAfterTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var turns []time.Time
		s := newScript(answers(503, ``), fails(io.EOF), succeeds)
		_, err := activate(t, s.client(t, chargebee.WithLimiter(limiterFunc(func(context.Context) error {
			turns = append(turns, time.Now())
			return nil
		}))))
		require.NoError(t, err)
		require.Equal(t, s.at, turns)
	})
}

func TestTheLimitersErrorEndsTheCall(t *testing.T) {
	t.Parallel()
	full := errors.New("no turn before the deadline")
	t.Run("before anything is sent", func(t *testing.T) {
		t.Parallel()
		m := newMock(t, http.StatusOK, activated)
		_, err := activate(t, m.client(t, chargebee.WithLimiter(limiterFunc(func(context.Context) error { return full }))))
		require.ErrorIs(t, err, full)
		require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: not sent: limiter: no turn before the deadline")
		require.Empty(t, m.sent)
	})
	t.Run("after an attempt", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newScript(answers(503, temporary))
			_, err := activate(t, s.client(t, chargebee.WithLimiter(limiterFunc(func(context.Context) error {
				if len(s.sent) > 0 {
					return full
				}
				return nil
			}))))
			require.Len(t, s.sent, 1)
			require.ErrorIs(t, err, full)
			require.ErrorIs(t, err, chargebee.ErrInternalTemporaryError)
			require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: "+
				"no success: limiter: no turn before the deadline, after 503 internal_temporary_error: try again")
		})
	})
	t.Run("which does not ask it on a context that is done", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		m := newMock(t, http.StatusOK, activated)
		client := m.client(t, chargebee.WithLimiter(limiterFunc(func(context.Context) error {
			t.Error("it was asked")
			return nil
		})))
		for range 64 { // because a select that has two choices takes any
			require.ErrorIs(t, activateWith(ctx, client), context.Canceled)
		}
		require.Empty(t, m.sent)
	})
	t.Run("which does not ask it after a wait that was canceled", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			asked := 0
			s := newScript(answers(503, temporary, "Retry-After", "30"))
			err := activateWith(ctx, s.client(t, chargebee.WithLimiter(limiterFunc(func(context.Context) error { asked++; return nil }))))
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, 1, asked)
		})
	})
	t.Run("which gives it the context of the call", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			m := newMock(t, http.StatusOK, activated)
			var log bytes.Buffer
			err := activateWith(ctx, m.client(t, chargebee.WithLimiter(limiterFunc(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })),
				chargebee.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Contains(t, log.String(), "failure=deadline")
			require.Empty(t, m.sent)
		})
	})
}

func TestTheObserverHearsOfEachAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var heard []chargebee.Attempt
		slow := func(next step) step {
			return func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return next(req)
			}
		}
		s := newScript(slow(answers(503, temporary)), slow(fails(io.EOF)), slow(answers(404, ``)), slow(succeeds))
		client := s.client(t, chargebee.WithObserver(func(ctx context.Context, a chargebee.Attempt) {
			require.Equal(t, "of the call", ctx.Value(key{}))
			heard = append(heard, a)
		}))
		ctx := context.WithValue(t.Context(), key{}, "of the call")
		refused := activateWith(ctx, client)
		require.NoError(t, activateWith(ctx, client))

		require.Len(t, heard, 4)
		const route = "/portal_sessions/{portal-session-id}/activate"
		require.ErrorIs(t, heard[0].Err, chargebee.ErrInternalTemporaryError)
		require.ErrorIs(t, heard[1].Err, io.EOF)
		require.NotErrorIs(t, heard[1].Err, chargebee.ErrInternalTemporaryError)
		waits := s.waits()
		require.Equal(t, []chargebee.Attempt{
			{Method: "POST", Route: route, Number: 1, StatusCode: 503, Err: heard[0].Err, Code: "internal_temporary_error", Duration: time.Second, RetryIn: waits[0] - time.Second},
			{Method: "POST", Route: route, Number: 2, StatusCode: 0, Err: heard[1].Err, Failure: "connection", Duration: time.Second, RetryIn: waits[1] - time.Second},
			{Method: "POST", Route: route, Number: 3, StatusCode: 404, Err: refused, Duration: time.Second},
			{Method: "POST", Route: route, Number: 1, StatusCode: 200, Duration: time.Second},
		}, heard)
		require.Positive(t, heard[0].RetryIn)
		require.Positive(t, heard[1].RetryIn)
	})
}

func TestTheObserverHearsACodeOnlyIfItReadsAsOne(t *testing.T) {
	t.Parallel()
	for sent, heard := range map[string]chargebee.ErrorCode{
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
		client := newClient(t, newScript(answers(400, `{"api_error_code":"`+sent+`"}`)),
			chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) { attempt = a }))
		_, err := activate(t, client)
		require.ErrorIs(t, err, chargebee.ErrorCode(sent))
		require.Equal(t, heard, attempt.Code)
		require.Empty(t, attempt.Failure)
	}
}

func TestTheObserverHearsHowTheContextEndedAnAttempt(t *testing.T) {
	t.Parallel()
	for failure, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		},
		"canceled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			var heard chargebee.Attempt
			client := newClient(t, newScript(stalling), chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) { heard = a }))
			ctx, cancel := end(t.Context())
			defer cancel()
			require.Error(t, activateWith(ctx, client))
			require.Equal(t, failure, heard.Failure)
			require.Equal(t, time.Second, heard.Duration)
		})
	}
}

func TestTheObserverHearsThatAnAttemptWasTheLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var heard []chargebee.Attempt
		s := newScript(answers(503, ``, "Retry-After", "30"))
		client := s.client(t, chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) { heard = append(heard, a) }))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.Error(t, activateWith(ctx, client))
		require.Len(t, heard, 1)
		require.Zero(t, heard[0].RetryIn)
	})
}

func TestTheObserverHearsTheStatusOfASuccessThatIsTooLong(t *testing.T) {
	t.Parallel()
	var heard []int
	var failure string
	client := newClient(t, newScript(answers(200, strings.Repeat(" ", 16<<20+1))),
		chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) { heard, failure = append(heard, a.StatusCode), a.Failure }))
	_, err := activate(t, client)
	require.Error(t, err)
	require.Equal(t, []int{200}, heard)
	require.Equal(t, "undecodable", failure)
}

// withoutTime leaves out of the log what is random or of the clock.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.TimeKey:
		return slog.Attr{}
	case "retry_in":
		return slog.Bool(a.Key, a.Value.Duration() > 0)
	}
	return a
}

func TestTheLog(t *testing.T) {
	t.Parallel()
	const (
		call       = "method=POST route=/portal_sessions/{portal-session-id}/activate"
		ownTimeout = 2 * time.Second
	)
	full := limiterFunc(func(context.Context) error { return errors.New("full for zoe@example.com") })
	for name, test := range map[string]struct {
		steps []step
		opts  []chargebee.ClientOption
		want  []string

		cancelAfter time.Duration
	}{
		"of a success": {steps: []step{answers(200, secretSession)}, want: []string{
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=1 status=200 duration=0s",
		}},
		"of a refusal": {steps: []step{answers(404, `{"message":"no portal_1 of zoe@example.com","api_error_code":"resource_not_found"}`)}, want: []string{
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=1 status=404 duration=0s code=resource_not_found",
			"level=WARN msg=\"chargebee call failed\" " + call + " attempts=1 status=404 outcome_unknown=false code=resource_not_found",
		}},
		"of a retry that helps": {steps: []step{answers(503, temporary), answers(200, secretSession)}, want: []string{
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=1 status=503 duration=0s code=internal_temporary_error",
			"level=WARN msg=\"chargebee retry\" " + call + " attempt=1 status=503 duration=0s code=internal_temporary_error retry_in=true",
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=2 status=200 duration=0s",
		}},
		"of retries that do not": {steps: []step{fails(errors.New("dialing for zoe@example.com")), stalling, answers(502, `<html>`)}, want: []string{
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=1 status=0 duration=0s failure=connection",
			"level=WARN msg=\"chargebee retry\" " + call + " attempt=1 status=0 duration=0s failure=connection retry_in=true",
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=2 status=0 duration=2s failure=attempt_timeout",
			"level=WARN msg=\"chargebee retry\" " + call + " attempt=2 status=0 duration=2s failure=attempt_timeout retry_in=true",
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=3 status=502 duration=0s",
			"level=WARN msg=\"chargebee call failed\" " + call + " attempts=3 status=502 outcome_unknown=true",
		}},
		"of an answer, and then none": {steps: []step{answers(503, temporary), fails(io.EOF)}, opts: []chargebee.ClientOption{
			chargebee.WithRetry(chargebee.Retry{MaxAttempts: 2}),
		}, want: []string{
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=1 status=503 duration=0s code=internal_temporary_error",
			"level=WARN msg=\"chargebee retry\" " + call + " attempt=1 status=503 duration=0s code=internal_temporary_error retry_in=true",
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=2 status=0 duration=0s failure=connection",
			"level=WARN msg=\"chargebee call failed\" " + call + " attempts=2 status=503 outcome_unknown=true code=internal_temporary_error failure=connection",
		}},
		"of a success that cannot be read": {steps: []step{answers(200, `{"portal_session":"`+secretAnswer+`"}`)}, want: []string{
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=1 status=200 duration=0s",
			"level=WARN msg=\"chargebee call failed\" " + call + " attempts=1 status=200 outcome_unknown=false failure=undecodable",
		}},
		"of a success that was cut off": {steps: []step{cuts(200, secretSession)}, opts: []chargebee.ClientOption{once}, want: []string{
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=1 status=200 duration=0s failure=connection",
			"level=WARN msg=\"chargebee call failed\" " + call + " attempts=1 status=0 outcome_unknown=true failure=connection",
		}},
		"of a limiter's error": {steps: []step{succeeds}, opts: []chargebee.ClientOption{chargebee.WithLimiter(full)}, want: []string{
			"level=WARN msg=\"chargebee call failed\" " + call + " attempts=0 status=0 outcome_unknown=false failure=limiter",
		}},
		"of a certificate": {steps: []step{fails(x509.UnknownAuthorityError{})}, want: []string{
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=1 status=0 duration=0s failure=permanent",
			"level=WARN msg=\"chargebee call failed\" " + call + " attempts=1 status=0 outcome_unknown=true failure=permanent",
		}},
		"of an answer, and then a certificate": {steps: []step{answers(503, ``), fails(x509.UnknownAuthorityError{})}, want: []string{
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=1 status=503 duration=0s",
			"level=WARN msg=\"chargebee retry\" " + call + " attempt=1 status=503 duration=0s retry_in=true",
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=2 status=0 duration=0s failure=permanent",
			"level=WARN msg=\"chargebee call failed\" " + call + " attempts=2 status=503 outcome_unknown=true failure=permanent",
		}},
		"of a call for which the time is over": {steps: []step{answers(429, ``, "Retry-After", "50")}, want: []string{
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=1 status=429 duration=0s",
			"level=WARN msg=\"chargebee call failed\" " + call + " attempts=1 status=429 outcome_unknown=false failure=deadline",
		}},
		"of a call that times out, and for which the time is over": {steps: []step{stalling, answers(429, ``, "Retry-After", "50")}, want: []string{
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=1 status=0 duration=2s failure=attempt_timeout",
			"level=WARN msg=\"chargebee retry\" " + call + " attempt=1 status=0 duration=2s failure=attempt_timeout retry_in=true",
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=2 status=429 duration=0s",
			"level=WARN msg=\"chargebee call failed\" " + call + " attempts=2 status=429 outcome_unknown=true failure=deadline",
		}},
		"of a call that times out, and is canceled": {steps: []step{stalling}, cancelAfter: 2*time.Second + 1, want: []string{
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=1 status=0 duration=2s failure=attempt_timeout",
			"level=WARN msg=\"chargebee retry\" " + call + " attempt=1 status=0 duration=2s failure=attempt_timeout retry_in=true",
			"level=WARN msg=\"chargebee call failed\" " + call + " attempts=1 status=0 outcome_unknown=true failure=canceled",
		}},
		"of a code that is none": {steps: []step{answers(400, `{"api_error_code":"zoe@example.com"}`)}, want: []string{
			"level=DEBUG msg=\"chargebee attempt\" " + call + " attempt=1 status=400 duration=0s",
			"level=WARN msg=\"chargebee call failed\" " + call + " attempts=1 status=400 outcome_unknown=false",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime}))
				client, err := chargebee.NewClient("acme", secretKey, append([]chargebee.ClientOption{
					chargebee.WithLogger(logger), chargebee.WithAttemptTimeout(ownTimeout),
					chargebee.WithHTTPClient(&http.Client{Transport: newScript(test.steps...)}),
				}, test.opts...)...)
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(chargebee.ContextWithHeaders(t.Context(),
					chargebee.Headers{OriginUser: "zoe@example.com", OriginIP: "203.0.113.7"}), 40*time.Second)
				defer cancel()
				if test.cancelAfter > 0 {
					time.AfterFunc(test.cancelAfter, cancel)
				}
				_, err = client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: secretToken})
				want := ""
				for _, line := range test.want {
					want += line + "\n"
				}
				require.Equal(t, want, log.String())
				requireNoSecretInChain(t, err)
			})
		})
	}
}

type callKey struct{}

// ofTheCall adds to each record what the context of the call says.
type ofTheCall struct{ slog.Handler }

func (h ofTheCall) Handle(ctx context.Context, r slog.Record) error {
	r.AddAttrs(slog.Any("call", ctx.Value(callKey{})))
	return h.Handler.Handle(ctx, r)
}

func TestTheLogGetsTheContextOfTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(ofTheCall{slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})})
		ctx := context.WithValue(t.Context(), callKey{}, "login-1")
		require.Error(t, activateWith(ctx, newScript(answers(503, ``), answers(404, ``)).client(t, chargebee.WithLogger(logger))))
		require.Equal(t, 4, strings.Count(log.String(), "\n"))
		require.Equal(t, 4, strings.Count(log.String(), " call=login-1\n"))
	})
}

func TestALoggerAtInfoHearsOfTroubleOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		client := newScript(succeeds, answers(503, ``), succeeds).client(t, chargebee.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		_, err := activate(t, client)
		require.NoError(t, err)
		require.Empty(t, log.String())
		_, err = activate(t, client)
		require.NoError(t, err)
		require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("\n")))
		require.Contains(t, log.String(), "chargebee retry")
	})
}

// It is not parallel: the default logger is everybody's.
func TestWithoutALoggerNothingIsLogged(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	_, err := activate(t, newMock(t, http.StatusBadRequest, `{}`).client(t))
	require.Error(t, err)
	require.Empty(t, log.String())
}
