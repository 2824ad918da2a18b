package chargebeetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"net/http"
	"strings"
	"time"
)

// WithTLS makes the server use https, with a self-signed certificate for 127.0.0.1,
// ::1, localhost and its subdomains, and the given host names and IP addresses. Other
// text among them has no effect. A client must trust CertificatePEM; those of
// [Server.NewClient] do. [Server.Transport] uses no TLS. An HTTP server of your own can
// use TLSConfig.
func WithTLS(hosts ...string) Option {
	return func(s *Server) {
		s.tls = newSelfSigned(append([]string{"127.0.0.1", "::1", "localhost", "*.localhost"}, hosts...))
		s.CertificatePEM = s.tls.pem
		s.TLSConfig = s.tls.serverConfig()
	}
}

// selfSigned is a self-signed certificate.
type selfSigned struct {
	certificate tls.Certificate
	pem         []byte
}

// newSelfSigned returns a certificate that is valid for two years. It is no certificate
// of an authority: who trusts it trusts nothing else.
func newSelfSigned(hosts []string) *selfSigned {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "chargebeetest"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(2, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if isHostName(host) {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // crypto/rand does not fail
	der, _ := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return &selfSigned{
		certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem:         pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
	}
}

// isHostName reports whether a host can stand in a certificate. A single invalid name
// would make clients reject the whole certificate.
func isHostName(host string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimPrefix(host, "*."), ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, allowed) != "" {
			return false
		}
	}
	return true
}

func (c *selfSigned) serverConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.certificate}, MinVersion: tls.VersionTLS12}
}

// clientTransport returns a transport that trusts this certificate only.
func (c *selfSigned) clientTransport() *http.Transport {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.pem)
	return &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 256, // like the transport of package chargebee
		IdleConnTimeout:     90 * time.Second,
	}
}
