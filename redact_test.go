package chargebee_test

import (
	"bytes"
	"context"
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
	secretKey     = "live_k3y"
	secretToken   = "t0k+en/secret"
	secretAnswer  = "answer-t0ken"
	secretURL     = "https://acme.chargebeeportal.com/portal/access/answer-t0ken"
	secretSession = `{"portal_session":{"id":"portal_1","token":"` + secretAnswer + `","access_url":"` + secretURL + `","status":"activated","customer_id":"cus_1"}}`
)

// requireNoSecret looks for all secrets, in every form in which they travel.
func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	requireNothingSent(t, text)
	require.NotContains(t, text, secretAnswer)
	require.NotContains(t, text, "portal/access")
}

// requireNothingSent looks for the secrets of a request.
func requireNothingSent(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{
		secretKey, "bGl2ZV9rM3k6", // the key, and it in HTTP Basic
		secretToken, "t0k%2Ben%2Fsecret", "t0k+en%2Fsecret", // the token, in a form and in a path
	} {
		require.NotContains(t, text, secret)
	}
}

// requireNoSecretInChain looks into err and everything that it wraps.
func requireNoSecretInChain(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	requireNoSecret(t, printed(err))
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		for _, wrapped := range several.Unwrap() {
			requireNoSecretInChain(t, wrapped)
		}
	}
	requireNoSecretInChain(t, errors.Unwrap(err))
}

// printed is v in every way in which it may end up before somebody's eyes.
func printed(v any) string {
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

func TestACallKeepsItsSecretsWhileAnotherIsMade(t *testing.T) {
	t.Parallel()
	var client *chargebee.Client
	var err error
	activateWithToken := func(token string) error {
		_, err := client.PortalSessions.ActivatePortalSession(t.Context(), "portal_1", chargebee.ActivatePortalSessionParams{Token: token})
		return err
	}
	transport := roundTripper(func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		if string(body) == "token=first_token" {
			require.Error(t, activateWithToken("other_token"))
		}
		return answers(400, `{"message":"`+string(body)+`"}`)(req)
	})
	client, err = chargebee.NewClient("acme-test", "test_key_1", once, chargebee.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)
	require.ErrorContains(t, activateWithToken("first_token"), "400 Bad Request: token=[redacted]")
}

func TestNoPrintedValueShowsASecret(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, secretSession)
	client, err := chargebee.NewClient("acme", secretKey, once, chargebee.WithHTTPClient(&http.Client{Transport: m}))
	require.NoError(t, err)
	params := chargebee.ActivatePortalSessionParams{Token: secretToken}
	activated, err := client.PortalSessions.ActivatePortalSession(t.Context(), "portal_1", params)
	require.NoError(t, err)
	changed := chargebee.UpsertOrRemoveItemEntitlementsResponse{Response: activated.Response}
	apiErr := chargebee.APIError{StatusCode: 500, Body: []byte(secretAnswer), Header: http.Header{"Set-Cookie": {secretAnswer}}}
	decodeErr := chargebee.DecodeError{Response: activated.Response, Err: errors.New("x")}
	transportErr := chargebee.TransportError{Err: &apiErr}

	for name, v := range map[string]any{
		"the client":                  client,
		"a copy of the client":        *client,
		"a service":                   client.PortalSessions,
		"a copy of a service":         *client.Features,
		"the params":                  params,
		"a pointer to the params":     &params,
		"a request with values":       chargebee.Request{Method: http.MethodPost, Path: "/a", Params: url.Values{"token": {secretToken}}},
		"a list of returns":           []chargebee.PortalReturn{{SessionID: "portal_1", Token: secretToken}},
		"a return in a struct":        struct{ R chargebee.PortalReturn }{chargebee.PortalReturn{SessionID: "portal_1", Token: secretToken}},
		"a response in a struct":      struct{ R chargebee.Response }{activated.Response},
		"a copy of an API error":      apiErr,
		"a copy of a decode error":    decodeErr,
		"a copy of a transport error": transportErr,
		"a request":                   chargebee.Request{Method: http.MethodPost, Path: "/a", Params: params},
		"a return":                    chargebee.PortalReturn{SessionID: "portal_1", Token: secretToken},
		"a pointer to a return":       &chargebee.PortalReturn{SessionID: "portal_1", Token: secretToken},
		"a session":                   activated.PortalSession,
		"a pointer to a session":      &activated.PortalSession,
		"an activation":               activated,
		"a copy of an activation":     *activated,
		"a change":                    &changed,
		"a copy of a change":          changed,
		"a response":                  activated.Response,
		"a response of a new operation": struct {
			PortalSession chargebee.PortalSession
			chargebee.Response
		}{activated.PortalSession, activated.Response},
		"a pointer to a response": &activated.Response,
		"an API error":            &apiErr,
		"a decode error":          &decodeErr,
		"a transport error":       &transportErr,
		"the options":             []any{chargebee.WithParam("token", secretToken), chargebee.WithHeader("X-Secret", secretKey)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireNoSecret(t, printed(v))
		})
	}
}

func TestWhatPrintedValuesDoShow(t *testing.T) {
	t.Parallel()
	session := chargebee.PortalSession{ID: "portal_1", Status: "activated", CustomerID: "cus_1"}
	require.Equal(t, "chargebee.PortalSession[id=portal_1 status=activated customer_id=cus_1]", fmt.Sprint(session))
	require.Equal(t, "chargebee.PortalReturn[session_id=portal 1 token=[redacted]]",
		fmt.Sprintf("%+v", chargebee.PortalReturn{SessionID: "portal\n1", Token: secretToken}))
	require.Equal(t, "chargebee.PortalSession[id=portal 1 status= customer_id=]", fmt.Sprint(chargebee.PortalSession{ID: "portal\n1"}))
	require.Equal(t, "chargebee.ActivatePortalSessionParams[token=[redacted]]", fmt.Sprint(chargebee.ActivatePortalSessionParams{Token: secretToken}))
	response := chargebee.Response{StatusCode: 200, Attempts: 1, IdempotencyKey: "key-1", IdempotencyReplayed: true}
	require.Equal(t, "chargebee.Response[status=200 attempts=1 idempotency_key=key-1 idempotency_replayed=true]", fmt.Sprint(response))
	require.Equal(t, "chargebee.ActivatePortalSessionResponse[portal_session=chargebee.PortalSession[id=portal_1 status=activated customer_id=cus_1] "+
		"response=chargebee.Response[status=200 attempts=1 idempotency_key=key-1 idempotency_replayed=true]]",
		fmt.Sprint(&chargebee.ActivatePortalSessionResponse{PortalSession: session, Response: response}))
	require.Contains(t, fmt.Sprintf("%+v", &chargebee.UpsertOrRemoveItemEntitlementsResponse{
		ItemEntitlements: []chargebee.ItemEntitlement{{ID: "ent_1", Value: "20"}}, Response: response,
	}), "chargebee.UpsertOrRemoveItemEntitlementsResponse[item_entitlements=[{ent_1 ")
	require.Equal(t, "chargebee.Request[method=POST route=/a]", fmt.Sprint(chargebee.Request{Method: "POST", Path: "/a"}))

	err := &chargebee.APIError{StatusCode: 404, Method: "POST", Route: "/a"}
	require.Equal(t, `"chargebee: POST /a: 404 Not Found"`, fmt.Sprintf("%q", err))
	require.Equal(t, "   chargebee: POST /a: 404 Not Found", fmt.Sprintf("%36s", err))
}

func TestWhatTheServerEchoesIsBlanked(t *testing.T) {
	t.Parallel()
	echo := func(format string) httpmock.Responder {
		return func(req *http.Request) (*http.Response, error) {
			body := strings.NewReplacer(
				"KEY", secretKey, "BASIC", req.Header.Get("Authorization"), "TOKEN", secretToken, "FORM", "token=t0k%2Ben%2Fsecret",
			).Replace(format)
			return httpmock.NewStringResponse(400, body), nil
		}
	}
	for name, format := range map[string]string{
		"in the message": `{"message":"key KEY, BASIC, token TOKEN, body FORM"}`,
		"in the param":   `{"message":"wrong","param":["TOKEN","KEY"]}`,
		"in the code":    `{"api_error_code":"KEY","type":"TOKEN","error_cause_id":"KEY"}`,
		"in HTML":        `<html>KEY TOKEN</html>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := chargebee.NewClient("acme", secretKey, once, chargebee.WithHTTPClient(&http.Client{Transport: newMockFunc(t, echo(format))}))
			require.NoError(t, err)
			_, err = client.PortalSessions.ActivatePortalSession(t.Context(), "portal_1", chargebee.ActivatePortalSessionParams{Token: secretToken})
			var apiErr *chargebee.APIError
			require.ErrorAs(t, err, &apiErr)
			requireNoSecret(t, printed(err)+apiErr.Message+apiErr.Param+apiErr.CauseID+string(apiErr.Code)+string(apiErr.Type))
		})
	}
}

func TestATokenFromABrowserDoesNotChooseTheCode(t *testing.T) {
	t.Parallel()
	m := newMock(t, 404, `{"api_error_code":"resource_not_found","type":"invalid_request","message":"no resource_not_found"}`)
	_, err := m.client(t).PortalSessions.ActivatePortalSession(t.Context(), "portal_1", chargebee.ActivatePortalSessionParams{Token: "resource_not_found"})
	require.ErrorIs(t, err, chargebee.ErrResourceNotFound)
	require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: 404 resource_not_found: no [redacted]")
}

func TestAnAccessURLInAMessageIsBlanked(t *testing.T) {
	t.Parallel()
	m := newMock(t, 400, `{"message":"use https://acme.chargebeeportal.com/portal/access/AbC-1 or \"https:\/\/my.example.com\/portal\/access\/AbC-2\", once",`+
		`"api_error_code":"invalid_request","param":"https://my.example.com/portal/access/AbC-3"}`)
	_, err := activate(t, m.client(t))
	require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: 400 invalid_request: "+
		`use https://acme.chargebeeportal.com/portal/access/[redacted] or "https://my.example.com/portal/access/[redacted]", once `+
		"(param https://my.example.com/portal/access/[redacted])")
}

func TestASecretThatBeginsWithAnotherIsBlankedWhole(t *testing.T) {
	t.Parallel()
	m := newMock(t, 400, `{"message":"test_key_and_more"}`)
	_, err := m.client(t).PortalSessions.ActivatePortalSession(t.Context(), "portal_1", chargebee.ActivatePortalSessionParams{Token: "test_key_and_more"})
	require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: 400 Bad Request: [redacted]")
}

func TestATokenInAPathIsBlanked(t *testing.T) {
	t.Parallel()
	m := newMock(t, 400, `{"message":"at /t0k+en%2Fsecret and ?t0k%2Ben%2Fsecret"}`)
	_, err := m.client(t).PortalSessions.ActivatePortalSession(t.Context(), "portal_1", chargebee.ActivatePortalSessionParams{Token: secretToken})
	require.ErrorContains(t, err, "at /[redacted] and ?[redacted]")
}

func TestAnAnswerThatIsNoHTTPIsNotQuoted(t *testing.T) {
	t.Parallel()
	client := newRawServer(t, secretSession+"\r\n\r\n")
	_, err := activate(t, client)
	var transportErr *chargebee.TransportError
	require.ErrorAs(t, err, &transportErr)
	require.ErrorContains(t, err, "malformed response")
	requireNoSecret(t, printed(err))
}

func TestWhatTheServerEchoesIsBlankedLegibly(t *testing.T) {
	t.Parallel()
	m := newMock(t, 400, `{"message":"the token tok_secret of test_key is wrong","api_error_code":"param_wrong_value"}`)
	_, err := activate(t, m.client(t))
	require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: "+
		"400 param_wrong_value: the token [redacted] of [redacted] is wrong")
}

// leaky is an error that a careless transport may return.
type leaky struct{ text string }

func (e leaky) Error() string        { return e.text }
func (e leaky) Is(target error) bool { return target == io.ErrClosedPipe }

func TestWhatTheTransportEchoesIsBlanked(t *testing.T) {
	t.Parallel()
	m := newMockFunc(t, func(req *http.Request) (*http.Response, error) {
		return nil, leaky{"dumping " + req.Header.Get("Authorization") + " and token=t0k%2Ben%2Fsecret"}
	})
	client, err := chargebee.NewClient("acme", secretKey, once, chargebee.WithHTTPClient(&http.Client{Transport: m}))
	require.NoError(t, err)
	err = post(t, client, nil, chargebee.WithParam("token", secretToken))

	require.EqualError(t, err, "chargebee: POST /customers: no response: dumping Basic [redacted] and token=[redacted]")
	require.ErrorIs(t, err, io.ErrClosedPipe)
	requireNoSecretInChain(t, err)
	var raw leaky
	require.NotErrorAs(t, err, &raw)
}

func TestWhatACauseOrALimiterSaysIsBlanked(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, activated)
	secretive := errors.New("no turn for " + secretKey)
	client, err := chargebee.NewClient("acme", secretKey, once, chargebee.WithHTTPClient(&http.Client{Transport: m}),
		chargebee.WithLimiter(limiterFunc(func(context.Context) error { return secretive })))
	require.NoError(t, err)
	_, err = activate(t, client)
	require.ErrorIs(t, err, secretive)
	requireNoSecretInChain(t, err)

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(secretive)
	err = activateWith(ctx, client)
	require.ErrorIs(t, err, secretive)
	require.ErrorIs(t, err, context.Canceled)
	requireNoSecretInChain(t, err)
}

func TestWhatCutsABodyIsBlanked(t *testing.T) {
	t.Parallel()
	secretive := errors.New("reading the answer to token=t0k%2Ben%2Fsecret")
	for _, status := range []int{200, 404} {
		client := newClient(t, newScript(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Body: io.NopCloser(brokenReader{secretive})}, nil
		}))
		_, err := client.PortalSessions.ActivatePortalSession(t.Context(), "portal_1", chargebee.ActivatePortalSessionParams{Token: secretToken})
		require.ErrorIs(t, err, secretive)
		requireNoSecretInChain(t, err)
	}
}

func TestADecodeErrorDoesNotRepeatASecret(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, `{"portal_session":{"id":"portal_1","created_at":"tok_secret"},"tok_secret":1}`)
	_, err := activate(t, m.client(t))
	require.Error(t, err)
	require.NotContains(t, printed(err), "tok_secret")

	const number = "90071992547409931234"
	var result struct{ N int64 }
	_, err = newMock(t, http.StatusOK, `{"n":`+number+`}`).client(t).Do(t.Context(), chargebee.Request{
		Method: http.MethodPost, Path: "/customers", Params: url.Values{"token": {number}},
	}, &result)
	require.ErrorContains(t, err, "cannot unmarshal number [redacted] into Go struct field")
}

func TestATokenOfFourCharactersIsBlankedAndAShorterOneIsNot(t *testing.T) {
	t.Parallel()
	for token, line := range map[string]string{"abcd": "token [redacted] is wrong", "abc": "token abc is wrong"} {
		client := newMock(t, 400, `{"message":"token `+token+` is wrong"}`).client(t)
		_, err := client.PortalSessions.ActivatePortalSession(t.Context(), "portal_1", chargebee.ActivatePortalSessionParams{Token: token})
		require.ErrorContains(t, err, "400 Bad Request: "+line)
	}
}

func TestWhatFollowsAnAccessURLStays(t *testing.T) {
	t.Parallel()
	_, err := activate(t, newMock(t, 400, `{"message":"<a href='https://x/portal/access/AbC-1'>here</a>, <https://x/portal/access/AbC-2> or else"}`).client(t))
	require.ErrorContains(t, err, "<a href='https://x/portal/access/[redacted]'>here</a>, <https://x/portal/access/[redacted]> or else")
}

// Every operation's, also those that are added.
func TestNoParameterAndNoResultOfAnOperationPrintsASecret(t *testing.T) {
	t.Parallel()
	client := reflect.TypeFor[chargebee.Client]()
	found := 0
	for i := range client.NumField() {
		service := client.Field(i)
		if !service.IsExported() {
			continue
		}
		for m := range service.Type.NumMethod() {
			method := service.Type.Method(m)
			types := []reflect.Type{method.Type.Out(0).Elem()}
			for in := range method.Type.NumIn() {
				types = append(types, method.Type.In(in))
			}
			for _, of := range types {
				if of.Kind() == reflect.Struct {
					found++
					value := reflect.New(of)
					fillWithSecrets(value.Elem())
					requireNoSecret(t, printed(value.Interface()))
					requireNoSecret(t, printed(value.Elem().Interface()))
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
			field.SetBytes([]byte(secretAnswer))
		case field.Kind() == reflect.Struct && field.Type().PkgPath() == v.Type().PkgPath():
			fillWithSecrets(field)
		case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
			fillWithSecrets(field.Index(0))
		}
	}
}
