package comparison_test

import (
	"context"
	"errors"
	"net/http"
	"time"

	cb3 "github.com/chargebee/chargebee-go/v3"
	cb4 "github.com/chargebee/chargebee-go/v4"
	chargebee "github.com/typedbee/chargebee-go"
)

func deadlines() table {
	const jitter = 0.1
	unavailable := respond(http.StatusServiceUnavailable, "")
	askForThreeSeconds := respond(http.StatusServiceUnavailable, "", "Retry-After", "3")
	askForAnHour := respond(http.StatusServiceUnavailable, "", "Retry-After", "3600")
	endless := respondWith(http.StatusOK, drip)
	const deadline, none = 200 * time.Millisecond, 0
	return table{"deadlines", []row{
		varying("deadline of 200 ms; 503 with `Retry-After: 3`", jitter, returns(deadline, askForThreeSeconds, documented)),
		varying("deadline of 200 ms; 503", jitter, returns(deadline, unavailable, documented)),
		varying("canceled during the wait for a retry", jitter, returnsAfterCancel(unavailable)),
		varying("canceled during the wait for a response", jitter, returnsAfterCancel(hang)),
		varying("no deadline; 503 with `Retry-After: 3600`", jitter, returns(none, askForAnHour, documented)),
		measured("`Retry-After` as a date 5 s away: the retry", inBubble(retriesAtDate)),
		varying("deadline of 60 s; no response to the first request", jitter, outlivesSilence),
		varying("no deadline; a response that never ends", jitter, returns(none, endless, documented)),
		varying("the same, default settings", jitter, returns(none, endless, byDefault)),
		measured("the error of a deadline matches", inBubble(showsDeadlineAndStatus)),
	}}
}

// returns says how long a call takes. A timeout of 0 means that it has no deadline.
func returns(timeout time.Duration, transport responder, retries retries) observation {
	return inBubble(func(m measurement) string {
		ctx := m.Context()
		if timeout > 0 {
			withTimeout, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			ctx = withTimeout
		}
		start := time.Now()
		_, err := activate(ctx, m.clientWith(settings{transport: transport, retries: retries}))
		if err == nil {
			return "succeeds " + after(time.Since(start))
		}
		return "fails " + after(time.Since(start))
	})
}

// returnsAfterCancel says when a call returns that is canceled 100 ms after it began.
func returnsAfterCancel(transport responder) observation {
	return inBubble(func(m measurement) string {
		ctx, cancel := context.WithCancel(m.Context())
		var canceled time.Time
		time.AfterFunc(100*time.Millisecond, func() {
			canceled = time.Now()
			cancel()
		})
		_, _ = activate(ctx, m.client(transport))
		return "fails " + after(time.Since(canceled))
	})
}

func retriesAtDate(m measurement) string {
	start := time.Now()
	date := start.Add(5 * time.Second).UTC().Format(http.TimeFormat)
	transport := record(inTurn(respond(http.StatusServiceUnavailable, "", "Retry-After", date), activated()))
	_, _ = activate(m.Context(), m.client(transport))
	if transport.requests[1].at.Sub(start) < 5*time.Second {
		return "is sent earlier"
	}
	return "is sent then"
}

func outlivesSilence(m measurement) string {
	return returns(time.Minute, inTurn(hang, activated()), documented)(m)
}

func showsDeadlineAndStatus(m measurement) string {
	ctx, cancel := context.WithTimeout(m.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := activate(ctx, m.client(respond(http.StatusServiceUnavailable, `{"message":"busy","api_error_code":"internal_temporary_error","http_status_code":503}`)))
	var apiErr *chargebee.APIError
	var v3Err *cb3.Error
	var v4Err *cb4.Error
	hasResponse := errors.As(err, &apiErr) || errors.As(err, &v3Err) || errors.As(err, &v4Err)
	switch isDeadline := errors.Is(err, context.DeadlineExceeded); {
	case isDeadline && hasResponse:
		return "the deadline and the 503 before it"
	case isDeadline:
		return "the deadline"
	}
	return describe(err)
}
