package chargebee

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// ClientOption configures a client: an argument of [NewClient].
type ClientOption interface{ applyClient(*config) }

// CallOption configures one call: the last arguments of every operation.
type CallOption interface{ applyCall(*call) }

// Option configures either. Given for a call, it wins over the client's.
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

// settings are what both a client and a call can set. What an option finds
// wrong goes into refused, to be reported with everything else.
type settings struct {
	headers        Headers
	extraHeaders   []headerField // by WithHeader, in order: the last of a name wins
	retry          Retry
	attemptTimeout time.Duration
	refused        paramErrors
}

// WithHTTPClient sends the calls through the Transport of h, under the Timeout
// of h if that is shorter than the attempt timeout. Its Jar and CheckRedirect
// are not used: cookies are not kept, and redirects are never followed. A nil
// Transport is [http.DefaultTransport], as in net/http. h is not changed, and
// later changes to it have no effect. A transport that wraps an *http.Transport
// is taken as it is, and may send a request again by itself: give the wrapper to
// [WithTransportWrapper] instead.
//
// Without this option a client has a connection pool of its own, made for many
// concurrent callers of one host. It uses no proxy: for one, pass a client
// whose transport has it.
func WithHTTPClient(h *http.Client) ClientOption {
	return clientOption(func(c *config) {
		if h == nil {
			c.refused.add("WithHTTPClient", reasonNil)
			return
		}
		c.refused.addIf(h.Transport != nil && isNil(h.Transport), "WithHTTPClient", "must not have a nil pointer for a Transport")
		c.refused.addIf(h.Timeout < 0, "WithHTTPClient", "must not have a negative Timeout")
		c.httpTimeout, c.transport = h.Timeout, h.Transport
		if c.transport == nil {
			c.transport = http.DefaultTransport
		}
	})
}

// WithTransportWrapper puts what wrap returns between the client and its
// transport, the default one or that of [WithHTTPClient]. A package for traces or
// metrics that wraps an http.RoundTripper, such as otelhttp, thus sees each
// attempt separately. Given several times, the later wraps the earlier.
// NewClient calls wrap once, and refuses a nil wrap and a nil result.
//
// What the wrapper sees is not redacted: the API key in a header, the id of a
// portal session in the URL, its token in the body. Headers that it adds, such
// as traceparent, make the attempts of a call differ, and Chargebee refuses a
// different call under the same idempotency key; which headers it compares is
// not documented.
func WithTransportWrapper(wrap func(http.RoundTripper) http.RoundTripper) ClientOption {
	return clientOption(func(c *config) {
		if wrap == nil {
			c.refused.add("WithTransportWrapper", reasonNil)
			return
		}
		c.wrappers = append(c.wrappers, wrap)
	})
}

// WithBaseURL sets the API root, with its /api/v2, for a mock or a gateway. Its
// path is kept, and /api/v2 is not added to it. The scheme must be https, or http
// on a loopback host.
// Default: https://{site}.chargebee.com/api/v2.
func WithBaseURL(rawURL string) ClientOption {
	return clientOption(func(c *config) { c.baseURL = rawURL })
}

// WithInsecureHTTP allows a base URL with plain http on any host, such as a
// mock in a compose network. The API key then travels in the clear.
func WithInsecureHTTP() ClientOption {
	return clientOption(func(c *config) { c.insecureHTTP = true })
}

// WithUserAgent puts product, such as "acme-billing/1.4", before the library's
// own product token in the User-Agent header. Empty is refused. Default: the
// library's token alone. Given twice, the last wins.
func WithUserAgent(product string) ClientOption {
	return clientOption(func(c *config) {
		c.refused.addIf(product == "", "WithUserAgent", reasonEmpty)
		c.refused.checkText("WithUserAgent", product)
		c.userAgent = product + " " + userAgent
	})
}

// WithLogger logs to l, and never a key, token, URL, address, id or parameter:
//   - "chargebee attempt", at debug: method, route, attempt, status, duration
//   - "chargebee retry", at warn: the same, and retry_in
//   - "chargebee failure", at warn, for a call that ended with an error other
//     than a [*ParamError]: method, route, attempts, status (of the last answer,
//     or 0) and outcome_unknown
//
// Each has code, Chargebee's error code, or failure, a word as in Attempt.Failure
// or "limiter", where there is one. nil is refused. Default: no log.
func WithLogger(l *slog.Logger) ClientOption {
	return clientOption(func(c *config) {
		c.refused.addIf(l == nil, "WithLogger", reasonNil)
		c.logger = l
	})
}

// WithLimiter makes every attempt, retries included, wait for l. nil is refused.
// Default: no limit.
func WithLimiter(l Limiter) ClientOption {
	return clientOption(func(c *config) {
		c.refused.addIf(isNil(l), "WithLimiter", reasonNil)
		c.limiter = l
	})
}

// WithObserver calls f after every attempt, on the goroutine of the call, with
// the context of the call, which waits for f. f must be safe for concurrent use.
// nil is refused. Default: none.
func WithObserver(f func(context.Context, Attempt)) ClientOption {
	return clientOption(func(c *config) {
		c.refused.addIf(f == nil, "WithObserver", reasonNil)
		c.observer = f
	})
}

// WithHeaders sets the fields of h that are not empty.
func WithHeaders(h Headers) Option {
	return option(func(s *settings) { s.headers = s.headers.merge(h) })
}

// WithHeader sets a header that [Headers] does not know. The headers that the
// client itself answers for, such as Authorization and Content-Type, are refused,
// and so are those of Headers. Given twice for a name, the later value wins, and a
// call's wins over the client's.
func WithHeader(name, value string) Option {
	return option(func(s *settings) {
		s.refused.checkExtraHeader(name, value)
		s.extraHeaders = append(slices.Clip(s.extraHeaders), headerField{name, value})
	})
}

// WithRetry sets all of r: a zero field means the default, not what the client
// has. Negative values are refused. Without this option a call is tried up to three
// times.
func WithRetry(r Retry) Option {
	return option(func(s *settings) {
		s.refused.checkRetry(r)
		s.retry = r
	})
}

// WithAttemptTimeout limits one attempt, from the connection to the last byte
// of the answer; what it cuts off is tried again. 0 means the default of 30
// seconds, and a negative value is refused. The deadline of the call's context
// holds besides: it bounds all attempts and the waits between them.
//
// The default transport notices after 15 seconds that an HTTP/2 connection is
// dead. Attempts with a shorter timeout may be sent into the same one until then.
func WithAttemptTimeout(d time.Duration) Option {
	return option(func(s *settings) {
		s.refused.addIf(d < 0, "WithAttemptTimeout", reasonNegative)
		s.attemptTimeout = d
	})
}

// WithIdempotencyKey sends the call under a key of the caller's: 1 to 100
// visible ASCII characters. Without this option each POST gets a random key of
// its own, and a GET none. All attempts of a call go out under one key.
//
// For 30 minutes Chargebee answers the same call under the same key from its
// memory instead of doing the work again: see [Response.IdempotencyReplayed]. A
// key that was stored before the call can therefore be used to repeat it after
// anything, a crash included; [OutcomeUnknown] tells when there is need to.
//
// The same call is the same path, parameters and headers, those from
// [OriginFromRequest] included; another one under the key is refused with 422
// [ErrUnableToProcessRequest]. Which headers are compared is not documented:
// repeat a call with the same version of this library, which stands in the
// User-Agent. Not documented either: whether error answers are remembered too,
// and whether a key belongs to a site or to an API key.
//
// See https://apidocs.chargebee.com/docs/api/idempotency.
func WithIdempotencyKey(key string) CallOption {
	return callOption(func(c *call) {
		c.refused.checkIdempotencyKey(key)
		c.idempotencyKey = key
	})
}

// WithParam adds a parameter that the params struct of an operation does not
// know, also with an empty value. A name that is there already is refused.
func WithParam(name, value string) CallOption {
	return callOption(func(c *call) { c.extraParams = append(c.extraParams, param{name, value}) })
}

type param struct{ name, value string }
