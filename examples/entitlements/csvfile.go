package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed sample.csv
var sample string

const maxFileSize = 16 << 20

// readCatalog reads the file for plan or apply. It returns when ctx is done, because the
// input from a terminal or a pipe may never end.
func readCatalog(ctx context.Context, s settings, stdin io.Reader) (*catalog, error) {
	var catalog *catalog
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		catalog, err = openCatalog(s, stdin)
	}()
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("reading the file: %w", context.Cause(ctx))
	case <-done:
		return catalog, err
	}
}

func openCatalog(s settings, stdin io.Reader) (*catalog, error) {
	switch {
	case s.command == commandExport:
		return nil, nil //nolint:nilnil // an export has no input
	case s.file == "":
		return parseCatalog([]byte(sample))
	case s.file == "-":
		return readAll("standard input", stdin)
	}
	file, err := os.Open(s.file)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readAll(s.file, file)
}

func readAll(name string, in io.Reader) (*catalog, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxFileSize+1))
	if err == nil && len(text) > maxFileSize {
		err = fmt.Errorf("longer than %d MiB: split the file by feature", maxFileSize>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	catalog, err := parseCatalog(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return catalog, nil
}

// parseCatalog reads the lines of a file. The error lists the invalid ones.
func parseCatalog(text []byte) (*catalog, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // some programs write this byte order mark
	if reason := notText(text); reason != "" {
		return nil, errors.New(reason)
	}
	lines := csv.NewReader(bytes.NewReader(text))
	lines.Comma = separator(text)
	lines.FieldsPerRecord = -1
	header, err := lines.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file has only empty lines")
	case err != nil:
		return nil, fmt.Errorf("the names of the columns: %w", err)
	}
	line, _ := lines.FieldPos(0)
	columns, err := parseHeader(header, line)
	if err != nil {
		return nil, err
	}
	catalog := &catalog{rows: make(map[key]row), lines: make(map[string][]key)}
	var problems problems
	for {
		record, err := lines.Read()
		var parseErr *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			if err := problems.err(); err != nil {
				return nil, err
			}
			if len(catalog.rows) == 0 {
				return nil, errors.New("there are no lines after the header")
			}
			return catalog, nil
		case errors.As(err, &parseErr):
			problems.addLine(parseErr.StartLine, "%v", parseErr.Err)
		case isBlank(record):
		default:
			line, _ := lines.FieldPos(0)
			columns.addRow(catalog, &problems, line, record)
		}
	}
}

// notText returns why text is not a complete CSV file, or "".
func notText(text []byte) string {
	switch {
	case len(text) == 0:
		return "the file is empty"
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")), bytes.IndexByte(text, 0) >= 0:
		return "the file looks like UTF-16: save it as UTF-8"
	case bytes.HasPrefix(text, []byte("PK\x03\x04")):
		return "the file looks like a spreadsheet: save it as CSV"
	case bytes.HasSuffix(text, []byte("\r")) && bytes.IndexByte(text, '\n') < 0:
		return "the lines end in carriage returns: save the file with line feeds"
	case !bytes.HasSuffix(text, []byte("\n")):
		return "the last line has no line break, so the file may be cut off: if it is complete, add one"
	}
	return ""
}

// separator returns the separator of the fields. It is the most frequent of comma,
// semicolon and tab in the first line that is not empty.
func separator(text []byte) rune {
	header, _, _ := bytes.Cut(bytes.TrimLeft(text, "\r\n"), []byte("\n"))
	best := ','
	for _, candidate := range []rune{';', '\t'} {
		if bytes.Count(header, []byte(string(candidate))) > bytes.Count(header, []byte(string(best))) {
			best = candidate
		}
	}
	return best
}

// isBlank reports whether a record has only empty fields, as spreadsheets write for
// empty rows.
func isBlank(record []string) bool {
	return !slices.ContainsFunc(record, func(field string) bool { return field != "" })
}

// columns are the indexes of the columns in a record.
type columns struct{ feature, entity, entityType, value, count int }

func columnNames() []string { return []string{"feature_id", "entity_id", "entity_type", "value"} }

// parseHeader finds the columns by their names. Empty names at the end are ignored.
func parseHeader(header []string, line int) (columns, error) {
	synonyms := map[string]string{"item_id": "entity_id", "item_type": "entity_type"}
	indexes := make(map[string]int)
	for i, field := range header {
		name := strings.ToLower(strings.TrimSpace(field))
		if synonym, ok := synonyms[name]; ok {
			name = synonym
		}
		_, twice := indexes[name]
		switch {
		case name == "" && isBlank(header[i:]):
			continue
		case !slices.Contains(columnNames(), name):
			return columns{}, fmt.Errorf("line %d must name only the columns %s, in any order, but has %q", line, strings.Join(columnNames(), ", "), field)
		case twice:
			return columns{}, fmt.Errorf("line %d: there are two columns %s", line, name)
		}
		indexes[name] = i
	}
	for _, name := range columnNames() {
		if _, ok := indexes[name]; !ok {
			return columns{}, fmt.Errorf("line %d: there is no column %s", line, name)
		}
	}
	return columns{indexes["feature_id"], indexes["entity_id"], indexes["entity_type"], indexes["value"], len(indexes)}, nil
}

func (c columns) addRow(catalog *catalog, problems *problems, line int, record []string) {
	if len(record) < c.count || !isBlank(record[c.count:]) {
		problems.addLine(line, "the number of fields is %d instead of %d", len(record), c.count)
		return
	}
	r := row{key{record[c.feature], record[c.entity], record[c.entityType]}, record[c.value], line}
	for i, field := range []string{r.feature, r.entity, r.entityType, r.value} {
		name := columnNames()[i]
		if reason := cmp.Or(invalidField(field), tooLong(name, field)); reason != "" {
			problems.addLine(line, "%s %s", name, reason)
			return
		}
	}
	if earlier, twice := catalog.rows[r.key]; twice {
		problems.addLine(line, "same feature, entity and type as line %d", earlier.line)
		return
	}
	catalog.add(r)
}

// tooLong returns that a field is longer than Chargebee accepts, or "".
func tooLong(column, field string) string {
	limit, limited := map[string]int{"feature_id": 50, "entity_id": 100, "value": 50}[column]
	if !limited || utf8.RuneCountInString(field) <= limit {
		return ""
	}
	return fmt.Sprintf("is longer than %d characters", limit)
}

// invalidField returns what is wrong with a field, or "".
func invalidField(field string) string {
	if field == "" {
		return "is empty"
	}
	if !utf8.ValidString(field) {
		return "is not valid UTF-8"
	}
	if strings.TrimSpace(field) != field {
		return "begins or ends with a space"
	}
	position := 0
	for _, r := range field {
		position++
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("has an invisible character, %U, at position %d", r, position)
		}
	}
	return ""
}
