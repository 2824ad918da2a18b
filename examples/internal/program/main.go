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
	StatusUsage       = 2   // the arguments or the environment are invalid
	StatusInterrupted = 130 // as shells report an interrupt
)

// RunFunc runs a program with its arguments and environment until it is done or ctx is.
type RunFunc func(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error

// Main runs a program and exits if it fails. An interrupt or SIGTERM ends the context of
// run, and a second one kills the program. If run returns an error other than
// flag.ErrHelp, Main prints it.
func Main(name string, run RunFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal is not caught
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
