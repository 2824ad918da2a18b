package chargebeetest

import (
	"cmp"
	"net"
	"strings"
	"time"

	"github.com/typedbee/chargebee-go/internal/validate"
)

// Option configures a server. A nil option does nothing.
type Option func(*Server)

// WithClock sets the server's clock, which determines the timestamps and the expiry
// of portal sessions, the expiry of idempotency keys, and the rate limit. The
// default, also for nil, is time.Now. The function must not call the server. The
// delay of a [Fault] does not use this clock: it takes real time, or the time of a
// synctest bubble.
func WithClock(now func() time.Time) Option {
	return func(s *Server) {
		if now != nil {
			s.now = now
		}
	}
}

// WithListener sets the listener of the server, which the server closes. The
// default, also for nil, is a free port on the loopback interface.
func WithListener(l net.Listener) Option {
	return func(s *Server) { s.listener, s.noListener = l, false }
}

// WithoutListener makes the server listen nowhere. Use it as the handler of an HTTP server
// of your own, usually with [WithPublicURL], or through [Server.Transport].
func WithoutListener() Option {
	return func(s *Server) { s.listener, s.noListener = nil, true }
}

// WithSite sets the name of the site. The default, also for "", is emulator-test. If
// the name is invalid, [Server.NewClient] returns an error.
func WithSite(name string) Option {
	return func(s *Server) { s.Site = cmp.Or(name, s.Site) }
}

// WithAPIKey sets the API key that the server accepts. The default, also for "", is a
// random key. If the key is invalid, [Server.NewClient] returns an error.
func WithAPIKey(key string) Option {
	return func(s *Server) { s.APIKey = cmp.Or(key, s.APIKey) }
}

// WithPublicURL sets the address at which others reach the server, such as
// http://chargebee:8080, with or without the path /api/v2. URL, LoginURL and the access
// URLs of portal sessions begin with it. Use it behind a proxy, in a network of containers,
// or for an HTTP server of your own. It changes neither where the server listens nor how
// clients of [Server.NewClient] reach it. Text that is not an absolute http or https URL,
// or has a user, a query or a fragment, has no effect.
func WithPublicURL(root string) Option {
	root = strings.TrimSuffix(strings.TrimRight(root, "/"), apiPath)
	return func(s *Server) {
		if validate.BaseURL(root+apiPath, true) == "" {
			s.publicRoot = root
		}
	}
}

// WithGrandfathering enables grandfathering for the site. Chargebee does not support
// the entitlement operation on such sites.
func WithGrandfathering() Option {
	return func(s *Server) { s.grandfathering = true }
}

// WithRateLimit limits the requests within the last 60 seconds. Requests over the
// limit get 429 with Retry-After. 0 or less means no limit, which is the default.
func WithRateLimit(perMinute int) Option {
	return func(s *Server) { s.rateLimit.perMinute = perMinute }
}

// WithoutRequests makes the server discard requests instead of storing them for
// [Server.Requests], which then returns nil.
func WithoutRequests() Option { return WithRecentRequests(0) }

// WithRecentRequests makes the server store only the last requests for [Server.Requests],
// up to a maximum. Use it for a server that runs long. 0 or less stores none. The default
// is to store all.
func WithRecentRequests(maximum int) Option {
	return func(s *Server) { s.requests.limit = maximum }
}
