// Entitlements makes the entitlements of a site match a CSV file. The file states what
// plans, addons, charges and their prices are entitled to:
//
//	feature_id,entity_id,entity_type,value
//	seats,team,plan,20
//	sso,team,plan,available
//
// plan compares the file with the site and shows what would change. apply makes these
// changes, reads the site again, and reports whether it matches the file. export writes
// the entitlements of a site to such a file.
//
//	go run -C examples/entitlements .                          # a sample, on an emulator
//	go run -C examples/entitlements . export > catalog.csv
//	go run -C examples/entitlements . plan "$PWD/catalog.csv"
//	go run -C examples/entitlements . apply "$PWD/catalog.csv"
//
// The site is the embedded emulator, or a real one if CHARGEBEE_SITE and
// CHARGEBEE_API_KEY are set. The exit status of plan is 0 if nothing would change and 2 if
// something would. go run does not pass it on, so build the program for scripts:
//
//	go build -C examples/entitlements -o "$PWD/entitlements" .
//
// Repeat a run that was killed, interrupted or partly rejected: the next plan has the
// remaining changes. Nothing is removed without -prune, which removes entitlements that
// are not in the file, to features that are.
//
// Chargebee does not validate the ID of an entity. A misspelled one shows in the plan
// only as an addition.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/typedbee/chargebee-go/examples/internal/program"
)

// errDiffers is the result of a plan that would change something.
var errDiffers = errors.New("the site differs from the file")

const statusDiffers = 2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	cancelNotice := context.AfterFunc(ctx, func() {
		stop() // so that a second interrupt ends the program
		fmt.Fprintln(os.Stderr, "\nentitlements: stopping; interrupt again to end immediately")
	})
	colored := isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == ""
	err := run(ctx, streams{os.Stdin, os.Stdout, os.Stderr, colored}, os.Args[1:], os.Getenv)
	cancelNotice()
	status := exitStatus(ctx, err)
	stop()
	if status != 0 && status != statusDiffers {
		fmt.Fprintln(os.Stderr, "entitlements:", err)
	}
	os.Exit(status)
}

func exitStatus(ctx context.Context, err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errDiffers):
		return statusDiffers
	case ctx.Err() != nil:
		return program.StatusInterrupted
	}
	return program.StatusFailed
}

// streams are the standard streams of the program.
type streams struct {
	in       io.Reader
	out, err io.Writer
	colored  bool // whether out shows colors
}

func run(ctx context.Context, std streams, args []string, getenv func(string) string) error {
	s, err := parse(args, std.out)
	if err != nil {
		return err
	}
	catalog, err := readCatalog(ctx, s, std.in)
	if err != nil {
		return err
	}
	site, err := connect(ctx, getenv, s, catalog)
	if err != nil {
		return err
	}
	defer site.close()
	fmt.Fprintln(std.err, "Site:", site.name)
	switch s.command {
	case commandPlan:
		return showPlan(ctx, std, s, site.api, catalog)
	case commandExport:
		return export(ctx, std, s, site.api)
	}
	return apply(ctx, std, s, site.api, catalog)
}

// showPlan prints what would change.
func showPlan(ctx context.Context, std streams, s settings, api api, catalog *catalog) error {
	plan, err := newPlan(ctx, api, catalog, s, newCounter(std.err, "Reading the site"))
	if err != nil {
		return err
	}
	if s.json {
		err = plan.printJSON(std.out)
	} else {
		err = plan.print(std.out, api.site, std.colored)
	}
	if err != nil {
		return err
	}
	if len(plan.changes) > 0 {
		return errDiffers
	}
	return nil
}
