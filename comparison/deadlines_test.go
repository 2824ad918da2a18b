package comparison_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	cb3 "github.com/chargebee/chargebee-go/v3"
	cb4 "github.com/chargebee/chargebee-go/v4"
	chargebee "github.com/typedbee/chargebee-go"
)

func deadlines() table {
	const jitter = 0.1
	unavailable := respond(http.StatusServiceUnavailable, "<html>Service Unavailable</html>")
	askForThreeSeconds := respond(http.StatusServiceUnavailable, "<html>Service Unavailable</html>", "Retry-After", "3")
	askForAnHour := respond(http.StatusServiceUnavailable, "<html>Service Unavailable</html>", "Retry-After", "3600")
	const deadline, none = 200 * time.Millisecond, 0
	return table{"deadlines", []row{
		varying("deadline of 200 ms, 503 with `Retry-After: 3`: the call returns", jitter, returns(deadline, askForThreeSeconds)),
		varying("deadline of 200 ms, 503 without `Retry-After`", jitter, returns(deadline, unavailable)),
		varying("canceled while it waits to retry: returns", jitter, returnsAfterCancel(unavailable)),
		varying("canceled while it waits for a response", jitter, returnsAfterCancel(hang)),
		varying("503 with `Retry-After: 3600`, no deadline", jitter, returns(none, askForAnHour)),
		varying("`Retry-After` as a date, 5 s from now: the retry is sent", jitter, retriesAtDate),
		varying("no response to the first request, deadline of 60 s", jitter, outlivesSilence),
		varying("response that never ends, no deadline", jitter, returns(none, respondWith(http.StatusOK, drip))),
		varying("the same, with default settings", jitter, returnsByDefault(respondWith(http.StatusOK, drip))),
		measured("what the error of a passed deadline shows", showsDeadlineAndStatus),
	}}
}

// returns says how long a call takes. A timeout of 0 means that it has no deadline.
func returns(timeout time.Duration, transport responder) observation {
	return returnsWith(timeout, transport, documented)
}

func returnsByDefault(transport responder) observation { return returnsWith(0, transport, byDefault) }

func returnsWith(timeout time.Duration, transport responder, retries retries) observation {
	return inBubble(func(ctx context.Context, t *testing.T, lib library) string {
		if timeout > 0 {
			var cancel func()
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		start := time.Now()
		_, err := activate(ctx, lib.mustClientWith(t, settings{transport: transport, retries: retries}))
		if err == nil {
			return "succeeds " + after(time.Since(start))
		}
		return after(time.Since(start))
	})
}

// returnsAfterCancel says when a call returns that is canceled 100 ms after it began.
func returnsAfterCancel(transport responder) observation {
	return inBubble(func(ctx context.Context, t *testing.T, lib library) string {
		ctx, cancel := context.WithCancel(ctx)
		var canceled time.Time
		time.AfterFunc(100*time.Millisecond, func() {
			canceled = time.Now()
			cancel()
		})
		_, _ = activate(ctx, lib.mustClient(t, transport))
		return after(time.Since(canceled))
	})
}

func retriesAtDate(t *testing.T, lib library) string {
	return inBubble(func(ctx context.Context, t *testing.T, lib library) string {
		start := time.Now()
		date := start.Add(5 * time.Second).UTC().Format(http.TimeFormat)
		transport := record(inTurn(respond(http.StatusServiceUnavailable, "", "Retry-After", date), activated()))
		_, _ = activate(ctx, lib.mustClient(t, transport))
		return after(transport.requests[1].at.Sub(start))
	})(t, lib)
}

func outlivesSilence(t *testing.T, lib library) string {
	return returns(time.Minute, inTurn(hang, activated()))(t, lib)
}

func showsDeadlineAndStatus(t *testing.T, lib library) string {
	return inBubble(func(ctx context.Context, t *testing.T, lib library) string {
		ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		_, err := activate(ctx, lib.mustClient(t, respond(http.StatusServiceUnavailable, `{"message":"busy","api_error_code":"internal_temporary_error","http_status_code":503}`)))
		var apiErr *chargebee.APIError
		var v3Err *cb3.Error
		var v4Err *cb4.Error
		hasResponse := errors.As(err, &apiErr) || errors.As(err, &v3Err) || errors.As(err, &v4Err)
		switch isDeadline := errors.Is(err, context.DeadlineExceeded); {
		case isDeadline && hasResponse:
			return "the deadline, and the 503 before it"
		case isDeadline:
			return "the deadline"
		}
		return describe(err)
	})(t, lib)
}
