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

// settleTransport fills in the default transport, keeps it from sending again by
// itself, and puts the wrappers around it.
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

// newTransport is the default transport. The standard one keeps two idle
// connections to a host, so that many concurrent callers of the one host of
// this API would open a connection for almost every call. Nor does it ask
// whether an HTTP/2 connection is still alive, so that all attempts of a call
// would be sent into the same dead one; this one notices within half the default
// attempt timeout.
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

var errNotProcessed = errors.New("the server turned the request away, or closed the connection")

// oneSend keeps net/http from sending a request again by itself, past the
// limiter and the observer, as often as a server turns it away.
type noReplayTransport struct{ transport *http.Transport }

func (o noReplayTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return o.sendWithoutBody(req)
	}
	clone := req.WithContext(req.Context()) // a copy: wrappers may send a request again
	clone.GetBody = nil                     // or net/http could take the body from the start
	return o.transport.RoundTrip(clone)
}

// sendWithoutBody stops a request that was sent where it asks for a connection
// again.
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
