package chargebee

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// buildTransport sets the default transport if the caller gave none, disables the
// replays of net/http, and applies the wrappers.
func (c *config) buildTransport() {
	if c.transport == nil {
		c.transport = newTransport()
	}
	if transport, ok := c.transport.(*http.Transport); ok {
		c.transport = noReplayTransport{transport}
	}
	for _, wrap := range c.wrappers {
		c.transport = wrap(c.transport)
		if isNil(c.transport) {
			c.refused.add("WithTransportWrapper", "must not return nil")
			return
		}
	}
}

// newTransport returns the default transport. [http.DefaultTransport] keeps two
// idle connections to a host, so concurrent callers of the one host of this API would
// open a connection for almost every call. It also sends no HTTP/2 pings, so all
// attempts of a call could go to the same dead connection. This one detects a dead
// connection within half of the default attempt timeout.
func newTransport() *http.Transport {
	const connections = 256
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    connections,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
	}
}

var errNotProcessed = errors.New("the server did not process the request, or closed the connection")

// noReplayTransport keeps net/http from resending a request on its own, without the
// limiter and the observer, each time a server rejects it unprocessed.
type noReplayTransport struct{ transport *http.Transport }

func (o noReplayTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return o.sendWithoutBody(req)
	}
	clone := req.WithContext(req.Context()) // a copy: wrappers may resend the original
	clone.GetBody = nil                     // or net/http could rewind the body
	return o.transport.RoundTrip(clone)
}

// sendWithoutBody cancels a request when, after it was written, net/http gets
// another connection for it.
func (o noReplayTransport) sendWithoutBody(req *http.Request) (*http.Response, error) {
	ctx, stop := context.WithCancelCause(req.Context())
	var sent atomic.Bool
	clone := req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { sent.Store(true) },
		GetConn: func(string) {
			if sent.Load() {
				stop(errNotProcessed)
			}
		},
	}))
	resp, err := o.transport.RoundTrip(clone)
	if err != nil && errors.Is(context.Cause(ctx), errNotProcessed) {
		err = errNotProcessed
	}
	return resp, err
}
