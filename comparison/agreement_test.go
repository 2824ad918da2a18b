package comparison_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func agreement() table {
	return table{"agreement", []row{
		measured("path of an ID with special characters: `a b?c`", pathOf("a b?c")),
		measured("status in the error of a JSON response, as Chargebee sends it", statusOfChargebee),
		measured("response that is cut off: requests", requestsUntilSuccess(respondWith(http.StatusOK, cutOff))),
		measured("connection reset: requests", requestsUntilSuccess(resetConnection())),
		measured("distinct idempotency keys of the attempts of a call", distinctKeys),
	}}
}

func statusOfChargebee(t *testing.T, lib library) string {
	_, err := activate(t.Context(), lib.mustClient(t, respond(http.StatusNotFound,
		`{"message":"not found","api_error_code":"resource_not_found","type":"invalid_request","http_status_code":404}`)))
	text := describe(err)
	return text[strings.LastIndex(text, " ")+1:]
}

func requestsUntilSuccess(first responder) observation {
	return inBubble(func(ctx context.Context, t *testing.T, lib library) string {
		transport := record(inTurn(first, activated()))
		_, err := activate(ctx, lib.mustClient(t, transport))
		require.NoError(t, err)
		return fmt.Sprint(len(transport.requests))
	})
}

func distinctKeys(t *testing.T, lib library) string {
	return inBubble(func(ctx context.Context, t *testing.T, lib library) string {
		transport := record(inTurn(respond(http.StatusServiceUnavailable, ""), activated()))
		_, err := activate(ctx, lib.mustClient(t, transport))
		require.NoError(t, err)
		keys := map[string]bool{}
		for _, req := range transport.requests {
			keys[req.Header.Get(documentedKeyHeader)+req.Header.Get("X-CB-Idempotency-Key")] = true
		}
		return fmt.Sprint(len(keys))
	})(t, lib)
}
