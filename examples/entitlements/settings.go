package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
)

// settings are what the arguments say.
type settings struct {
	file        string
	runID       string
	resumed     bool // the run id was given: an earlier run may have had it
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
		fmt.Fprint(flags.Output(), `usage: entitlements [flags] [file]

Applies a CSV of feature_id,item_id,item_type,value; without a value, it removes.
The site is that of CHARGEBEE_SITE, CHARGEBEE_API_KEY and, if need be,
CHARGEBEE_BASE_URL. Without them it is an emulator, and the file may be left out.

`)
		flags.PrintDefaults()
	}
	flags.Func("run-id", "`id` of a run that broke, to go on with it; default: a new one", func(id string) error {
		if id == "" {
			return errors.New("must not be empty")
		}
		s.runID, s.resumed = id, true
		return nil
	})
	flags.StringVar(&s.report, "report", "", "`file` for the report; default: standard output")
	flags.IntVar(&s.batch, "batch", 100, "lines in one call; Chargebee does not document how many it takes")
	flags.IntVar(&s.concurrency, "concurrency", 4, "features that are changed at the same time")
	flags.IntVar(&s.rate, "rate", 150, "requests in a minute, retries included; 0: no limit")
	flags.BoolVar(&s.dryRun, "dry-run", false, "check the file and say what would be sent, without sending it")
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
