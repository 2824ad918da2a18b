package chargebeetest

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

// limit counts the requests of the last minute.
type limit struct {
	perMinute int
	admitted  []time.Time
}

// exceeded counts a request, or returns what it gets if it is one too many.
func (l *limit) exceeded(now time.Time) *answer {
	if l.perMinute <= 0 {
		return nil
	}
	aMinuteAgo := now.Add(-time.Minute)
	l.admitted = slices.DeleteFunc(l.admitted, func(at time.Time) bool { return !at.After(aMinuteAgo) })
	if len(l.admitted) < l.perMinute {
		l.admitted = append(l.admitted, now)
		return nil
	}
	refused := refuse(http.StatusTooManyRequests, chargebee.ErrAPIRequestLimitExceeded, "", "Sorry, you have exceeded the API request limit").answer()
	wait := slices.MinFunc(l.admitted, time.Time.Compare).Sub(aMinuteAgo)
	refused.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return refused
}
