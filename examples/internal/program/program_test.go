package program_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"testing"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

// programs are the programs that the tests start as processes.
var programs = map[string]program.RunFunc{
	"greet":             greet,
	"fail":              fail,
	"finish on signal":  finishOnSignal,
	"fail on signal":    failOnSignal,
	"disregard signals": disregardSignals,
	"call site":         callSite,
}

const programVariable = "TEST_PROGRAM"

// TestMain runs one of the programs if the environment names it, and the tests otherwise.
func TestMain(m *testing.M) {
	if run, ok := programs[os.Getenv(programVariable)]; ok {
		program.Main("example", run)
		return
	}
	os.Exit(m.Run())
}

const greetUsage = `Greet prints a greeting.

Example:
  greet -to zoe

` + program.Environment

func greet(_ context.Context, args []string, _ func(string) string, stdout, _ io.Writer) error {
	flags := flag.NewFlagSet("greet", flag.ContinueOnError)
	name := flags.String("to", "world", "greet the person of this `name`")
	count := flags.Int("count", 1, "how often to greet")
	if err := program.ParseFlags(flags, greetUsage, args, stdout); err != nil {
		return err
	}
	if err := program.RejectArguments(flags); err != nil {
		return err
	}
	for range *count {
		fmt.Fprintf(stdout, "hello, %s\n", *name)
	}
	return nil
}

func fail(context.Context, []string, func(string) string, io.Writer, io.Writer) error {
	return errors.New("no luck")
}

func finishOnSignal(ctx context.Context, _ []string, _ func(string) string, stdout, _ io.Writer) error {
	fmt.Fprintln(stdout, "ready")
	<-ctx.Done()
	fmt.Fprintln(stdout, "finished")
	return nil
}

func failOnSignal(ctx context.Context, _ []string, _ func(string) string, stdout, _ io.Writer) error {
	fmt.Fprintln(stdout, "ready")
	<-ctx.Done()
	return fmt.Errorf("not finished: %w", ctx.Err())
}

// disregardSignals runs until its standard input is closed.
func disregardSignals(ctx context.Context, _ []string, _ func(string) string, stdout, _ io.Writer) error {
	fmt.Fprintln(stdout, "ready")
	<-ctx.Done()
	fmt.Fprintln(stdout, "signal received")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func callSite(ctx context.Context, _ []string, getenv func(string) string, _, _ io.Writer) error {
	site, err := program.OpenSite(getenv)
	if err != nil {
		return err
	}
	defer site.Close()
	client, err := site.NewClient(chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1}))
	if err != nil {
		return err
	}
	_, err = client.Features.RetrieveFeature(ctx, "seats")
	return err
}
