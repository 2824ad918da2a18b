package chargebee

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/typedbee/chargebee-go/internal/failure"
	"github.com/typedbee/chargebee-go/internal/transport"
	"github.com/typedbee/chargebee-go/internal/validate"
)

const defaultAttemptTimeout = 30 * time.Second

// ClientOption configures a client: an argument of [NewClient].
type ClientOption interface{ applyClient(*config) }

// CallOption configures one call: the last arguments of every operation.
type CallOption interface{ applyCall(*call) }

// Option configures a client or a single call. An option of the call overrides the
// client's.
type Option interface {
	ClientOption
	CallOption
}

type (
	clientOption func(*config)
	callOption   func(*call)
	option       func(*settings)
)

func (o clientOption) applyClient(c *config) { o(c) }
func (o callOption) applyCall(c *call)       { o(c) }
func (o option) applyClient(c *config)       { o(&c.settings) }
func (o option) applyCall(c *call)           { o(&c.settings) }

// settings are the options that a client and a call have in common. Options record
// invalid arguments in invalid.
type settings struct {
	headers        Headers
	extraHeaders   []headerField // by WithHeader, in order: the last of a name wins
	retry          Retry
	attemptTimeout time.Duration
	invalid        paramErrors
}

// WithHTTPClient sends requests through the Transport of h. The Timeout of h limits
// an attempt if it is shorter than the attempt timeout. Its Jar and CheckRedirect are
// not used: cookies are not kept, and redirects are never followed. If Transport is nil,
// each request uses the current value of [http.DefaultTransport], as in net/http. h is
// not modified, and later changes to it have no effect. A transport that wraps an
// *http.Transport is used as is, so net/http may resend a request on its own: pass the
// wrapper to [WithTransportWrapper] instead.
//
// Without this option a client has its own connection pool, sized for many concurrent
// callers of one host, and uses the proxy of the environment (see
// [http.ProxyFromEnvironment]).
//
// After an attempt has timed out, the next one uses a new connection of the client's own
// pool. In a Transport of h, only the idle connections are closed, including those to
// other hosts.
//
// If a Transport is not an *http.Transport and does not report its connections to
// net/http/httptrace, as a mock does not, its error says whether the request was sent: it
// was not if the name did not resolve, the connection was refused, or the certificate was
// not trusted.
func WithHTTPClient(h *http.Client) ClientOption {
	return clientOption(func(c *config) {
		if h == nil {
			c.invalid.add("WithHTTPClient", validate.ReasonNil)
			return
		}
		if h.Transport != nil && failure.IsNil(h.Transport) {
			c.invalid.add("WithHTTPClient", "must not have a nil pointer for a Transport")
		}
		if h.Timeout < 0 {
			c.invalid.add("WithHTTPClient", "must not have a negative Timeout")
		}
		c.httpTimeout, c.pool = h.Timeout, transport.Share(h.Transport)
	})
}

// WithTransportWrapper wraps the transport of the client, which is the default one or
// that of [WithHTTPClient]. A tracing or metrics package that wraps an
// http.RoundTripper, such as otelhttp, thus sees each attempt separately. If the
// option is given several times, a later wrapper wraps the earlier ones. NewClient
// calls wrap once, and rejects a nil wrap and a nil result.
//
// The requests that a wrapper sees are not redacted: they have the API key in a
// header, the id of a portal session in the URL, and its token in the body. A wrapper
// that adds headers, such as traceparent, makes the attempts of a call differ, and
// Chargebee refuses a different request with the same idempotency key. Which headers
// it compares is undocumented.
//
// An error of a wrapper, such as that of a circuit breaker, is not retried if it has a
// method Retryable() bool that returns false. The outcome of the call is then unknown,
// unless none of the requests that the wrapper passed on got a connection. So that the
// client can tell, a wrapper must pass each request on with the context that it came
// with, and must not send requests in any other way.
func WithTransportWrapper(wrap func(http.RoundTripper) http.RoundTripper) ClientOption {
	return clientOption(func(c *config) {
		if wrap == nil {
			c.invalid.add("WithTransportWrapper", validate.ReasonNil)
			return
		}
		c.wrappers = append(c.wrappers, wrap)
	})
}

// WithBaseURL sets the API root, including /api/v2, of a mock or a gateway. The path
// is used as is: /api/v2 is not added to it. On chargebee.com and its subdomains the
// path must be /api/v2; other hosts may have any. The scheme must be https, or http on
// a loopback host. Default: https://{site}.chargebee.com/api/v2.
func WithBaseURL(rawURL string) ClientOption {
	return clientOption(func(c *config) { c.baseURL = rawURL })
}

// WithInsecureHTTP allows a base URL with plain http on any host, such as a mock in a
// compose network. The API key is then sent unencrypted.
func WithInsecureHTTP() ClientOption {
	return clientOption(func(c *config) { c.insecureHTTP = true })
}

// WithUserAgent puts product, such as "acme-billing/1.4", before the library's own
// product token in the User-Agent header. An empty product is rejected. If the option
// is given twice, the last one counts. Default: the library's token alone.
func WithUserAgent(product string) ClientOption {
	return clientOption(func(c *config) {
		if product == "" {
			c.invalid.add("WithUserAgent", validate.ReasonEmpty)
		}
		c.invalid.addReason("WithUserAgent", validate.HeaderValue(product))
		c.userAgent = product + " " + userAgent
	})
}

// WithLogger logs to l. The records contain no API key, token, URL, address, id or
// parameter:
//   - "chargebee attempt", at debug: method, route, attempt, status, duration
//   - "chargebee retry", at warn: the same, and retry_in
//   - "chargebee call failed", at warn, for a call that returns an error other than
//     a [*ParamError]: method, route, attempts, status (of the last response, or 0),
//     outcome_unknown, and idempotency_key if the outcome is unknown. If the caller
//     canceled the call, the level is info
//
// A record also has code if the last response has one of Chargebee's error codes. If the
// error is not an [*APIError], it has failure: a label as in Attempt.Failure, or
// "limiter". A nil l is rejected. Default: no log.
func WithLogger(l *slog.Logger) ClientOption {
	return clientOption(func(c *config) {
		if l == nil {
			c.invalid.add("WithLogger", validate.ReasonNil)
		}
		c.logger = l
	})
}

// Limiter is implemented by *rate.Limiter of golang.org/x/time/rate. Wait is called
// before every attempt, including retries. If it returns an error, the call returns
// a [*TransportError] that wraps it.
type Limiter interface {
	Wait(ctx context.Context) error
}

// WithLimiter makes every attempt, including retries, wait for l. A nil l is rejected.
// Default: no limit.
func WithLimiter(l Limiter) ClientOption {
	return clientOption(func(c *config) {
		if failure.IsNil(l) {
			c.invalid.add("WithLimiter", validate.ReasonNil)
		}
		c.limiter = l
	})
}

// WithObserver calls f after every attempt, with the context and on the goroutine of
// the call, which waits for f. f must be safe for concurrent use, and must not panic: a
// panic of f passes through the call to its caller. A nil f is rejected.
// Default: none.
func WithObserver(f func(context.Context, Attempt)) ClientOption {
	return clientOption(func(c *config) {
		if f == nil {
			c.invalid.add("WithObserver", validate.ReasonNil)
		}
		c.observer = f
	})
}

// WithHeaders sets the headers of h that are not empty.
func WithHeaders(h Headers) Option {
	return option(func(s *settings) { s.headers = s.headers.override(h) })
}

// WithHeader sets a header that [Headers] does not have. Headers that the client sets
// itself, such as Authorization and Content-Type, are rejected, and so are those of
// Headers. If a name is given twice, the later value counts, and the value of a call
// overrides that of the client.
func WithHeader(name, value string) Option {
	return option(func(s *settings) {
		validateExtraHeader(&s.invalid, name, value)
		s.extraHeaders = append(slices.Clip(s.extraHeaders), headerField{name, value})
	})
}

// WithRetry sets all fields of r: in a call, a zero field means the default and not
// the value of the client. Negative values are rejected. Default: five attempts.
func WithRetry(r Retry) Option {
	return option(func(s *settings) {
		r.validate(&s.invalid)
		s.retry = r.withDefaults()
	})
}

// WithAttemptTimeout limits one attempt, from getting a connection to the last byte of
// the response. An attempt that times out is retried. 0 means the default of 30
// seconds, and a negative value is rejected. The deadline of the call's context still
// applies: it limits all attempts and the waits between them. The attempt after a
// timeout does not use the connections that were open before, which may all be dead
// (of a Transport of [WithHTTPClient], only those that were idle).
//
// The body of an error response may take one second at most.
func WithAttemptTimeout(d time.Duration) Option {
	return option(func(s *settings) {
		if d < 0 {
			s.invalid.add("WithAttemptTimeout", validate.ReasonNegative)
		}
		s.attemptTimeout = cmp.Or(d, defaultAttemptTimeout)
	})
}

// WithIdempotencyKey sets the idempotency key of the call: 1 to 100 visible ASCII
// characters. Without this option each POST gets a random key, and a GET has none. All
// attempts of a call have the same key.
//
// For 30 minutes Chargebee replays the response to the same request with the same key
// instead of applying it again: see [Response.IdempotencyReplayed]. A key that you
// store before the call therefore lets you repeat the call after any failure,
// including a crash. [OutcomeUnknown] reports when you have to.
//
// The same request has the same path, parameters and headers, including those of
// [OriginFromRequest]. Chargebee refuses a different request with the same key with
// 422 [ErrUnableToProcessRequest]. Which headers it compares is undocumented: repeat a
// call with the same version of this library, because the version is in the
// User-Agent. Also undocumented: whether responses with an error are replayed too, and
// whether a key belongs to a site or to an API key.
//
// See https://apidocs.chargebee.com/docs/api/idempotency.
func WithIdempotencyKey(key string) CallOption {
	return callOption(func(c *call) {
		c.invalid.addReason("chargebee-idempotency-key", validate.IdempotencyKey(key))
		c.idempotencyKey = key
	})
}

// WithParam adds a parameter that the params struct of an operation does not have. The
// value may be empty. A name that is already set is rejected.
func WithParam(name, value string) CallOption {
	return callOption(func(c *call) { c.extraParams = append(c.extraParams, param{name, value}) })
}

type param struct{ name, value string }
