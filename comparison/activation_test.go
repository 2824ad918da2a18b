package comparison_test

import (
	"net/http"
	"testing"
)

func activation() table {
	return table{"activation", []row{
		measured("200 without a portal session: `{}`", activates(http.StatusOK, `{}`)),
		measured("200 with the session of another ID", activates(http.StatusOK, `{"portal_session":{"id":"portal_2","status":"activated","customer_id":"cus_2"}}`)),
		measured("200 with a session without a customer", activates(http.StatusOK, `{"portal_session":{"id":"portal_1","status":"activated"}}`)),
		measured("200 with the JSON of an error", activates(http.StatusOK, `{"message":"wrong token","api_error_code":"param_wrong_value","type":"invalid_request","http_status_code":400}`)),
		measured("200 with an HTML page, as of a captive portal", activates(http.StatusOK, `<html>Log in to the Wi-Fi</html>`)),
		measured("200 with `null`", activates(http.StatusOK, `null`)),
		measured("204 without a body", activates(http.StatusNoContent, "")),
		measured("empty token", sendsToken("")),
		read("reading the session and the token from the return URL", "`ParseReturnURL`, which rejects missing and repeated values", "no", "no"),
	}}
}

// activates says what a caller gets for a response that is a success by its status.
func activates(status int, body string) observation {
	return func(t *testing.T, lib library) string {
		return panicOr(func() string {
			got, err := activate(t.Context(), lib.mustClient(t, respond(status, body)))
			switch {
			case err != nil:
				return describe(err)
			case got == nil:
				return "no error, nil session"
			case got.customerID == "":
				return "no error, session without a customer"
			case got.id != sessionID:
				return "no error, the other session"
			}
			return "no error"
		})
	}
}

// sendsToken says whether an activation with a token is sent.
func sendsToken(token string) observation {
	return func(t *testing.T, lib library) string {
		transport := record(activated())
		_, err := lib.mustClient(t, transport).activate(t.Context(), sessionID, token, "")
		if len(transport.requests) == 0 {
			return "not sent: " + describe(err)
		}
		return "sent"
	}
}
