package chargebee_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func TestNewClientRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	const name = "must be the name alone, such as acme-test: letters, digits and inner hyphens"
	with := func(opts ...chargebee.ClientOption) []chargebee.ClientOption { return opts }
	baseURL := func(rawURL string) []chargebee.ClientOption { return with(chargebee.WithBaseURL(rawURL)) }
	for title, test := range map[string]struct {
		site, key     string
		opts          []chargebee.ClientOption
		field, reason string
	}{
		"an empty site":                {"", "test_key", nil, "site", "must not be empty"},
		"a site with its domain":       {"acme-test.chargebee.com", "test_key", nil, "site", name},
		"a site with a path":           {"acme/../evil", "test_key", nil, "site", name},
		"a site with a port":           {"acme:80", "test_key", nil, "site", name},
		"a site with a user":           {"acme@evil", "test_key", nil, "site", name},
		"a site with a space":          {"acme test", "test_key", nil, "site", name},
		"a site with a line break":     {"acme\n", "test_key", nil, "site", name},
		"a site with a fragment":       {"acme#", "test_key", nil, "site", name},
		"a site that ends in a hyphen": {"acme-", "test_key", nil, "site", name},
		"a site that starts with one":  {"-acme", "test_key", nil, "site", name},
		"a site beyond ASCII":          {"größe", "test_key", nil, "site", name},
		"a site of 64 characters":      {strings.Repeat("a", 64), "test_key", nil, "site", name},
		"an empty key":                 {"acme-test", "", nil, "apiKey", "must not be empty"},
		"a key with a colon":           {"acme-test", "test:key", nil, "apiKey", "must not contain a colon"},
		"a key with a line break":      {"acme-test", "test_key\n", nil, "apiKey", "must not contain control characters"},
		"a key that is no text":        {"acme-test", "test\xff", nil, "apiKey", "must be valid UTF-8"},
		"a negative HTTP timeout":      {"acme-test", "test_key", with(chargebee.WithHTTPClient(&http.Client{Timeout: -1})), "WithHTTPClient", "must not have a negative Timeout"},
		"a nil option":                 {"acme-test", "test_key", with(nil), "opts", "must not have a nil option"},
		"a nil pointer to a transport": {"acme-test", "test_key", with(chargebee.WithHTTPClient(&http.Client{Transport: (*http.Transport)(nil)})), "WithHTTPClient", "must not have a nil pointer for a Transport"},
		"a nil HTTP client":            {"acme-test", "test_key", with(chargebee.WithHTTPClient(nil)), "WithHTTPClient", "must not be nil"},
		"a nil transport wrapper":      {"acme-test", "test_key", with(chargebee.WithTransportWrapper(nil)), "WithTransportWrapper", "must not be nil"},
		"a wrapper that returns nil":   {"acme-test", "test_key", with(chargebee.WithTransportWrapper(func(http.RoundTripper) http.RoundTripper { return nil })), "WithTransportWrapper", "must not return nil"},
		"a wrapper that returns a nil inside": {"acme-test", "test_key", with(
			chargebee.WithTransportWrapper(func(http.RoundTripper) http.RoundTripper { return (*http.Transport)(nil) }),
			chargebee.WithTransportWrapper(func(http.RoundTripper) http.RoundTripper { panic("is not asked") }),
		), "WithTransportWrapper", "must not return nil"},
		"a nil logger":                    {"acme-test", "test_key", with(chargebee.WithLogger(nil)), "WithLogger", "must not be nil"},
		"a nil limiter":                   {"acme-test", "test_key", with(chargebee.WithLimiter(nil)), "WithLimiter", "must not be nil"},
		"a limiter that is nil inside":    {"acme-test", "test_key", with(chargebee.WithLimiter(limiterFunc(nil))), "WithLimiter", "must not be nil"},
		"a nil observer":                  {"acme-test", "test_key", with(chargebee.WithObserver(nil)), "WithObserver", "must not be nil"},
		"an empty user agent":             {"acme-test", "test_key", with(chargebee.WithUserAgent("")), "WithUserAgent", "must not be empty"},
		"a user agent with a break":       {"acme-test", "test_key", with(chargebee.WithUserAgent("a\nb")), "WithUserAgent", "must not contain control characters"},
		"negative attempts":               {"acme-test", "test_key", with(chargebee.WithRetry(chargebee.Retry{MaxAttempts: -1})), "Retry.MaxAttempts", "must not be negative"},
		"a negative base delay":           {"acme-test", "test_key", with(chargebee.WithRetry(chargebee.Retry{BaseDelay: -1})), "Retry.BaseDelay", "must not be negative"},
		"a negative delay":                {"acme-test", "test_key", with(chargebee.WithRetry(chargebee.Retry{MaxDelay: -1})), "Retry.MaxDelay", "must not be negative"},
		"a negative ceiling":              {"acme-test", "test_key", with(chargebee.WithRetry(chargebee.Retry{MaxRetryAfter: -1})), "Retry.MaxRetryAfter", "must not be negative"},
		"a negative attempt timeout":      {"acme-test", "test_key", with(chargebee.WithAttemptTimeout(-time.Second)), "WithAttemptTimeout", "must not be negative"},
		"an empty base URL":               {"acme-test", "test_key", baseURL(""), "WithBaseURL", "must have a host"},
		"a base URL without a host":       {"acme-test", "test_key", baseURL("https:///api/v2"), "WithBaseURL", "must have a host"},
		"a base URL that is a path":       {"acme-test", "test_key", baseURL("/api/v2"), "WithBaseURL", "must have a host"},
		"a base URL with a port alone":    {"acme-test", "test_key", baseURL("https://:443/api/v2"), "WithBaseURL", "must have a host"},
		"a base URL that is none":         {"acme-test", "test_key", baseURL("https://[::1"), "WithBaseURL", "must be a URL"},
		"a base URL with a line break":    {"acme-test", "test_key", baseURL("https://example.com/\n"), "WithBaseURL", "must be a URL"},
		"a base URL that is no text":      {"acme-test", "test_key", baseURL("https://example.com/\xff"), "WithBaseURL", "must be a URL"},
		"a base URL of another scheme":    {"acme-test", "test_key", baseURL("ftp://example.com"), "WithBaseURL", "must be https"},
		"a base URL with a user":          {"acme-test", "test_key", baseURL("https://zoe:hunter2@example.com"), "WithBaseURL", "must have no user, query or fragment"},
		"a base URL with a query":         {"acme-test", "test_key", baseURL("https://example.com/api/v2?a=1"), "WithBaseURL", "must have no user, query or fragment"},
		"a base URL with a fragment":      {"acme-test", "test_key", baseURL("https://example.com/api/v2#a"), "WithBaseURL", "must have no user, query or fragment"},
		"a base URL with an empty query":  {"acme-test", "test_key", baseURL("https://example.com/api/v2?"), "WithBaseURL", "must have no user, query or fragment"},
		"a base URL that ends in a hash":  {"acme-test", "test_key", baseURL("https://example.com/api/v2#"), "WithBaseURL", "must have no user, query or fragment"},
		"a base URL with a high port":     {"acme-test", "test_key", baseURL("https://example.com:65536/api/v2"), "WithBaseURL", "must have a port up to 65535"},
		"plain http":                      {"acme-test", "test_key", baseURL("http://example.com/api/v2"), "WithBaseURL", "must be https on this host; WithInsecureHTTP allows http"},
		"plain http to a private address": {"acme-test", "test_key", baseURL("http://10.0.0.5/api/v2"), "WithBaseURL", "must be https on this host; WithInsecureHTTP allows http"},
		"plain http to a loopback alike":  {"acme-test", "test_key", baseURL("http://localhost.example.com/api/v2"), "WithBaseURL", "must be https on this host; WithInsecureHTTP allows http"},
		"another scheme, in spite of WithInsecureHTTP": {
			"acme-test", "test_key", with(chargebee.WithInsecureHTTP(), chargebee.WithBaseURL("ftp://example.com")), "WithBaseURL", "must be https",
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			client, err := chargebee.NewClient(test.site, test.key, test.opts...)
			require.Nil(t, client)
			require.Equal(t, &chargebee.ParamError{Field: test.field, Reason: test.reason}, err)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestNewClientReportsAllProblemsTogether(t *testing.T) {
	t.Parallel()
	_, err := chargebee.NewClient("", "test:key", nil, chargebee.WithHTTPClient(nil), chargebee.WithBaseURL("http://example.com"))
	require.EqualError(t, err, "chargebee: site must not be empty\n"+
		"chargebee: apiKey must not contain a colon\n"+
		"chargebee: opts must not have a nil option\n"+
		"chargebee: WithHTTPClient must not be nil\n"+
		"chargebee: WithBaseURL must be https on this host; WithInsecureHTTP allows http")
}

func TestNewClientAcceptsWhatCanWork(t *testing.T) {
	t.Parallel()
	with := func(opts ...chargebee.ClientOption) []chargebee.ClientOption { return opts }
	for name, opts := range map[string][]chargebee.ClientOption{
		"nothing else":                    nil,
		"another https host":              with(chargebee.WithBaseURL("https://chargebee.internal:8443/prefix/api/v2/")),
		"http on localhost":               with(chargebee.WithBaseURL("http://LOCALHOST:8080")),
		"http on an IPv4 loopback":        with(chargebee.WithBaseURL("http://127.8.9.10:8080")),
		"http on an IPv6 loopback":        with(chargebee.WithBaseURL("http://[::1]:8080")),
		"http elsewhere, allowed before":  with(chargebee.WithInsecureHTTP(), chargebee.WithBaseURL("http://mock:8080")),
		"http elsewhere, allowed after":   with(chargebee.WithBaseURL("http://mock:8080"), chargebee.WithInsecureHTTP()),
		"an HTTP client with no settings": with(chargebee.WithHTTPClient(&http.Client{})),
		"the zero values":                 with(chargebee.WithRetry(chargebee.Retry{}), chargebee.WithAttemptTimeout(0), chargebee.WithHeaders(chargebee.Headers{})),
		"a logger":                        with(chargebee.WithLogger(slog.New(slog.DiscardHandler))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := chargebee.NewClient("Acme-Test1"+strings.Repeat("x", 53), "test_key", opts...)
			require.NoError(t, err)
			require.NotNil(t, client.PortalSessions)
			require.NotNil(t, client.Features)
		})
	}
}

func TestCallsThatCannotBeMeantAreRefusedBeforeAnyIO(t *testing.T) {
	t.Parallel()
	activateSession := func(id, token string, opts ...chargebee.CallOption) func(context.Context, *chargebee.Client) error {
		return func(ctx context.Context, c *chargebee.Client) error {
			_, err := c.PortalSessions.ActivatePortalSession(ctx, id, chargebee.ActivatePortalSessionParams{Token: token}, opts...)
			return err
		}
	}
	upsertEntries := func(feature string, action chargebee.Action, entries ...chargebee.ItemEntitlementParams) func(context.Context, *chargebee.Client) error {
		return func(ctx context.Context, c *chargebee.Client) error {
			_, err := c.Features.UpsertOrRemoveItemEntitlements(ctx, feature,
				chargebee.UpsertOrRemoveItemEntitlementsParams{Action: action, ItemEntitlements: entries})
			return err
		}
	}
	do := func(req chargebee.Request, result any, opts ...chargebee.CallOption) func(context.Context, *chargebee.Client) error {
		return func(ctx context.Context, c *chargebee.Client) error {
			_, err := c.Do(ctx, req, result, opts...)
			return err
		}
	}
	get := func(path string, values ...string) chargebee.Request {
		return chargebee.Request{Method: http.MethodGet, Path: path, PathValues: values}
	}
	const badPath = "must be an absolute, clean path, such as /features/{feature-id}"
	for name, test := range map[string]struct {
		call          func(context.Context, *chargebee.Client) error
		field, reason string
	}{
		"an empty session id":              {activateSession("", "tok_secret"), "portal-session-id", "must not be empty"},
		"a session id that is a dot":       {activateSession(".", "tok_secret"), "portal-session-id", "must not be a dot segment"},
		"a session id that is two dots":    {activateSession("..", "tok_secret"), "portal-session-id", "must not be a dot segment"},
		"a session id that is no text":     {activateSession("\xff", "tok_secret"), "portal-session-id", "must be valid UTF-8"},
		"an empty token":                   {activateSession("portal_1", ""), "token", "must not be empty"},
		"a token that is no text":          {activateSession("portal_1", "tok\xff"), "token", "must be valid UTF-8"},
		"an empty feature id":              {upsertEntries("", chargebee.ActionUpsert), "feature-id", "must not be empty"},
		"an empty action":                  {upsertEntries("seats", ""), "action", "must not be empty"},
		"an action that is no text":        {upsertEntries("seats", "\xff"), "action", "must be valid UTF-8"},
		"an entry without an item":         {upsertEntries("seats", chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "a"}, chargebee.ItemEntitlementParams{Value: "1"}), "item_entitlements[item_id][1]", "must not be empty"},
		"an item that is no text":          {upsertEntries("seats", chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "\xff"}), "item_entitlements[item_id][0]", "must be valid UTF-8"},
		"a value that is no text":          {upsertEntries("seats", chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "a", Value: "\xff"}), "item_entitlements[value][0]", "must be valid UTF-8"},
		"an item type that is no text":     {upsertEntries("seats", chargebee.ActionUpsert, chargebee.ItemEntitlementParams{ItemID: "a", ItemType: "\xff"}), "item_entitlements[item_type][0]", "must be valid UTF-8"},
		"an empty idempotency key":         {activateSession("portal_1", "tok_secret", chargebee.WithIdempotencyKey("")), "chargebee-idempotency-key", "must not be empty"},
		"an idempotency key with a space":  {activateSession("portal_1", "tok_secret", chargebee.WithIdempotencyKey("a b")), "chargebee-idempotency-key", "must be visible ASCII"},
		"an idempotency key beyond ASCII":  {activateSession("portal_1", "tok_secret", chargebee.WithIdempotencyKey("größe")), "chargebee-idempotency-key", "must be visible ASCII"},
		"an idempotency key of 101":        {activateSession("portal_1", "tok_secret", chargebee.WithIdempotencyKey(strings.Repeat("k", 101))), "chargebee-idempotency-key", "must not be longer than 100 characters"},
		"a nil option":                     {activateSession("portal_1", "tok_secret", nil), "opts", "must not have a nil option"},
		"negative attempts":                {activateSession("portal_1", "tok_secret", chargebee.WithRetry(chargebee.Retry{MaxAttempts: -1})), "Retry.MaxAttempts", "must not be negative"},
		"a negative attempt timeout":       {activateSession("portal_1", "tok_secret", chargebee.WithAttemptTimeout(-1)), "WithAttemptTimeout", "must not be negative"},
		"a parameter that is there":        {activateSession("portal_1", "tok_secret", chargebee.WithParam("token", "x")), "token", "is set already"},
		"a parameter twice":                {activateSession("portal_1", "tok_secret", chargebee.WithParam("a", "1"), chargebee.WithParam("a", "1")), "a", "is set already"},
		"a parameter without a name":       {activateSession("portal_1", "tok_secret", chargebee.WithParam("", "x")), "WithParam", "must have the name of a parameter"},
		"a parameter that is no text":      {activateSession("portal_1", "tok_secret", chargebee.WithParam("a", "\xff")), "a", "must be valid UTF-8"},
		"another method":                   {do(chargebee.Request{Method: http.MethodDelete, Path: "/a"}, nil), "Method", "must be GET or POST"},
		"no method":                        {do(chargebee.Request{Path: "/a"}, nil), "Method", "must be GET or POST"},
		"no path":                          {do(get(""), nil), "Path", badPath},
		"a relative path":                  {do(get("features"), nil), "Path", badPath},
		"a path with dots":                 {do(get("/a/../b"), nil), "Path", badPath},
		"a path with a query":              {do(get("/a?b=1"), nil), "Path", badPath},
		"a path with a fragment":           {do(get("/a#b"), nil), "Path", badPath},
		"a path with a backslash":          {do(get(`/a\b`), nil), "Path", badPath},
		"a path with an escape":            {do(get("/a%2Fb"), nil), "Path", badPath},
		"a path with a line break":         {do(get("/a\n"), nil), "Path", badPath},
		"a path with an escape character":  {do(get("/a\x1b[31m"), nil), "Path", badPath},
		"a path with a space":              {do(get("/a b"), nil), "Path", badPath},
		"a path that is no text":           {do(get("/a\xff"), nil), "Path", badPath},
		"a path with an open brace":        {do(get("/a/{b", "1"), nil), "Path", "must name and close each {…}"},
		"a path with a closing brace":      {do(get("/a}"), nil), "Path", "must name and close each {…}"},
		"a path with a brace too many":     {do(get("/{a}}/{b}", "1", "2"), nil), "Path", "must name and close each {…}"},
		"a path with a brace opened twice": {do(get("/{a{b}", "1"), nil), "Path", "must name and close each {…}"},
		"a path with a brace in another":   {do(get("/{a{b}}", "1"), nil), "Path", "must name and close each {…}"},
		"a path with a nameless brace":     {do(get("/a/{}"), nil), "Path", "must name and close each {…}"},
		"a missing path value":             {do(get("/a/{b}/c/{d}", "1"), nil), "d", "must have a value in PathValues"},
		"a path value too many":            {do(get("/a/{b}", "1", "2"), nil), "PathValues", "must not be more than the {…} in Path"},
		"a result that is no pointer":      {do(get("/a"), struct{}{}), "result", "must be nil or a pointer"},
		"a result that is a nil pointer":   {do(get("/a"), (*struct{})(nil)), "result", "must be nil or a pointer"},
		"params of another kind":           {do(chargebee.Request{Method: http.MethodGet, Path: "/a", Params: map[string]string{"a": "b"}}, nil), "Params", "must be nil, a struct or url.Values"},
		"values that are no text":          {do(chargebee.Request{Method: http.MethodGet, Path: "/a", Params: url.Values{"a": {"\xff"}}}, nil), "a", "must be valid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, http.StatusOK, activated)
			err := test.call(t.Context(), m.client(t))
			require.Equal(t, &chargebee.ParamError{Field: test.field, Reason: test.reason}, err)
			require.Empty(t, m.sent)
		})
	}
}

func TestAllProblemsOfACallAreReportedTogether(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, noneLeft)
	_, err := m.client(t).Features.UpsertOrRemoveItemEntitlements(t.Context(), "..",
		chargebee.UpsertOrRemoveItemEntitlementsParams{ItemEntitlements: []chargebee.ItemEntitlementParams{{}, {ItemID: "a"}, {Value: "\xff"}}},
		chargebee.WithHeaders(chargebee.Headers{OriginUser: "zoe"}), chargebee.WithIdempotencyKey("a b"))

	require.EqualError(t, err, "chargebee: chargebee-idempotency-key must be visible ASCII\n"+
		"chargebee: chargebee-request-origin-user must be an address of the form local@domain\n"+
		"chargebee: feature-id must not be a dot segment\n"+
		"chargebee: action must not be empty\n"+
		"chargebee: item_entitlements[item_id][0] must not be empty\n"+
		"chargebee: item_entitlements[item_id][2] must not be empty\n"+
		"chargebee: item_entitlements[value][2] must be valid UTF-8")
	require.Empty(t, m.sent)
}

func TestAResultThatIsNoPointerIsReportedWithTheRest(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, `{}`)
	_, err := m.client(t).Do(t.Context(), chargebee.Request{Method: http.MethodPost, Path: "/a/{b}", PathValues: []string{""}}, struct{}{})
	require.EqualError(t, err, "chargebee: result must be nil or a pointer\nchargebee: b must not be empty")
	require.Empty(t, m.sent)
}

func TestAClientThatNewClientDidNotMakeIsRefused(t *testing.T) {
	t.Parallel()
	want := &chargebee.ParamError{Field: "client", Reason: "must be made by NewClient"}
	var zero chargebee.Client
	_, err := zero.PortalSessions.ActivatePortalSession(t.Context(), "portal_1", chargebee.ActivatePortalSessionParams{Token: "tok_secret"})
	require.Equal(t, want, err)
	_, err = new(chargebee.FeaturesService).UpsertOrRemoveItemEntitlements(t.Context(), "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{})
	require.Equal(t, want, err)
	_, err = zero.Do(t.Context(), chargebee.Request{}, nil)
	require.Equal(t, want, err)
	_, err = (*chargebee.Client)(nil).Do(t.Context(), chargebee.Request{}, nil)
	require.Equal(t, want, err)
}

func nilContext() context.Context { return nil }

func TestANilContextIsRefused(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, activated)
	none := chargebee.ContextWithHeaders(nilContext(), chargebee.Headers{OriginDevice: "Android"})
	_, err := m.client(t).Do(none, chargebee.Request{Method: http.MethodGet, Path: "/a"}, nil)
	require.Equal(t, &chargebee.ParamError{Field: "ctx", Reason: "must not be nil"}, err)
	require.Empty(t, m.sent)
}
