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
	reasonSpace    = "must not begin or end with a space"
	reasonNegative = "must not be negative"
	reasonAddress  = "must be an address of the form local@domain"
	reasonName     = "must have the name of a header"
	reasonEncoded  = "must be the standard Base64 encoding of an address of the form local@domain"
	reasonHost     = "must be one IP address or host name, without port or zone"
	reasonVisible  = "must be visible ASCII, without spaces"
	reasonSlash    = "must not contain a slash or backslash, not even escaped"
	reasonDots     = "must not be a dot segment, not even escaped"
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
		"a user agent after a space":       {tryOption(chargebee.WithUserAgent(" acme")), "WithUserAgent", reasonSpace},
		"a user agent of two lines":        {tryOption(chargebee.WithUserAgent("a\nb")), "WithUserAgent", reasonControl},
		"an ftp URL and WithInsecureHTTP":  {tryOption(chargebee.WithInsecureHTTP(), chargebee.WithBaseURL("ftp://example.com")), "WithBaseURL", "must be https"},
	}
	for _, site := range []string{
		"acme-test.chargebee.com", "acme/../evil", "acme:80", "acme@evil", "acme test", "acme\n", "acme#", "acme-", "-acme", "größe", strings.Repeat("a", 64),
	} {
		tests["the site "+site] = rejection{try(site, "test_key"), "site", "must be the name alone, such as acme-test: letters, digits and inner hyphens"}
	}
	for reason, apiKeys := range map[string][]string{
		reasonUTF8:                             {"test\xff"},
		reasonControl:                          {"test_key\n", "\ttest_key", "test\x00key", "test_key\x7f", "test_key\u0085"},
		reasonVisible:                          {" test_key", "test_key ", "test key", "test\u00a0key", "\u200btest_key", "\ufefftest_key", "“test_key”", "‘test_key’", "größe"},
		"must not contain quotes":              {`"test_key"`, "'test_key'", "`test_key`", `test_key"`},
		"must not contain a colon":             {"test:key", "test_key:", ":"},
		"must be the key alone, without Basic": {"Basic dGVzdF9rZXk6", "basic dGVzdF9rZXk6", "BASIC test_key", "Basic", "Basic:", "BasicdGVzdF9rZXk6", "Basic\ttest_key"},
	} {
		for _, apiKey := range apiKeys {
			tests["the API key "+apiKey] = rejection{try("acme-test", apiKey), "apiKey", reason}
		}
	}
	for reason, baseURLs := range map[string][]string{
		"must have a host":                     {"", "https:///api/v2", "/api/v2", "https://:443/api/v2"},
		"must be a URL":                        {"https://[::1", "https://example.com/\n", "https://example.com/\xff", "https://example.com/api/v2 ", `https://example.com/api\v2`, "https://example.com/{site}/api/v2"},
		"must be https":                        {"ftp://example.com"},
		"must have a port up to 65535":         {"https://example.com:65536/api/v2"},
		"must have no user, query or fragment": {"https://zoe:hunter2@example.com", "https://example.com?a=1", "https://example.com#a", "https://example.com?", "https://example.com#"},
		"must be https on this host; WithInsecureHTTP allows http": {"http://example.com/api/v2", "http://10.0.0.5/api/v2", "http://203.0.113.5/api/v2", "http://localhost.example.com/api/v2"},
		"must have the path /api/v2 on chargebee.com: add /api/v2 after the host": {
			"https://acme-test.chargebee.com", "https://acme-test.chargebee.com/", "https://ACME-TEST.Chargebee.COM", "https://chargebee.com",
			"https://acme-test.chargebee.com:443", "https://acme-test.chargebee.com.", "https://a.b.chargebee.com", "https://acme-test.chargebee.com/api",
			"https://acme-test.chargebee.com/api/v1", "https://acme-test.chargebee.com/api/v2/features", "https://acme-test.chargebee.com/gateway/api/v2",
			"https://acme-test.chargebee.com/api%2Fv2", "https://acme-test.chargebee.com//api/v2", "https://acme-test.chargebee.com/API/V2",
		},
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
		{chargebee.WithBaseURL("https://acme-test.chargebee.com/api/v2")},
		{chargebee.WithBaseURL("https://acme-test.chargebee.com/api/v2//")},
		{chargebee.WithBaseURL("https://ACME-TEST.CHARGEBEE.COM:443/api/v2")},
		{chargebee.WithBaseURL("https://notchargebee.com")},
		{chargebee.WithBaseURL("https://chargebee.com.example.com")},
		{chargebee.WithBaseURL("https://acme-test.chargebeeportal.com/api")},
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
	for _, apiKey := range []string{"test_key", "live_" + strings.Repeat("Zz09", 20), "basic", "test_Basic", "!#$%&()*+,-./;<=>?@[]^_{|}~"} {
		_, err := chargebee.NewClient("acme-test", apiKey)
		require.NoError(t, err, apiKey)
	}
}

func TestErrorsDoNotContainTheRejectedAPIKey(t *testing.T) {
	t.Parallel()
	for _, apiKey := range []string{"test_key\xff", "test_key\n", "test_key ", `"test_key"`, "test_key:", "Basic test_key"} {
		_, err := chargebee.NewClient("acme-test", apiKey)
		require.Error(t, err, apiKey)
		require.NotContains(t, err.Error(), "test_key")
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
		"zoe", "zoe@", "@example.com", "zoe@:example.com", "zoe@home@example.com", "Zoë <zoe@example.com>", "<zoe@example.com>", "<zoe@example.com", "zoe@example.com>",
		"zoe smith@example.com", "zoe@example com", `"a b@example.com`, `"a"@x.com,"b"@y.com`, `"@example.com`, "a,b@example.com", "a;b@example.com", `a"b@example.com`, "mailto:zoe@example.com", "MAILTO:zoe@example.com", `mailto:"a b"@example.com`,
		"zoe:home@example.com", "zoe@example.com:25", "zoe@example.com,ada", "zoe@example.com;ada", "zoe@example.com,ada@example.com", "zoe@example.com;ada@example.com",
	} {
		add("the user "+user, chargebee.WithHeaders(chargebee.Headers{OriginUser: user}), "chargebee-request-origin-user", reasonAddress)
	}
	for name, encoded := range map[string]string{
		"a plain address":             "zoe@example.com",
		"Base64 with a space":         "em9lQGV4YW1w bGUuY29t",
		"Base64 with a space behind":  "em9lQGV4YW1wbGUuY29t ",
		"URL-safe Base64":             "em_Dq0BleMOkbXBsZS5jb20=",
		"Base64 that is cut off":      "em9lQGV4YW1wbGUuY29tb",
		"Base64 with excess padding":  "em9lQGV4YW1wbGUuY29t====",
		"Base64 with missing padding": "YWRhQGV4YW1wbGUuYQ=", // of ada@example.a, which needs two
		"padding alone":               "====",
		"an encoded word":             "em9l",
		"an encoded mailto: URL":      "bWFpbHRvOnpvZUBleGFtcGxlLmNvbQ==",
		"encoded invalid UTF-8":       "em9l/0BleGFtcGxlLmNvbQ==",
		"an encoded line break":       "em9lQGV4YW1wbGUuY29tCg==",
		"an encoded control U+0085":   "em9lwoVAZXhhbXBsZS5jb20=",
		"an address encoded twice":    "ZW05bFFHVjRZVzF3YkdVdVkyOXQ=",
	} {
		add("the encoded user "+name, chargebee.WithHeaders(chargebee.Headers{OriginUserEncoded: encoded}), "chargebee-request-origin-user-encoded", reasonEncoded)
	}
	for _, host := range []string{
		"203.0.113.7, 10.0.0.1", "203.0.113.7,10.0.0.1", "203.0.113.7:51234", "[2001:db8::1]:443", "[2001:db8::1]", "203.0.113.999", "203.0.113.07", "1.2.3", "7",
		"0x7f000001", "203.0.113.7.", "203.0.113.7/24", "fe80::1%eth0", "::ffff:203.0.113.7%eth0", "2001:db8:::1", "a b", "unknown ", " unknown", " 203.0.113.7", " ",
		".", ".example.com", "example.com.", "example..com", "-a.example.com", "a-.example.com", "example.-com", "example.com-", "example.7com", "example._com",
		"exämple.com", "app.example.com:443", "http://example.com", "zoe@example.com",
		strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 125) + "abcd",
	} {
		add("the origin IP "+host, chargebee.WithHeaders(chargebee.Headers{OriginIP: host}), "chargebee-request-origin-ip", reasonHost)
	}
	add("invalid UTF-8 in the user", chargebee.WithHeaders(chargebee.Headers{OriginUser: "zoe\xff"}), "chargebee-request-origin-user", reasonUTF8)
	add("invalid UTF-8 in the encoded user", chargebee.WithHeaders(chargebee.Headers{OriginUserEncoded: "em9l\xff"}), "chargebee-request-origin-user-encoded", reasonUTF8)
	add("invalid UTF-8 in the origin IP", chargebee.WithHeaders(chargebee.Headers{OriginIP: "a\xff"}), "chargebee-request-origin-ip", reasonUTF8)
	for _, name := range []string{
		"authorization", "Accept", "Accept-Encoding", "Connection", "Content-Length", "Content-Type", "Expect", "Host", "Transfer-Encoding",
		"HTTP2-Settings", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Upgrade",
	} {
		add("the header "+name, chargebee.WithHeader(name, "x"), name, "is set by the client")
	}
	add("User-Agent", chargebee.WithHeader("User-Agent", "x"), "User-Agent", "is set with WithUserAgent")
	add("a header of Headers", chargebee.WithHeader("chargebee-event-email", "x"), "chargebee-event-email", "is set with Headers")
	add("the key", chargebee.WithHeader("chargebee-idempotency-key", "k"), "chargebee-idempotency-key", "is set with WithIdempotencyKey")
	add("the key of net/http", chargebee.WithHeader("idempotency-key", "k"), "idempotency-key", "is set with WithIdempotencyKey")
	add("the other key of net/http", chargebee.WithHeader("X-Idempotency-Key", "k"), "X-Idempotency-Key", "is set with WithIdempotencyKey")
	add("a header that ends with a space", chargebee.WithHeader("X-Team", "billing "), "X-Team", reasonSpace)
	add("a header that is a space", chargebee.WithHeader("X-Team", " "), "X-Team", reasonSpace)
	add("a device that begins with a space", chargebee.WithHeaders(chargebee.Headers{OriginDevice: " Android"}), "chargebee-request-origin-device", reasonSpace)
	add("a business entity that ends with a space", chargebee.WithHeaders(chargebee.Headers{BusinessEntityID: "acme "}), "chargebee-business-entity-id", reasonSpace)
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
	for _, path := range []string{"", "features", "/a/", "/a//b", "/a/./b", "/a/../b", "/a#b", `/a\b`, "/a%2Fb", "/a\n", "/a\x1b[31m", "/a b", "/a\xff"} {
		tests["the path "+path] = rejection{tryPath(path), "Path", "must be an absolute, clean path, such as /features/{feature-id}"}
	}
	for _, path := range []string{"/a?b=1", "/a?", "?a=1", "/a/{b}?c={d}", "/a#b?"} {
		tests["the path "+path] = rejection{tryPath(path, "1", "2"), "Path", "must not have a query: use Params"}
	}
	for _, path := range []string{"/a/{b", "/{a}}/{b}", "/{a{b}", "/{a{b}}", "/a/{}"} {
		tests["the path "+path] = rejection{tryPath(path, "1", "2"), "Path", "must name and close each {…}"}
	}
	tests.check(t)
	require.Empty(t, transport.requests)
}

func TestPathValuesThatCouldLeaveTheirSegmentAreRejected(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(respond(200, activatedJSON))
	client := newClient(t, transport)
	escapedTimes := func(times int, hex string) string { return "%" + strings.Repeat("25", times-1) + hex }
	tests := make(rejections)
	for reason, ids := range map[string][]string{
		reasonSlash: {
			"a/b", "/", "/a", "a/", "../customers", "./a", `a\b`, `\`, `..\customers`, "a%2Fb", "a%2fb", "%2F", "%5C", "a%5cb", "..%2Fcustomers%2Fzoe%2Fdelete%3F",
			"a%252Fb", "a%%32fb", "a%2%66b", "%25%32%46", "a%%35cb", "100%%2F", "50%off%2f", escapedTimes(3, "2F"), escapedTimes(8, "5c"), "https://example.com/",
		},
		reasonDots: {
			".", "..", "%2e", "%2E", "%2e%2e", ".%2E", "%2e.", "%252e%252e", "%%32e%%32e", "%2%65", ".;", "..;", "..;x", ".;x=1", "..%3Bx", "%2e%2e%253bx", "..;..",
			"..?", ".?x", "..%3Fx", "..#x", "%2e%2e%23", ".. ", "\t..", "..\n", ".%2e%20", "..%00", strings.Repeat(escapedTimes(8, "2e"), 2),
		},
		"must not be escaped more than 8 times": {escapedTimes(9, "41"), escapedTimes(9, "2f"), escapedTimes(9, "2e"), escapedTimes(1000, "41"), "%" + strings.Repeat("25", 1000)},
		reasonUTF8:                              {"\xff", "a/\xff", "..%c0%af", "%c0%ae%c0%ae", "%ff"},
		reasonEmpty:                             {""},
	} {
		for _, id := range ids {
			_, err := client.PortalSessions.ActivatePortalSession(t.Context(), id, chargebee.ActivatePortalSessionParams{Token: "tok_secret"})
			tests["the session id "+id] = rejection{err, "portal-session-id", reason}
		}
	}
	tests.check(t)
	require.Empty(t, transport.requests)
}

func TestOtherPathValuesAreSentEscaped(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"portal_1":  "portal_1",
		"v1.2":      "v1.2",
		"...":       "...",
		"..a":       "..a",
		"a..":       "a..",
		"a..b":      "a..b",
		"a;b":       "a%3Bb",
		"a;..":      "a%3B..",
		"...;a":     "...%3Ba",
		"a b":       "a%20b",
		"a?b#c":     "a%3Fb%23c",
		"zoë":       "zo%C3%AB",
		"100%":      "100%25",
		"50%off":    "50%25off",
		"%":         "%25",
		"%2":        "%252",
		"%%":        "%25%25",
		"a%2":       "a%252",
		"a%2gb":     "a%252gb",
		"a%g2b":     "a%25g2b",
		"a%20b":     "a%2520b",
		"a%2525b":   "a%252525b",
		"%41%7a":    "%2541%257a",
		"%2e%2e%2e": "%252e%252e%252e",
		// Escaped eight times:
		"%" + strings.Repeat("25", 7) + "41": "%" + strings.Repeat("25", 8) + "41",
	} {
		transport := newFakeTransport(respond(200, emptyListJSON))
		_, err := newClient(t, transport).Features.UpsertOrRemoveItemEntitlements(t.Context(), id,
			chargebee.UpsertOrRemoveItemEntitlementsParams{Action: chargebee.ActionUpsert})
		require.NoError(t, err, id)
		require.Equal(t, "https://acme-test.chargebee.com/api/v2/features/"+want+"/item_entitlements", transport.onlyRequest(t).URL.String())
	}
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
		chargebee.WithHeaders(chargebee.Headers{OriginUser: "zoe", OriginUserEncoded: "em9l", OriginIP: "203.0.113.7:443"}), chargebee.WithIdempotencyKey("a b"))
	require.EqualError(t, err, "chargebee: chargebee-idempotency-key must be visible ASCII\n"+
		"chargebee: chargebee-request-origin-user must be an address of the form local@domain\n"+
		"chargebee: chargebee-request-origin-user-encoded must be the standard Base64 encoding of an address of the form local@domain\n"+
		"chargebee: chargebee-request-origin-ip must be one IP address or host name, without port or zone\n"+
		"chargebee: feature-id must not be a dot segment, not even escaped\n"+
		"chargebee: action must not be empty\n"+
		"chargebee: item_entitlements[item_id][0] must not be empty\n"+
		"chargebee: item_entitlements[item_id][2] must not be empty\n"+
		"chargebee: item_entitlements[value][2] must be valid UTF-8")

	_, err = client.Do(t.Context(), chargebee.Request{Method: http.MethodPost, Path: "/a/{b}", PathValues: []string{""}}, struct{}{})
	require.EqualError(t, err, "chargebee: result must be nil or a pointer\nchargebee: b must not be empty")
	_, err = client.Do(t.Context(), chargebee.Request{Method: http.MethodPut, Path: "/a?b=1"}, struct{}{})
	require.EqualError(t, err, "chargebee: result must be nil or a pointer\nchargebee: Path must not have a query: use Params\nchargebee: Method must be GET or POST")
	_, err = client.Do(t.Context(), chargebee.Request{Method: http.MethodGet, Path: "/{a}/{b}", PathValues: []string{"1/2", "%2e"}}, nil)
	require.EqualError(t, err, "chargebee: a must not contain a slash or backslash, not even escaped\nchargebee: b must not be a dot segment, not even escaped")
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
