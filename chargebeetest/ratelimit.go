package chargebeetest

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

// rateLimit limits the requests of the last minute.
type rateLimit struct {
	perMinute int // 0 or less means no limit
	counted   []time.Time
}

// count counts a request. If the limit is reached, it returns the response to the
// request instead.
func (l *rateLimit) count(now time.Time) *response {
	if l.perMinute <= 0 {
		return nil
	}
	minuteAgo := now.Add(-time.Minute)
	l.counted = slices.DeleteFunc(l.counted, func(at time.Time) bool { return !at.After(minuteAgo) })
	if len(l.counted) < l.perMinute {
		l.counted = append(l.counted, now)
		return nil
	}
	resp := newAPIError(http.StatusTooManyRequests, chargebee.ErrAPIRequestLimitExceeded, "",
		"Sorry, you have exceeded the API request limit").response()
	wait := slices.MinFunc(l.counted, time.Time.Compare).Sub(minuteAgo)
	resp.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return resp
}
