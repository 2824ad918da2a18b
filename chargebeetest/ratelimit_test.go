package chargebeetest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestRateLimitCountsTheLastSixtySeconds(t *testing.T) {
	t.Parallel()
	now := noon
	server, _ := newServer(t, chargebeetest.WithRateLimit(2), chargebeetest.WithClock(func() time.Time { return now }))
	for _, step := range []struct {
		after      time.Duration
		retryAfter string // "" for an accepted request
	}{
		{0, ""},
		{20*time.Second + 1, ""},
		{0, "40"},
		{39*time.Second + 998*time.Millisecond, "1"},
		{2*time.Millisecond - 1, ""}, // exactly a minute after the first request
		{0, "21"},
	} {
		now = now.Add(step.after)
		w := serve(server, "POST", seatsPath, strings.NewReader(seatsForm))
		require.Equal(t, step.retryAfter, w.Header().Get("Retry-After"))
		require.Equal(t, map[bool]int{true: 200, false: 429}[step.retryAfter == ""], w.Code)
	}
	require.Len(t, server.Requests(), 6)
}

func TestRateLimitDoesNotCountUnauthenticatedRequestsAndFaults(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, chargebeetest.WithRateLimit(1))
	require.Equal(t, 401, serve(server, "POST", seatsPath, strings.NewReader(seatsForm), "Authorization", "").Code)
	server.Inject(chargebeetest.Fault{Status: 404}, chargebeetest.Fault{Cut: chargebeetest.CutBefore})
	for range 2 {
		_, err := upsertSeats(t.Context(), client, "20")
		require.Error(t, err)
	}
	_, err := upsertSeats(t.Context(), client, "20")
	require.NoError(t, err)
	_, err = upsertSeats(t.Context(), client, "20")
	require.Equal(t, chargebee.ErrTypeOperationFailed, requireAPIError(t, err, 429, chargebee.ErrAPIRequestLimitExceeded, "").Type)
}
