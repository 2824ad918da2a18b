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
	return max(waitAt(limiter, now, 1), time.Nanosecond)
}

// waitAt returns how long an event has to wait until a limiter has a number of tokens.
func waitAt(limiter *rate.Limiter, now time.Time, tokens float64) time.Duration {
	missing := tokens - limiter.TokensAt(now)
	return time.Duration(max(0, missing) / float64(limiter.Limit()) * float64(time.Second))
}

const clientMemory = 10 * time.Minute // how long a client is remembered

// loginLimits limits the ends of logins, most of which call Chargebee, because anybody can open a return URL. Otherwise
// strangers could use up the rate limit of the site, which all customers and programs share.
//
// The clients that had a login recently leave half of the logins that pass at once to other clients. Otherwise a few
// clients that keep trying could lock out all customers.
type loginLimits struct {
	perClient int

	mu      sync.Mutex
	all     *rate.Limiter
	clients map[netip.Prefix]*client // that had a login recently
}

type client struct {
	limiter   *rate.Limiter
	lastLogin time.Time
}

func newLoginLimits(perMinute, perClient int) *loginLimits {
	return &loginLimits{perClient: perClient, all: newLimiter(perMinute), clients: make(map[netip.Prefix]*client)}
}

// take lets a login of a client pass, or returns how long it has to wait. A login that has to wait is not counted. A
// client is remembered only if its login passes, so strangers do not use up the memory.
func (l *loginLimits) take(address netip.Prefix) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if wait := l.waitLocked(address, now); wait > 0 {
		return wait
	}
	maps.DeleteFunc(l.clients, func(_ netip.Prefix, c *client) bool { return now.Sub(c.lastLogin) >= clientMemory })
	own := l.clients[address]
	if own == nil {
		own = &client{limiter: newLimiter(l.perClient)}
		l.clients[address] = own
	}
	own.lastLogin = now
	own.limiter.AllowN(now, 1)
	l.all.AllowN(now, 1)
	return 0
}

// wait returns how long a login of a client has to wait.
func (l *loginLimits) wait(address netip.Prefix) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waitLocked(address, time.Now())
}

func (l *loginLimits) waitLocked(address netip.Prefix, now time.Time) time.Duration {
	own := l.clients[address]
	if own == nil || now.Sub(own.lastLogin) >= clientMemory {
		return waitAt(l.all, now, 1)
	}
	reserved := l.all.Burst() / 2
	return max(waitAt(own.limiter, now, 1), waitAt(l.all, now, float64(1+reserved)))
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
