package chargebee_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

const (
	secretKey           = "test_key" // of newClient
	secretToken         = "t0k+en/secret"
	secretResponseToken = "response-t0ken"
	secretURL           = "https://acme.chargebeeportal.com/portal/access/response-t0ken"
	secretSession       = `{"portal_session":{"id":"portal_1","token":"` + secretResponseToken + `","access_url":"` + secretURL + `","status":"activated","customer_id":"cus_1"}}`
)

// activateSecretly makes a call with secretToken.
func activateSecretly(ctx context.Context, client *chargebee.Client) (*chargebee.PortalSessionResponse, error) {
	return client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: secretToken})
}

// requireNoSecret looks for the secrets of the response, and for those of the request in every form in which they are sent.
func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{secretKey, "dGVzdF9rZXk6", secretToken, "t0k%2Ben%2Fsecret", "t0k+en%2Fsecret", secretResponseToken} {
		require.NotContains(t, text, secret)
		require.NotContains(t, strings.ToLower(text), hex.EncodeToString([]byte(secret)))
		require.NotContains(t, text, strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]"))
	}
}

// requireNoSecretInChain looks into err and every error that it wraps.
func requireNoSecretInChain(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	requireNoSecret(t, formatted(err))
	switch err := err.(type) { //nolint:errorlint // each error of the chain is checked by itself
	case interface{ Unwrap() error }:
		requireNoSecretInChain(t, err.Unwrap())
	case interface{ Unwrap() []error }:
		for _, wrapped := range err.Unwrap() {
			requireNoSecretInChain(t, wrapped)
		}
	}
}

// formatted returns what fmt and slog make of v, and of values that contain v.
func formatted(v any) string {
	var out bytes.Buffer
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%c", "%U", "%e", "%b", "%20.3v"}
	if _, isError := v.(error); isError || reflect.TypeOf(v).Kind() == reflect.Pointer {
		verbs = append(verbs, "%p") // of a struct it shows the fields, as documented
	}
	for _, verb := range verbs {
		fmt.Fprintf(&out, verb+"\n", v)
		fmt.Fprintf(&out, verb+"\n", []any{v})
		fmt.Fprintf(&out, verb+"\n", struct{ Field any }{v})
		fmt.Fprintf(&out, verb+"\n", map[string]any{"key": v})
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("message", "value", v, slog.Group("group", "value", v))
	}
	return out.String()
}

func TestErrorTextIsRedacted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ token, body, want string }{
		"the key and the token":            {secretToken, `{"message":"the token t0k+en/secret of test_key is not t0k+en/secret","api_error_code":"param_wrong_value"}`, "400 param_wrong_value: the token [redacted] of [redacted] is not [redacted]"},
		"every encoding of them":           {secretToken, `{"message":"Basic dGVzdF9rZXk6 at /t0k+en%2Fsecret?token=t0k%2Ben%2Fsecret"}`, "400 Bad Request: Basic [redacted] at /[redacted]?token=[redacted]"},
		"several parameters":               {secretToken, `{"message":"wrong","param":["t0k+en/secret","test_key"]}`, "400 Bad Request: wrong (param [redacted], [redacted])"},
		"a code that is the token":         {"resource_not_found", `{"message":"no resource_not_found","api_error_code":"resource_not_found"}`, "400 [redacted]: no [redacted]"},
		"a token that begins with the key": {"test_key_and_more", `{"message":"no test_key_and_more"}`, "400 Bad Request: no [redacted]"},
		"a token of four characters":       {"abcd", `{"message":"no abcd"}`, "400 Bad Request: no [redacted]"},
		"a token that is part of the key":  {"test", `{"message":"no test_key, no test"}`, "400 Bad Request: no [redacted], no [redacted]"},
		"not a token of three characters":  {"abc", `{"message":"no abc"}`, "400 Bad Request: no abc"},
		"access URLs":                      {secretToken, `{"message":"https://a.com/portal/access/AbC-1 or \"https:\/\/b.com\/portal\/access\/AbC-2\", once"}`, `400 Bad Request: https://a.com/portal/access/[redacted] or "https://b.com/portal/access/[redacted]", once`},
		"access URLs in HTML":              {secretToken, `{"message":"<a href='https://x/portal/access/AbC-1'>here</a>, <https://x/portal/access/AbC-2> or https://x/portal/access/AbC-3<br>"}`, "400 Bad Request: <a href='https://x/portal/access/[redacted]'>here</a>, <https://x/portal/access/[redacted]> or https://x/portal/access/[redacted]<br>"},
		"access URLs of the other form":    {secretToken, `{"message":"https://acme.chargebee.com/portal/v2/authenticate?token=AbC-1 or /portal/v2/authenticate?a=b&token=AbC-2&c=d, authenticate?Token=AbC-3"}`, "400 Bad Request: https://acme.chargebee.com/portal/v2/authenticate?token=[redacted] or /portal/v2/authenticate?a=b&token=[redacted]&c=d, authenticate?Token=[redacted]"},
		"access URLs that are escaped":     {secretToken, `{"message":"https%3A%2F%2Fa.com%2Fportal%2Faccess%2FAbC-1 %2fportal%2fv2%2fauthenticate%3ftoken%3dAbC-2%26a=b %252Fportal%252Faccess%252FAbC-3 authenticate%253Ftoken%253DAbC-4%2526a"}`, "400 Bad Request: https%3A%2F%2Fa.com%2Fportal%2Faccess%2F[redacted] %2fportal%2fv2%2fauthenticate%3ftoken%3d[redacted]%26a=b %252Fportal%252Faccess%252F[redacted] authenticate%253Ftoken%253D[redacted]%2526a"},
		"relative access URLs":             {secretToken, `{"message":"portal/access/AbC-1\tPORTAL/ACCESS/AbC-2 portal\\/access\\/AbC-3"}`, `400 Bad Request: portal/access/[redacted] PORTAL/ACCESS/[redacted] portal\/access\/[redacted]`},
		"an escaped & within a token":      {secretToken, `{"message":"?token=AbC%261&c=d"}`, "400 Bad Request: ?token=[redacted]&c=d"},
		"a return URL":                     {secretToken, `{"message":"/return?auth_session_id=portal_1&amp;auth_session_token=AbC-1"}`, "400 Bad Request: /return?auth_session_id=portal_1&amp;auth_session_token=[redacted]"},
		"a URL in letters of other length": {secretToken, `{"message":"İİİ /portal/access/AbC-1 İ?token=AbC-2"}`, "400 Bad Request: İİİ /portal/access/[redacted] İ?token=[redacted]"},
		"no token where there is none":     {secretToken, `{"message":"token=, /portal/access/ and token= \"token=\""}`, `400 Bad Request: token=[redacted] /portal/access/ and token= "token="`},
		"a URL within a URL":               {secretToken, `{"message":"/portal/access/AbC?token=AbC-1&token=AbC-2"}`, "400 Bad Request: /portal/access/[redacted]&token=[redacted]"},
		"other forms of the token":         {secretToken, `{"message":"t0k%2ben%2fsecret t0k+en\\/secret token\\u003dAbC-1"}`, `400 Bad Request: [redacted] [redacted] token\u003d[redacted]`},
		"some characters escaped":          {"t0k+en/s~cret!", `{"message":"t0k%2Ben/s~cret! t0k+en%2fs%7Ecret! t0k%2Ben%2fs~cret%21"}`, `400 Bad Request: [redacted] [redacted] [redacted]`},
		"a key with escaped characters":    {secretToken, `{"message":"test%5Fkey"}`, `400 Bad Request: [redacted]`},
		"a token with a percent sign":      {"a%2Fb%c", `{"message":"a%2Fb%c a%252Fb%25c"}`, `400 Bad Request: [redacted] [redacted]`},
		"a token with a space":             {"a b c", `{"message":"a+b%20c"}`, `400 Bad Request: [redacted]`},
		"a token with an escaped percent":  {"%25-secret", `{"message":"%25-secret"}`, `400 Bad Request: [redacted]`},
		"a token that begins with a slash": {"/secret", `{"message":"\\/secret"}`, `400 Bad Request: [redacted]`},
		"a token that begins with a space": {" secret", `{"message":"+secret"}`, `400 Bad Request: [redacted]`},
		"no key":                           {secretToken, `{"message":"tA65st_key t\\/st_key t+st_key t%6"}`, `400 Bad Request: tA65st_key t\/st_key t+st_key t%6`},
		"no token with a space":            {"a b c", `{"message":"a-b-c"}`, `400 Bad Request: a-b-c`},
		"secrets that overlap":             {"key_and_more", `{"message":"test_key_and_more"}`, `400 Bad Request: [redacted]`},
		"a token in the placeholder":       {"redacted", `{"message":"test_key redacted"}`, `400 Bad Request: [redacted] [redacted]`},
		"a token escaped in queries only":  {"t0k+secret", `{"message":"t0k+secret t0k%2Bsecret t0k%2bsecret"}`, "400 Bad Request: [redacted] [redacted] [redacted]"},
		"a token that is not ASCII":        {"t0ken-é", `{"message":"t0ken-é t0ken-%C3%A9 t0ken-%c3%a9"}`, "400 Bad Request: [redacted] [redacted] [redacted]"},
		"an access URL at the end":         {secretToken, `{"message":"see /portal/access/AbC-1"}`, "400 Bad Request: see /portal/access/[redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, newFakeTransport(respond(400, test.body)))
			_, err := client.PortalSessions.ActivatePortalSession(t.Context(), "portal_1", chargebee.ActivatePortalSessionParams{Token: test.token})
			require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: "+test.want)
		})
	}
}

// The time is linear in the length of the text: in quadratic time, one of these texts would take many minutes.
func TestLongTextsAreRedacted(t *testing.T) {
	t.Parallel()
	const length = 1 << 20
	redacted := func(text string) string {
		_, err := activateSecretly(t.Context(), newClient(t, newFakeTransport(failWith(errors.New(text))), noRetries))
		return errors.Unwrap(err).Error()
	}
	for _, test := range []struct{ first, repeated, want string }{
		{"", "/portal/access/ ", "/portal/access/ "},
		{"", "/portal/access/a ", "/portal/access/[redacted] "},
		{"", "token=a ", "token=[redacted] "},
		{"", "token=a&", "token=[redacted]&"},
		{"", "token%3Da%26", "token%3D[redacted]%26"},
		{"", "test_key ", "[redacted] "},
		{"", "portal/", "portal/"},
		{"", "%2Fportal", "%2Fportal"},
		{"", "%2F", "%2F"},
	} {
		count := length / len(test.repeated)
		isRedacted := redacted(test.first+strings.Repeat(test.repeated, count)) == test.first+strings.Repeat(test.want, count)
		require.True(t, isRedacted, test.repeated) // require.Equal would print the text
	}
	require.Equal(t, "/portal/access/[redacted]", redacted(strings.Repeat("/portal/access/", length/15)))
	require.Equal(t, "token=[redacted]", redacted(strings.Repeat("token=", length/6)))
}

func TestEncodedKeyIsRedactedWithoutItsPadding(t *testing.T) {
	t.Parallel()
	for key, encoded := range map[string]string{"test_key1": "dGVzdF9rZXkxOg", "test_ke": "dGVzdF9rZTo", "test_key": "dGVzdF9rZXk6"} {
		client, err := chargebee.NewClient("acme-test", key, chargebee.WithHTTPClient(&http.Client{Transport: roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			require.Equal(t, "Basic "+encoded, strings.TrimRight(req.Header.Get("Authorization"), "="))
			return respond(400, `{"message":"`+req.Header.Get("Authorization")+` or `+encoded+`"}`)(req)
		})}))
		require.NoError(t, err)
		_, err = activate(t.Context(), client)
		padding := strings.Repeat("=", len(encoded)*3%4)
		require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: 400 Bad Request: Basic [redacted]"+padding+" or [redacted]")
	}
}

func TestMalformedProxyAddressIsNotQuoted(t *testing.T) {
	t.Parallel()
	text := `invalid proxy address "http://zoe:hunter2 @proxy": invalid character " " in host name`
	_, err := activate(t.Context(), newClient(t, newFakeTransport(failWith(errors.New(text))), noRetries))
	require.EqualError(t, errors.Unwrap(err), "invalid proxy address")
}

func TestFieldsOfAPIErrorsAreRedacted(t *testing.T) {
	t.Parallel()
	const body = `{"message":"test_key","type":"t0k+en/secret","api_error_code":"t0k+en/secret","param":"test_key","error_cause_id":"test_key"}`
	_, err := activateSecretly(t.Context(), newClient(t, newFakeTransport(respond(400, body))))
	var apiErr *chargebee.APIError
	require.ErrorAs(t, err, &apiErr)
	fields := []string{apiErr.Message, string(apiErr.Type), string(apiErr.Code), apiErr.Param, apiErr.CauseID}
	require.Equal(t, []string{"[redacted]", "[redacted]", "[redacted]", "[redacted]", "[redacted]"}, fields)
}

// leakyError is the error of a transport that quotes the request.
type leakyError struct{ text string }

func (e leakyError) Error() string { return e.text }

func TestWrappedErrorsAreRedacted(t *testing.T) {
	t.Parallel()
	errLeaky := leakyError{"dumping Basic dGVzdF9rZXk6 and token=t0k%2Ben%2Fsecret"}
	const redactedText = "dumping Basic [redacted] and token=[redacted]"
	canceled, cancel := context.WithCancelCause(t.Context())
	cancel(errLeaky)
	for name, test := range map[string]struct {
		ctx       context.Context
		responder httpmock.Responder
		limiter   error
	}{
		"of the transport":                {t.Context(), failWith(errLeaky), nil},
		"of reading a success":            {t.Context(), respondBody(200, brokenReader{errLeaky}), nil},
		"of reading an error response":    {t.Context(), respondBody(404, brokenReader{errLeaky}), nil},
		"of the limiter":                  {t.Context(), respond(200, activatedJSON), errLeaky},
		"that is the cause of a canceled": {canceled, respond(200, activatedJSON), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, newFakeTransport(test.responder), noRetries,
				chargebee.WithLimiter(limiterFunc(func(context.Context) error { return test.limiter })))
			_, err := activateSecretly(test.ctx, client)
			requireNoSecretInChain(t, err)
			require.ErrorIs(t, err, errLeaky)
			require.ErrorContains(t, errors.Unwrap(err), redactedText)
			require.Equal(t, test.ctx == canceled, errors.Is(err, context.Canceled))
			var leaky leakyError
			require.NotErrorAs(t, err, &leaky)
		})
	}
}

func TestDecodeErrorsAreRedacted(t *testing.T) {
	t.Parallel()
	const number = "90071992547409931234"
	var result struct{ N int64 }
	_, err := newClient(t, newFakeTransport(respond(200, `{"n":`+number+`}`))).Do(t.Context(), postCustomers, &result, chargebee.WithParam("token", number))
	require.ErrorContains(t, err, "cannot unmarshal number [redacted] into Go struct field")
	require.NotContains(t, formatted(err), number)

	_, err = activateSecretly(t.Context(), newClient(t, newFakeTransport(respond(200, `{"portal_session":{"id":"portal_1","created_at":"`+secretToken+`"}}`))))
	require.ErrorAs(t, err, new(*chargebee.DecodeError))
	requireNoSecretInChain(t, err)
}

func TestConcurrentCallsRedactTheirOwnSecrets(t *testing.T) {
	t.Parallel()
	var client *chargebee.Client
	activateWithToken := func(token string) error {
		_, err := client.PortalSessions.ActivatePortalSession(t.Context(), "portal_1", chargebee.ActivatePortalSessionParams{Token: token})
		return err
	}
	client = newClient(t, roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		if string(body) == "token=first_token" {
			require.ErrorContains(t, activateWithToken("other_token"), "400 Bad Request: token=[redacted]")
		}
		return respond(400, `{"message":"`+string(body)+`"}`)(req)
	}))
	require.ErrorContains(t, activateWithToken("first_token"), "400 Bad Request: token=[redacted]")
}

// embedding has the methods of Response.
type embedding struct {
	PortalSession chargebee.PortalSession
	chargebee.Response
}

func TestFormattedValuesContainNoSecret(t *testing.T) {
	t.Parallel()
	const (
		responseText   = "chargebee.Response[status=200 attempts=1 idempotency_key=key-1 idempotency_replayed=true]"
		sessionText    = "chargebee.PortalSession[id=portal 1 status=activated customer_id=cus_1]"
		returnText     = "chargebee.PortalReturn[session_id=portal 1 token=[redacted]]"
		paramsText     = "chargebee.ActivatePortalSessionParams[token=[redacted]]"
		requestText    = "chargebee.Request[method=POST route=/a]"
		activationText = "chargebee.PortalSessionResponse[portal_session=" + sessionText + " response=" + responseText + "]"
		upsertText     = "chargebee.UpsertOrRemoveItemEntitlementsResponse[item_entitlements=[{ent_1 "
		notSent        = "chargebee: POST /a: not sent: "
		notFound       = "chargebee: POST /a: 404 Not Found"
	)
	header, body := http.Header{"Set-Cookie": {secretResponseToken}}, []byte(secretSession)
	response := chargebee.Response{StatusCode: 200, Header: header, Body: body, Attempts: 1, IdempotencyKey: "key-1", IdempotencyReplayed: true}
	session := chargebee.PortalSession{ID: "portal\n1", Status: "activated", CustomerID: "cus_1", Token: secretToken, AccessURL: secretURL}
	params := chargebee.ActivatePortalSessionParams{Token: secretToken}
	portalReturn := chargebee.PortalReturn{SessionID: "portal\n1", Token: secretToken}
	apiErr := chargebee.APIError{StatusCode: 404, Method: "POST", Route: "/a", Header: header, Body: body}
	entitlements := []chargebee.ItemEntitlement{{ID: "ent_1", Value: "20"}}
	client := newClient(t, newFakeTransport(respond(200, secretSession)))
	for name, test := range map[string]struct {
		value       any
		want        string // how it begins when it is formatted with %v
		secretsJSON bool   // its JSON contains secrets, as documented, or does not exist
	}{
		"a client":                    {*client, "{", false},
		"a service":                   {*client.PortalSessions, "{", false},
		"options":                     {[]any{chargebee.WithParam("token", secretToken), chargebee.WithHeader("X-Secret", secretKey)}, "[", true},
		"a request with params":       {chargebee.Request{Method: "POST", Path: "/a", Params: params}, requestText, false},
		"a request with values":       {chargebee.Request{Method: "POST", Path: "/a", Params: url.Values{"token": {secretToken}}}, requestText, false},
		"params":                      {params, paramsText, false},
		"a return":                    {portalReturn, returnText, false},
		"a session":                   {session, sessionText, true},
		"an activation":               {chargebee.PortalSessionResponse{PortalSession: session, Response: response}, activationText, true},
		"an upsert":                   {chargebee.UpsertOrRemoveItemEntitlementsResponse{ItemEntitlements: entitlements, Response: response}, upsertText, false},
		"a response":                  {response, responseText, false},
		"a session beside a response": {embedding{session, response}, responseText, true},
		"an attempt":                  {chargebee.Attempt{Method: "POST", Err: &apiErr}, "{POST ", false},
		"an API error":                {apiErr, notFound, false},
		"a decode error":              {chargebee.DecodeError{Method: "POST", Route: "/a", Response: response, Err: errors.New("x")}, "chargebee: POST /a: 200, but the body", false},
		"a transport error":           {chargebee.TransportError{Method: "POST", Route: "/a", Err: &apiErr}, notSent + notFound, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.True(t, strings.HasPrefix(fmt.Sprint(test.value), test.want), fmt.Sprint(test.value))
			pointer := reflect.New(reflect.TypeOf(test.value))
			pointer.Elem().Set(reflect.ValueOf(test.value))
			requireNoSecret(t, formatted(test.value)+formatted(pointer.Interface()))
			if !test.secretsJSON {
				encoded, err := json.Marshal(test.value)
				require.NoError(t, err)
				requireNoSecret(t, string(encoded))
			}
		})
	}
	requireNoSecret(t, formatted([]chargebee.PortalReturn{portalReturn})+formatted(struct{ R chargebee.Response }{response}))
	require.Equal(t, `"`+notFound+`"`, fmt.Sprintf("%q", &apiErr))
	require.Equal(t, "   "+notFound, fmt.Sprintf("%36s", &apiErr))
}

func TestJSONOfRequestOmitsParams(t *testing.T) {
	t.Parallel()
	const encodedRequest = `{"Method":"POST","Path":"/a/{id}","PathValues":["x"]}`
	for name, params := range map[string]any{
		"values":   url.Values{"token": {secretToken}},
		"a struct": struct{ Token string }{secretToken},
		"a map":    map[string]func(){},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := chargebee.Request{Method: "POST", Path: "/a/{id}", PathValues: []string{"x"}, Params: params}
			for want, v := range map[string]any{
				encodedRequest:                       req,
				`[` + encodedRequest + `]`:           []*chargebee.Request{&req},
				`{"Request":` + encodedRequest + `}`: struct{ Request chargebee.Request }{req},
			} {
				encoded, err := json.Marshal(v)
				require.NoError(t, err)
				require.Equal(t, want, string(encoded))
			}
			var logged bytes.Buffer
			slog.New(slog.NewJSONHandler(&logged, nil)).Info("message", "requests", []chargebee.Request{req})
			require.Contains(t, logged.String(), `"requests":[`+encodedRequest+`]`)
		})
	}
}

// The test finds the operations by reflection, so that it includes new ones.
func TestParamsAndResponsesOfAllOperationsFormatWithoutSecrets(t *testing.T) {
	t.Parallel()
	client := reflect.TypeFor[chargebee.Client]()
	found := make(map[string]bool)
	for i := range client.NumField() {
		service := client.Field(i)
		if !service.IsExported() {
			continue
		}
		for m := range service.Type.NumMethod() {
			method := service.Type.Method(m).Type
			types := []reflect.Type{method.Out(0)}
			for in := 2; in < method.NumIn()-1; in++ { // between the context and the options
				types = append(types, method.In(in))
			}
			for i, typ := range types {
				if typ.Kind() == reflect.Pointer {
					typ = typ.Elem()
				}
				if typ.Kind() != reflect.Struct { // such as an id
					continue
				}
				value := reflect.New(typ)
				fillWithSecrets(value.Elem())
				requireNoSecret(t, formatted(value.Interface())+formatted(value.Elem().Interface()))
				if isResponse := i == 0; isResponse {
					text := fmt.Sprint(value.Interface())
					require.True(t, strings.HasPrefix(text, "chargebee."+typ.Name()+"["), text)
				}
				found[typ.Name()] = true
			}
		}
	}
	require.Len(t, found, 14) // seven types of params and seven of responses
}

func fillWithSecrets(v reflect.Value) {
	for i := range v.NumField() {
		field, name := v.Field(i), v.Type().Field(i).Name
		switch {
		case name == "Token" || name == "AccessURL":
			field.SetString(secretURL + secretToken)
		case name == "Body":
			field.SetBytes([]byte(secretResponseToken))
		case field.Kind() == reflect.Struct && field.Type().PkgPath() == v.Type().PkgPath():
			fillWithSecrets(field)
		case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
			fillWithSecrets(field.Index(0))
		}
	}
}
