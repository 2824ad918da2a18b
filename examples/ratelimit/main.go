// Ratelimit changes an entitlement repeatedly, as fast as the rate limit of a site
// allows, and counts the requests. Retries count too, because every attempt waits
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
	"fmt"
	"io"
	"os"

	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

func main() { program.Main("ratelimit", run) }

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	s, err := parse(args, stdout)
	if err != nil {
		return err
	}
	site, err := program.OpenSite(getenv, chargebeetest.WithRateLimit(s.perMinute))
	if err != nil {
		return err
	}
	defer site.Close()
	if s, err = s.forSite(site); err != nil {
		return err
	}
	if s.stopOnEOF {
		var stop context.CancelFunc
		ctx, stop = cancelOnEOF(ctx, os.Stdin)
		defer stop()
	}
	if site.Emulator == nil {
		return start(ctx, s, site, stdout, stderr)
	}
	fmt.Fprintln(stdout, "Site:", site)
	err = start(ctx, s, site, stdout, stderr)
	printFullestMinute(stdout, site.Emulator.Requests(), s)
	return err
}

// start makes the calls in this process, or in several if the settings say so.
func start(ctx context.Context, s settings, site *program.Site, stdout, stderr io.Writer) error {
	if s.processes == 1 {
		return work(ctx, s, site, stdout)
	}
	return runProcesses(ctx, s, site, stdout, stderr)
}
