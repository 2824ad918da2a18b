package chargebee_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

const (
	reasonNil      = "must not be nil"
	reasonEmpty    = "must not be empty"
	reasonUTF8     = "must be valid UTF-8"
	reasonControl  = "must not contain control characters"
	reasonNegative = "must not be negative"
	reasonAddress  = "must be an address of the form local@domain"
	reasonName     = "must have the name of a header"
)

// rejections are errors by what caused them, with the field and the reason that each must have.
type rejections map[string]rejection

type rejection struct {
	err           error
	field, reason string
}

func (r rejections) check(t *testing.T) {
	t.Helper()
	for name, got := range r {
		assert.Equal(t, &chargebee.ParamError{Field: got.field, Reason: got.reason}, got.err, name)
	}
}

func TestNewClientRejectsInvalidArguments(t *testing.T) {
	t.Parallel()
	try := func(site, apiKey string, opts ...chargebee.ClientOption) error {
		client, err := chargebee.NewClient(site, apiKey, opts...)
		require.Nil(t, client)
		return err
	}
	tryOption := func(opts ...chargebee.ClientOption) error { return try("acme-test", "test_key", opts...) }
	wrapIn := func(transport http.RoundTripper) chargebee.ClientOption {
		return chargebee.WithTransportWrapper(func(http.RoundTripper) http.RoundTripper { return transport })
	}
	var nilTransport *http.Transport
	failingWrapper := func(http.RoundTripper) http.RoundTripper { panic("called with a nil transport") }
	tests := rejections{
		"an empty site":                    {try("", "test_key"), "site", reasonEmpty},
		"an empty API key":                 {try("acme-test", ""), "apiKey", reasonEmpty},
		"an API key with a colon":          {try("acme-test", "test:key"), "apiKey", "must not contain a colon"},
		"an API key with a line break":     {try("acme-test", "test_key\n"), "apiKey", reasonControl},
		"an API key with invalid UTF-8":    {try("acme-test", "test\xff"), "apiKey", reasonUTF8},
		"a nil option":                     {tryOption(nil), "opts", "must not have a nil option"},
		"a nil http.Client":                {tryOption(chargebee.WithHTTPClient(nil)), "WithHTTPClient", reasonNil},
		"a negative http.Client timeout":   {tryOption(chargebee.WithHTTPClient(&http.Client{Timeout: -1})), "WithHTTPClient", "must not have a negative Timeout"},
		"a nil pointer to a transport":     {tryOption(chargebee.WithHTTPClient(&http.Client{Transport: nilTransport})), "WithHTTPClient", "must not have a nil pointer for a Transport"},
		"a nil wrapper":                    {tryOption(chargebee.WithTransportWrapper(nil)), "WithTransportWrapper", reasonNil},
		"a wrapper that returns nil":       {tryOption(wrapIn(nil)), "WithTransportWrapper", "must not return nil"},
		"a wrapper around a nil transport": {tryOption(wrapIn(nilTransport), chargebee.WithTransportWrapper(failingWrapper)), "WithTransportWrapper", "must not return nil"},
		"a nil logger":                     {tryOption(chargebee.WithLogger(nil)), "WithLogger", reasonNil},
		"a nil limiter":                    {tryOption(chargebee.WithLimiter(nil)), "WithLimiter", reasonNil},
		"a limiter that is a nil func":     {tryOption(chargebee.WithLimiter(limiterFunc(nil))), "WithLimiter", reasonNil},
		"a nil observer":                   {tryOption(chargebee.WithObserver(nil)), "WithObserver", reasonNil},
		"an empty user agent":              {tryOption(chargebee.WithUserAgent("")), "WithUserAgent", reasonEmpty},
		"a user agent of two lines":        {tryOption(chargebee.WithUserAgent("a\nb")), "WithUserAgent", reasonControl},
		"an ftp URL and WithInsecureHTTP":  {tryOption(chargebee.WithInsecureHTTP(), chargebee.WithBaseURL("ftp://example.com")), "WithBaseURL", "must be https"},
	}
	for _, site := range []string{
		"acme-test.chargebee.com", "acme/../evil", "acme:80", "acme@evil", "acme test", "acme\n", "acme#", "acme-", "-acme", "größe", strings.Repeat("a", 64),
	} {
		tests["the site "+site] = rejection{try(site, "test_key"), "site", "must be the name alone, such as acme-test: letters, digits and inner hyphens"}
	}
	for reason, baseURLs := range map[string][]string{
		"must have a host":                     {"", "https:///api/v2", "/api/v2", "https://:443/api/v2"},
		"must be a URL":                        {"https://[::1", "https://example.com/\n", "https://example.com/\xff"},
		"must be https":                        {"ftp://example.com"},
		"must have a port up to 65535":         {"https://example.com:65536/api/v2"},
		"must have no user, query or fragment": {"https://zoe:hunter2@example.com", "https://example.com?a=1", "https://example.com#a", "https://example.com?", "https://example.com#"},
		"must be https on this host; WithInsecureHTTP allows http": {"http://example.com/api/v2", "http://10.0.0.5/api/v2", "http://203.0.113.5/api/v2", "http://localhost.example.com/api/v2"},
	} {
		for _, baseURL := range baseURLs {
			tests["the base URL "+baseURL] = rejection{tryOption(chargebee.WithBaseURL(baseURL)), "WithBaseURL", reason}
		}
	}
	tests.check(t)
}

func TestNewClientAcceptsValidArguments(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]chargebee.ClientOption{
		nil,
		{chargebee.WithBaseURL("https://chargebee.internal:8443/prefix/api/v2/")},
		{chargebee.WithBaseURL("http://LOCALHOST:8080")},
		{chargebee.WithBaseURL("http://127.8.9.10:8080")},
		{chargebee.WithBaseURL("http://[::1]:8080")},
		{chargebee.WithBaseURL("http://mock:8080"), chargebee.WithInsecureHTTP()},
		{chargebee.WithInsecureHTTP(), chargebee.WithBaseURL("http://mock:8080")},
		{chargebee.WithHTTPClient(&http.Client{}), chargebee.WithLogger(slog.New(slog.DiscardHandler))},
		{chargebee.WithRetry(chargebee.Retry{}), chargebee.WithAttemptTimeout(0), chargebee.WithHeaders(chargebee.Headers{})},
	} {
		client, err := chargebee.NewClient("Acme-Test1"+strings.Repeat("x", 53), "test_key", opts...)
		require.NoError(t, err)
		require.NotNil(t, client.PortalSessions)
		require.NotNil(t, client.Features)
	}
}

func TestInvalidOptionsOfClientsAndCallsAreRejected(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(respond(200, activatedJSON))
	client := newClient(t, transport)
	tests := make(rejections)
	add := func(name string, opt chargebee.Option, field, reason string) {
		rejected, err := chargebee.NewClient("acme-test", "test_key", opt)
		require.Nil(t, rejected, name)
		tests[name+", of a client"] = rejection{err, field, reason}
		_, err = activate(t.Context(), client, opt)
		tests[name+", of a call"] = rejection{err, field, reason}
	}
	add("MaxAttempts", chargebee.WithRetry(chargebee.Retry{MaxAttempts: -1}), "Retry.MaxAttempts", reasonNegative)
	add("BaseDelay", chargebee.WithRetry(chargebee.Retry{BaseDelay: -1}), "Retry.BaseDelay", reasonNegative)
	add("MaxDelay", chargebee.WithRetry(chargebee.Retry{MaxDelay: -1}), "Retry.MaxDelay", reasonNegative)
	add("MaxRetryAfter", chargebee.WithRetry(chargebee.Retry{MaxRetryAfter: -1}), "Retry.MaxRetryAfter", reasonNegative)
	add("attempt timeout", chargebee.WithAttemptTimeout(-1), "WithAttemptTimeout", reasonNegative)
	for field, headers := range map[string]chargebee.Headers{
		"chargebee-request-origin-device":       {OriginDevice: "a\r\nAuthorization: b"},
		"chargebee-request-origin-user":         {OriginUser: "zoe\t@example.com"},
		"chargebee-request-origin-user-encoded": {OriginUserEncoded: "em9l\n"},
		"chargebee-request-origin-ip":           {OriginIP: "\x00"},
		"chargebee-event-actions":               {EventActions: "all\tdisabled"},
		"chargebee-event-email":                 {EventEmail: "\x7f"},
		"chargebee-event-webhook":               {EventWebhook: "\x1b[0m"},
		"chargebee-business-entity-id":          {BusinessEntityID: "a\u0085"},
	} {
		add("a control character in "+field, chargebee.WithHeaders(headers), field, reasonControl)
	}
	add("invalid UTF-8", chargebee.WithHeaders(chargebee.Headers{OriginDevice: "\xff"}), "chargebee-request-origin-device", reasonUTF8)
	for _, user := range []string{
		"zoe", "zoe@", "@example.com", "zoe@home@example.com", "Zoë <zoe@example.com>", "<zoe@example.com>", "<zoe@example.com", "zoe@example.com>",
		"zoe smith@example.com", "zoe@example com", `"a b@example.com`,
	} {
		add("the user "+user, chargebee.WithHeaders(chargebee.Headers{OriginUser: user}), "chargebee-request-origin-user", reasonAddress)
	}
	for _, name := range []string{
		"authorization", "Accept", "Accept-Encoding", "Connection", "Content-Length", "Content-Type", "Host", "Transfer-Encoding",
	} {
		add("the header "+name, chargebee.WithHeader(name, "x"), name, "is set by the client")
	}
	add("User-Agent", chargebee.WithHeader("User-Agent", "x"), "User-Agent", "is set with WithUserAgent")
	add("a header of Headers", chargebee.WithHeader("chargebee-event-email", "x"), "chargebee-event-email", "is set with Headers")
	add("the key", chargebee.WithHeader("chargebee-idempotency-key", "k"), "chargebee-idempotency-key", "is set with WithIdempotencyKey")
	add("a header of two lines", chargebee.WithHeader("X-Team", "a\nb"), "X-Team", reasonControl)
	add("a header without a name", chargebee.WithHeader("", "x"), "WithHeader", reasonName)
	for _, separator := range `"(),/:;<=>?@[\]{}` + " \t\r\n\x7fé" {
		add(string(separator)+" in a name", chargebee.WithHeader("X"+string(separator)+"Team", "x"), "WithHeader", reasonName)
	}
	tests.check(t)
	require.Empty(t, transport.requests)
}

func TestInvalidCallsAreRejectedBeforeIO(t *testing.T) {
	t.Parallel()
	type entry = chargebee.ItemEntitlementParams
	transport := newFakeTransport(respond(200, activatedJSON))
	client := newClient(t, transport)
	tryActivate := func(id, token string, opts ...chargebee.CallOption) error {
		_, err := client.PortalSessions.ActivatePortalSession(t.Context(), id, chargebee.ActivatePortalSessionParams{Token: token}, opts...)
		return err
	}
	tryOption := func(opts ...chargebee.CallOption) error { return tryActivate("portal_1", "tok_secret", opts...) }
	tryUpsert := func(feature string, action chargebee.Action, entries ...entry) error {
		_, err := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), feature,
			chargebee.UpsertOrRemoveItemEntitlementsParams{Action: action, ItemEntitlements: entries})
		return err
	}
	tryDo := func(req chargebee.Request, result any) error {
		_, err := client.Do(t.Context(), req, result)
		return err
	}
	tryPath := func(path string, values ...string) error {
		return tryDo(chargebee.Request{Method: http.MethodGet, Path: path, PathValues: values}, nil)
	}
	tryParams := func(params any) error {
		return tryDo(chargebee.Request{Method: http.MethodGet, Path: "/a", Params: params}, nil)
	}
	tryContext := func(ctx context.Context, headers chargebee.Headers) error {
		_, err := activate(chargebee.ContextWithHeaders(ctx, headers), client)
		return err
	}
	var nilContext context.Context
	const key = "chargebee-idempotency-key"
	get := chargebee.Request{Method: http.MethodGet, Path: "/a"}
	tests := rejections{
		"a nil context":                        {tryContext(nilContext, chargebee.Headers{OriginDevice: "Android"}), "ctx", reasonNil},
		"an invalid header in the context":     {tryContext(t.Context(), chargebee.Headers{OriginUser: "zoe"}), "chargebee-request-origin-user", reasonAddress},
		"an empty session id":                  {tryActivate("", "tok_secret"), "portal-session-id", reasonEmpty},
		"a session id that is a dot":           {tryActivate(".", "tok_secret"), "portal-session-id", "must not be a dot segment"},
		"a session id of two dots":             {tryActivate("..", "tok_secret"), "portal-session-id", "must not be a dot segment"},
		"invalid UTF-8 in a session id":        {tryActivate("\xff", "tok_secret"), "portal-session-id", reasonUTF8},
		"an empty token":                       {tryActivate("portal_1", ""), "token", reasonEmpty},
		"invalid UTF-8 in a token":             {tryActivate("portal_1", "tok\xff"), "token", reasonUTF8},
		"an empty feature id":                  {tryUpsert("", chargebee.ActionUpsert), "feature-id", reasonEmpty},
		"an empty action":                      {tryUpsert("seats", ""), "action", reasonEmpty},
		"invalid UTF-8 in an action":           {tryUpsert("seats", "\xff"), "action", reasonUTF8},
		"an empty item id":                     {tryUpsert("seats", "upsert", entry{ItemID: "a"}, entry{Value: "1"}), "item_entitlements[item_id][1]", reasonEmpty},
		"invalid UTF-8 in an item id":          {tryUpsert("seats", "upsert", entry{ItemID: "a"}, entry{ItemID: "\xff"}), "item_entitlements[item_id][1]", reasonUTF8},
		"invalid UTF-8 in an item type":        {tryUpsert("seats", "upsert", entry{ItemID: "a"}, entry{ItemID: "b", ItemType: "\xff"}), "item_entitlements[item_type][1]", reasonUTF8},
		"invalid UTF-8 in a value":             {tryUpsert("seats", "upsert", entry{ItemID: "a"}, entry{ItemID: "b", Value: "\xff"}), "item_entitlements[value][1]", reasonUTF8},
		"an empty idempotency key":             {tryOption(chargebee.WithIdempotencyKey("")), key, reasonEmpty},
		"an idempotency key with a space":      {tryOption(chargebee.WithIdempotencyKey("a b")), key, "must be visible ASCII"},
		"an idempotency key with an umlaut":    {tryOption(chargebee.WithIdempotencyKey("größe")), key, "must be visible ASCII"},
		"an idempotency key of 101 characters": {tryOption(chargebee.WithIdempotencyKey(strings.Repeat("k", 101))), key, "must not be longer than 100 characters"},
		"a nil option":                         {tryOption(nil), "opts", "must not have a nil option"},
		"a parameter of the operation":         {tryOption(chargebee.WithParam("token", "x")), "token", "is set already"},
		"a parameter that is set twice":        {tryOption(chargebee.WithParam("a", "1"), chargebee.WithParam("a", "1")), "a", "is set already"},
		"a parameter without a name":           {tryOption(chargebee.WithParam("", "x")), "WithParam", "must have the name of a parameter"},
		"invalid UTF-8 in a parameter":         {tryOption(chargebee.WithParam("a", "\xff")), "a", reasonUTF8},
		"another method":                       {tryDo(chargebee.Request{Method: http.MethodDelete, Path: "/a"}, nil), "Method", "must be GET or POST"},
		"no method":                            {tryDo(chargebee.Request{Path: "/a"}, nil), "Method", "must be GET or POST"},
		"a result that is not a pointer":       {tryDo(get, struct{}{}), "result", "must be nil or a pointer"},
		"a result that is a nil pointer":       {tryDo(get, (*struct{})(nil)), "result", "must be nil or a pointer"},
		"a missing path value":                 {tryPath("/a/{b}/c/{d}", "1"), "d", "must have a value in PathValues"},
		"an extra path value":                  {tryPath("/a/{b}", "1", "2"), "PathValues", "must not be more than the {…} in Path"},
		"a closing brace alone":                {tryPath("/a}"), "Path", "must name and close each {…}"},
		"params that are a map":                {tryParams(map[string]string{"a": "b"}), "Params", "must be nil, a struct or url.Values"},
		"params that are a nil pointer":        {tryParams((*struct{})(nil)), "Params", reasonNil},
		"invalid UTF-8 in url.Values":          {tryParams(url.Values{"a": {"\xff"}}), "a", reasonUTF8},
		"invalid UTF-8 in a parameter's name":  {tryParams(url.Values{"\xff": {"a"}}), "\xff", reasonUTF8},
	}
	for _, path := range []string{"", "features", "/a/", "/a/../b", "/a?b=1", "/a#b", `/a\b`, "/a%2Fb", "/a\n", "/a\x1b[31m", "/a b", "/a\xff"} {
		tests["the path "+path] = rejection{tryPath(path), "Path", "must be an absolute, clean path, such as /features/{feature-id}"}
	}
	for _, path := range []string{"/a/{b", "/{a}}/{b}", "/{a{b}", "/{a{b}}", "/a/{}"} {
		tests["the path "+path] = rejection{tryPath(path, "1", "2"), "Path", "must name and close each {…}"}
	}
	tests.check(t)
	require.Empty(t, transport.requests)
}

func TestAllInvalidArgumentsAreReported(t *testing.T) {
	t.Parallel()
	_, err := chargebee.NewClient("", "test:key", nil, chargebee.WithHTTPClient(nil), chargebee.WithBaseURL("http://example.com"))
	require.EqualError(t, err, "chargebee: site must not be empty\n"+
		"chargebee: apiKey must not contain a colon\n"+
		"chargebee: opts must not have a nil option\n"+
		"chargebee: WithHTTPClient must not be nil\n"+
		"chargebee: WithBaseURL must be https on this host; WithInsecureHTTP allows http")

	transport := newFakeTransport(respond(200, emptyListJSON))
	client := newClient(t, transport)
	_, err = client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "..",
		chargebee.UpsertOrRemoveItemEntitlementsParams{ItemEntitlements: []chargebee.ItemEntitlementParams{{}, {ItemID: "a"}, {Value: "\xff"}}},
		chargebee.WithHeaders(chargebee.Headers{OriginUser: "zoe"}), chargebee.WithIdempotencyKey("a b"))
	require.EqualError(t, err, "chargebee: chargebee-idempotency-key must be visible ASCII\n"+
		"chargebee: chargebee-request-origin-user must be an address of the form local@domain\n"+
		"chargebee: feature-id must not be a dot segment\n"+
		"chargebee: action must not be empty\n"+
		"chargebee: item_entitlements[item_id][0] must not be empty\n"+
		"chargebee: item_entitlements[item_id][2] must not be empty\n"+
		"chargebee: item_entitlements[value][2] must be valid UTF-8")

	_, err = client.Do(t.Context(), chargebee.Request{Method: http.MethodPost, Path: "/a/{b}", PathValues: []string{""}}, struct{}{})
	require.EqualError(t, err, "chargebee: result must be nil or a pointer\nchargebee: b must not be empty")
	require.Empty(t, transport.requests)
}

func TestClientsNotMadeByNewClientAreRejected(t *testing.T) {
	t.Parallel()
	var zero chargebee.Client
	_, activateErr := activate(t.Context(), &zero)
	_, upsertErr := upsert(t.Context(), &chargebee.Client{Features: new(chargebee.FeaturesService)})
	_, doErr := zero.Do(t.Context(), chargebee.Request{}, nil)
	_, nilErr := (*chargebee.Client)(nil).Do(t.Context(), chargebee.Request{}, nil)
	for _, err := range []error{activateErr, upsertErr, doErr, nilErr} {
		require.Equal(t, &chargebee.ParamError{Field: "client", Reason: "must be made by NewClient"}, err)
	}
}
