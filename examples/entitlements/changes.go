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

// change is one line of the file, and what became of it.
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

// What a run keeps in memory is limited by these.
const (
	maxFile     = 16 << 20
	maxProblems = 10_000
)

// header is what the file may begin with, and what each line has.
func header() []string { return []string{"feature_id", "item_id", "item_type", "value"} }

// readChanges reads all lines, or says of each that cannot be meant what is
// wrong with it.
func readChanges(in io.Reader) (changes, error) {
	limited := &io.LimitedReader{R: in, N: maxFile + 1}
	lines := csv.NewReader(withoutBOM(limited))
	lines.FieldsPerRecord = -1
	var draft draft
	for first := true; ; first = false {
		record, err := lines.Read()
		var malformed *csv.ParseError
		switch {
		case limited.N == 0:
			return nil, fmt.Errorf("it is longer than %d MiB: split it", maxFile>>20)
		case errors.Is(err, io.EOF):
			return draft.finish()
		case len(draft.problems) == maxProblems:
			return nil, fmt.Errorf("%w\nso far; the rest was not read", errors.Join(draft.problems...))
		case errors.As(err, &malformed):
			draft.refuse(malformed.StartLine, malformed.Err)
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

// isHeader reports whether a line has the names of the fields, in any order or case.
func isHeader(record []string) bool {
	names := make([]string, len(record))
	for i, field := range record {
		names[i] = strings.ToLower(strings.TrimSpace(field))
	}
	return slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(header())))
}

// withoutBOM drops the mark with which some spreadsheets begin a file.
func withoutBOM(in io.Reader) io.Reader {
	const mark = "\xef\xbb\xbf"
	buffered := bufio.NewReader(in)
	if begin, _ := buffered.Peek(len(mark)); string(begin) == mark {
		_, _ = buffered.Discard(len(mark))
	}
	return buffered
}

// draft is a file half read.
type draft struct {
	changes  changes
	problems []error
	lines    map[[2]string]int // by feature and item
}

func (d *draft) refuse(line int, err error) {
	d.problems = append(d.problems, fmt.Errorf("line %d: %w", line, err))
}

func (d *draft) add(line int, record []string) {
	if err := check(record); err != nil {
		d.refuse(line, err)
		return
	}
	c := &change{
		line: line, feature: record[0], item: record[1], itemType: chargebee.ItemType(record[2]), value: record[3],
		outcome: unknown, reason: "the run has not ended",
	}
	entitlement := [2]string{c.feature, c.item}
	if earlier, twice := d.lines[entitlement]; twice {
		d.refuse(line, fmt.Errorf("has the feature and item of line %d", earlier))
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
		return nil, errors.New("there is no line in it")
	}
	return d.changes, nil
}

func check(record []string) error {
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
