package chargebee_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"testing/synctest"

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
func activateSecretly(ctx context.Context, client *chargebee.Client) (*chargebee.ActivatePortalSessionResponse, error) {
	return client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: secretToken})
}

// requireNoSecret looks for all secrets.
func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	requireNoRequestSecret(t, text)
	require.NotContains(t, text, secretResponseToken)
	require.NotContains(t, text, "portal/access/r")
}

// requireNoRequestSecret looks for the secrets of a request, in every form in which they are sent.
func requireNoRequestSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{
		secretKey, "dGVzdF9rZXk6", // in HTTP Basic
		secretToken, "t0k%2Ben%2Fsecret", "t0k+en%2Fsecret", // in a form and in a path
	} {
		require.NotContains(t, text, secret)
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
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t"} {
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
		"the key and the token":                {secretToken, `{"message":"the token t0k+en/secret of test_key is not t0k+en/secret","api_error_code":"param_wrong_value"}`, "400 param_wrong_value: the token [redacted] of [redacted] is not [redacted]"},
		"every encoding of them":               {secretToken, `{"message":"Basic dGVzdF9rZXk6 at /t0k+en%2Fsecret?token=t0k%2Ben%2Fsecret"}`, "400 Bad Request: Basic [redacted] at /[redacted]?token=[redacted]"},
		"several parameters":                   {secretToken, `{"message":"wrong","param":["t0k+en/secret","test_key"]}`, "400 Bad Request: wrong (param [redacted], [redacted])"},
		"a code with a token in it":            {secretToken, `{"message":"wrong","api_error_code":"t0k+en/secret"}`, "400 [redacted]: wrong"},
		"a code that is the token":             {"resource_not_found", `{"message":"no resource_not_found","api_error_code":"resource_not_found"}`, "400 [redacted]: no [redacted]"},
		"HTML":                                 {secretToken, `<html>test_key t0k+en/secret</html>`, "400 Bad Request"},
		"a token that begins with the key":     {"test_key_and_more", `{"message":"no test_key_and_more"}`, "400 Bad Request: no [redacted]"},
		"a token of four characters":           {"abcd", `{"message":"no abcd"}`, "400 Bad Request: no [redacted]"},
		"a shorter token could be a word":      {"abc", `{"message":"no abc"}`, "400 Bad Request: no abc"},
		"access URLs":                          {secretToken, `{"message":"https://a.com/portal/access/AbC-1 or \"https:\/\/b.com\/portal\/access\/AbC-2\", once"}`, `400 Bad Request: https://a.com/portal/access/[redacted] or "https://b.com/portal/access/[redacted]", once`},
		"access URLs in HTML":                  {secretToken, `{"message":"<a href='https://x/portal/access/AbC-1'>here</a>, <https://x/portal/access/AbC-2> or https://x/portal/access/AbC-3<br>"}`, "400 Bad Request: <a href='https://x/portal/access/[redacted]'>here</a>, <https://x/portal/access/[redacted]> or https://x/portal/access/[redacted]<br>"},
		"an access URL as the parameter":       {secretToken, `{"message":"wrong","param":"https://x/portal/access/AbC-1"}`, "400 Bad Request: wrong (param https://x/portal/access/[redacted])"},
		"an access URL at the end of the text": {secretToken, `{"message":"see /portal/access/AbC-1"}`, "400 Bad Request: see /portal/access/[redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, newFakeTransport(respond(400, test.body)))
			_, err := client.PortalSessions.ActivatePortalSession(t.Context(), "portal_1", chargebee.ActivatePortalSessionParams{Token: test.token})
			require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: "+test.want)
		})
	}
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

// leakyError is what a careless transport returns.
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

// net/http quotes what it cannot parse, which may be anything.
func TestTextThatNetHTTPQuotesIsRedacted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := newPipeTransport(t, func(conn net.Conn) {
			defer conn.Close()
			req, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(conn, secretSession+"\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn) // until the client closes the connection
		})
		_, err := activateSecretly(t.Context(), newClient(t, transport, overPipes, noRetries))
		require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: no response: malformed HTTP response")
		requireNoSecretInChain(t, err)
	})
}

func TestDecodeErrorsAreRedacted(t *testing.T) {
	t.Parallel()
	const number = "90071992547409931234"
	transport := newFakeTransport(respond(200, `{"n":`+number+`,"test_key":1}`))
	var result struct{ N int64 }
	_, err := newClient(t, transport).Do(t.Context(), chargebee.Request{Method: http.MethodPost, Path: "/customers"}, &result,
		chargebee.WithParam("token", number))
	require.ErrorContains(t, err, "cannot unmarshal number [redacted] into Go struct field")
	require.NotContains(t, formatted(err), number)
	requireNoSecretInChain(t, err)

	_, err = activateSecretly(t.Context(), newClient(t, newFakeTransport(respond(200, `{"portal_session":{"id":"portal_1","created_at":"`+secretToken+`"}}`))))
	var decodeErr *chargebee.DecodeError
	require.ErrorAs(t, err, &decodeErr)
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

func TestFormattedValuesContainNoSecret(t *testing.T) {
	t.Parallel()
	client := newClient(t, newFakeTransport(respond(200, secretSession)))
	resp, err := activateSecretly(t.Context(), client)
	require.NoError(t, err)
	require.Equal(t, secretURL, resp.PortalSession.AccessURL)
	params := chargebee.ActivatePortalSessionParams{Token: secretToken}
	apiErr := chargebee.APIError{StatusCode: 500, Body: []byte(secretResponseToken), Header: http.Header{"Set-Cookie": {secretResponseToken}}}
	for name, test := range map[string]struct {
		value      any
		secretJSON bool // its JSON contains secrets, as documented, or does not exist
	}{
		"a client":              {*client, false},
		"a service":             {*client.PortalSessions, false},
		"options":               {[]any{chargebee.WithParam("token", secretToken), chargebee.WithHeader("X-Secret", secretKey)}, true},
		"a request with params": {chargebee.Request{Method: http.MethodPost, Path: "/a", Params: params}, false},
		"a request with values": {chargebee.Request{Method: http.MethodPost, Path: "/a", Params: url.Values{"token": {secretToken}}}, true},
		"params":                {params, false},
		"a return":              {chargebee.PortalReturn{SessionID: "portal_1", Token: secretToken}, false},
		"a session":             {resp.PortalSession, true},
		"an activation":         {*resp, true},
		"an upsert":             {chargebee.UpsertOrRemoveItemEntitlementsResponse{Response: resp.Response}, false},
		"a response":            {resp.Response, false},
		"a field of a struct":   {struct{ R chargebee.Response }{resp.Response}, false},
		"a session beside a response": {struct {
			PortalSession chargebee.PortalSession
			chargebee.Response
		}{resp.PortalSession, resp.Response}, true},
		"an API error":      {apiErr, false},
		"a decode error":    {chargebee.DecodeError{Response: resp.Response, Err: errors.New("x")}, false},
		"a transport error": {chargebee.TransportError{Err: &apiErr}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pointer := reflect.New(reflect.TypeOf(test.value))
			pointer.Elem().Set(reflect.ValueOf(test.value))
			requireNoSecret(t, formatted(test.value)+formatted(pointer.Interface()))
			if !test.secretJSON {
				encoded, err := json.Marshal(test.value)
				require.NoError(t, err)
				requireNoSecret(t, string(encoded))
			}
		})
	}
}

func TestFormattedListsContainNoSecret(t *testing.T) {
	t.Parallel()
	requireNoSecret(t, formatted([]chargebee.PortalReturn{{SessionID: "portal_1", Token: secretToken}}))
}

func TestFormattedValues(t *testing.T) {
	t.Parallel()
	const (
		responseText = "chargebee.Response[status=200 attempts=1 idempotency_key=key-1 idempotency_replayed=true]"
		sessionText  = "chargebee.PortalSession[id=portal_1 status=activated customer_id=cus_1]"
	)
	session := chargebee.PortalSession{ID: "portal_1", Status: "activated", CustomerID: "cus_1"}
	response := chargebee.Response{StatusCode: 200, Attempts: 1, IdempotencyKey: "key-1", IdempotencyReplayed: true}
	apiErr := &chargebee.APIError{StatusCode: 404, Method: "POST", Route: "/a"}
	for _, test := range []struct {
		verb  string
		value any
		want  string
	}{
		{"%v", session, sessionText},
		{"%v", chargebee.PortalSession{ID: "portal\n1"}, "chargebee.PortalSession[id=portal 1 status= customer_id=]"},
		{"%+v", chargebee.PortalReturn{SessionID: "portal\n1", Token: secretToken}, "chargebee.PortalReturn[session_id=portal 1 token=[redacted]]"},
		{"%v", chargebee.ActivatePortalSessionParams{Token: secretToken}, "chargebee.ActivatePortalSessionParams[token=[redacted]]"},
		{"%v", response, responseText},
		{"%v", &chargebee.ActivatePortalSessionResponse{PortalSession: session, Response: response}, "chargebee.ActivatePortalSessionResponse[portal_session=" + sessionText + " response=" + responseText + "]"},
		{"%v", chargebee.Request{Method: "POST", Path: "/a"}, "chargebee.Request[method=POST route=/a]"},
		{"%q", apiErr, `"chargebee: POST /a: 404 Not Found"`},
		{"%36s", apiErr, "   chargebee: POST /a: 404 Not Found"},
	} {
		require.Equal(t, test.want, fmt.Sprintf(test.verb, test.value))
	}
	upsert := &chargebee.UpsertOrRemoveItemEntitlementsResponse{ItemEntitlements: []chargebee.ItemEntitlement{{ID: "ent_1", Value: "20"}}, Response: response}
	require.Contains(t, fmt.Sprintf("%+v", upsert), "chargebee.UpsertOrRemoveItemEntitlementsResponse[item_entitlements=[{ent_1 ")
}

// The test finds the operations by reflection, so that it includes new ones.
func TestParamsAndResponsesOfAllOperationsFormatWithoutSecrets(t *testing.T) {
	t.Parallel()
	client := reflect.TypeFor[chargebee.Client]()
	found := 0
	for i := range client.NumField() {
		service := client.Field(i)
		if !service.IsExported() {
			continue
		}
		for m := range service.Type.NumMethod() {
			method := service.Type.Method(m).Type
			types := []reflect.Type{method.Out(0).Elem()}
			for in := range method.NumIn() {
				types = append(types, method.In(in))
			}
			for _, typ := range types {
				if typ.Kind() == reflect.Struct {
					found++
					value := reflect.New(typ)
					fillWithSecrets(value.Elem())
					requireNoSecret(t, formatted(value.Interface())+formatted(value.Elem().Interface()))
				}
			}
		}
	}
	require.GreaterOrEqual(t, found, 4)
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
