package main

import (
	"cmp"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

const usage = `Emulator serves an emulated Chargebee site until it is interrupted.

Example:
  go run ./examples/emulator -addr 127.0.0.1:8080 | tee env

Programs in any language can use it. It prints its settings as shell variables.
To export them in another terminal:
  set -a; . ./env; set +a

Environment variables:
  EMULATOR_ADDR, EMULATOR_KEY, EMULATOR_RATE_LIMIT, ...
    	values of -addr, -key, -rate-limit and all other flags; a flag overrides
    	its variable
`

// settings holds the values of the flags.
type settings struct {
	addr, publicURL, site, apiKey, tlsCert string
	seeds, tlsHosts                        []string
	faults                                 []chargebeetest.Fault
	rateLimit                              int
	grandfathering, tls, check             bool
	identity                               *chargebeetest.Server // only has a certificate; nil without -tls
}

// parseSettings returns the settings of the arguments and the environment. Every error but flag.ErrHelp is a
// *program.UsageError.
func parseSettings(args []string, getenv func(string) string, help io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("emulator", flag.ContinueOnError)
	flags.StringVar(&s.addr, "addr", "127.0.0.1:0", "`address` to listen on; port 0 picks a free port")
	flags.StringVar(&s.publicURL, "url", "", "`URL` at which clients reach the emulator, such as http://chargebee:8080 (default: the URL of -addr)")
	flags.StringVar(&s.site, "site", "emulator-test", "`name` of the site")
	flags.StringVar(&s.apiKey, "key", "", "API `key` that the emulator accepts (default: a random key)")
	flags.Func("seed", "JSON `file` with the initial data; may be repeated", appendTo(&s.seeds))
	flags.IntVar(&s.rateLimit, "rate-limit", 0, "maximum `number` of requests per minute; 0 means no limit")
	flags.BoolVar(&s.grandfathering, "grandfathering", false, "emulate a site with grandfathering")
	flags.Func("fault", "`fault` for the next requests, such as status=503,count=2 or cut=after; may be repeated", func(text string) error {
		faults, err := parseFault(text)
		s.faults = append(s.faults, faults...)
		return err
	})
	flags.BoolVar(&s.tls, "tls", false, "serve https with a self-signed certificate for localhost and the host of -url or -addr")
	flags.Func("tls-host", "additional host `name` or IP address for the certificate; may be repeated", appendTo(&s.tlsHosts))
	flags.StringVar(&s.tlsCert, "tls-cert", "", "PEM `file` to write the certificate to; clients must trust it")
	flags.BoolVar(&s.check, "check", false, "check whether the emulator with the same -addr and -tls is up, and exit with status 0 or 1")
	if err := program.ParseFlags(flags, usage, args, help); err != nil {
		return s, err
	}
	if err := setFromEnvironment(flags, getenv); err != nil {
		return s, err
	}
	if err := program.RejectArguments(flags); err != nil {
		return s, err
	}
	s.apiKey = cmp.Or(s.apiKey, "test_"+rand.Text())
	s.publicURL = strings.TrimSuffix(strings.TrimRight(s.publicURL, "/"), "/api/v2")
	if s.tls {
		s.identity = chargebeetest.NewServer(chargebeetest.WithoutListener(), chargebeetest.WithTLS(s.certificateHosts()...))
	}
	if reason := s.invalidReason(); reason != "" {
		return s, &program.UsageError{Reason: reason}
	}
	return s, nil
}

func appendTo(list *[]string) func(string) error {
	return func(value string) error {
		*list = append(*list, value)
		return nil
	}
}

// setFromEnvironment sets the flags that the arguments do not set.
func setFromEnvironment(flags *flag.FlagSet, getenv func(string) string) error {
	isGiven := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { isGiven[f.Name] = true })
	var firstErr error
	flags.VisitAll(func(f *flag.Flag) {
		variable := "EMULATOR_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := getenv(variable)
		if value == "" || isGiven[f.Name] || firstErr != nil {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			firstErr = &program.UsageError{Reason: fmt.Sprintf("%s=%.100s: %v", variable, value, err)}
		}
	})
	return firstErr
}

// invalidReason returns what is wrong with the settings, or "". The site, the key and the URL must be those of a client.
func (s settings) invalidReason() string {
	flagOf := map[string]string{"site": "-site", "apiKey": "-key", "WithBaseURL": "-url"}
	baseURL := cmp.Or(s.publicURL, "http://127.0.0.1") + "/api/v2"
	_, err := chargebee.NewClient(s.site, s.apiKey, chargebee.WithBaseURL(baseURL), chargebee.WithInsecureHTTP())
	var paramErr *chargebee.ParamError
	switch {
	case errors.As(err, &paramErr):
		return flagOf[paramErr.Field] + " " + paramErr.Reason
	case s.rateLimit < 0:
		return "-rate-limit must not be negative"
	case s.tls && strings.HasPrefix(s.publicURL, "http:"):
		return "-url must begin with https: if there is -tls"
	case !s.tls && (s.tlsCert != "" || len(s.tlsHosts) > 0):
		return "-tls-cert and -tls-host need -tls"
	case s.check && strings.HasSuffix(s.addr, ":0"):
		return "-check needs -addr with the port of the emulator"
	case s.tls:
		return s.invalidHost()
	}
	return ""
}

// invalidHost returns which host is not in the certificate, or "".
func (s settings) invalidHost() string {
	certificate, err := x509.ParseCertificate(s.identity.TLSConfig.Certificates[0].Certificate[0])
	if err != nil {
		return err.Error()
	}
	for _, host := range s.certificateHosts() {
		if net.ParseIP(host) == nil && !slices.Contains(certificate.DNSNames, host) {
			return fmt.Sprintf("-tls-host or -url: %q is no host name or IP address", host)
		}
	}
	return ""
}

func (s settings) certificateHosts() []string {
	hosts := slices.Clone(s.tlsHosts)
	root := cmp.Or(s.publicURL, "https://"+dialAddress(s.addr))
	if u, err := url.Parse(root); err == nil && u.Hostname() != "" {
		hosts = append(hosts, u.Hostname())
	}
	return hosts
}

func (s settings) scheme() string {
	if s.tls {
		return "https"
	}
	return "http"
}

// greeting says where the emulator serves.
func (s settings) greeting() string {
	text := "emulator: serving " + s.publicURL + " (interrupt to stop)\n"
	switch {
	case s.tlsCert != "":
		text += "emulator: clients must trust the certificate in " + s.tlsCert + "\n"
	case s.tls:
		text += "emulator: clients must trust the certificate that -tls-cert writes to a file\n"
	}
	return text
}

// newServer returns a server of the site, without a listener.
func (s settings) newServer() *chargebeetest.Server {
	opts := []chargebeetest.Option{
		chargebeetest.WithoutListener(), chargebeetest.WithPublicURL(s.publicURL),
		chargebeetest.WithSite(s.site), chargebeetest.WithAPIKey(s.apiKey),
		chargebeetest.WithRateLimit(s.rateLimit), chargebeetest.WithRecentRequests(maxRequests),
	}
	if s.grandfathering {
		opts = append(opts, chargebeetest.WithGrandfathering())
	}
	return chargebeetest.NewServer(opts...)
}

// dialAddress returns the address at which to reach a listener. For a listener on all interfaces, that is the loopback
// interface.
func dialAddress(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err == nil && (host == "" || net.ParseIP(host).IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}
