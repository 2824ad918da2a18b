// Returnurl is a web application whose customers log in at Chargebee's hosted portal. The portal redirects them to the
// return URL of the application, which begins a session only if Chargebee confirms the login:
//
//	go run -C examples/returnurl .
//
// By default it runs against an embedded emulator, which has a login page. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to
// use a real site; CHARGEBEE_BASE_URL overrides the URL of its API. A real site must allow the domain of -url for
// return URLs and cancel URLs.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt kills the program
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "returnurl:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer, logger *slog.Logger) error {
	flags := flag.NewFlagSet("returnurl", flag.ContinueOnError)
	addr := flags.String("addr", "localhost:8080", "`address` to listen on; port 0 picks a free port")
	publicURL := flags.String("url", "", "public `URL` of this application (default http:// and the address)")
	portalHost := flags.String("portal-host", "", "real site: `host` of the hosted login page (default SITE.chargebeeportal.com)")
	if err := parseFlags(flags, args, out); err != nil {
		return err
	}

	site, err := openSite(getenv, *portalHost, logger)
	if err != nil {
		return err
	}
	defer site.close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	app, err := newApp(cmp.Or(*publicURL, localURL(*addr, listener)), site, logger)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintln(out, "Chargebee:", site.name)
	fmt.Fprintln(out, "Open", app.publicURL)
	return serve(ctx, listener, newServer(app.handler(), logger))
}

// parseFlags parses args and prints the usage if -help is among them. It leaves errors to main, which prints them.
func parseFlags(flags *flag.FlagSet, args []string, out io.Writer) error {
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(out)
		flags.Usage()
	}
	if err == nil && flags.NArg() > 0 {
		return errors.New("unknown argument: " + flags.Arg(0))
	}
	return err
}

// localURL returns the URL of the requested address, with the port that the listener uses.
func localURL(addr string, listener net.Listener) string {
	host, _, _ := net.SplitHostPort(addr) // valid, because listener uses it
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// site is the Chargebee site of the application: a real one or the emulator.
type site struct {
	name     string
	client   *chargebee.Client
	loginURL func(returnURL, cancelURL string) (string, error) // of the hosted login page
	close    func()
}

func openSite(getenv func(string) string, portalHost string, logger *slog.Logger) (site, error) {
	name, apiKey := getenv("CHARGEBEE_SITE"), getenv("CHARGEBEE_API_KEY")
	switch {
	case name == "" && apiKey == "" && portalHost != "":
		return site{}, errors.New("-portal-host is for a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY")
	case name == "" && apiKey == "":
		return openEmulator(logger)
	case name == "" || apiKey == "":
		return site{}, errors.New("a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY")
	}
	opts := []chargebee.ClientOption{chargebee.WithLogger(logger)}
	if baseURL := getenv("CHARGEBEE_BASE_URL"); baseURL != "" {
		opts = append(opts, chargebee.WithBaseURL(baseURL))
	}
	client, err := chargebee.NewClient(name, apiKey, opts...)
	return site{name: name, client: client, loginURL: hostedLogin(cmp.Or(portalHost, name+".chargebeeportal.com")), close: func() {}}, err
}

func hostedLogin(portalHost string) func(returnURL, cancelURL string) (string, error) {
	return func(returnURL, cancelURL string) (string, error) {
		return chargebee.HostedLoginURL(portalHost, returnURL, cancelURL)
	}
}

// emulatedLogin is hostedLogin for the login page of the emulator, which has no TLS.
func emulatedLogin(loginPage string) func(returnURL, cancelURL string) (string, error) {
	return func(returnURL, cancelURL string) (string, error) {
		query := url.Values{"return_url": {returnURL}, "cancel_url": {cancelURL}}
		return loginPage + "?" + query.Encode(), nil
	}
}

func openEmulator(logger *slog.Logger) (site, error) {
	server := chargebeetest.NewServer(chargebeetest.WithoutRequests())
	client, err := server.NewClient(chargebee.WithLogger(logger))
	return site{
		name:     "the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site.",
		client:   client,
		loginURL: emulatedLogin(server.LoginURL),
		close:    server.Close,
	}, errors.Join(err, server.AddCustomer("zoe"), server.AddCustomer("max"))
}

// serve serves until ctx is done, then waits for the active requests to finish.
func serve(ctx context.Context, listener net.Listener, server *http.Server) error {
	serveErr := make(chan error, 1)
	go func() { serveErr <- server.Serve(listener) }()
	select {
	case err := <-serveErr:
		return err
	case <-ctx.Done():
		shutdownCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), activationTimeout)
		defer cancel()
		return errors.Join(server.Shutdown(shutdownCtx), server.Close())
	}
}

func newServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      activationTimeout + 10*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}
