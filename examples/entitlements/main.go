// Entitlements applies a CSV file of item entitlements to a site, up to -batch lines
// of a feature per call:
//
//	feature_id,item_id,item_type,value
//	seats,team,plan,20
//	seats,solo,plan,
//
// A line without a value removes the entitlement. The header line is optional. There
// may be only one line for the same feature and item, whatever the type. Nothing is
// sent unless all lines are valid.
//
//	go run -C examples/entitlements .                          # a sample
//	go run -C examples/entitlements . -dry-run "$PWD/changes.csv"
//	go run -C examples/entitlements . -report "$PWD/report.csv" "$PWD/changes.csv"
//
// It runs against the embedded emulator, which gets the features and items of the
// file, or against a real site if CHARGEBEE_SITE and CHARGEBEE_API_KEY are set.
// CHARGEBEE_BASE_URL overrides the base URL of the API.
//
// The report has the outcome of each line: applied, rejected, unknown or not
// processed. If the server names the entries that it rejects, the call is repeated
// without them. A dry run does not count these extra requests. The run stops if the
// API key is rejected or the site is in maintenance.
//
// To resume a run after an interruption, such as a kill or a network failure, start
// it again with the same file, -batch and -run-id. The idempotency keys are derived
// from the run id and the request, so that Chargebee replays the response to a request
// that it has already processed. The keys expire 30 minutes after their first
// use, which is why a run must not take longer than 25.
//
// Do not correct rejected lines between two runs with the same id: the changed call
// would be a new one, and would repeat the lines that were applied without them. Apply
// the corrected lines afterwards, in a separate file.
//
// An interrupt stops new requests, and gives those in flight ten seconds to finish.
// A second one ends the program immediately.
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
	cancelNotice := context.AfterFunc(ctx, func() {
		stop() // so that a second interrupt ends the program
		fmt.Fprintln(os.Stderr, "\nentitlements: stopping; interrupt again to end immediately, without a report")
	})
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	cancelNotice()
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
	if err := plan.checkDuration(settings.rate); err != nil {
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
	if changes.count(unknown)+changes.count(notProcessed) > 0 {
		fmt.Fprintf(progress, "To resume, use the same file and -batch, and -run-id %s, within 30 minutes of its first run.\n", settings.runID)
	}
	return errors.Join(stopped, report.end(changes), changes.shortfall())
}

func readFile(name string) (changes, error) {
	if name == "" {
		return readChanges(strings.NewReader(sample))
	}
	file, err := os.Open(name) //nolint:gosec // a file named by the user
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
