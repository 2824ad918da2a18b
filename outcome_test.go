package chargebee_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func TestAFailedCallIsRefusedOrUnknown(t *testing.T) {
	t.Parallel()
	const refused, unknown = false, true
	for name, test := range map[string]struct {
		steps []step
		want  bool
	}{
		"a refusal":                                {[]step{answers(404, `{"api_error_code":"resource_not_found"}`)}, refused},
		"a redirect":                               {[]step{answers(302, ``)}, refused},
		"a conflict":                               {[]step{answers(409, conflict)}, refused},
		"the limit, three times":                   {[]step{answers(429, ``)}, refused},
		"the limit, and then a refusal":            {[]step{answers(429, ``), answers(404, ``)}, refused},
		"the limit, with no time to wait":          {[]step{answers(429, ``, "Retry-After", "50")}, refused},
		"the limit, for too long":                  {[]step{answers(429, ``, "Retry-After", "3600")}, refused},
		"a 500 of a site that is not ready":        {[]step{answers(500, `{"api_error_code":"site_not_ready"}`)}, unknown},
		"a maintenance window":                     {[]step{answers(503, `{"api_error_code":"site_not_ready"}`)}, refused},
		"a success that cannot be read":            {[]step{answers(200, `<html>`)}, refused}, // done, rather
		"no answer":                                {[]step{fails(io.EOF)}, unknown},
		"a success that is cut off":                {[]step{cuts(200, `{"portal`)}, unknown},
		"attempt timeouts":                         {[]step{stalling}, unknown},
		"a 500":                                    {[]step{answers(500, ``)}, unknown},
		"a status beyond HTTP's":                   {[]step{answers(600, ``)}, unknown},
		"a 502 of a gateway":                       {[]step{answers(502, `<html>`)}, unknown},
		"a 503 with no time to wait":               {[]step{answers(503, ``, "Retry-After", "50")}, unknown},
		"a 524 of a gateway that gave up waiting":  {[]step{answers(524, `<html>`)}, unknown},
		"a call that is still in progress":         {[]step{answers(409, inProgress)}, unknown},
		"the limit, and then no answer":            {[]step{answers(429, ``), fails(io.EOF)}, unknown},
		"no answer, with no time to wait":          {[]step{fails(io.EOF), answers(429, ``, "Retry-After", "50")}, unknown},
		"a 503, the limit, with no time to wait":   {[]step{answers(503, ``), answers(429, ``, "Retry-After", "50")}, unknown},
		"no answer, and then a refusal":            {[]step{fails(io.EOF), answers(401, ``)}, unknown},
		"no answer, and then a maintenance window": {[]step{fails(io.EOF), answers(503, `{"api_error_code":"site_read_only_mode"}`)}, unknown},
		"no answer, and then the limit":            {[]step{fails(io.EOF), answers(429, ``)}, unknown},
		"a 503, the limit, and then a refusal":     {[]step{answers(503, ``), answers(429, ``), answers(409, conflict)}, unknown},
		"no answer, a replay, and then a refusal":  {[]step{fails(io.EOF), answers(429, ``, "Chargebee-Idempotency-Replayed", "true"), answers(404, ``)}, refused},
		"no answer, and then the refusal that was": {[]step{fails(io.EOF), answers(404, ``, "Chargebee-Idempotency-Replayed", "true")}, refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
				defer cancel()
				s := newScript(test.steps...)
				err := activateWith(ctx, s.client(t, chargebee.WithAttemptTimeout(time.Second)))
				require.Error(t, err)
				key, unknown := chargebee.OutcomeUnknown(fmt.Errorf("validating the login: %w", err))
				require.Equal(t, test.want, unknown)
				if unknown {
					require.Equal(t, s.sent[0].Header.Get("chargebee-idempotency-key"), key)
				} else {
					require.Empty(t, key)
				}
			})
		})
	}
}

func TestALostCallThatTheLimiterStopsIsUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			first step
			want  bool
		}{{fails(io.EOF), true}, {answers(502, ``), true}, {answers(429, ``), false}} {
			s := newScript(test.first)
			_, err := activate(t, s.client(t, chargebee.WithLimiter(limiterFunc(func(context.Context) error {
				if len(s.sent) > 0 {
					return errors.New("full")
				}
				return nil
			}))))
			_, unknown := chargebee.OutcomeUnknown(err)
			require.Equal(t, test.want, unknown)
		}
	})
}

func TestACallThatWasNeverSentIsNotUnknown(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, activated)
	full := limiterFunc(func(context.Context) error { return errors.New("full") })
	_, limited := activate(t, m.client(t, chargebee.WithLimiter(full)))
	_, invalid := activate(t, m.client(t), chargebee.WithIdempotencyKey(""))
	for _, err := range []error{nil, io.EOF, limited, invalid} {
		key, unknown := chargebee.OutcomeUnknown(err)
		require.False(t, unknown)
		require.Empty(t, key)
	}
}

func TestErrorsOfATestDoubleAreRefusedOrUnknown(t *testing.T) {
	t.Parallel()
	key, unknown := chargebee.OutcomeUnknown(&chargebee.TransportError{Attempts: 1, IdempotencyKey: "login-1"})
	require.True(t, unknown)
	require.Equal(t, "login-1", key)
	key, unknown = chargebee.OutcomeUnknown(&chargebee.APIError{StatusCode: 503, IdempotencyKey: "login-2"})
	require.True(t, unknown)
	require.Equal(t, "login-2", key)
	_, unknown = chargebee.OutcomeUnknown(&chargebee.APIError{StatusCode: 404})
	require.False(t, unknown)
	_, unknown = chargebee.OutcomeUnknown(&chargebee.TransportError{})
	require.False(t, unknown)
}
