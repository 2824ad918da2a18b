package comparison_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func redirects() table {
	return table{"redirects", []row{
		measured("302 to a subdomain of the site", arrives(http.StatusFound, "https://eu.acme-test.chargebee.com/")),
		measured("307 to a subdomain of the site", arrives(http.StatusTemporaryRedirect, "https://eu.acme-test.chargebee.com/")),
		measured("302 to another port", arrives(http.StatusFound, "https://acme-test.chargebee.com:8443/")),
		measured("307 to another port", arrives(http.StatusTemporaryRedirect, "https://acme-test.chargebee.com:8443/")),
		measured("302 to another host", arrives(http.StatusFound, "https://elsewhere.example/")),
		measured("307 to another host", arrives(http.StatusTemporaryRedirect, "https://elsewhere.example/")),
		measured("307 to the same host, but http", arrives(http.StatusTemporaryRedirect, "http://acme-test.chargebee.com/")),
		measured("another host responds to it with a session", resultFromOtherHost),
	}}
}

// redirectingSite is acme-test.chargebee.com, which redirects every request to location, and
// a server for all other addresses. Both are on loopback.
type redirectingSite struct {
	transport *http.Transport
	mu        sync.Mutex
	redirects int
	arrived   []sentRequest // at the other addresses
}

func newRedirectingSite(t *testing.T, status int, location string) *redirectingSite {
	t.Helper()
	s := &redirectingSite{}
	api := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		s.redirects++
		s.mu.Unlock()
		w.Header().Set("Location", location)
		w.WriteHeader(status)
	}))
	record := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		s.mu.Lock()
		s.arrived = append(s.arrived, sentRequest{Request: req, body: string(body)})
		s.mu.Unlock()
		_, _ = io.WriteString(w, activatedJSON)
	})
	other, plain := httptest.NewTLSServer(record), httptest.NewServer(record)
	t.Cleanup(func() {
		s.transport.CloseIdleConnections()
		api.Close()
		other.Close()
		plain.Close()
	})

	s.transport = api.Client().Transport.(*http.Transport).Clone()
	trusted := x509.NewCertPool()
	trusted.AddCert(api.Certificate())
	trusted.AddCert(other.Certificate())
	s.transport.TLSClientConfig.RootCAs = trusted
	s.transport.TLSClientConfig.ServerName = "example.com" // the name in the certificates of httptest
	s.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		var dialer net.Dialer
		server := other
		switch _, port, _ := net.SplitHostPort(address); {
		case address == "acme-test.chargebee.com:443":
			server = api
		case port == "80":
			server = plain
		}
		return dialer.DialContext(ctx, network, server.Listener.Addr().String())
	}
	return s
}

// arrives says what of the request of an activation arrives where a redirect leads.
func arrives(status int, location string) observation {
	return func(t *testing.T, lib library) string {
		s := newRedirectingSite(t, status, location)
		_, err := activate(t.Context(), lib.mustClient(t, s.transport))
		require.Equal(t, 1, s.redirects)
		if len(s.arrived) == 0 {
			return "nothing: " + describe(err)
		}
		req := s.arrived[0]
		user, _, _ := req.BasicAuth()
		if user == "" && strings.HasPrefix(req.Header.Get("Authorization"), "Basic ") {
			user = apiKey // the SDK sends no colon after it, so BasicAuth does not decode it
		}
		var arrived []string
		if user == apiKey {
			arrived = append(arrived, "key")
		}
		if strings.Contains(req.body, token) {
			arrived = append(arrived, "token")
		}
		if strings.Contains(req.Referer(), sessionID) {
			arrived = append(arrived, "session ID")
		}
		return strings.Join(arrived, ", ")
	}
}

func resultFromOtherHost(t *testing.T, lib library) string {
	s := newRedirectingSite(t, http.StatusTemporaryRedirect, "https://elsewhere.example/")
	_, err := activate(t.Context(), lib.mustClient(t, s.transport))
	if err == nil {
		return "no error: the customer is logged in"
	}
	return describe(err)
}
