package chargebee

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

const userAgent = "typedbee-chargebee-go/0.1.0"

// Client calls the Chargebee API of one site. Make it with [NewClient], once,
// and share it: it does not change afterwards and is safe for concurrent use.
type Client struct {
	PortalSessions *PortalSessionsService
	Features       *FeaturesService

	config *config
}

// config is what a client knows.
type config struct {
	settings
	baseURL      string
	insecureHTTP bool
	transport    http.RoundTripper
	wrappers     []func(http.RoundTripper) http.RoundTripper // the innermost first
	httpTimeout  time.Duration                               // of the caller's http.Client; 0: none
	userAgent    string
	credentials  func() credentials // a function, because no print can look into one
	logger       *slog.Logger
	limiter      Limiter
	observer     func(context.Context, Attempt)
}

// NewClient returns a client for a site, such as "acme-test", and one of its
// API keys. It does no I/O. What cannot work is refused with a [*ParamError],
// several of them joined: an empty or malformed site or key, a nil option, a
// base URL that is not https, headers that cannot be sent, negative values.
func NewClient(site, apiKey string, opts ...ClientOption) (*Client, error) {
	standardURL := "https://" + site + ".chargebee.com/api/v2"
	config := &config{
		baseURL:     standardURL,
		userAgent:   userAgent,
		credentials: basicAuth(apiKey),
		logger:      slog.New(slog.DiscardHandler),
	}
	config.refused.checkSite(site)
	config.refused.checkAPIKey(apiKey)
	for _, opt := range opts {
		if opt == nil {
			config.refused.add("opts", "must not have a nil option")
			continue
		}
		opt.applyClient(config)
	}
	config.refused.checkHeaders(config.headers)
	if config.baseURL != standardURL {
		config.refused.checkBaseURL(config.baseURL, config.insecureHTTP)
	}
	config.buildTransport()
	if len(config.refused) > 0 {
		return nil, config.refused.err()
	}
	config.baseURL = strings.TrimRight(config.baseURL, "/")

	client := &Client{config: config}
	client.PortalSessions = &PortalSessionsService{client}
	client.Features = &FeaturesService{client}
	return client, nil
}

// Do sends one request to any Chargebee endpoint that takes a form or a query,
// with everything the typed methods have. result, a pointer, receives the JSON of
// a success as encoding/json decodes it; nil leaves it in [Response.Body]. A
// success without a body, such as a 204, is a [*DecodeError] unless result is nil.
// If Do returns an error, result is not to be used.
//
// The error is one of four:
//   - [*ParamError]: nothing was sent; several may be joined
//   - [*APIError]: the server answered with an error
//   - [*DecodeError]: a success whose body could not be read
//   - [*TransportError]: no answer, or the context or the limiter ended the call
func (c *Client) Do(ctx context.Context, req Request, result any, opts ...CallOption) (*Response, error) {
	checked := callOption(func(c *call) { c.refused.checkResult(result) }) // to be reported with everything else
	opts = append(slices.Clip(opts), checked)
	return c.execute(ctx, req, opts, func(resp *Response) error {
		if result == nil {
			return nil
		}
		return resp.decodeInto(result)
	})
}

// service is what every service is: a name for some operations of a client.
type service struct{ client *Client }

// do is the whole of an operation: it returns a response that decoded itself,
// or none.
func do[R any, P interface {
	*R
	decode(resp *Response) error
}](ctx context.Context, s *service, req Request, opts []CallOption) (*R, error) {
	if s == nil {
		return nil, &ParamError{Field: "client", Reason: reasonClient}
	}
	response := new(R)
	if _, err := s.client.execute(ctx, req, opts, P(response).decode); err != nil {
		return nil, err
	}
	return response, nil
}

// run is the life of one call.
func (c *Client) execute(ctx context.Context, req Request, opts []CallOption, decode func(*Response) error) (*Response, error) {
	call, err := c.newCall(ctx, req, opts)
	if err != nil {
		return nil, err
	}
	resp, err := c.sendWithRetry(ctx, call)
	if err == nil {
		if problem := decode(resp); problem != nil {
			err = call.decodeError(resp, problem)
		}
	}
	if err != nil {
		c.config.reportFailure(ctx, call, err)
		return nil, err
	}
	return resp, nil
}

// try sends a call until there is an answer to go by, or no attempt left.
func (c *Client) sendWithRetry(ctx context.Context, call *call) (*Response, error) {
	if err := c.config.wait(ctx, 0); err != nil {
		return nil, call.transportError(ctx, err)
	}
	for {
		call.attempts++
		start := time.Now()
		resp, err := c.send(ctx, call)
		retryIn, end := call.next(ctx, err)
		c.config.report(ctx, Attempt{
			Method:     call.method,
			Route:      call.route,
			Number:     call.attempts,
			StatusCode: resp.StatusCode,
			Err:        err,
			Code:       errorCode(err),
			Failure:    failureLabel(err),
			Duration:   time.Since(start),
			RetryIn:    retryIn,
		})
		if retryIn == 0 {
			return resp, end
		}
		if stopped := c.config.wait(ctx, retryIn); stopped != nil {
			return nil, call.interruptedError(ctx, stopped, err)
		}
	}
}

var errNilResponse = errors.New("the transport returned neither a response nor an error")

// send puts a call on the wire and reads the answer. It asks the transport
// itself, because an http.Client reads the Location of a redirect even if it
// must not follow it, and fails if that is malformed. The status decides what
// the answer is, before anything looks at its body.
func (c *Client) send(ctx context.Context, call *call) (*Response, error) {
	resp := &Response{Attempts: call.attempts, IdempotencyKey: call.idempotencyKey}
	ctx, cancel := context.WithTimeoutCause(ctx, call.attemptTimeout, errAttemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, call.method, call.url, bytes.NewReader(call.body))
	if err != nil {
		return resp, call.transportError(ctx, err)
	}
	req.Header = c.config.newHeader(call)
	httpResp, err := c.config.transport.RoundTrip(req)
	if err == nil && httpResp == nil {
		err = errNilResponse
	}
	if err != nil {
		return resp, call.transportError(ctx, err)
	}
	err = resp.read(httpResp)
	switch {
	case !resp.isSuccess():
		return resp, call.apiError(ctx, resp, err)
	case errors.Is(err, errBodyTooLong):
		return resp, call.decodeError(resp, err)
	case err != nil:
		return resp, call.transportError(ctx, err)
	}
	return resp, nil
}
