package comparison_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	cb3 "github.com/chargebee/chargebee-go/v3"
	sessionaction "github.com/chargebee/chargebee-go/v3/actions/portalsession"
	"github.com/chargebee/chargebee-go/v3/models/portalsession"
	cb4 "github.com/chargebee/chargebee-go/v4"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func idempotency() table {
	return table{"idempotency", []row{
		measured("header of the automatic key", automaticKeyHeader),
		measured("response lost: the server does the work", timesDone("")),
		measured("the same, with a key of your own", timesDone("key_1")),
		measured("the same, and the work takes 3 s", inBubble(resultOfWorkInProgress)),
		measured("headers that differ between attempts", inBubble(differingHeaders)),
		measured("request value sent twice: `token` in the second body", each(secondBodyOfOurs, secondBodyOfV3, secondBodyOfV4)),
		read("whether a failed call may have been applied", "`OutcomeUnknown`", "not reported", "not reported"),
	}}
}

const documentedKeyHeader = "chargebee-idempotency-key"

func automaticKeyHeader(m measurement) string {
	transport := record(activated())
	_, err := activate(m.Context(), m.client(transport))
	require.NoError(m, err)
	var names []string
	for _, name := range []string{documentedKeyHeader, "X-CB-Idempotency-Key"} {
		if transport.requests[0].Header.Get(name) != "" {
			names = append(names, "`"+name+"`")
		}
	}
	return strings.Join(names, ", ")
}

// keyedServer does the work of a request once for each idempotency key, and then replays the
// response. It looks at the only header that Chargebee documents for the key. A request
// without it is done every time.
type keyedServer struct {
	takes time.Duration

	mu     sync.Mutex
	began  map[string]time.Time
	done   int
	served int
}

func (s *keyedServer) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := req.Header.Get(documentedKeyHeader)
	began, isKnown := s.began[key]
	if key == "" || !isKnown {
		s.done++
		s.began[key] = time.Now()
	}
	s.served++
	switch {
	case s.served == 1:
		return respondWith(http.StatusOK, cutOff)(req)
	case isKnown && time.Since(began) < s.takes:
		return respond(http.StatusConflict, `{"message":"The previous request is still in progress.","api_error_code":"invalid_state_for_request","type":"invalid_request","http_status_code":409}`)(req)
	}
	return activated()(req)
}

func timesDone(key string) observation {
	return inBubble(func(m measurement) string {
		server := &keyedServer{began: map[string]time.Time{}}
		_, err := m.client(server).activate(m.Context(), sessionID, token, key)
		require.NoError(m, err)
		return map[int]string{1: "once", 2: "twice"}[server.done]
	})
}

func resultOfWorkInProgress(m measurement) string {
	server := &keyedServer{began: map[string]time.Time{}, takes: 3 * time.Second}
	_, err := m.client(server).activate(m.Context(), sessionID, token, "key_1")
	if err == nil {
		return "waits and succeeds"
	}
	return "fails: " + describe(err)
}

func differingHeaders(m measurement) string {
	transport := record(inTurn(respond(http.StatusServiceUnavailable, ""), activated()))
	_, err := activate(m.Context(), m.client(transport))
	require.NoError(m, err)
	first, second := transport.requests[0], transport.requests[1]
	require.Equal(m, first.body, second.body)
	require.Equal(m, first.URL, second.URL)
	var names []string
	for name := range second.Header {
		if !slices.Equal(first.Header[name], second.Header[name]) {
			names = append(names, "`"+name+"`")
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func secondBodyOfOurs(m measurement) string {
	transport := record(activated())
	client, err := chargebee.NewClient(site, apiKey, chargebee.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(m, err)
	params := chargebee.ActivatePortalSessionParams{Token: token}
	for range 2 {
		_, err = client.PortalSessions.ActivatePortalSession(m.Context(), sessionID, params)
		require.NoError(m, err)
	}
	return tokensIn(transport.requests[1].body)
}

func secondBodyOfV3(m measurement) string {
	transport := record(activated())
	cb3.WithHTTPClient(&http.Client{Transport: transport})
	req := sessionaction.Activate(sessionID, &portalsession.ActivateRequestParams{Token: token})
	for range 2 {
		_, err := req.RequestWithEnv(cb3.Environment{Key: apiKey, SiteName: site})
		require.NoError(m, err)
	}
	return tokensIn(transport.requests[1].body)
}

func secondBodyOfV4(m measurement) string {
	transport := record(activated())
	client := cb4.NewClient(v4Config(settings{site: site, apiKey: apiKey, transport: transport}))
	req := &cb4.PortalSessionActivateRequest{Token: token}
	for range 2 {
		_, err := client.PortalSession.Activate(sessionID, req)
		require.NoError(m, err)
	}
	return tokensIn(transport.requests[1].body)
}

func tokensIn(body string) string {
	return map[int]string{1: "once", 2: "twice"}[strings.Count(body, "token=")]
}
