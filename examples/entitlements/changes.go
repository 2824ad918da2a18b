package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	chargebee "github.com/typedbee/chargebee-go"
)

// change is one line of the file, and its outcome.
type change struct {
	line          int
	feature, item string
	itemType      chargebee.ItemType
	value         string // empty: remove

	outcome outcome
	reason  string
}

func (c *change) action() chargebee.Action {
	if c.value == "" {
		return chargebee.ActionRemove
	}
	return chargebee.ActionUpsert
}

type changes []*change

// Limits on what a run keeps in memory.
const (
	maxFile     = 16 << 20
	maxProblems = 10_000
)

// header returns the fields of each line. They may also be the first line of the file.
func header() []string { return []string{"feature_id", "item_id", "item_type", "value"} }

// readChanges reads all lines. The error says what is wrong with each invalid line.
func readChanges(in io.Reader) (changes, error) {
	limited := &io.LimitedReader{R: in, N: maxFile + 1}
	lines := csv.NewReader(withoutBOM(limited))
	lines.FieldsPerRecord = -1
	var draft draft
	for first := true; ; first = false {
		record, err := lines.Read()
		var parseErr *csv.ParseError
		switch {
		case limited.N == 0:
			return nil, fmt.Errorf("longer than %d MiB: split the file", maxFile>>20)
		case errors.Is(err, io.EOF):
			return draft.finish()
		case len(draft.problems) == maxProblems:
			return nil, fmt.Errorf("%w\ntoo many errors: the rest of the file was not read", errors.Join(draft.problems...))
		case errors.As(err, &parseErr):
			draft.reject(parseErr.StartLine, parseErr.Err)
		case err != nil:
			return nil, err
		case first && slices.Equal(record, header()):
		case first && isHeader(record):
			return nil, errors.New("the header must be " + strings.Join(header(), ","))
		default:
			line, _ := lines.FieldPos(0)
			draft.add(line, record)
		}
	}
}

// isHeader reports whether a line consists of the field names, in any order or case.
func isHeader(record []string) bool {
	names := make([]string, len(record))
	for i, field := range record {
		names[i] = strings.ToLower(strings.TrimSpace(field))
	}
	return slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(header())))
}

// withoutBOM skips the byte order mark that some spreadsheets write.
func withoutBOM(in io.Reader) io.Reader {
	const mark = "\xef\xbb\xbf"
	buffered := bufio.NewReader(in)
	if start, _ := buffered.Peek(len(mark)); string(start) == mark {
		_, _ = buffered.Discard(len(mark))
	}
	return buffered
}

// draft is a partially read file.
type draft struct {
	changes  changes
	problems []error
	lines    map[[2]string]int // line numbers by feature and item
}

func (d *draft) reject(line int, err error) {
	d.problems = append(d.problems, fmt.Errorf("line %d: %w", line, err))
}

func (d *draft) add(line int, record []string) {
	if err := validate(record); err != nil {
		d.reject(line, err)
		return
	}
	c := &change{
		line: line, feature: record[0], item: record[1], itemType: chargebee.ItemType(record[2]), value: record[3],
		outcome: unknown, reason: "the run has not finished",
	}
	entitlement := [2]string{c.feature, c.item}
	if earlier, twice := d.lines[entitlement]; twice {
		d.reject(line, fmt.Errorf("same feature and item as line %d", earlier))
		return
	}
	if d.lines == nil {
		d.lines = make(map[[2]string]int)
	}
	d.lines[entitlement] = line
	d.changes = append(d.changes, c)
}

func (d *draft) finish() (changes, error) {
	switch {
	case len(d.problems) > 0:
		return nil, errors.Join(d.problems...)
	case len(d.changes) == 0:
		return nil, errors.New("the file has no lines")
	}
	return d.changes, nil
}

func validate(record []string) error {
	if len(record) != len(header()) {
		return fmt.Errorf("has %d fields instead of %s", len(record), strings.Join(header(), ","))
	}
	for i, field := range record {
		name := header()[i]
		switch {
		case field == "" && i < 2:
			return errors.New(name + " must not be empty")
		case !utf8.ValidString(field):
			return errors.New(name + " must be valid UTF-8")
		case strings.ContainsFunc(field, unicode.IsControl):
			return errors.New(name + " must not contain control characters")
		case strings.TrimSpace(field) != field:
			return errors.New(name + " must not begin or end with a space")
		}
	}
	if record[0] == "." || record[0] == ".." {
		return errors.New("feature_id must not be a dot segment")
	}
	return nil
}
