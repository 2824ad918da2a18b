package chargebee

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

const defaultAttemptTimeout = 30 * time.Second

// Request is one call, for [Client.Do].
type Request struct {
	Method     string   // http.MethodGet or http.MethodPost
	Path       string   // template: "/portal_sessions/{portal-session-id}/activate"; it is logged, so keep ids out of it
	PathValues []string // one for each {…}, in order, unescaped

	// Params become the body of a POST and the query of a GET: nil, url.Values,
	// or a struct with `url` tags as in github.com/google/go-querystring. Its
	// fields are single values (strings, booleans, numbers, Timestamp or
	// another type that encodes itself, or pointers to these, where nil is not
	// sent); lists of strings, booleans or integers, in the form that their tag
	// options name; structs of single values; and slices of such structs, which
	// go out indexed: items[field][index]. A number whose type has a String method
	// is sent as that says. The tag option "required" refuses an empty single
	// value. Anything else is refused.
	//
	// The value of a parameter named token, of four characters or more, is kept
	// out of every error.
	Params any
}

// call is a request with everything settled that its attempts have in common,
// and what they have come to.
type call struct {
	settings
	idempotencyKey string
	extraParams    []param

	method, route, url string
	body               []byte
	secrets            secrets

	callState
}

// newCall settles a call, or refuses it with all its problems together.
func (c *Client) newCall(ctx context.Context, req Request, opts []CallOption) (*call, error) {
	if c == nil || c.config == nil {
		return nil, &ParamError{Field: "client", Reason: reasonClient}
	}
	if ctx == nil {
		return nil, &ParamError{Field: "ctx", Reason: reasonNil}
	}
	call := &call{settings: c.config.settings, method: req.Method, route: req.Path}
	call.headers = call.headers.merge(headersFrom(ctx))
	for _, opt := range opts {
		if opt == nil {
			call.refused.add("opts", "must not have a nil option")
			continue
		}
		opt.applyCall(call)
	}
	call.refused.checkHeaders(call.headers)
	call.keySent = call.idempotencyKey != "" // by the caller, for all we know
	call.url = c.config.baseURL + call.expandRoute(req.Path, req.PathValues)
	call.secrets = slices.Clone(c.config.credentials().secrets)
	form := call.encodeForm(req.Params)
	switch req.Method {
	case http.MethodPost:
		call.body = form
		if call.idempotencyKey == "" {
			call.idempotencyKey = rand.Text()
		}
	case http.MethodGet:
		if len(form) > 0 {
			call.url += "?" + string(form)
		}
	default:
		call.refused.add("Method", "must be GET or POST")
	}
	if len(call.refused) > 0 {
		return nil, call.refused.err()
	}

	call.attemptTimeout = cmp.Or(call.attemptTimeout, defaultAttemptTimeout)
	if c.config.httpTimeout > 0 {
		call.attemptTimeout = min(call.attemptTimeout, c.config.httpTimeout)
	}
	call.retry = call.retry.withDefaults()
	return call, nil
}

// expandRoute puts the path values, each escaped, into the {…} of a route.
func (c *call) expandRoute(route string, values []string) string {
	if !strings.HasPrefix(route, "/") || path.Clean(route) != route || strings.ContainsAny(route, `?#%\ `) || invalidText(route) != "" {
		c.refused.add("Path", "must be an absolute, clean path, such as /features/{feature-id}")
		return ""
	}
	var expanded strings.Builder
	expanded.Grow(2 * len(route))
	literal, rest, more := strings.Cut(route, "{")
	for ; more; literal, rest, more = strings.Cut(rest, "{") {
		name, after, closed := strings.Cut(rest, "}")
		switch {
		case !closed || name == "" || strings.Contains(name, "{") || strings.Contains(literal, "}"):
			c.refused.add("Path", reasonBraces)
			return ""
		case len(values) == 0:
			c.refused.add(name, "must have a value in PathValues")
		default:
			c.refused.checkPathValue(name, values[0])
			expanded.WriteString(literal)
			expanded.WriteString(url.PathEscape(values[0]))
			values = values[1:]
		}
		rest = after
	}
	expanded.WriteString(literal)
	c.refused.addIf(strings.Contains(literal, "}"), "Path", reasonBraces)
	c.refused.addIf(len(values) > 0, "PathValues", "must not be more than the {…} in Path")
	return expanded.String()
}

// newHeader returns the headers of a call: the same for every attempt, in a
// map of its own, because transports are known to add to it.
func (c *config) newHeader(call *call) http.Header {
	header := make(http.Header, 8)
	header.Set("Authorization", c.credentials().authorization)
	header.Set("Accept", "application/json")
	header.Set("User-Agent", c.userAgent)
	if call.method == http.MethodPost {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if call.idempotencyKey != "" {
		header.Set(headerIdempotencyKey, call.idempotencyKey)
	}
	call.headers.apply(header)
	for _, extra := range call.extraHeaders {
		header.Set(extra.name, extra.value)
	}
	return header
}
