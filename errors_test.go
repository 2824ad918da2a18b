package chargebee_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func TestEveryAnswerThatIsNoSuccessIsAnAPIError(t *testing.T) {
	t.Parallel()
	const prefix = "chargebee: POST /features/{feature-id}/item_entitlements: "
	long := strings.Repeat("é", 299)
	for name, test := range map[string]struct {
		status int
		body   string
		want   chargebee.APIError // of what the body gives
		line   string
	}{
		"a refusal in Chargebee's shape": {
			404, `{"message":"Plan is not present","type":"invalid_request","api_error_code":"resource_not_found","param":"item_id","http_status_code":400}`,
			chargebee.APIError{Type: chargebee.ErrTypeInvalidRequest, Code: chargebee.ErrResourceNotFound, Param: "item_id", Message: "Plan is not present"},
			"404 resource_not_found: Plan is not present (param item_id)",
		},
		"a payment error with its cause": {
			400, `{"message":"declined","type":"payment","api_error_code":"payment_processing_failed","error_cause_id":"gateway.general.decline"}`,
			chargebee.APIError{Type: chargebee.ErrTypePayment, Code: chargebee.ErrPaymentProcessingFailed, Message: "declined", CauseID: "gateway.general.decline"},
			"400 payment_processing_failed: declined",
		},
		"a 401 without a type": {
			401, `{"message":"Sorry, authentication failed. Invalid api key","api_error_code":"api_authentication_failed"}`,
			chargebee.APIError{Code: chargebee.ErrAPIAuthenticationFailed, Message: "Sorry, authentication failed. Invalid api key"},
			"401 api_authentication_failed: Sorry, authentication failed. Invalid api key",
		},
		"a list of params": {
			400, `{"message":"wrong","api_error_code":"param_wrong_value","param":["item_entitlements[value][0]","action"]}`,
			chargebee.APIError{Code: chargebee.ErrParamWrongValue, Message: "wrong", Param: "item_entitlements[value][0], action"},
			"400 param_wrong_value: wrong (param item_entitlements[value][0], action)",
		},
		"a null param": {
			400, `{"message":"wrong","api_error_code":"param_wrong_value","param":null}`,
			chargebee.APIError{Code: chargebee.ErrParamWrongValue, Message: "wrong"},
			"400 param_wrong_value: wrong",
		},
		"attributes of other types": {
			400, `{"message":{"a":1},"type":7,"api_error_code":"param_wrong_value","param":{"a":1},"error_cause_id":false}`,
			chargebee.APIError{Code: chargebee.ErrParamWrongValue},
			"400 param_wrong_value",
		},
		"a code of next year":         {400, `{"api_error_code":"a_code_of_next_year"}`, chargebee.APIError{Code: "a_code_of_next_year"}, "400 a_code_of_next_year"},
		"HTML":                        {503, `<html><body>503 Service Unavailable</body></html>`, chargebee.APIError{}, "503 Service Unavailable"},
		"HTML of another status":      {401, `<html>503</html>`, chargebee.APIError{}, "401 Unauthorized"},
		"an empty body":               {404, ``, chargebee.APIError{}, "404 Not Found"},
		"half a body":                 {400, `{"message":"wro`, chargebee.APIError{}, "400 Bad Request"},
		"an array":                    {400, `[{"message":"wrong"}]`, chargebee.APIError{}, "400 Bad Request"},
		"a string":                    {400, `"wrong"`, chargebee.APIError{}, "400 Bad Request"},
		"null":                        {500, `null`, chargebee.APIError{}, "500 Internal Server Error"},
		"a status without a name":     {599, ``, chargebee.APIError{}, "599"},
		"a redirect":                  {302, ``, chargebee.APIError{}, "302 Found"},
		"not modified":                {304, ``, chargebee.APIError{}, "304 Not Modified"},
		"control characters":          {400, `{"message":"a\r\nb\u0000c\u001b[31md\u2028e\u2029f"}`, chargebee.APIError{Message: "a\r\nb\x00c\x1b[31md\u2028e\u2029f"}, "400 Bad Request: a  b c [31md e f"},
		"a message of 300 characters": {400, `{"message":"` + long + `.` + `"}`, chargebee.APIError{Message: long + "."}, "400 Bad Request: " + long + "."},
		"a longer message":            {400, `{"message":"` + long + `..` + `"}`, chargebee.APIError{Message: long + ".."}, "400 Bad Request: " + long + ".…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := upsert(t, newMock(t, test.status, test.body).client(t))
			require.Nil(t, resp)
			var apiErr *chargebee.APIError
			require.ErrorAs(t, err, &apiErr)
			require.EqualError(t, err, prefix+test.line)
			require.True(t, utf8.ValidString(err.Error()))

			require.NotEmpty(t, apiErr.IdempotencyKey)
			want := test.want
			want.StatusCode, want.Body = test.status, []byte(test.body)
			want.Method, want.Route, want.Attempts = "POST", "/features/{feature-id}/item_entitlements", 1
			want.IdempotencyKey, want.Header = apiErr.IdempotencyKey, apiErr.Header
			require.Equal(t, want, *apiErr)
		})
	}
}

func TestAnErrorMatchesItsCodeAndItsType(t *testing.T) {
	t.Parallel()
	_, err := activate(t, newMock(t, 404, `{"type":"invalid_request","api_error_code":"resource_not_found"}`).client(t))
	err = fmt.Errorf("validating the login: %w", err)

	require.ErrorIs(t, err, chargebee.ErrResourceNotFound)
	require.ErrorIs(t, err, chargebee.ErrorCode("resource_not_found"))
	require.ErrorIs(t, err, chargebee.ErrTypeInvalidRequest)
	require.NotErrorIs(t, err, chargebee.ErrSiteNotFound)
	require.NotErrorIs(t, err, chargebee.ErrorType("resource_not_found"))
	require.NotErrorIs(t, err, io.EOF)

	_, err = activate(t, newMock(t, 502, `<html>`).client(t))
	require.NotErrorIs(t, err, chargebee.ErrorCode(""))
	require.NotErrorIs(t, err, chargebee.ErrorType(""))
}

func TestRetryable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  chargebee.APIError
		want bool
	}{
		"429":                     {chargebee.APIError{StatusCode: 429, Code: chargebee.ErrAPIRequestLimitExceeded}, true},
		"429 of a lock":           {chargebee.APIError{StatusCode: 429, Code: chargebee.ErrLockTimeout}, true},
		"503":                     {chargebee.APIError{StatusCode: 503, Code: chargebee.ErrInternalTemporaryError}, true},
		"429 site_not_ready":      {chargebee.APIError{StatusCode: 429, Code: chargebee.ErrSiteNotReady}, true},
		"503 site_not_ready":      {chargebee.APIError{StatusCode: 503, Code: chargebee.ErrSiteNotReady}, false},
		"503 site_read_only_mode": {chargebee.APIError{StatusCode: 503, Code: chargebee.ErrSiteReadOnlyMode}, false},
		"409 while still running": {chargebee.APIError{StatusCode: 409, Code: chargebee.ErrInvalidStateForRequest, Message: "The previous request is still in progress. Please retry the request"}, true},
		"409 of a state":          {chargebee.APIError{StatusCode: 409, Code: chargebee.ErrInvalidStateForRequest, Message: "The session is activated"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, test.err.Retryable())
		})
	}
}

func TestNoOtherStatusIsRetryable(t *testing.T) {
	t.Parallel()
	for status := range 1000 {
		err := &chargebee.APIError{StatusCode: status}
		require.Equal(t, slices.Contains([]int{429, 500, 502, 503, 504}, status), err.Retryable(), status)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"7":                                7 * time.Second,
		" 7 ":                              7 * time.Second,
		"0":                                0,
		"-1":                               0,
		"1.5":                              0,
		"soon":                             0,
		"":                                 0,
		"9223372037":                       9223372036 * time.Second, // a Duration holds no more
		"9999999999999999999999":           9223372036 * time.Second,
		"Sat, 01 Jan 2000 00:01:30 GMT":    90 * time.Second,
		"Saturday, 01-Jan-00 00:01:30 GMT": 90 * time.Second,
		"Sat Jan  1 00:01:30 2000":         90 * time.Second,
		"Fri, 31 Dec 1999 23:00:00 GMT":    0,
		"Sat, 32 Jan 2000 00:00:09 GMT":    0,
		"-99999999999999999999":            0,
		"0x7":                              0,
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			// The clock of a bubble starts at midnight UTC, 2000-01-01.
			synctest.Test(t, func(t *testing.T) {
				m := newMockFunc(t, httpmock.NewStringResponder(429, "").HeaderSet(http.Header{"Retry-After": {value}}))
				_, err := activate(t, m.client(t))
				var apiErr *chargebee.APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, want, apiErr.RetryAfter)
			})
		})
	}
}

func TestATransportErrorNamesItsCall(t *testing.T) {
	t.Parallel()
	m := newMockFunc(t, httpmock.NewErrorResponder(io.ErrUnexpectedEOF))
	resp, err := activate(t, m.client(t), chargebee.WithIdempotencyKey("login-1"))
	require.Nil(t, resp)
	require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: no response: unexpected EOF")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	var transportErr *chargebee.TransportError
	require.ErrorAs(t, err, &transportErr)
	require.Equal(t, 1, transportErr.Attempts)
	require.Equal(t, "login-1", transportErr.IdempotencyKey)
	require.Equal(t, "POST", transportErr.Method)
	require.Equal(t, "/portal_sessions/{portal-session-id}/activate", transportErr.Route)
}

func TestEveryPartOfAnErrorFitsInALine(t *testing.T) {
	t.Parallel()
	_, err := activate(t, newMock(t, 400, `{"api_error_code":"a\nb","param":"c\rd"}`).client(t))
	require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: 400 a b (param c d)")
	_, err = activate(t, newMockFunc(t, httpmock.NewErrorResponder(errors.New("e\nf"))).client(t))
	require.EqualError(t, err, "chargebee: POST /portal_sessions/{portal-session-id}/activate: no response: e f")
	require.EqualError(t, &chargebee.DecodeError{Method: "POST", Route: "/a", Err: errors.New("g\nh")},
		"chargebee: POST /a: 0, but the body is not what was expected: g h")
}

func TestADecodeErrorUnwraps(t *testing.T) {
	t.Parallel()
	_, err := activate(t, newMock(t, 200, `{"portal_session":`).client(t))
	var syntaxErr *json.SyntaxError
	require.ErrorAs(t, err, &syntaxErr)
}

// planID decodes itself, with an error of its own.
type planID string

var errPlanID = errors.New("malformed plan id")

func (*planID) UnmarshalJSON([]byte) error { return errPlanID }

func TestADecodeErrorKeepsTheErrorOfTheCallersType(t *testing.T) {
	t.Parallel()
	var result struct{ ID planID }
	_, err := newMock(t, 200, `{"id":"x"}`).client(t).Do(t.Context(), chargebee.Request{Method: http.MethodGet, Path: "/plans"}, &result)
	require.EqualError(t, err, "chargebee: GET /plans: 200, but the body is not what was expected: malformed plan id")
	var decodeErr *chargebee.DecodeError
	require.ErrorAs(t, err, &decodeErr)
	require.Same(t, errPlanID, decodeErr.Err)
}

func TestTheJSONOfErrorsAndResponsesHasNoBodyAndNoHeader(t *testing.T) {
	t.Parallel()
	header, body := http.Header{"Set-Cookie": {"a=b"}}, []byte(`{}`)
	response := chargebee.Response{StatusCode: 200, Header: header, Body: body, Attempts: 1}
	for want, value := range map[string]any{
		`{"StatusCode":404,"Type":"","Code":"","Param":"","Message":"","CauseID":"","Method":"","Route":"","Attempts":1,"RetryAfter":0,"IdempotencyKey":""}`: &chargebee.APIError{StatusCode: 404, Attempts: 1, Header: header, Body: body},
		`{"StatusCode":200,"Attempts":1,"IdempotencyKey":"","IdempotencyReplayed":false}`:                                                                    response,
		`{"item_entitlements":[{"id":"ent_1"}]}`: chargebee.UpsertOrRemoveItemEntitlementsResponse{
			ItemEntitlements: []chargebee.ItemEntitlement{{ID: "ent_1"}}, Response: response,
		},
	} {
		got, err := json.Marshal(value)
		require.NoError(t, err)
		require.JSONEq(t, want, string(got))
	}
}

func TestAnErrorPrintsAsItsLine(t *testing.T) {
	t.Parallel()
	for line, err := range map[string]error{
		"chargebee: POST /a: 404 Not Found":                                     &chargebee.APIError{StatusCode: 404, Method: "POST", Route: "/a"},
		"chargebee: POST /a: 200, but the body is not what was expected: empty": &chargebee.DecodeError{Method: "POST", Route: "/a", Response: chargebee.Response{StatusCode: 200}, Err: errors.New("empty")},
		"chargebee: POST /a: no response: EOF":                                    &chargebee.TransportError{Method: "POST", Route: "/a", Attempts: 1, Err: io.EOF},
	} {
		for _, verb := range []string{"%v", "%+v", "%s"} {
			require.Equal(t, line, fmt.Sprintf(verb, err))
		}
	}
}

func TestErrorsOfATestDoublePrint(t *testing.T) {
	t.Parallel()
	require.EqualError(t, &chargebee.APIError{StatusCode: 404, Method: "POST", Route: "/a"}, "chargebee: POST /a: 404 Not Found")
	require.EqualError(t, &chargebee.DecodeError{Method: "POST", Route: "/a"}, "chargebee: POST /a: 0, but the body is not what was expected: <nil>")
	require.EqualError(t, &chargebee.TransportError{Method: "POST", Route: "/a"}, "chargebee: POST /a: not sent: <nil>")
	require.EqualError(t, &chargebee.ParamError{Field: "a\nb", Reason: "is wrong"}, "chargebee: a b is wrong")
}
