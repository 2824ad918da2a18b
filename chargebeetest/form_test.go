package chargebeetest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGetHasItsParametersInTheQuery(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	server.EmulateGet("/echo")
	for query, want := range map[string]string{
		"":                                  `{}`,
		"?":                                 `{}`,
		"?limit=2&name[is]=M%C3%BCller+%26": `{"limit":["2"],"name[is]":["Müller &"]}`,
		"?id[in]=[%22a%22,%22b%22]":         `{"id[in]":["[\"a\",\"b\"]"]}`,
	} {
		w := serve(server, "GET", "/api/v2/echo"+query, strings.NewReader("limit=9"), "Content-Type", "")
		require.Equal(t, 200, w.Code, query)
		require.JSONEq(t, want, w.Body.String(), query)
	}
	for query, reason := range map[string]string{
		"?limit=1&limit=1": "a parameter is duplicated",
		"?limit=%zz":       "a percent-encoding is malformed",
		"?name[is]=%ff":    "it is not valid UTF-8",
	} {
		w := serve(server, "GET", "/api/v2/echo"+query, nil)
		require.Equal(t, 400, w.Code, query)
		require.Contains(t, w.Body.String(), `"message":"The query must be application/x-www-form-urlencoded: `+reason+`"`)
	}
}

func TestPostHasItsParametersInTheBody(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	w := serve(server, "POST", seatsPath+"?action=remove&item_entitlements[item_id][x]=1", strings.NewReader(seatsForm))
	require.Equal(t, 200, w.Code)
}
