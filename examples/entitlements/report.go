package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// outcome is what became of a change, as far as this run knows.
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
// leaves no report of an earlier one.
func (r report) begin(all changes) error {
	if r.file == "" {
		return nil
	}
	return r.replace(all)
}

func (r report) end(all changes) error {
	if r.file == "" {
		return all.write(r.out)
	}
	return r.replace(all)
}

// replace writes the file as a whole, or leaves it as it was.
func (r report) replace(all changes) error {
	draft, err := os.CreateTemp(filepath.Dir(r.file), filepath.Base(r.file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name()) // unless it has become the report
	if err := all.write(draft); err != nil {
		_ = draft.Close()
		return err
	}
	if err := draft.Close(); err != nil {
		return err
	}
	return os.Rename(draft.Name(), r.file)
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
		return fmt.Errorf("%d lines were not applied, as far as is known", missing)
	}
	return nil
}
