package program_test

import (
	"bytes"
	"flag"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

func newFlags() *flag.FlagSet { return flag.NewFlagSet("greet", flag.ContinueOnError) }

func TestHelpOfProgramWithoutFlags(t *testing.T) {
	t.Parallel()
	for _, usage := range []string{"Greet prints a greeting.", "\nGreet prints a greeting.\n\n"} {
		for _, flagName := range []string{"-h", "-help", "--help"} {
			var help bytes.Buffer
			require.Equal(t, flag.ErrHelp, program.ParseFlags(newFlags(), usage, []string{flagName}, &help))
			require.Equal(t, "Greet prints a greeting.\n", help.String())
		}
	}
}

func TestBlankLineSeparatesFlagsFromUsage(t *testing.T) {
	t.Parallel()
	for _, usage := range []string{"Greet prints a greeting.", "Greet prints a greeting.\n"} {
		flags := newFlags()
		flags.Bool("loud", false, "shout")
		var help bytes.Buffer
		require.Equal(t, flag.ErrHelp, program.ParseFlags(flags, usage, []string{"-help"}, &help))
		require.Equal(t, "Greet prints a greeting.\n\nFlags:\n  -loud\n    \tshout\n", help.String())
	}
}

func TestHelpOfFlagsFits80Columns(t *testing.T) {
	t.Parallel()
	flags := newFlags()
	flags.String("greeting", "hello", "a `phrase` that is longer than a line of the help, with its default text")
	flags.Bool("loud", false, "shout; one column more than fits, so the last word is on a second line.")
	flags.Bool("url", false, "see https://example.com/a/very/long/url/that/cannot/be/broken/because/it/has/no/blank/at/all")
	var help bytes.Buffer
	require.Equal(t, flag.ErrHelp, program.ParseFlags(flags, "Greet prints a greeting.", []string{"-help"}, &help))
	require.Equal(t, `Greet prints a greeting.

Flags:
  -greeting phrase
    	a phrase that is longer than a line of the help, with its default text
    	(default "hello")
  -loud
    	shout; one column more than fits, so the last word is on a second line.
  -url
    	see
    	https://example.com/a/very/long/url/that/cannot/be/broken/because/it/has/no/blank/at/all
`, help.String())
}

func TestParseFlagsPrintsNoErrors(t *testing.T) {
	t.Parallel()
	flags := newFlags()
	var printed bytes.Buffer
	flags.SetOutput(&printed)
	flags.Usage = func() { printed.WriteString("usage") }
	err := program.ParseFlags(flags, "Greet prints a greeting.", []string{"-loud"}, &printed)
	require.Equal(t, &program.UsageError{Reason: "flag provided but not defined: -loud"}, err)
	require.Empty(t, printed.String())
}

func TestRejectArguments(t *testing.T) {
	t.Parallel()
	for argument, want := range map[string]error{
		"-name=zoe": nil,
		"zoe":       &program.UsageError{Reason: "unknown argument: zoe"},
	} {
		flags := newFlags()
		flags.String("name", "", "")
		require.NoError(t, program.ParseFlags(flags, "", []string{argument}, io.Discard))
		require.Equal(t, want, program.RejectArguments(flags))
	}
}
