// Entitlements applies a CSV of item entitlements to a site, one call for up to
// -batch lines of a feature:
//
//	feature_id,item_id,item_type,value
//	seats,team,plan,20
//	seats,solo,plan,
//
// A line without a value removes the entitlement. The first line may be the
// header. An item may have one line for a feature, whatever its type. Nothing is
// sent before every line has been read, and none is malformed.
//
//	go run -C examples/entitlements .                          # a sample
//	go run -C examples/entitlements . -dry-run "$PWD/changes.csv"
//	go run -C examples/entitlements . -report "$PWD/report.csv" "$PWD/changes.csv"
//
// It runs against the embedded emulator, which then has what the file names, or
// against a real site if CHARGEBEE_SITE and CHARGEBEE_API_KEY are set;
// CHARGEBEE_BASE_URL leads them elsewhere.
//
// The report has each line and what became of it: applied, refused, unknown or
// not done. If the server names the entries that it refuses, the others of the
// call are sent again without them, which is a request more that a dry run does not
// count. A run whose key is not accepted, or whose site
// is in maintenance, stops.
//
// A run that broke, by a kill or a lost network, is started again with the same
// file, -batch and -run-id. The idempotency keys are made of the run id and of
// what is sent, so that Chargebee answers from memory what it has done already.
// It does so for 30 minutes from the first run on, which is why a run must not
// take longer than 25.
//
// Do not put right in between what was refused: the call would then be done as a
// whole, with the lines that were applied without it. Send refused lines
// afterwards, in a file of their own.
//
// An interrupt lets the requests under way finish, for ten seconds, and sends no
// more. A second one ends the program at once.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

//go:embed sample.csv
var sample string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	untold := context.AfterFunc(ctx, func() {
		stop() // so that a second interrupt ends it at once
		fmt.Fprintln(os.Stderr, "\nentitlements: stopping; interrupt again to end at once, without a report")
	})
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	untold()
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "entitlements:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out, progress io.Writer) error {
	settings, err := parse(args)
	if err != nil {
		return err
	}
	changes, err := readFile(settings.file)
	if err != nil {
		return err
	}
	plan := newPlan(changes, settings.batch)
	if err := plan.fits(settings.rate); err != nil {
		return err
	}
	if settings.dryRun {
		return plan.describe(out)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	site, err := connect(ctx, getenv, settings, changes)
	if err != nil {
		return err
	}
	defer site.close()
	report := report{settings.report, out}
	if err := report.begin(changes, settings.file); err != nil {
		return err
	}
	fmt.Fprintf(progress, "Site: %s%s\nRun: %s\n", site.name, site.hint, settings.runID)
	stopped := (&bulk{
		client:      site.client,
		runID:       settings.runID,
		resumed:     settings.resumed,
		concurrency: settings.concurrency,
		progress:    newProgress(progress, len(changes)),
		stop:        stop,
	}).apply(ctx, plan)
	fmt.Fprintf(progress, "%s, on %s\n", changes.summary(), site.name)
	if changes.count(unknown)+changes.count(notDone) > 0 {
		fmt.Fprintf(progress, "Go on with the same file and -batch, and -run-id %s, within 30 minutes of its first run.\n", settings.runID)
	}
	return errors.Join(stopped, report.end(changes), changes.shortfall())
}

func readFile(name string) (changes, error) {
	if name == "" {
		return readChanges(strings.NewReader(sample))
	}
	file, err := os.Open(name) //nolint:gosec // the file that the user named
	if err != nil {
		return nil, err
	}
	defer file.Close()
	changes, err := readChanges(file)
	if err != nil {
		return nil, fmt.Errorf("%s: nothing was sent:\n%w", name, err)
	}
	return changes, nil
}
