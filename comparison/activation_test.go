package comparison_test

import "net/http"

func activation() table {
	const (
		otherSessionJSON    = `{"portal_session":{"id":"portal_2","status":"activated","customer_id":"cus_2"}}`
		withoutCustomerJSON = `{"portal_session":{"id":"portal_1","status":"activated"}}`
		wrongTokenJSON      = `{"message":"wrong token","api_error_code":"param_wrong_value","type":"invalid_request","http_status_code":400}`
	)
	return table{"activation", []row{
		measured("200 without a portal session: `{}`", activates(http.StatusOK, `{}`)),
		measured("200 with a session that has another ID", activates(http.StatusOK, otherSessionJSON)),
		measured("200 with a session without a customer", activates(http.StatusOK, withoutCustomerJSON)),
		measured("200 with the JSON of an error", activates(http.StatusOK, wrongTokenJSON)),
		measured("200 with an HTML page", activates(http.StatusOK, `<html>Log in to the Wi-Fi</html>`)),
		measured("200 with `null`", activates(http.StatusOK, `null`)),
		measured("204 without a body", activates(http.StatusNoContent, "")),
		measured("empty token", sendsToken("")),
		read("values of the return URL", "`ParseReturnURL`", "by hand", "by hand"),
	}}
}

// activates says what a caller gets for a response that is a success by its status.
func activates(status int, body string) observation {
	return orPanic(func(m measurement) string {
		got, err := activate(m.Context(), m.client(respond(status, body)))
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

// sendsToken says whether an activation with a token is sent.
func sendsToken(token string) observation {
	return func(m measurement) string {
		transport := record(activated())
		_, err := m.client(transport).activate(m.Context(), sessionID, token, "")
		if len(transport.requests) == 0 {
			return "not sent: " + describe(err)
		}
		return "sent"
	}
}
