package program

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/typedbee/chargebee-go/internal/redact"
)

// UsageError says what is wrong with the arguments or the environment of a program.
type UsageError struct{ Reason string }

// Error returns the reason and a hint. It redacts the token of a return URL, because the
// reason may quote an argument.
func (e *UsageError) Error() string { return redact.New().Text(e.Reason) + "; see -help" }

// ParseFlags parses args into flags. For -help, it prints usage and the flags to help,
// and returns flag.ErrHelp. Any other error is a *UsageError. ParseFlags prints no errors.
func ParseFlags(flags *flag.FlagSet, usage string, args []string, help io.Writer) error {
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(help, strings.TrimSpace(usage))
		printFlags(flags, help)
		return err
	}
	if err != nil {
		return &UsageError{err.Error()}
	}
	return nil
}

func printFlags(flags *flag.FlagSet, help io.Writer) {
	hasFlags := false
	flags.VisitAll(func(*flag.Flag) { hasFlags = true })
	if !hasFlags {
		return
	}
	fmt.Fprintln(help, "\nFlags:")
	var defaults strings.Builder
	flags.SetOutput(&defaults)
	flags.PrintDefaults()
	flags.SetOutput(io.Discard)
	for line := range strings.Lines(defaults.String()) {
		fmt.Fprintln(help, wrap(strings.TrimSuffix(line, "\n")))
	}
}

// wrap breaks the description of a flag into lines of at most 80 columns.
func wrap(line string) string {
	const indent, width = "    \t", 80 - 8
	text, isDescription := strings.CutPrefix(line, indent)
	if !isDescription {
		return line
	}
	var lines []string
	for len(text) > width {
		end := strings.LastIndex(text[:width+1], " ")
		if end < 0 {
			break
		}
		lines = append(lines, text[:end])
		text = text[end+1:]
	}
	return indent + strings.Join(append(lines, text), "\n"+indent)
}

// RejectArguments returns an error if there are arguments besides the flags.
func RejectArguments(flags *flag.FlagSet) error {
	if flags.NArg() > 0 {
		return &UsageError{"unknown argument: " + flags.Arg(0)}
	}
	return nil
}
