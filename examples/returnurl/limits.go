package main

import (
	"maps"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// newLimiter returns a limiter that lets at most n events pass in any minute: a third of them at once, the others at a
// steady rate. n must be at least 2.
func newLimiter(n int) *rate.Limiter {
	burst := max(1, n/3)
	return rate.NewLimiter(rate.Limit(n-burst)/60, burst)
}

// take lets an event pass, or returns how long it has to wait. Unlike a reservation, an event that has to wait does not
// delay others.
func take(limiter *rate.Limiter) time.Duration {
	now := time.Now()
	if limiter.AllowN(now, 1) {
		return 0
	}
	return max(waitAt(limiter, now), time.Nanosecond)
}

// waitAt returns how long an event has to wait.
func waitAt(limiter *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - limiter.TokensAt(now)
	return time.Duration(max(0, missing) / float64(limiter.Limit()) * float64(time.Second))
}

// loginLimits limits the ends of logins, most of which call Chargebee, because anybody can open a return URL. Otherwise
// strangers could use up the rate limit of the site, which all customers and programs share.
type loginLimits struct {
	perClient int

	mu      sync.Mutex
	all     *rate.Limiter
	clients map[netip.Prefix]*rate.Limiter // of the clients that were here recently
}

func newLoginLimits(perMinute, perClient int) *loginLimits {
	return &loginLimits{perClient: perClient, all: newLimiter(perMinute), clients: make(map[netip.Prefix]*rate.Limiter)}
}

// take lets a login of a client pass, or returns how long it has to wait. A login that has to wait counts neither for
// the client nor for all. A client is remembered only if its login passes, and only while that makes a difference, so
// strangers do not use up the memory.
func (l *loginLimits) take(client netip.Prefix) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	own := l.limiterOf(client)
	if wait := max(waitAt(own, now), waitAt(l.all, now)); wait > 0 {
		return wait
	}
	l.all.AllowN(now, 1)
	own.AllowN(now, 1)
	maps.DeleteFunc(l.clients, func(_ netip.Prefix, c *rate.Limiter) bool { return isFull(c, now) })
	l.clients[client] = own
	return 0
}

// wait returns how long a login of a client has to wait.
func (l *loginLimits) wait(client netip.Prefix) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	return max(waitAt(l.limiterOf(client), now), waitAt(l.all, now))
}

func (l *loginLimits) limiterOf(client netip.Prefix) *rate.Limiter {
	if known := l.clients[client]; known != nil {
		return known
	}
	return newLimiter(l.perClient)
}

// isFull reports whether a limiter is like a new one.
func isFull(limiter *rate.Limiter, now time.Time) bool {
	return limiter.TokensAt(now) >= float64(limiter.Burst())
}

// clientOf returns the address of the client of a request. All addresses of a /64 of IPv6 are one client, because they
// usually belong to one customer of a provider.
func clientOf(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, _ := netip.ParseAddr(host) // clients without a valid address are one client
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	client, _ := addr.Prefix(bits)
	return client
}
