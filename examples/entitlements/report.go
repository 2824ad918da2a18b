package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/google/renameio/v2"
)

// outcome is what became of a change.
type outcome string

const (
	applied outcome = "applied"
	refused outcome = "refused"
	unknown outcome = "unknown"  // it may have been applied
	notDone outcome = "not done" // it was not sent, or turned away unseen
)

// report is where the report goes: a file or, without a name, out.
type report struct {
	file string
	out  io.Writer
}

// begin leaves a file in which nothing is known yet. So it shows before
// anything is sent whether the report can be written, and a run that is killed
// leaves no report of an earlier one. The input is not overwritten, nor what is
// not a file.
func (r report) begin(all changes, input string) error {
	if r.file == "" {
		return nil
	}
	if there, err := os.Lstat(r.file); err == nil {
		source, err := os.Stat(input)
		switch {
		case !there.Mode().IsRegular():
			return fmt.Errorf("-report %s: that is not a regular file", r.file)
		case err == nil && os.SameFile(there, source):
			return fmt.Errorf("-report %s: that is the file with the changes", r.file)
		}
	}
	if err := r.end(all); err != nil {
		return fmt.Errorf("-report %s: %w", r.file, err)
	}
	return nil
}

// end writes the report, a file as a whole or not at all.
func (r report) end(all changes) error {
	if r.file == "" {
		return all.write(r.out)
	}
	draft, err := renameio.NewPendingFile(r.file, renameio.WithTempDir(filepath.Dir(r.file)),
		renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer draft.Cleanup() //nolint:errcheck // it is empty-handed, or another error is on its way
	if err := all.write(draft); err != nil {
		return err
	}
	return draft.CloseAtomicallyReplace()
}

func (all changes) write(out io.Writer) error {
	lines := csv.NewWriter(out)
	_ = lines.Write(append(append([]string{"line"}, header()...), "outcome", "reason")) // Error tells
	for _, c := range all {
		_ = lines.Write([]string{strconv.Itoa(c.line), c.feature, c.item, string(c.itemType), c.value, string(c.outcome), c.reason})
	}
	lines.Flush()
	return lines.Error()
}

func (all changes) count(o outcome) int {
	n := 0
	for _, c := range all {
		if c.outcome == o {
			n++
		}
	}
	return n
}

func (all changes) summary() string {
	return fmt.Sprintf("%d lines: %d applied, %d refused, %d unknown, %d not done",
		len(all), all.count(applied), all.count(refused), all.count(unknown), all.count(notDone))
}

// shortfall is the error of a run that did not apply all.
func (all changes) shortfall() error {
	if missing := len(all) - all.count(applied); missing > 0 {
		return fmt.Errorf("not applied, as far as is known: %d of %d lines", missing, len(all))
	}
	return nil
}
