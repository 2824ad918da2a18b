// Package program has what the example programs have in common: how they start and
// exit, their flags and help, and the choice between a real site and the emulator.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses.
const (
	StatusFailed      = 1
	StatusUsage       = 2   // the arguments are invalid
	StatusInterrupted = 130 // as shells report an interrupt
)

// RunFunc runs a program with its arguments and environment until it is done or ctx is.
type RunFunc func(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error

// Main runs a program and exits. An interrupt or SIGTERM ends the context of run, and a
// second one kills the program. If run returns an error, Main prints it.
func Main(name string, run RunFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	status := exitStatus(ctx, err)
	stop()
	if status != 0 {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(status)
	}
}

func exitStatus(ctx context.Context, err error) int {
	var usageErr *UsageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usageErr):
		return StatusUsage
	case ctx.Err() != nil:
		return StatusInterrupted
	}
	return StatusFailed
}

// UsageError says what is wrong with the arguments of a program.
type UsageError struct{ Reason string }

func (e *UsageError) Error() string { return e.Reason + "; see -help" }

// Environment explains the variables that OpenSite reads, as a part of a usage text.
const Environment = `Environment variables:
  CHARGEBEE_SITE
    	name of a real site, such as acme-test (default: the embedded emulator)
  CHARGEBEE_API_KEY
    	API key of the site
  CHARGEBEE_BASE_URL
    	base URL of its API, if not https://SITE.chargebee.com/api/v2
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY
    	proxy for the requests to a real site
`

// ParseFlags parses args into flags. For -help, it prints usage and the flags to help,
// and returns flag.ErrHelp. Any other error is a *UsageError. ParseFlags prints no errors.
func ParseFlags(flags *flag.FlagSet, usage string, args []string, help io.Writer) error {
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(help, usage)
		printFlags(flags, help)
		return err
	}
	if err != nil {
		return &UsageError{err.Error()}
	}
	return nil
}

func printFlags(flags *flag.FlagSet, help io.Writer) {
	count := 0
	flags.VisitAll(func(*flag.Flag) { count++ })
	if count == 0 {
		return
	}
	fmt.Fprintln(help, "Flags:")
	flags.SetOutput(help)
	flags.PrintDefaults()
	flags.SetOutput(io.Discard)
}

// RejectArguments returns an error if there are arguments besides the flags.
func RejectArguments(flags *flag.FlagSet) error {
	if flags.NArg() > 0 {
		return &UsageError{"unknown argument: " + flags.Arg(0)}
	}
	return nil
}
