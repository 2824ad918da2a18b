// Returnurl is a web application whose customers log in at Chargebee's hosted portal. The portal redirects them to the
// return URL of the application, which begins a session only if Chargebee confirms the login. Logged-in customers can
// open the portal without another login, and a logout also ends the session at Chargebee.
//
//	go run -C examples/returnurl .
//
// By default it runs against an embedded emulator, which has a login page. The flag -help explains how to use a real
// site, https, and the limits that keep strangers from using up the rate limit of the site.
package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/typedbee/chargebee-go/examples/internal/program"
)

const usage = `Returnurl is a web application whose customers log in at Chargebee's hosted
portal.

Example:
  go run -C examples/returnurl .

A real site must allow the domain of -url for return URLs and cancel URLs. If
CHARGEBEE_BASE_URL is the URL of an emulator, start the emulator with -tls, and
set -portal-host to its host and port. Otherwise customers are sent to the login
page of the real site.

Anybody can open the return URL, and each return with new values calls
Chargebee. The limits keep strangers from using up the rate limit of the site,
which is 150 requests per minute on test sites. Over a limit, customers are
asked to try again in a moment. A third of each limit can be used at once, and
the rest over the course of the minute. Of -logins-per-minute, half of that
third is reserved for clients without a login in the last ten minutes.

A client is an IP address or, for IPv6, the first 64 bits of one. Behind a proxy
of your own, all customers have the address of the proxy and count as one client
unless you set -proxies.

` + program.Environment

func main() { program.Main("returnurl", run) }

// settings are the flags of the program.
type settings struct {
	config
	addr, portalHost, tlsCert, tlsKey string
	callsPerMinute                    int
}

func parse(args []string, help io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("returnurl", flag.ContinueOnError)
	flags.StringVar(&s.addr, "addr", "localhost:8080", "`address` to listen on; port 0 picks a free port")
	flags.StringVar(&s.publicURL, "url", "", "public `URL` of this application (default: http:// or https:// and the address)")
	flags.StringVar(&s.portalHost, "portal-host", "", "real site: `host` of the hosted login page, which is always https (default SITE.chargebeeportal.com)")
	flags.StringVar(&s.tlsCert, "tls-cert", "", "PEM `file` with the certificate, to serve https")
	flags.StringVar(&s.tlsKey, "tls-key", "", "PEM `file` with the key of the certificate")
	flags.IntVar(&s.callsPerMinute, "calls-per-minute", 150, "`limit` on calls to Chargebee per minute, including retries")
	flags.IntVar(&s.loginsPerMinute, "logins-per-minute", 60, "`limit` on logins per minute; leave room for other calls")
	flags.IntVar(&s.loginsPerClient, "logins-per-client", 15, "`limit` on logins per minute of one client")
	flags.IntVar(&s.proxies, "proxies", 0, "`number` of your own proxies that each request passes through; each must append to X-Forwarded-For")
	if err := program.ParseFlags(flags, usage, args, help); err != nil {
		return settings{}, err
	}
	switch {
	case s.callsPerMinute < 2 || s.loginsPerMinute < 2 || s.loginsPerClient < 2:
		return settings{}, &program.UsageError{Reason: "the limits must be at least 2"}
	case s.proxies < 0:
		return settings{}, &program.UsageError{Reason: "-proxies must not be negative"}
	case (s.tlsCert == "") != (s.tlsKey == ""):
		return settings{}, &program.UsageError{Reason: "https needs both -tls-cert and -tls-key"}
	}
	return s, program.RejectArguments(flags)
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	settings, err := parse(args, stdout)
	if err != nil {
		return err
	}
	scheme, certificates := "http", []tls.Certificate(nil)
	if settings.tlsCert != "" {
		certificate, err := tls.LoadX509KeyPair(settings.tlsCert, settings.tlsKey)
		if err != nil {
			return err
		}
		scheme, certificates = "https", []tls.Certificate{certificate}
	}
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	site, err := openSite(getenv, settings.portalHost, settings.callsPerMinute, logger)
	if err != nil {
		return err
	}
	defer site.close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", settings.addr)
	if err != nil {
		return err
	}
	settings.publicURL = cmp.Or(settings.publicURL, localURL(scheme, settings.addr, listener))
	app, err := newApp(settings.config, site, logger)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintln(stdout, "Chargebee:", site.name)
	fmt.Fprintln(stdout, "Open", app.publicURL)
	return serve(ctx, listener, newServer(app.handler(), certificates, logger))
}
