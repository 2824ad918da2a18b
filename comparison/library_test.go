package comparison_test

import (
	"context"
	"net/http"
)

// library is one of the three that are compared.
type library int

const (
	ours library = iota // this library
	v3                  // Chargebee's SDK
	v4                  // its next major version
)

// client makes the calls that are measured, with one of the libraries.
type client interface {
	// activate activates a portal session. An idempotencyKey of "" means that the
	// caller passes none.
	activate(ctx context.Context, sessionID, token, idempotencyKey string) (*session, error)
	// upsert sets the value of an entitlement of the feature "seats". It returns the
	// number of entitlements in the typed field of the response.
	upsert(ctx context.Context) (entitlements int, err error)
}

// session is what a library returns for a portal session.
type session struct {
	id, customerID string
	value          any // of the library's own type
}

// settings configure a client. The zero value is what the measurements use.
type settings struct {
	site, apiKey string // empty: those of the constants
	transport    http.RoundTripper
	retries      retries
	loopback     string // host and port of a plain HTTP server that is called instead of chargebee.com
}

const (
	site      = "acme-test"
	apiKey    = "test_key_of_acme"
	sessionID = "portal_1"
	token     = "token_of_portal_1"
)

// retries is how a client retries.
type retries int

const (
	// documented is the configuration that the README of Chargebee's SDK describes: three
	// retries, a delay of 500 ms, and 429 among the statuses to retry. It is the default
	// of this library.
	documented retries = iota
	// byDefault is what a library does if nothing is configured.
	byDefault
	// byDefaultLiteral is byDefault, and the configuration of v4 is a ClientConfig literal, as
	// in most examples of its README, instead of the result of NewClientConfig.
	byDefaultLiteral
	// fiveAttempts is documented, with as many attempts as this library makes.
	fiveAttempts
)

func (l library) newClient(s settings) (client, error) {
	if s.site == "" {
		s.site = site
	}
	if s.apiKey == "" {
		s.apiKey = apiKey
	}
	switch l {
	case v3:
		return newV3(s), nil
	case v4:
		return newV4(s), nil
	}
	return newOurs(s)
}

// activate makes the call that most measurements make.
func activate(ctx context.Context, c client) (*session, error) {
	return c.activate(ctx, sessionID, token, "")
}
