// Emulator runs chargebeetest as a server, for programs in any language. It prints its settings as shell variables and
// serves until it is interrupted:
//
//	go run ./examples/emulator -addr 127.0.0.1:8080 | tee env
//
// Then, in another terminal:
//
//	set -a; . ./env; set +a
//	curl -u "$CHARGEBEE_API_KEY:" "$CHARGEBEE_BASE_URL/portal_sessions/$SESSION_ID/activate" -d "token=$SESSION_TOKEN"
//
// SESSION_ID and SESSION_TOKEN are a login of the first customer, FEATURE_ID and ITEM_ID are the first feature and item,
// and VALUE is a value that the feature accepts. A variable is empty if the seed has no value for it. LOGIN_URL is the
// emulated hosted login page. It takes return_url and cancel_url, and every login there creates a new portal session.
//
// README.md describes the seed, the faults, the control paths below /emulator/, and how to run the emulator in a network
// of containers.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/typedbee/chargebee-go/examples/internal/program"
)

func main() { program.Main("emulator", run) }

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	s, err := parseSettings(args, getenv, stdout)
	if err != nil {
		return err
	}
	if s.check {
		return checkHealth(ctx, s)
	}
	data, err := readSeeds(s.seeds)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	if s.publicURL == "" {
		s.publicURL = s.scheme() + "://" + dialAddress(listener.Addr().String())
	}
	e, err := newEmulator(s, data)
	if err != nil {
		return err
	}
	defer e.close()
	if s.tlsCert != "" {
		if err := os.WriteFile(s.tlsCert, s.identity.CertificatePEM, 0o644); err != nil { //nolint:gosec // a certificate is public
			return err
		}
	}
	server := newHTTPServer(s, e, stderr)
	defer server.Close()
	serveErr := make(chan error, 1)
	go func() { serveErr <- serve(server, listener) }()
	fmt.Fprint(stderr, s.greeting())
	if err := printVariables(stdout, e.site().server, data); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-serveErr:
		return err
	}
}

// newHTTPServer returns a server that uses TLS if the settings say so.
func newHTTPServer(s settings, handler http.Handler, stderr io.Writer) *http.Server {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(stderr, "emulator: ", 0),
	}
	if s.tls {
		server.TLSConfig = s.identity.TLSConfig
	}
	return server
}

func serve(server *http.Server, listener net.Listener) error {
	if server.TLSConfig != nil {
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}
