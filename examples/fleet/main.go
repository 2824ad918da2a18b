// Fleet is many processes under the one rate limit of a site, which they share
// by way of Redis: see limiter.go, which is yours to copy.
//
//	go run -C examples/fleet .
//
// It starts three processes that change an entitlement again and again for 90
// seconds, as fast as the limit lets them, and counts what arrives: never more
// than 150 requests in any 60 seconds. Redis is embedded, unless -redis names one,
// and so is the site, unless CHARGEBEE_SITE and CHARGEBEE_API_KEY are set; then
// it needs -feature, -item and -value. CHARGEBEE_BASE_URL leads the processes
// elsewhere. Started on several machines with the same Redis, all of them keep to
// the limit together.
//
// An interrupt lets the requests under way finish, and sends no more. Chargebee
// limits concurrent requests too, which is not looked after here.
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
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	if s.worker {
		return work(ctx, s, getenv, out)
	}
	return lead(ctx, s, getenv, out)
}

type settings struct {
	redis                string
	perMinute            int
	processes            int
	duration             time.Duration
	feature, item, value string
	worker               bool
}

func parse(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	flags.StringVar(&s.redis, "redis", "", "`address` of Redis; default: an embedded one")
	flags.IntVar(&s.perMinute, "rate", 150, "the limit of the site, in requests per minute")
	flags.IntVar(&s.processes, "processes", 3, "how many processes to start")
	flags.DurationVar(&s.duration, "for", 90*time.Second, "how long they work")
	flags.StringVar(&s.feature, "feature", "", "real site: the `id` of a feature")
	flags.StringVar(&s.item, "item", "", "real site: the `id` of an item")
	flags.StringVar(&s.value, "value", "", "real site: the `value` that the item is to have")
	flags.BoolVar(&s.worker, "worker", false, "be one of the processes, and start none")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	switch {
	case flags.NArg() > 0:
		return s, errors.New("unknown argument: " + flags.Arg(0))
	case s.perMinute < 1 || s.processes < 1 || s.duration <= 0:
		return s, errors.New("-rate, -processes and -for must be positive")
	}
	return s, nil
}

// workerArgs start a process that works as s says.
func (s settings) workerArgs() []string {
	return []string{
		"-worker", "-redis", s.redis, "-rate", strconv.Itoa(s.perMinute), "-for", s.duration.String(),
		"-feature", s.feature, "-item", s.item, "-value", s.value,
	}
}
