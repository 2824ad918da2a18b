package chargebee

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/typedbee/chargebee-go/internal/failure"
	"github.com/typedbee/chargebee-go/internal/form"
	"github.com/typedbee/chargebee-go/internal/retry"
	"github.com/typedbee/chargebee-go/internal/transport"
	"github.com/typedbee/chargebee-go/internal/validate"
)

const userAgent = "typedbee-chargebee-go/0.1.0"

// Client calls the Chargebee API of one site. Create one with [NewClient] and
// share it. It is immutable and safe for concurrent use.
type Client struct {
	PortalSessions *PortalSessionsService
	Features       *FeaturesService
	Entitlements   *EntitlementsService

	config *config
}

// service is the common part of all services.
type service struct{ client *Client }

// config holds the settings of a client.
type config struct {
	settings
	baseURL      string
	insecureHTTP bool
	pool         *transport.Pool
	transport    http.RoundTripper                           // the pool and its wrappers
	wrappers     []func(http.RoundTripper) http.RoundTripper // the innermost first
	httpTimeout  time.Duration                               // of the caller's http.Client; 0: none
	userAgent    string
	credentials  func() *credentials // a func, because fmt cannot print what it captures
	logger       *slog.Logger        // nil: no log
	limiter      Limiter
	observer     func(context.Context, Attempt)
}

// NewClient returns a client for a site, such as "acme-test", and one of its
// API keys. It does no I/O. Each invalid argument is a [*ParamError], and several
// are joined: an empty or malformed site or key, a nil option, a base URL that is
// not https, a header that cannot be sent, or a negative value.
func NewClient(site, apiKey string, opts ...ClientOption) (*Client, error) {
	defaultURL := "https://" + site + ".chargebee.com/api/v2"
	config := &config{
		settings:    settings{retry: Retry{}.withDefaults(), attemptTimeout: defaultAttemptTimeout},
		baseURL:     defaultURL,
		pool:        transport.Own(transport.New()),
		userAgent:   userAgent,
		credentials: basicAuth(apiKey),
	}
	config.invalid.addReason("site", validate.Site(site))
	config.invalid.addReason("apiKey", validate.APIKey(apiKey))
	for _, opt := range opts {
		if opt == nil {
			config.invalid.add("opts", "must not have a nil option")
			continue
		}
		opt.applyClient(config)
	}
	config.headers.validate(&config.invalid)
	if config.baseURL != defaultURL {
		config.invalid.addReason("WithBaseURL", validate.BaseURL(config.baseURL, config.insecureHTTP))
	}
	config.wrapTransport()
	if len(config.invalid) > 0 {
		return nil, config.invalid.err()
	}
	config.baseURL = strings.TrimRight(config.baseURL, "/")

	client := &Client{config: config}
	client.PortalSessions = &PortalSessionsService{client}
	client.Features = &FeaturesService{client}
	client.Entitlements = &EntitlementsService{client}
	return client, nil
}

// CloseIdleConnections closes the connections that no call uses, as that of http.Client
// does. Call it when the client is no longer needed. A client on a transport that was
// passed to [WithHTTPClient] closes those of that transport, other users of it included.
func (c *Client) CloseIdleConnections() {
	if c != nil && c.config != nil {
		c.config.pool.CloseIdleConnections()
	}
}

// wrapTransport applies the wrappers to the pool.
func (c *config) wrapTransport() {
	c.transport = c.pool
	for _, wrap := range c.wrappers {
		c.transport = wrap(c.transport)
		if failure.IsNil(c.transport) {
			c.invalid.add("WithTransportWrapper", "must not return nil")
			return
		}
	}
}

// Do sends one request to any Chargebee endpoint that takes a form or a query,
// with the same retries, validation and error types as the typed methods. result
// is a pointer, and the JSON of a successful response is decoded into it with
// encoding/json. If Do returns an error, the contents of result are undefined.
//
// If result is nil, the JSON is only in [Response.Body]. It must then be empty ({}), or
// have an object or a list as Chargebee's resources are; for an operation with another
// response, pass a result. A success without a body, such as a 204, is a [*DecodeError]
// unless result is nil and the status is 204. So is any response whose JSON is not an
// object, or is an error of Chargebee's.
//
// The error is one of four:
//   - [*ParamError]: the call is invalid and nothing was sent; several may be joined
//   - [*APIError]: the response has a status other than 2xx
//   - [*DecodeError]: the body of a 2xx response is not what was requested
//   - [*TransportError]: no response, or the context or the limiter ended the call
func (c *Client) Do(ctx context.Context, req Request, result any, opts ...CallOption) (*Response, error) {
	if v := reflect.ValueOf(result); result != nil && (v.Kind() != reflect.Pointer || v.IsNil()) {
		opts = append(slices.Clip(opts), callOption(func(c *call) { c.invalid.add("result", "must be nil or a pointer") }))
	}
	return do(ctx, &service{c}, req, opts, maxList, func(_ context.Context, resp *Response) (*Response, error) {
		return resp, resp.decodeInto(result)
	})
}

// do executes a call: it prepares the call, sends it, and decodes the response, of which
// at most maxBody bytes are read.
func do[R any](ctx context.Context, s *service, req Request, opts []CallOption, maxBody int, decode func(context.Context, *Response) (*R, error)) (*R, error) {
	if s == nil || s.client == nil || s.client.config == nil {
		return nil, &ParamError{Field: "client", Reason: "must be made by NewClient"}
	}
	c := s.client.config
	call, err := c.prepare(ctx, req, opts)
	if err != nil {
		return nil, err
	}
	call.maxBody = maxBody
	resp, err := c.sendWithRetry(ctx, call)
	if err == nil {
		result, decodeErr := decode(ctx, resp)
		switch {
		case ctx.Err() != nil:
			err = call.withLastAPIError(call.transportError(ctx, errDecodedTooLate, false))
		case decodeErr != nil:
			err = call.decodeError(resp, decodeErr)
		default:
			return result, nil
		}
	}
	c.logFailure(ctx, call, err)
	return nil, err
}

var errDecodedTooLate = errors.New("the response was not decoded in time")

// call is a prepared request and the state of its attempts.
type call struct {
	settings
	idempotencyKey string
	extraParams    []param

	credentials        func() *credentials
	method, route, url string
	form               form.Form // of the parameters
	body               string
	maxBody            int // of a success

	attempt *transport.Attempt // the last one
	attempts
}

// prepare validates a call and builds its request. Its error names everything that is
// invalid.
func (c *config) prepare(ctx context.Context, req Request, opts []CallOption) (*call, error) {
	if ctx == nil {
		return nil, &ParamError{Field: "ctx", Reason: validate.ReasonNil}
	}
	call := &call{settings: c.settings, credentials: c.credentials, method: req.Method, route: req.Path}
	if headers, ok := ctx.Value(headersKey{}).(Headers); ok {
		call.headers = call.headers.override(headers)
	}
	for _, opt := range opts {
		if opt == nil {
			call.invalid.add("opts", "must not have a nil option")
			continue
		}
		opt.applyCall(call)
	}
	if call.headers != c.headers { // which NewClient validated
		call.headers.validate(&call.invalid)
	}
	call.keySent = call.idempotencyKey != "" // perhaps by an earlier call
	call.url = c.baseURL + call.form.ExpandPath(req.Path, req.PathValues)
	call.encodeParams(req.Params)
	switch req.Method {
	case http.MethodPost:
		call.body = call.form.Encoded.String()
		if call.idempotencyKey == "" {
			call.idempotencyKey = rand.Text()
		}
	case http.MethodGet:
		call.headers = call.headers.forGET()
		if query := call.form.Encoded.String(); query != "" {
			call.url += "?" + query
		}
	default:
		call.invalid.add("Method", "must be GET or POST")
	}
	if len(call.invalid) > 0 {
		return nil, call.invalid.err()
	}
	if c.httpTimeout > 0 {
		call.attemptTimeout = min(call.attemptTimeout, c.httpTimeout)
	}
	return call, nil
}

// sendWithRetry sends the call until it succeeds, cannot be retried, or runs out of
// attempts.
func (c *config) sendWithRetry(ctx context.Context, call *call) (*Response, error) {
	if err := c.wait(ctx, 0); err != nil {
		return nil, call.transportError(ctx, err, true)
	}
	for {
		call.number++
		start := time.Now()
		resp, err := c.send(ctx, call)
		var retryIn time.Duration
		var finalErr error
		if err != nil {
			retryIn, finalErr = call.afterAttempt(ctx, err)
		}
		if c.observer != nil || c.logger != nil {
			c.reportAttempt(ctx, call, resp, err, time.Since(start), retryIn)
		}
		if retryIn == 0 {
			return resp, finalErr
		}
		if waitErr := c.wait(ctx, retryIn); waitErr != nil {
			return nil, call.interruptedError(ctx, waitErr, err)
		}
		if errors.Is(err, failure.ErrAttemptTimeout) || errors.Is(err, transport.ErrNotProcessed) && call.attempt.SameConn() {
			c.pool.Renew(start)
		}
	}
}

// wait sleeps for d and then waits for the limiter.
func (c *config) wait(ctx context.Context, d time.Duration) error {
	if d > 0 {
		retry.Sleep(ctx, d)
	}
	if c.limiter != nil && ctx.Err() == nil {
		if err := c.limiter.Wait(ctx); err != nil {
			return fmt.Errorf("%w: %w", failure.ErrLimiter, failure.WithoutNil(err))
		}
	}
	return ctx.Err()
}

var errNilResponse = errors.New("the transport returned neither a response nor an error")

// send makes one attempt. It calls the transport directly, because an http.Client
// parses the Location of a redirect even if it must not follow it, and fails if
// that is malformed. A status other than 2xx takes precedence over an error in reading
// the body.
func (c *config) send(ctx context.Context, call *call) (*Response, error) {
	resp := &Response{Attempts: call.number, IdempotencyKey: call.idempotencyKey}
	ctx, cancel := context.WithTimeoutCause(ctx, call.attemptTimeout, failure.ErrAttemptTimeout)
	defer cancel()
	attempt, requestCtx := c.pool.Begin(ctx, call.attempt)
	defer c.pool.End(attempt)
	call.attempt = attempt
	req, err := http.NewRequestWithContext(requestCtx, call.method, call.url, strings.NewReader(call.body))
	if err != nil {
		return resp, call.transportError(ctx, err, true)
	}
	req.Header = c.newHeader(call)
	httpResp, err := c.transport.RoundTrip(req)
	if err == nil && httpResp == nil {
		err = errNilResponse
	}
	if err != nil {
		err = failure.WithoutNil(err)
		return resp, call.transportError(ctx, err, errors.Is(err, transport.ErrNotProcessed) || attempt.NeverSent(err))
	}
	if httpResp.Body == nil {
		httpResp.Body = http.NoBody
	}
	defer httpResp.Body.Close()
	resp.StatusCode = httpResp.StatusCode
	resp.Header = httpResp.Header
	resp.IdempotencyReplayed = httpResp.Header.Get(headerIdempotencyReplayed) == "true"
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		err = resp.readError(ctx, cancel, httpResp)
		return resp, call.apiError(resp, err)
	}
	body, isTooLong, err := transport.ReadBody(httpResp.Body, httpResp.ContentLength, call.maxBody)
	resp.Body = body
	switch {
	case isTooLong:
		return resp, call.decodeError(resp, fmt.Errorf("longer than %d MiB", call.maxBody>>20))
	case err != nil:
		return resp, call.transportError(ctx, err, false)
	}
	return resp, nil
}
