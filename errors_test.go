package chargebee_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// What requireError compares of an error of an activation: its type, and its text up to the reason.
const (
	activateRoute = "/portal_sessions/{portal-session-id}/activate"
	apiError      = "*chargebee.APIError chargebee: POST " + activateRoute + ": "
	notSent       = "*chargebee.TransportError chargebee: POST " + activateRoute + ": not sent: "
	noResponse    = "*chargebee.TransportError chargebee: POST " + activateRoute + ": no response: "
	noSuccess     = "*chargebee.TransportError chargebee: POST " + activateRoute + ": no success: "
	invalidBody   = "*chargebee.DecodeError chargebee: POST " + activateRoute + ": 200, but the body is not what was expected: "
)

func requireError(t *testing.T, want string, err error) {
	t.Helper()
	require.Equal(t, want, fmt.Sprintf("%T %v", err, err))
}

func TestErrorTextIsOneLine(t *testing.T) {
	t.Parallel()
	success := chargebee.Response{StatusCode: 200}
	for want, err := range map[string]error{
		apiError + "404 Not Found":                                                           &chargebee.APIError{StatusCode: 404, Method: "POST", Route: activateRoute},
		apiError + "400 a b (param c d)":                                                     &chargebee.APIError{StatusCode: 400, Method: "POST", Route: activateRoute, Code: "a\nb", Param: "c\rd"},
		invalidBody + "a b (outcome unknown)":                                                &chargebee.DecodeError{Method: "POST", Route: activateRoute, Response: success, Err: errors.New("a\nb")},
		invalidBody + "<nil> (outcome unknown, idempotency key job-17)":                      &chargebee.DecodeError{Method: "POST", Route: activateRoute, Response: success, IdempotencyKey: "job-17"},
		noResponse + "a b (outcome unknown)":                                                 &chargebee.TransportError{Method: "POST", Route: activateRoute, Attempts: 1, Err: errors.New("a\nb")},
		noResponse + "EOF (2 attempts, outcome unknown, idempotency key job-17)":             &chargebee.TransportError{Method: "POST", Route: activateRoute, Attempts: 2, IdempotencyKey: "job-17", Err: io.EOF},
		apiError + "429 Too Many Requests (2 attempts)":                                      &chargebee.APIError{StatusCode: 429, Method: "POST", Route: activateRoute, Attempts: 2, IdempotencyKey: "job-17"},
		apiError + "503 Service Unavailable (outcome unknown, idempotency key job 17)":       &chargebee.APIError{StatusCode: 503, Method: "POST", Route: activateRoute, Attempts: 1, IdempotencyKey: "job\n17"},
		"*chargebee.APIError chargebee: GET /features: 503 Service Unavailable (2 attempts)": &chargebee.APIError{StatusCode: 503, Method: "GET", Route: "/features", Attempts: 2},
		notSent + "<nil>": &chargebee.TransportError{Method: "POST", Route: activateRoute},
		"*chargebee.ParamError chargebee: a b is wrong": &chargebee.ParamError{Field: "a\nb", Reason: "is wrong"},
	} {
		for _, verb := range []string{"%v", "%+v", "%s"} {
			require.Equal(t, want, fmt.Sprintf("%T "+verb, err, err))
		}
	}
}

// zipped returns text as a proxy sends it that compresses every response.
func zipped(text string) string {
	var out strings.Builder
	w := gzip.NewWriter(&out)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return out.String()
}

func TestAPIErrorHasTheAttributesOfTheBody(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 299)
	for name, test := range map[string]struct {
		status int
		body   string
		want   chargebee.APIError
		text   string
	}{
		"an error in Chargebee's shape":    {404, `{"message":"Plan is not present","type":"invalid_request","api_error_code":"resource_not_found","param":"item_id","http_status_code":400}`, chargebee.APIError{Type: chargebee.ErrTypeInvalidRequest, Code: chargebee.ErrResourceNotFound, Param: "item_id", Message: "Plan is not present"}, "404 resource_not_found: Plan is not present (param item_id)"},
		"a payment error with its cause":   {400, `{"message":"declined","type":"payment","api_error_code":"payment_processing_failed","error_cause_id":"decline"}`, chargebee.APIError{Type: chargebee.ErrTypePayment, Code: chargebee.ErrPaymentProcessingFailed, Message: "declined", CauseID: "decline"}, "400 payment_processing_failed: declined"},
		"a list of params":                 {400, `{"message":"wrong","param":["item_entitlements[value][0]","action"]}`, chargebee.APIError{Message: "wrong", Param: "item_entitlements[value][0], action"}, "400 Bad Request: wrong (param item_entitlements[value][0], action)"},
		"a null param":                     {400, `{"message":"wrong","api_error_code":"param_wrong_value","param":null}`, chargebee.APIError{Code: chargebee.ErrParamWrongValue, Message: "wrong"}, "400 param_wrong_value: wrong"},
		"attributes of other types":        {400, `{"message":{"a":1},"type":7,"api_error_code":"param_wrong_value","param":{"a":1},"error_cause_id":false}`, chargebee.APIError{Code: chargebee.ErrParamWrongValue}, "400 param_wrong_value"},
		"control characters":               {400, `{"message":"a\r\nb\u0000c\u001b[31md\u2028e\u2029f"}`, chargebee.APIError{Message: "a\r\nb\x00c\x1b[31md\u2028e\u2029f"}, "400 Bad Request: a  b c [31md e f"},
		"an unknown code":                  {400, `{"api_error_code":"a_code_of_next_year"}`, chargebee.APIError{Code: "a_code_of_next_year"}, "400 a_code_of_next_year"},
		"a message of 300 characters":      {400, `{"message":"` + long + `."}`, chargebee.APIError{Message: long + "."}, "400 Bad Request: " + long + "."},
		"a longer message":                 {400, `{"message":"` + long + `.."}`, chargebee.APIError{Message: long + ".."}, "400 Bad Request: " + long + ".…"},
		"HTML":                             {401, `<html>503</html>`, chargebee.APIError{}, "401 Unauthorized"},
		"an empty body":                    {404, ``, chargebee.APIError{}, "404 Not Found"},
		"half a body":                      {400, `{"message":"wro`, chargebee.APIError{}, "400 Bad Request"},
		"an array":                         {400, `[{"message":"wrong"}]`, chargebee.APIError{}, "400 Bad Request"},
		"null":                             {500, `null`, chargebee.APIError{}, "500 Internal Server Error"},
		"an error after a byte order mark": {404, "\ufeff{\"api_error_code\":\"resource_not_found\"}", chargebee.APIError{Code: chargebee.ErrResourceNotFound}, "404 resource_not_found"},
		"an error that is compressed":      {404, zipped(`{"api_error_code":"resource_not_found"}`), chargebee.APIError{Code: chargebee.ErrResourceNotFound}, "404 resource_not_found"},
		"a compressed mark and error":      {404, zipped("\ufeff{\"api_error_code\":\"resource_not_found\"}"), chargebee.APIError{Code: chargebee.ErrResourceNotFound}, "404 resource_not_found"},
		"half a compressed error":          {404, zipped(`{"api_error_code":"resource_not_found"}`)[:20], chargebee.APIError{}, "404 Not Found"},
		"the start of a compression":       {404, "\x1f\x8b", chargebee.APIError{}, "404 Not Found"},
		"a status without a name":          {599, ``, chargebee.APIError{}, "599"},
		"not modified":                     {304, ``, chargebee.APIError{}, "304 Not Modified"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, newFakeTransport(respond(test.status, test.body, "X-Other", "x")), noRetries)
			resp, err := activate(t.Context(), client, chargebee.WithIdempotencyKey("login-1"))
			require.Nil(t, resp)
			requireError(t, apiError+test.text+suffix(1, test.status >= 500, "login-1"), err)
			var apiErr *chargebee.APIError
			require.ErrorAs(t, err, &apiErr)
			want := test.want
			want.StatusCode, want.Header, want.Body = test.status, http.Header{"X-Other": {"x"}}, []byte(test.body)
			want.Method, want.Route, want.Attempts, want.IdempotencyKey = "POST", activateRoute, 1, "login-1"
			require.Equal(t, want, *apiErr)
		})
	}
}

func TestAPIErrorMatchesItsCodeAndItsType(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("validating the login: %w", &chargebee.APIError{Code: "resource_not_found", Type: "invalid_request"})
	require.ErrorIs(t, err, chargebee.ErrResourceNotFound)
	require.ErrorIs(t, err, chargebee.ErrTypeInvalidRequest)
	require.NotErrorIs(t, err, chargebee.ErrSiteNotFound)
	require.NotErrorIs(t, err, chargebee.ErrTypePayment)
	require.NotErrorIs(t, err, chargebee.ErrorType("resource_not_found"))
	require.NotErrorIs(t, err, chargebee.ErrorCode("invalid_request"))
	require.NotErrorIs(t, err, io.EOF)
	require.NotErrorIs(t, new(chargebee.APIError), chargebee.ErrorCode(""))
	require.NotErrorIs(t, new(chargebee.APIError), chargebee.ErrorType(""))
}

func TestRetryableStatuses(t *testing.T) {
	t.Parallel()
	for status := range 1000 {
		apiErr := &chargebee.APIError{StatusCode: status}
		require.Equal(t, slices.Contains([]int{408, 429, 500, 502, 503, 504}, status), apiErr.Retryable(), status)
		apiErr.Message = "The previous request is still in progress"
		require.Equal(t, slices.Contains([]int{408, 409, 429, 500, 502, 503, 504}, status), apiErr.Retryable(), status)
	}
}

func TestRetryAfterHeader(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"7":                                7 * time.Second,
		" 7 ":                              7 * time.Second,
		"0":                                0,
		"-1":                               0,
		"2.5":                              2500 * time.Millisecond,
		"3.0":                              3 * time.Second,
		".25":                              250 * time.Millisecond,
		"1.2.3":                            0,
		".":                                0,
		"1e3":                              0,
		"NaN":                              0,
		"Inf":                              0,
		"0x7":                              0,
		"soon":                             0,
		"":                                 0,
		"9223372036":                       9223372036 * time.Second,
		"9223372036.8547758":               math.MaxInt64, // the longest Duration
		"9223372037":                       math.MaxInt64,
		"9999999999999999999999":           math.MaxInt64,
		"-99999999999999999999":            0,
		"Sat, 01 Jan 2000 00:01:30 GMT":    90 * time.Second, // the clock of a bubble starts at midnight UTC, 2000-01-01
		"Saturday, 01-Jan-00 00:01:30 GMT": 90 * time.Second,
		"Sat Jan  1 00:01:30 2000":         90 * time.Second,
		"Fri, 31 Dec 1999 23:00:00 GMT":    0,
		"Sat, 32 Jan 2000 00:00:09 GMT":    0,
	} {
		synctest.Test(t, func(t *testing.T) {
			_, err := activate(t.Context(), newClient(t, newFakeTransport(respond(429, "", "Retry-After", value)), noRetries))
			var apiErr *chargebee.APIError
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, want, apiErr.RetryAfter, value)
		})
	}
}

// The clock of the server may differ from that of this machine.
func TestRetryAfterDateIsRelativeToTheDateOfTheResponse(t *testing.T) {
	t.Parallel()
	const retryAfter = "Tue, 01 Jan 2030 00:00:07 GMT"
	for date, want := range map[string]time.Duration{
		"Tue, 01 Jan 2030 00:00:00 GMT": 7 * time.Second,
		"Tue, 01 Jan 2030 00:00:08 GMT": 0,
		"":                              time.Date(2030, 1, 1, 0, 0, 7, 0, time.UTC).Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), // of a bubble
		"today":                         time.Date(2030, 1, 1, 0, 0, 7, 0, time.UTC).Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)),
	} {
		synctest.Test(t, func(t *testing.T) {
			_, err := activate(t.Context(), newClient(t, newFakeTransport(respond(503, "", "Retry-After", retryAfter, "Date", date)), noRetries))
			var apiErr *chargebee.APIError
			require.ErrorAs(t, err, &apiErr)
			require.Equal(t, want, apiErr.RetryAfter, date)
		})
	}
}

// planID fails to decode with an error of its own.
type planID string

var errPlanID = errors.New("malformed plan id")

func (*planID) UnmarshalJSON([]byte) error { return errPlanID }

func TestDecodeErrorWrapsItsCause(t *testing.T) {
	t.Parallel()
	var result struct{ ID planID }
	client := newClient(t, newFakeTransport(respond(200, `{"id":"x"}`), respond(200, `{"portal_session":`)))
	_, err := client.Do(t.Context(), chargebee.Request{Method: http.MethodPost, Path: activateRoute, PathValues: []string{"x"}}, &result, chargebee.WithIdempotencyKey("job-17"))
	requireError(t, invalidBody+"malformed plan id (outcome unknown, idempotency key job-17)", err)
	var decodeErr *chargebee.DecodeError
	require.ErrorAs(t, err, &decodeErr)
	require.Same(t, errPlanID, decodeErr.Err)

	_, err = activate(t.Context(), client)
	require.ErrorAs(t, err, new(*json.SyntaxError))
}

func TestJSONOfErrorsAndResponsesOmitsBodyAndHeader(t *testing.T) {
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
