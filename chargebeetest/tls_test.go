package chargebeetest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestClientOfATLSServerTrustsItsCertificate(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, chargebeetest.WithTLS())
	require.True(t, strings.HasPrefix(server.URL, "https://127.0.0.1:"), server.URL)
	require.True(t, strings.HasPrefix(server.LoginURL, "https://127.0.0.1:"), server.LoginURL)
	_, err := activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)

	stranger, err := chargebee.NewClient(server.Site, server.APIKey, chargebee.WithBaseURL(server.URL))
	require.NoError(t, err)
	_, err = activate(t, stranger, server.AddPortalSession("zoe"))
	var certErr *tls.CertificateVerificationError
	require.ErrorAs(t, err, &certErr)
}

func TestCertificateIsValidForTheHosts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	server, _ := newServer(t, chargebeetest.WithTLS("chargebee", "192.0.2.7", "*.example.com", "2001:db8::7",
		"", "no host", "a..b", "host:443", "größe", long, strings.Repeat("a.", 127)+"a"))
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(server.CertificatePEM))
	port := server.URL[strings.LastIndex(server.URL, ":"):strings.LastIndex(server.URL, "/api/v2")]
	valid := []string{
		"127.0.0.1", "::1", "localhost", "acme.localhost", "chargebee", "192.0.2.7", "2001:db8::7", "acme.example.com",
	}
	for _, host := range append(valid, "example.com", "192.0.2.8", long) {
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: host}}).DialContext(t.Context(), "tcp", "127.0.0.1"+port)
		if isValid := host != "example.com" && host != "192.0.2.8" && host != long; isValid {
			require.NoError(t, err, host)
			require.NoError(t, conn.Close())
		} else {
			var hostErr x509.HostnameError
			require.ErrorAs(t, err, &hostErr, host)
		}
	}
}

func TestCertificateIsOfAServerForTwoYears(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("a", 63)
	longest := label + "." + label + "." + label + "." + label[:61] // of 253 characters
	synctest.Test(t, func(t *testing.T) {
		server, _ := newServer(t, chargebeetest.WithTLS(longest, longest+"a", label, label+"a", "a..b", "192.0.2.7"))
		block, _ := pem.Decode(server.CertificatePEM)
		certificate, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		require.Equal(t, []string{"localhost", "*.localhost", longest, label}, certificate.DNSNames)
		require.Equal(t, "[127.0.0.1 ::1 192.0.2.7]", fmt.Sprint(certificate.IPAddresses))
		require.Equal(t, "CN=chargebeetest", certificate.Subject.String())
		require.Equal(t, time.Date(1999, 12, 31, 23, 0, 0, 0, time.UTC), certificate.NotBefore) // the clock of a bubble starts with 2000
		require.Equal(t, time.Date(2002, 1, 1, 0, 0, 0, 0, time.UTC), certificate.NotAfter)
		require.Equal(t, x509.KeyUsageDigitalSignature, certificate.KeyUsage)
		require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, certificate.ExtKeyUsage)
		require.Equal(t, []bool{true, false}, []bool{certificate.BasicConstraintsValid, certificate.IsCA})
	})
}

func TestTLSServerSpeaksHTTP2(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t, chargebeetest.WithTLS())
	var protocol string
	server.Handle("GET /protocol", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { protocol = r.Proto }))
	client, err := server.NewClient()
	require.NoError(t, err)
	_, err = client.Do(t.Context(), chargebee.Request{Method: "GET", Path: "/protocol"}, nil)
	require.Error(t, err) // no JSON
	require.Equal(t, "HTTP/2.0", protocol)
}

func TestServerWithoutTLSHasNoCertificate(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	require.Nil(t, server.CertificatePEM)
}

func TestTransportOfATLSServerUsesNoTLS(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := newServer(t, chargebeetest.WithTLS())
		require.Equal(t, "https://127.0.0.1:0/api/v2", server.URL)
		require.NotEmpty(t, server.CertificatePEM)
		_, err := activate(t, client, server.AddPortalSession("zoe"))
		require.NoError(t, err)
	})
}
