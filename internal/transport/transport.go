// Package transport has the default transport of a client, and keeps net/http from
// resending requests.
package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// New returns the default transport. [http.DefaultTransport] keeps two idle
// connections to a host, so concurrent callers of the one host of this API would open
// a connection for almost every call. It also sends no HTTP/2 pings, so all attempts of
// a call could go to the same dead connection. This one detects a dead connection
// within half of the default attempt timeout.
func New() *http.Transport {
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

// WithoutReplays keeps an *http.Transport from resending a request on its own, without
// the limiter and the observer, each time a server rejects it unprocessed. Any other
// transport is returned as it is.
func WithoutReplays(base http.RoundTripper) http.RoundTripper {
	if transport, ok := base.(*http.Transport); ok {
		return noReplayTransport{transport}
	}
	return base
}

type noReplayTransport struct{ transport *http.Transport }

func (t noReplayTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return t.sendWithoutBody(req)
	}
	clone := req.WithContext(req.Context()) // because wrappers may resend the original
	clone.GetBody = nil                     // or net/http could rewind the body
	return t.transport.RoundTrip(clone)
}

// sendWithoutBody cancels a request when, after it was written, net/http gets another
// connection for it.
func (t noReplayTransport) sendWithoutBody(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	var sent atomic.Bool
	clone := req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { sent.Store(true) },
		GetConn: func(string) {
			if sent.Load() {
				cancel(errNotProcessed)
			}
		},
	}))
	resp, err := t.transport.RoundTrip(clone)
	if err != nil && errors.Is(context.Cause(ctx), errNotProcessed) {
		err = errNotProcessed
	}
	return resp, err
}
