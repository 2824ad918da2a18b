package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// buffer is a bytes.Buffer for concurrent use.
type buffer struct {
	mu      sync.Mutex
	written bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.written.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.written.String()
}

func TestFirstLineOnStandardErrorSaysWhereTheEmulatorServes(t *testing.T) {
	t.Parallel()
	var stderr buffer
	env := parseVariables(t, startEmulatorWithStderr(t, noEnvironment, &stderr))
	root := strings.TrimSuffix(env["CHARGEBEE_BASE_URL"], "/api/v2")
	require.Equal(t, "emulator: serving "+root+" (interrupt to stop)\n", stderr.String())
	require.NotContains(t, stderr.String(), env["CHARGEBEE_API_KEY"])

	var withURL buffer
	startEmulatorWithStderr(t, noEnvironment, &withURL, "-url", "http://chargebee:8080")
	require.Equal(t, "emulator: serving http://chargebee:8080 (interrupt to stop)\n", withURL.String())
}

func TestEmulatorServesOnIPv6(t *testing.T) {
	t.Parallel()
	if listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "[::1]:0"); err != nil {
		t.Skip("needs IPv6")
	} else {
		require.NoError(t, listener.Close())
	}
	env := parseVariables(t, startEmulator(t, "-addr", "[::1]:0", "-tls"))
	require.True(t, strings.HasPrefix(env["CHARGEBEE_BASE_URL"], "https://[::1]:"), env["CHARGEBEE_BASE_URL"])
	root := strings.TrimSuffix(env["CHARGEBEE_BASE_URL"], "/api/v2")
	require.NoError(t, run(t.Context(), []string{"-check", "-tls", "-addr", strings.TrimPrefix(root, "https://")}, noEnvironment, io.Discard, io.Discard))
}

func TestEmulatorOnAllInterfacesNamesTheLoopbackInterface(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t, "-addr", ":0"))
	require.Regexp(t, `^http://127\.0\.0\.1:\d+/api/v2$`, env["CHARGEBEE_BASE_URL"])
	resp, _ := send(t, env, "GET", "/api/v2/features", "")
	require.Equal(t, 200, resp.StatusCode)
}

// startTLSEmulator returns the address at which the emulator listens, its variables, and the file of its certificate.
func startTLSEmulator(t *testing.T) (address string, env map[string]string, certificate string) {
	t.Helper()
	certificate = filepath.Join(t.TempDir(), "emulator.pem")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address = listener.Addr().String()
	require.NoError(t, listener.Close())
	var stderr buffer
	env = parseVariables(t, startEmulatorWithStderr(t, noEnvironment, &stderr, "-addr", address, "-tls", "-tls-cert", certificate,
		"-url", "https://acme-test.chargebee.test", "-tls-host", "chargebee", "-tls-host", "*.chargebee.test", "-tls-host", "192.0.2.7"))
	require.Equal(t, "emulator: serving https://acme-test.chargebee.test (interrupt to stop)\n"+
		"emulator: clients must trust the certificate in "+certificate+"\n", stderr.String())
	return address, env, certificate
}

func TestCertificateIsValidForTheHostsOfTheFlags(t *testing.T) {
	t.Parallel()
	address, env, file := startTLSEmulator(t)
	require.Equal(t, "https://acme-test.chargebee.test/api/v2", env["CHARGEBEE_BASE_URL"])
	certificate, err := os.ReadFile(file)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(certificate))
	for _, host := range []string{"acme-test.chargebee.test", "acme-live.chargebee.test", "chargebee", "localhost", "192.0.2.7", "127.0.0.1"} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get("https://" + address + "/health")
		require.NoError(t, err, host)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 200, resp.StatusCode)
	}
}

func TestCertificateIsValidForTheAddress(t *testing.T) {
	t.Parallel()
	if listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.2:0"); err != nil {
		t.Skip("needs a second loopback address")
	} else {
		require.NoError(t, listener.Close())
	}
	file := filepath.Join(t.TempDir(), "cert.pem")
	env := parseVariables(t, startEmulator(t, "-tls", "-tls-cert", file, "-addr", "127.0.0.2:0"))
	require.True(t, strings.HasPrefix(env["CHARGEBEE_BASE_URL"], "https://127.0.0.2:"))
	certificate, err := os.ReadFile(file)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(certificate))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	resp, err := client.Get(env["LOGIN_URL"])
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
}

func TestTLSWithoutAFileSaysHowToGetTheCertificate(t *testing.T) {
	t.Parallel()
	var stderr buffer
	env := parseVariables(t, startEmulatorWithStderr(t, noEnvironment, &stderr, "-tls"))
	require.True(t, strings.HasPrefix(env["CHARGEBEE_BASE_URL"], "https://127.0.0.1:"))
	require.Contains(t, stderr.String(), "emulator: clients must trust the certificate that -tls-cert writes to a file\n")
	require.ErrorContains(t, run(t.Context(), []string{"-tls", "-tls-cert", filepath.Join(t.TempDir(), "no", "folder")}, noEnvironment, io.Discard, io.Discard),
		"no such file or directory")
}

func TestCurlTrustsTheCertificate(t *testing.T) {
	t.Parallel()
	address, env, certificate := startTLSEmulator(t)
	output := runClient(t, nil, "curl", "-sSf", "--cacert", certificate, "--connect-to", "::"+address, "-u", env["CHARGEBEE_API_KEY"]+":",
		env["CHARGEBEE_BASE_URL"]+"/portal_sessions/"+env["SESSION_ID"]+"/activate", "-d", "token="+env["SESSION_TOKEN"])
	require.Contains(t, output, `"status":"activated"`)
}

func TestPythonTrustsTheCertificate(t *testing.T) {
	t.Parallel()
	address, env, certificate := startTLSEmulator(t)
	const program = `
import base64, os, urllib.request
request = urllib.request.Request("https://localhost:%s/api/v2/features" % os.environ["PORT"])
request.add_header("Authorization", "Basic " + base64.b64encode((os.environ["KEY"] + ":").encode()).decode())
print(urllib.request.urlopen(request).read().decode())
`
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	variables := []string{"PORT=" + port, "KEY=" + env["CHARGEBEE_API_KEY"]}
	require.Contains(t, runClient(t, append(variables, "SSL_CERT_FILE="+certificate), "python3", "-c", program), `"id":"seats"`)
}

// runClient runs a program with further environment variables, and returns its output.
func runClient(t *testing.T, variables []string, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip("needs " + name)
	}
	command := exec.CommandContext(t.Context(), name, args...)
	command.Env = append(os.Environ(), variables...)
	output, err := command.CombinedOutput()
	require.NoError(t, err, string(output))
	return string(output)
}
