package main

import (
	"flag"
	"io"
	"strconv"
	"time"

	"github.com/typedbee/chargebee-go/examples/internal/program"
)

const usage = `Ratelimit changes an entitlement repeatedly, as fast as the rate limit of a site
allows, and counts the requests.

Examples:
  go run -C examples/ratelimit .
  go run -C examples/ratelimit . -processes 3 -for 90s

A single process stays within the limit with golang.org/x/time/rate. With
-processes, several processes share the limit through Redis. With -redis, they
also share it with every other program that uses this Redis for the same site.

The emulator has sample data. A real site needs -feature, -item and -value.

` + program.Environment

// settings holds the values of the flags.
type settings struct {
	redis                string
	perMinute            int
	processes            int
	duration             time.Duration
	feature, item, value string
	stopOnEOF            bool
}

func parse(args []string, help io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("ratelimit", flag.ContinueOnError)
	flags.IntVar(&s.processes, "processes", 1, "`number` of processes that share the limit")
	flags.StringVar(&s.redis, "redis", "", "`address` of a Redis server that shares the limit (default: an embedded one, if there are several processes)")
	flags.IntVar(&s.perMinute, "rate", 150, "rate limit of the site, in `requests` per minute")
	flags.DurationVar(&s.duration, "for", 10*time.Second, "how long to make calls")
	flags.StringVar(&s.feature, "feature", "", "real site: `ID` of the feature")
	flags.StringVar(&s.item, "item", "", "real site: `ID` of the item whose entitlement is changed")
	flags.StringVar(&s.value, "value", "", "real site: `value` of the entitlement")
	flags.BoolVar(&s.stopOnEOF, "stop-on-eof", false, "stop when standard input ends; -processes starts processes with this flag")
	if err := program.ParseFlags(flags, usage, args, help); err != nil {
		return s, err
	}
	if s.perMinute < 1 || s.processes < 1 || s.duration <= 0 {
		return s, &program.UsageError{Reason: "-rate, -processes and -for must be positive"}
	}
	return s, program.RejectArguments(flags)
}

// forSite returns the settings for a real site, or those for the sample data, which it
// adds to the emulator.
func (s settings) forSite(site *program.Site) (settings, error) {
	hasEntitlement := s.feature != "" || s.item != "" || s.value != ""
	switch {
	case site.Emulator != nil && hasEntitlement:
		return s, &program.UsageError{Reason: "-feature, -item and -value are for a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY"}
	case site.Emulator != nil:
		s.feature, s.item, s.value = "seats", "team", "20"
		return s, addSampleData(site.Emulator, s)
	case s.feature == "" || s.item == "" || s.value == "":
		return s, &program.UsageError{Reason: "a real site needs -feature, -item and -value"}
	}
	return s, nil
}

// processArgs returns the arguments of one process with the settings s.
func (s settings) processArgs() []string {
	return []string{
		"-stop-on-eof", "-redis", s.redis, "-rate", strconv.Itoa(s.perMinute), "-for", s.duration.String(),
		"-feature", s.feature, "-item", s.item, "-value", s.value,
	}
}
