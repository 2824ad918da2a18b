package comparison_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/stretchr/testify/require"
)

func agreement() table {
	return table{"agreement", []row{
		measured("ID `a b?c`", pathOf("a b?c")),
		measured("status of an error as Chargebee sends it", statusOfChargebee),
		measured("requests if the first response is cut off", requestsUntilSuccess(respondWith(http.StatusOK, cutOff))),
		measured("requests if the first connection is reset", requestsUntilSuccess(resetConnection())),
		measured("distinct idempotency keys of two attempts", inBubble(distinctKeys)),
	}}
}

func statusOfChargebee(m measurement) string {
	_, err := activate(m.Context(), m.client(respond(http.StatusNotFound,
		`{"message":"not found","api_error_code":"resource_not_found","type":"invalid_request","http_status_code":404}`)))
	text := describe(err)
	return text[strings.LastIndex(text, " ")+1:]
}

func requestsUntilSuccess(first responder) observation {
	return inBubble(func(m measurement) string {
		transport := record(inTurn(first, activated()))
		_, err := activate(m.Context(), m.client(transport))
		require.NoError(m, err)
		return fmt.Sprint(len(transport.requests))
	})
}

func distinctKeys(m measurement) string {
	transport := record(inTurn(respond(http.StatusServiceUnavailable, ""), activated()))
	_, err := activate(m.Context(), m.client(transport))
	require.NoError(m, err)
	keys := map[string]bool{}
	for _, req := range transport.requests {
		keys[req.Header.Get(documentedKeyHeader)+req.Header.Get("X-CB-Idempotency-Key")] = true
	}
	return fmt.Sprint(len(keys))
}
