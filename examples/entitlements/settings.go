package main

import (
	"flag"
	"io"

	"github.com/typedbee/chargebee-go/examples/internal/program"
)

const (
	commandPlan   = "plan"
	commandApply  = "apply"
	commandExport = "export"
)

// settings holds the values of the arguments.
type settings struct {
	command          string
	file             string // "-" is a standard stream; empty for the sample
	prune            bool
	json             bool
	yes              bool
	itemEntitlements bool
	report           string
	batch            int
	concurrency      int
	rate             int
}

const usage = `Entitlements makes the entitlements of a site match a CSV file.

Usage:
  entitlements plan [flags] FILE      show what would change
  entitlements apply [flags] FILE     make the changes, and verify them
  entitlements export [flags] [FILE]  write the entitlements to a file
  entitlements                        apply a sample to the embedded emulator

"entitlements plan -help" lists the flags of plan.

Example:
  go run -C examples/entitlements . plan -prune "$PWD/catalog.csv"

The first line of the file names its columns, in any order. The fields are
separated by commas, semicolons or tabs:
  feature_id,entity_id,entity_type,value
  seats,team,plan,20

The entity_type is plan, addon, charge, plan_price or addon_price. With
-item-entitlements it is plan, addon, charge, item or subscription.

The value of a switch is available or true. The value of any other feature is
one of its levels, a number within its range, or unlimited.

Chargebee does not validate the entity_id. A misspelled one shows up
in the plan only as an addition.

If FILE is -, plan and apply read standard input, and export writes to standard
output.

The exit status of plan is 0 if nothing would change, and 2 if something would.
For all commands it is 1 after an error, and 130 after an interrupt. go run does
not pass on the status, so build the program for scripts:
  go build -C examples/entitlements -o "$PWD/entitlements" .

` + program.Environment

const planUsage = `Plan shows what apply would change.

Example:
  go run -C examples/entitlements . plan -prune "$PWD/catalog.csv"

The exit status is 0 if nothing would change, and 2 if something would.

` + program.Environment

const applyUsage = `Apply changes the site to match the file, and verifies the result.

Example:
  go run -C examples/entitlements . apply -prune "$PWD/catalog.csv"

If a run is interrupted or partly rejected, correct the file if necessary, and
repeat the run. Without a terminal, -prune needs -yes to remove more than a
fifth of the entitlements to a feature.

` + program.Environment

const exportUsage = `Export writes the entitlements of the site to FILE, or to standard output.

Example:
  go run -C examples/entitlements . export "$PWD/catalog.csv"

A FILE that exists is replaced.

` + program.Environment

// parse reads the arguments. Without any, it returns the settings for the sample.
func parse(args []string, help io.Writer) (settings, error) {
	s := settings{command: commandApply, prune: true, yes: true, batch: 100, concurrency: 4}
	if len(args) == 0 {
		return s, nil
	}
	flags := flag.NewFlagSet("entitlements", flag.ContinueOnError)
	var text string
	switch s.command = args[0]; s.command {
	case commandPlan:
		text = planUsage
		flags.BoolVar(&s.json, "json", false, "print the plan as JSON")
	case commandApply:
		text = applyUsage
		flags.BoolVar(&s.yes, "yes", false, "remove more than a fifth of the entitlements to a feature without asking")
		flags.IntVar(&s.batch, "batch", 100, "maximum number of `entries` in a call; the limit of Chargebee is undocumented")
		flags.StringVar(&s.report, "report", "", "`file` for the outcome of each change: JSON if its name ends in .json, CSV otherwise")
	case commandExport:
		text = exportUsage
	default:
		if err := program.ParseFlags(flags, usage, args, help); err != nil {
			return s, err
		}
		return s, &program.UsageError{Reason: "unknown command: " + s.command}
	}
	if s.command != commandExport {
		flags.BoolVar(&s.prune, "prune", false, "remove entitlements that are not in the file, to features that are")
		flags.IntVar(&s.concurrency, "concurrency", 4, "`number` of calls to make at the same time")
	}
	flags.BoolVar(&s.itemEntitlements, "item-entitlements", false, "use the operations on item entitlements, which Chargebee has deprecated")
	flags.IntVar(&s.rate, "rate", 150, "rate limit of the site, in `requests` per minute, of which 95 percent are used; 0: no limit")
	if err := program.ParseFlags(flags, text, args[1:], help); err != nil {
		return s, err
	}
	s.file = flags.Arg(0)
	if s.file == "" && s.command == commandExport {
		s.file = "-"
	}
	return s, s.validate(flags)
}

func (s settings) validate(flags *flag.FlagSet) error {
	var reason string
	switch {
	case flags.NArg() > 1:
		reason = "unknown argument: " + flags.Arg(1) + "; flags come before the file"
	case s.file == "":
		reason = s.command + " needs a file"
	case s.report == "-":
		reason = "-report needs the name of a file"
	case s.batch < 1 || s.concurrency < 1:
		reason = "-batch and -concurrency must be at least 1"
	case s.rate < 0:
		reason = "-rate must not be negative"
	default:
		return nil
	}
	return &program.UsageError{Reason: reason}
}
