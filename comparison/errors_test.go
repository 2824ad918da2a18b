package comparison_test

import (
	"context"
	"net/http"
	"testing"

	cb4 "github.com/chargebee/chargebee-go/v4"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func errorResponses() table {
	const page = "<html>Unauthorized</html>"
	return table{"errors", []row{
		measured("404 with an empty body", describes(http.StatusNotFound, "")),
		measured("401 with an HTML page", describes(http.StatusUnauthorized, page)),
		measured("400 with an HTML page that has the number 503 in it", describes(http.StatusBadRequest, "<html>Request 1503</html>")),
		measured("409 without `http_status_code` in its JSON", describes(http.StatusConflict, `{"message":"busy","api_error_code":"invalid_state_for_request","type":"invalid_request"}`)),
		measured("404 whose JSON says 200", describes(http.StatusNotFound, `{"message":"busy","api_error_code":"resource_not_found","http_status_code":200}`)),
		measured("404 with JSON that is not Chargebee's", describes(http.StatusNotFound, `{"error":"no route"}`)),
		measured("requests after a persistent 503, with default settings", requestsAfter(http.StatusServiceUnavailable)),
		measured("requests after a persistent 429, with default settings", requestsAfter(http.StatusTooManyRequests)),
		measured("`Retry-After` of a 429 in the error", each(
			func(t *testing.T) string {
				_, err := activate(t.Context(), ours.mustClient(t, tooManyRequests()))
				var apiErr *chargebee.APIError
				require.ErrorAs(t, err, &apiErr)
				require.Equal(t, "61", apiErr.Header.Get("Retry-After"))
				return "yes, with all other headers"
			},
			func(t *testing.T) string {
				c := newV3(settings{site: site, apiKey: apiKey, transport: tooManyRequests(), retries: byDefault})
				result, err := c.(v3Client).upsertResult(t.Context())
				require.Error(t, err)
				require.Nil(t, result.GetResponseHeaders())
				return "no"
			},
			func(t *testing.T) string {
				config := v4Config(settings{site: site, apiKey: apiKey, transport: tooManyRequests(), retries: byDefault})
				resp, err := cb4.NewClient(config).PortalSession.Activate(sessionID, &cb4.PortalSessionActivateRequest{Token: token})
				require.Error(t, err)
				require.Nil(t, resp)
				return "no"
			},
		)),
		measured("list that a change of entitlements returns", changedEntitlements),
		read("testing for an error code", "`errors.Is(err, ErrResourceNotFound)`", "`errors.As`, then compare a string", "the same as v3"),
	}}
}

func describes(status int, body string) observation {
	return inBubble(func(ctx context.Context, t *testing.T, lib library) string {
		_, err := activate(ctx, lib.mustClient(t, respond(status, body)))
		return describe(err)
	})
}

func requestsAfter(status int) observation {
	return inBubble(func(ctx context.Context, t *testing.T, lib library) string {
		transport := record(respond(status, ""))
		_, err := activate(ctx, lib.mustClientWith(t, settings{transport: transport, retries: byDefault}))
		require.Error(t, err)
		return plural(len(transport.requests), "request")
	})
}

func tooManyRequests() responder {
	return respond(http.StatusTooManyRequests, `{"message":"slow down","api_error_code":"api_request_limit_exceeded","type":"operation_failed","http_status_code":429}`, "Retry-After", "61")
}

// changedEntitlements says where the list in the response is.
func changedEntitlements(t *testing.T, lib library) string {
	c := lib.mustClient(t, respond(http.StatusOK, entitlementsJSON))
	entitlements, err := c.upsert(t.Context())
	require.NoError(t, err)
	if entitlements == 1 {
		return "typed"
	}
	result, err := c.(v3Client).upsertResult(t.Context())
	require.NoError(t, err)
	require.Len(t, result.List, 1)
	return "untyped in `Result.List`; the typed field is nil"
}
