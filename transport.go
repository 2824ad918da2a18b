package chargebee

import (
	"net"
	"net/http"
	"time"
)

// settleTransport completes what the options began.
func (c *config) settleTransport() {
	if c.transport == nil {
		c.transport = newTransport()
	}
	if transport, ok := c.transport.(*http.Transport); ok {
		c.transport = oneSend{transport}
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
// would be sent into the same dead one; this one notices within half the attempt
// timeout.
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

// oneSend keeps net/http from sending a request again by itself, past the
// limiter and the observer, as often as an HTTP/2 server turns it away.
type oneSend struct{ transport *http.Transport }

func (o oneSend) RoundTrip(req *http.Request) (*http.Response, error) {
	once := req.WithContext(req.Context()) // a copy: wrappers may send a request again
	once.GetBody = nil
	return o.transport.RoundTrip(once)
}
