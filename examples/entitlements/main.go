// Entitlements applies a CSV of item entitlements to a site, one call for up to
// -batch lines of a feature:
//
//	feature_id,item_id,item_type,value
//	seats,team,plan,20
//	seats,solo,plan,
//
// A line without a value removes the entitlement. The first line may be the
// header. Nothing is sent before every line has been checked.
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
// not sent. If the server names the entries that it refuses, the others of the
// call are sent again without them.
//
// A run that broke, by a kill or a lost network, is started again with the same
// file, -batch and -run-id. The idempotency keys are made of the run id and of
// what is sent, so that Chargebee answers from memory what it has done already.
// It does so for 30 minutes from the first run on.
//
// Do not put right in between what was refused: the call would then be done as a
// whole, with the lines that were applied without it. Send refused lines
// afterwards, in a file of their own.
//
// An interrupt lets the calls under way finish, and sends no more.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
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
	context.AfterFunc(ctx, stop) // so that a second interrupt ends it at once
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "entitlements:", err)
		os.Exit(1)
	}
}

type settings struct {
	file        string
	runID       string
	report      string
	batch       int
	concurrency int
	rate        int
	dryRun      bool
}

func parse(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("entitlements", flag.ContinueOnError)
	flags.StringVar(&s.runID, "run-id", "", "`id` of a run that broke, to go on with it; default: a new one")
	flags.StringVar(&s.report, "report", "", "`file` for the report; default: standard output")
	flags.IntVar(&s.batch, "batch", 100, "lines in one call; Chargebee does not document how many it takes")
	flags.IntVar(&s.concurrency, "concurrency", 4, "features that are changed at the same time")
	flags.IntVar(&s.rate, "rate", 150, "calls in a minute, retries included; 0: no limit")
	flags.BoolVar(&s.dryRun, "dry-run", false, "check the file and say what would be sent, without sending it")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.file = flags.Arg(0)
	s.runID = cmp.Or(s.runID, rand.Text())
	switch {
	case flags.NArg() > 1:
		return s, errors.New("unknown argument: " + flags.Arg(1))
	case s.batch < 1 || s.concurrency < 1:
		return s, errors.New("-batch and -concurrency must be at least 1")
	case s.rate < 0:
		return s, errors.New("-rate must not be negative")
	}
	return s, nil
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
	if settings.dryRun {
		return plan.describe(out)
	}
	site, err := connect(getenv, settings, changes)
	if err != nil {
		return err
	}
	defer site.close()
	report := report{settings.report, out}
	if err := report.begin(changes); err != nil {
		return err
	}
	fmt.Fprintf(progress, "Site: %s\nRun: %s; if it breaks, go on with -run-id %[2]s within 30 minutes\n", site.name, settings.runID)
	stopped := (&bulk{
		client:      site.client,
		runID:       settings.runID,
		concurrency: settings.concurrency,
		progress:    newProgress(progress, len(changes)),
	}).apply(ctx, plan)
	fmt.Fprintln(progress, changes.summary())
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
