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

// outcome says whether a change was applied.
type outcome string

const (
	applied      outcome = "applied"
	rejected     outcome = "rejected"
	unknown      outcome = "unknown"       // it may have been applied
	notProcessed outcome = "not processed" // it was not sent, or rejected before it was looked at
)

// report is the destination of the report: a file or, if its name is empty, out.
type report struct {
	file string
	out  io.Writer
}

// begin writes a report in which every outcome is unknown. An unwritable report is
// thus found before anything is sent, and a run that is killed does not leave the
// report of an earlier run. begin overwrites neither the input nor anything that is
// not a regular file.
func (r report) begin(all changes, input string) error {
	if r.file == "" {
		return nil
	}
	if existing, err := os.Lstat(r.file); err == nil {
		source, err := os.Stat(input)
		switch {
		case !existing.Mode().IsRegular():
			return fmt.Errorf("-report %s: not a regular file", r.file)
		case err == nil && os.SameFile(existing, source):
			return fmt.Errorf("-report %s: this is the input file", r.file)
		}
	}
	if err := r.end(all); err != nil {
		return fmt.Errorf("-report %s: %w", r.file, err)
	}
	return nil
}

// end writes the report. A file is replaced atomically.
func (r report) end(all changes) error {
	if r.file == "" {
		return all.write(r.out)
	}
	draft, err := renameio.NewPendingFile(r.file, renameio.WithTempDir(filepath.Dir(r.file)),
		renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer draft.Cleanup() //nolint:errcheck // it does nothing after success, and otherwise there is another error
	if err := all.write(draft); err != nil {
		return err
	}
	return draft.CloseAtomicallyReplace()
}

func (all changes) write(out io.Writer) error {
	lines := csv.NewWriter(out)
	_ = lines.Write(append(append([]string{"line"}, header()...), "outcome", "reason")) // see Error below
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
	return fmt.Sprintf("%d lines: %d applied, %d rejected, %d unknown, %d not processed",
		len(all), all.count(applied), all.count(rejected), all.count(unknown), all.count(notProcessed))
}

// shortfall returns an error if not all changes are known to be applied.
func (all changes) shortfall() error {
	if missing := len(all) - all.count(applied); missing > 0 {
		return fmt.Errorf("not known to be applied: %d of %d lines", missing, len(all))
	}
	return nil
}
