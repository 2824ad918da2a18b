package chargebee_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func TestManyConcurrentCallersReuseTheirConnections(t *testing.T) {
	t.Parallel()
	const callers, rounds = 64, 50
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	arrived, release := make(chan struct{}, callers), make(chan struct{})
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-release
		_, _ = io.WriteString(w, activated)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(server.URL))
	require.NoError(t, err)

	for range rounds {
		var calls sync.WaitGroup
		for range callers {
			calls.Go(func() {
				if _, err := activate(t, client); err != nil {
					t.Error(err)
					cancel()
				}
			})
		}
		for range callers { // all are under way at once
			select {
			case <-arrived:
			case <-ctx.Done():
				close(release)
				return
			}
		}
		for range callers {
			release <- struct{}{}
		}
		calls.Wait()
	}
	require.Equal(t, int64(callers), opened.Load())
}

// The process is a new one, because net/http reads the environment once.
func TestTheDefaultTransportUsesNoProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	const inChild = "CHARGEBEE_TEST_BASE_URL"
	if baseURL := os.Getenv(inChild); baseURL != "" {
		client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(baseURL), chargebee.WithInsecureHTTP())
		require.NoError(t, err)
		_, err = activate(t, client)
		require.NoError(t, err)
		return
	}
	var direct, proxied atomic.Int64
	count := func(n *atomic.Int64) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			n.Add(1)
			_, _ = io.WriteString(w, activated)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	// net/http never asks a proxy for a loopback address, and 0.0.0.0 is none.
	baseURL := strings.Replace(count(&direct), "127.0.0.1", "0.0.0.0", 1)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), inChild+"="+baseURL, "HTTP_PROXY="+count(&proxied), "NO_PROXY=", "no_proxy=")
	output, err := child.CombinedOutput()
	require.NoError(t, err, string(output))
	require.Equal(t, int64(1), direct.Load())
	require.Zero(t, proxied.Load())
}

// It is not parallel: closing any test server closes the idle connections of
// the standard transport.
func TestAnHTTPClientWithoutATransportMeansTheStandardOne(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, activated) }))
	t.Cleanup(server.Close)
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithBaseURL(server.URL), chargebee.WithHTTPClient(&http.Client{}))
	require.NoError(t, err)

	pooled := make(chan error, 1)
	_, err = client.PortalSessions.ActivatePortalSession(
		httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{PutIdleConn: func(err error) { pooled <- err }}),
		"portal_1", chargebee.ActivatePortalSessionParams{Token: "tok_secret"})
	require.NoError(t, err)
	require.NoError(t, <-pooled)

	var reused bool
	req, err := http.NewRequestWithContext(
		httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }}),
		http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.True(t, reused)
}
