package comparison_test

import (
	"net/http"

	cb4 "github.com/chargebee/chargebee-go/v4"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func errorResponses() table {
	const (
		noStatusJSON    = `{"message":"busy","api_error_code":"invalid_state_for_request","type":"invalid_request"}`
		wrongStatusJSON = `{"message":"not found","api_error_code":"resource_not_found","type":"invalid_request","http_status_code":200}`
	)
	return table{"errors", []row{
		measured("404 with an empty body", describes(http.StatusNotFound, "")),
		measured("401 with an HTML page", describes(http.StatusUnauthorized, "<html>Unauthorized</html>")),
		measured(`400 with an HTML page that contains "503"`, describes(http.StatusBadRequest, "<html>Request 1503</html>")),
		measured("409 without `http_status_code` in its JSON", describes(http.StatusConflict, noStatusJSON)),
		measured("404 whose JSON says 200", describes(http.StatusNotFound, wrongStatusJSON)),
		measured("404 with JSON that is not Chargebee's", describes(http.StatusNotFound, `{"error":"no route"}`)),
		measured("`Retry-After` of a 429 in the error", each(
			func(m measurement) string {
				_, err := activate(m.Context(), m.client(tooManyRequests()))
				var apiErr *chargebee.APIError
				require.ErrorAs(m, err, &apiErr)
				require.Equal(m, "61", apiErr.Header.Get("Retry-After"))
				return "yes, with all other headers"
			},
			func(m measurement) string {
				c := newV3(settings{site: site, apiKey: apiKey, transport: tooManyRequests(), retries: byDefault})
				result, err := c.(v3Client).upsertResult(m.Context())
				require.Error(m, err)
				require.Nil(m, result.GetResponseHeaders())
				return "no"
			},
			func(m measurement) string {
				config := v4Config(settings{site: site, apiKey: apiKey, transport: tooManyRequests(), retries: byDefault})
				resp, err := cb4.NewClient(config).PortalSession.Activate(sessionID, &cb4.PortalSessionActivateRequest{Token: token})
				require.Error(m, err)
				require.Nil(m, resp)
				return "no"
			},
		)),
		measured("entitlements that a change returns", changedEntitlements),
		read("test for an error code", "`errors.Is(err, ErrResourceNotFound)`", "`errors.As`, then compare a string", "`errors.As`, then compare a string"),
	}}
}

func describes(status int, body string) observation {
	return inBubble(func(m measurement) string {
		_, err := activate(m.Context(), m.client(respond(status, body)))
		return describe(err)
	})
}

func tooManyRequests() responder {
	return respond(http.StatusTooManyRequests, limitedJSON, "Retry-After", "61")
}

// changedEntitlements says where the list in the response is.
func changedEntitlements(m measurement) string {
	c := m.client(respond(http.StatusOK, entitlementsJSON))
	entitlements, err := c.upsert(m.Context())
	require.NoError(m, err)
	if entitlements == 1 {
		return "typed"
	}
	result, err := c.(v3Client).upsertResult(m.Context())
	require.NoError(m, err)
	require.Len(m, result.List, 1)
	return "untyped in `Result.List`; the typed field is nil"
}
