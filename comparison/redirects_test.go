package comparison_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

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
		measured("307 to a host that returns a session", resultFromOtherHost),
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

func newRedirectingSite(m measurement, status int, location string) *redirectingSite {
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
	m.Cleanup(func() {
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
	return func(m measurement) string {
		s := newRedirectingSite(m, status, location)
		_, err := activate(m.Context(), m.client(s.transport))
		require.Equal(m, 1, s.redirects)
		if len(s.arrived) == 0 {
			return "nothing: " + describe(err)
		}
		req := s.arrived[0]
		credentials, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(req.Header.Get("Authorization"), "Basic "))
		var arrived []string
		if strings.Contains(string(credentials), apiKey) {
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

func resultFromOtherHost(m measurement) string {
	s := newRedirectingSite(m, http.StatusTemporaryRedirect, "https://elsewhere.example/")
	_, err := activate(m.Context(), m.client(s.transport))
	if err == nil {
		return "no error, that session"
	}
	return describe(err)
}
