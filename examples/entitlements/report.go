package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"
)

// outcome is the result of a change.
type outcome string

const (
	applied    outcome = "applied"     // the site shows it
	notApplied outcome = "not applied" // the site does not show it

	// If the site was not read again:
	accepted outcome = "accepted" // Chargebee confirmed it
	rejected outcome = "rejected"
	unknown  outcome = "unknown"  // it may have been made
	notSent  outcome = "not sent" // it was not sent, or not processed
)

// report is the file for the outcome of each change. An empty name means none.
type report struct{ name, input string }

// begin writes a report in which every outcome is unknown. The run therefore fails before
// it changes anything if the report cannot be written, and a run that is killed does not
// leave the report of an earlier run. begin does not overwrite the input.
func (r report) begin(changes []*change) error {
	if r.name == "" {
		return nil
	}
	if existing, err := os.Lstat(r.name); err == nil {
		if input, err := r.statInput(); err == nil && os.SameFile(existing, input) {
			return fmt.Errorf("-report %s is the input file", r.name)
		}
	}
	for _, c := range changes {
		c.outcome, c.reason = unknown, "the run has not finished"
	}
	if err := r.write(changes); err != nil {
		return fmt.Errorf("-report %s: %w", r.name, err)
	}
	return nil
}

// statInput describes the input, which may be a file that is standard input.
func (r report) statInput() (os.FileInfo, error) {
	if r.input == "-" {
		return os.Stdin.Stat()
	}
	return os.Stat(r.input)
}

func (r report) write(changes []*change) error {
	switch {
	case r.name == "":
		return nil
	case strings.EqualFold(filepath.Ext(r.name), ".json"):
		return replaceFile(r.name, func(out io.Writer) error { return writeReportJSON(out, changes) })
	}
	return replaceFile(r.name, func(out io.Writer) error { return writeReportCSV(out, changes) })
}

// replaceFile writes a file completely or not at all. It replaces only regular files, not
// devices or symbolic links.
func replaceFile(name string, write func(io.Writer) error) error {
	if existing, err := os.Lstat(name); err == nil && !existing.Mode().IsRegular() {
		return &os.PathError{Op: "replace", Path: name, Err: errors.New("not a regular file")}
	}
	draft, err := renameio.NewPendingFile(name, renameio.WithTempDir(filepath.Dir(name)),
		renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer draft.Cleanup() //nolint:errcheck // it does nothing after success, and otherwise there is another error
	if err := write(draft); err != nil {
		return err
	}
	return draft.CloseAtomicallyReplace()
}

func writeReportCSV(out io.Writer, changes []*change) error {
	lines := csv.NewWriter(out)
	header := []string{"line", "action", "feature_id", "entity_id", "entity_type", "before", "after", "outcome", "reason"}
	_ = lines.Write(header) // see Error below
	for _, c := range changes {
		line := ""
		if c.line > 0 {
			line = strconv.Itoa(c.line)
		}
		_ = lines.Write([]string{line, string(c.kind()), c.feature, c.entity, c.entityType, c.before, c.after, string(c.outcome), c.reason})
	}
	lines.Flush()
	return lines.Error()
}

func writeReportJSON(out io.Writer, changes []*change) error {
	list := make([]changeJSON, len(changes))
	for i, c := range changes {
		list[i] = c.json()
	}
	return writeJSON(out, list)
}

// printResult prints the changes that are not known to be applied, and a summary. It
// returns an error if there are any.
func printResult(out io.Writer, changes []*change, site string) error {
	counts := make(map[outcome]int)
	for _, c := range changes {
		counts[c.outcome]++
	}
	missing := len(changes) - counts[applied]
	if missing == 0 {
		_, err := fmt.Fprintf(out, "Verified: %s matches the file. Changes: %d.\n", site, len(changes))
		return err
	}
	shown := 0
	var text strings.Builder
	for _, c := range changes {
		if c.outcome == applied || c.outcome == accepted {
			continue
		}
		if shown++; shown <= maxShown {
			line, _ := c.describe()
			fmt.Fprintf(&text, "%s: %s: %s\n", c.outcome, line, c.reason)
		}
	}
	if shown > maxShown {
		fmt.Fprintf(&text, "and %d more\n", shown-maxShown)
	}
	_, err := io.WriteString(out, text.String())
	return errors.Join(err, fmt.Errorf("not verified: %d of %d changes (%s); correct the rejected lines, if any, and repeat the run to make the remaining changes", missing, len(changes), summary(counts)))
}

// summary lists the outcomes that occur.
func summary(counts map[outcome]int) string {
	var parts []string
	for _, o := range []outcome{applied, notApplied, accepted, rejected, unknown, notSent} {
		if counts[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[o], o))
		}
	}
	return strings.Join(parts, ", ")
}
