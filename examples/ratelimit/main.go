// Ratelimit changes an entitlement over and over, as fast as the rate limit of a
// site allows, and counts the requests. Retries count too: every attempt waits
// for the limiter. It runs against the embedded emulator:
//
//	go run -C examples/ratelimit .
//	go run -C examples/ratelimit . -processes 3 -for 90s
//
// One process keeps the limit with golang.org/x/time/rate. Several processes
// share it through Redis, with the limiter in redislimiter.go. The flag -help
// explains how to use a real site and a real Redis.
//
// An interrupt stops new requests and lets those in flight finish. Chargebee also
// limits concurrent requests, which this program does not take into account.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "ratelimit:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	s, err := parse(args, out)
	if err != nil {
		return err
	}
	target := site{name: getenv("CHARGEBEE_SITE"), apiKey: getenv("CHARGEBEE_API_KEY"), baseURL: getenv("CHARGEBEE_BASE_URL")}
	switch {
	case target == site{}:
		return runEmbedded(ctx, s, out)
	case target.name == "" || target.apiKey == "":
		return errors.New("a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY")
	case s.feature == "" || s.item == "" || s.value == "":
		return errors.New("a real site needs -feature, -item and -value; see -help")
	}
	return start(ctx, s, target, out)
}

// start makes the calls in this process, or in several if the settings say so.
func start(ctx context.Context, s settings, site site, out io.Writer) error {
	if s.processes == 1 {
		return work(ctx, s, site, out)
	}
	return runProcesses(ctx, s, site, out)
}

const usage = `Usage: ratelimit [flags]

Ratelimit changes an entitlement over and over, as fast as the rate limit of a
site allows, and counts the requests.

One process keeps the limit with golang.org/x/time/rate. With -processes, several
processes share the limit through Redis. With -redis, they also share it with
every other program that uses this Redis for the same site.

The site is the embedded emulator, or a real one if CHARGEBEE_SITE and
CHARGEBEE_API_KEY are set. A real site needs -feature, -item and -value.
CHARGEBEE_BASE_URL overrides the base URL of the API.

Flags:
`

type settings struct {
	redis                string
	perMinute            int
	processes            int
	duration             time.Duration
	feature, item, value string
}

// parse reads the arguments. For -help it prints the usage and returns flag.ErrHelp.
func parse(args []string, help io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("ratelimit", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error
	flags.IntVar(&s.processes, "processes", 1, "`number` of processes that share the limit")
	flags.StringVar(&s.redis, "redis", "", "`address` of a Redis to share the limit through (default: an embedded one, if there are several processes)")
	flags.IntVar(&s.perMinute, "rate", 150, "rate limit of the site, in `requests` per minute")
	flags.DurationVar(&s.duration, "for", 10*time.Second, "how long to make calls")
	flags.StringVar(&s.feature, "feature", "", "real site: `id` of the feature")
	flags.StringVar(&s.item, "item", "", "real site: `id` of the item whose entitlement is changed")
	flags.StringVar(&s.value, "value", "", "real site: `value` that the entitlement is set to")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(help, usage)
		flags.SetOutput(help)
		flags.PrintDefaults()
		return s, err
	case err != nil:
		return s, fmt.Errorf("%w; see -help", err)
	case flags.NArg() > 0:
		return s, errors.New("unknown argument: " + flags.Arg(0))
	case s.perMinute < 1 || s.processes < 1 || s.duration <= 0:
		return s, errors.New("-rate, -processes and -for must be positive")
	}
	return s, nil
}

// processArgs are the arguments of one process that works as s says.
func (s settings) processArgs() []string {
	return []string{
		"-redis", s.redis, "-rate", strconv.Itoa(s.perMinute), "-for", s.duration.String(),
		"-feature", s.feature, "-item", s.item, "-value", s.value,
	}
}
