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

// Client calls the Chargebee API of one site. Create one with [NewClient] and
// share it. It is immutable and safe for concurrent use.
type Client struct {
	PortalSessions *PortalSessionsService
	Features       *FeaturesService

	config *config
}

// config holds the settings of a client.
type config struct {
	settings
	baseURL      string
	insecureHTTP bool
	transport    http.RoundTripper
	wrappers     []func(http.RoundTripper) http.RoundTripper // the innermost first
	httpTimeout  time.Duration                               // of the caller's http.Client; 0: none
	userAgent    string
	credentials  func() credentials // a func, because fmt cannot print what it captures
	logger       *slog.Logger
	limiter      Limiter
	observer     func(context.Context, Attempt)
}

// NewClient returns a client for a site, such as "acme-test", and one of its
// API keys. It does no I/O. Each invalid argument is a [*ParamError], and several
// are joined: an empty or malformed site or key, a nil option, a base URL that is
// not https, a header that cannot be sent, or a negative value.
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
// with the same retries, validation and error types as the typed methods. result
// is a pointer, and the JSON of a successful response is decoded into it with
// encoding/json. If result is nil, the JSON is only in [Response.Body]. A success
// without a body, such as a 204, is a [*DecodeError] unless result is nil. If Do
// returns an error, the contents of result are undefined.
//
// The error is one of four:
//   - [*ParamError]: the call is invalid and nothing was sent; several may be joined
//   - [*APIError]: the response has a status other than 2xx
//   - [*DecodeError]: the body of a 2xx response could not be decoded
//   - [*TransportError]: no response, or the context or the limiter ended the call
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

// service is the common part of all services.
type service struct{ client *Client }

// do executes an operation and decodes its response.
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

// execute prepares a call, sends it, and decodes its response.
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

// sendWithRetry sends the call until it succeeds, cannot be retried, or runs out of
// attempts.
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

// send makes one attempt. It calls the transport directly, because an http.Client
// parses the Location of a redirect even if it must not follow it, and fails if
// that is malformed. The status is checked before the body is decoded.
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
