package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
)

// settings holds the values of the arguments.
type settings struct {
	file        string
	runID       string
	resumed     bool // the run id was given, so an earlier run may have used it
	report      string
	batch       int
	concurrency int
	rate        int
	dryRun      bool
}

func parse(args []string) (settings, error) {
	s := settings{runID: rand.Text()}
	flags := flag.NewFlagSet("entitlements", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), `Usage: entitlements [flags] [file]

Applies a CSV file with the fields feature_id,item_id,item_type,value. A line
without a value removes the entitlement.

The site is the embedded emulator, or a real one if CHARGEBEE_SITE and
CHARGEBEE_API_KEY are set. CHARGEBEE_BASE_URL overrides the base URL of the API.
Without a file, the emulator gets a sample.

`)
		flags.PrintDefaults()
	}
	flags.Func("run-id", "`id` of an interrupted run to resume (default: a new run)", func(id string) error {
		if id == "" {
			return errors.New("must not be empty")
		}
		s.runID, s.resumed = id, true
		return nil
	})
	flags.StringVar(&s.report, "report", "", "`file` for the report (default: standard output)")
	flags.IntVar(&s.batch, "batch", 100, "maximum `lines` per call; Chargebee does not document its limit")
	flags.IntVar(&s.concurrency, "concurrency", 4, "`number` of features to change at the same time")
	flags.IntVar(&s.rate, "rate", 150, "maximum `requests` per minute, retries included; 0: no limit")
	flags.BoolVar(&s.dryRun, "dry-run", false, "check the file and print what would be sent, without sending it")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.file = flags.Arg(0)
	switch {
	case flags.NArg() > 1:
		return s, errors.New("unknown argument: " + flags.Arg(1) + "; flags come before the file")
	case flags.NArg() == 1 && s.file == "":
		return s, errors.New("the name of the file is empty")
	case s.batch < 1 || s.concurrency < 1:
		return s, errors.New("-batch and -concurrency must be at least 1")
	case s.rate < 0:
		return s, errors.New("-rate must not be negative")
	}
	return s, nil
}
