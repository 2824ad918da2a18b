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

// Request describes one call of [Client.Do].
type Request struct {
	Method     string   // http.MethodGet or http.MethodPost
	Path       string   // template: "/portal_sessions/{portal-session-id}/activate"; it appears in errors and logs, so keep ids out of it
	PathValues []string // one for each {…}, in order, unescaped

	// Params are the body of a POST and the query of a GET: nil, url.Values, or a
	// struct with `url` tags as in github.com/google/go-querystring. A field is a
	// single value (a string, boolean or number, Timestamp or another type that
	// encodes itself, or a pointer to one, where nil is not sent); a list of
	// strings, booleans or integers, in the form that its tag options choose; a
	// struct of single values; or a slice of such structs, which is indexed:
	// items[field][index]. A number whose type has a String method is sent as that
	// string. The tag option "required" rejects an empty single value. Anything
	// else is rejected.
	//
	// The value of a parameter named token, if it has four characters or more, is
	// redacted from errors.
	Params any
}

// call is a prepared request and the state of its attempts.
type call struct {
	settings
	idempotencyKey string
	extraParams    []param

	method, route, url string
	body               []byte
	secrets            secrets

	callState
}

// newCall validates and prepares a call. Its error names everything that is invalid.
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
	call.keySent = call.idempotencyKey != "" // perhaps by an earlier call
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

// expandRoute replaces each {…} of a route by its escaped path value.
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

// newHeader returns the headers of a call. They are the same for every attempt, but
// each attempt gets its own map, because transports are known to add to it.
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
