package comparison_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	cb3 "github.com/chargebee/chargebee-go/v3"
	cb4 "github.com/chargebee/chargebee-go/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const documentPath = "../COMPARISON.md"

var update = flag.Bool("update", false, "write the tables of COMPARISON.md")

func tables() []table {
	return []table{
		surface(), outages(), deadlines(), idempotency(), activation(), redirects(), secrets(), errorResponses(), misuse(), cost(), agreement(),
	}
}

func TestDocumentSaysWhatIsMeasured(t *testing.T) {
	file, err := os.ReadFile(documentPath)
	require.NoError(t, err)
	document := string(file)
	for _, table := range tables() {
		t.Run(table.name, func(t *testing.T) {
			lines := strings.Split(document[sectionStart(t, document, table.name):sectionEnd(t, document, table.name)], "\n")
			rows := []string{"| | this library | v3 | v4 | how |", "| --- | --- | --- | --- | --- |"}
			for i, row := range table.rows {
				t.Run(row.name, func(t *testing.T) {
					cells := row.cells(t)
					rows = append(rows, "| "+strings.Join(cells, " | ")+" |")
					if !*update {
						require.Greater(t, len(lines), i+len("\n\n"), "COMPARISON.md has fewer rows")
						row.requireDocumented(t, cells, lines[i+2])
					}
				})
			}
			if *update {
				start, end := sectionStart(t, document, table.name), sectionEnd(t, document, table.name)
				document = document[:start] + strings.Join(rows, "\n") + document[end:]
				return
			}
			require.Len(t, lines, len(rows), "COMPARISON.md has other rows")
		})
	}
	if *update {
		start, end := sectionStart(t, document, "when"), sectionEnd(t, document, "when")
		document = document[:start] + when() + document[end:]
		require.NoError(t, os.WriteFile(documentPath, []byte(document), 0o600))
	}
}

// requireDocumented compares a measured row with a line of COMPARISON.md.
func (r row) requireDocumented(t *testing.T, cells []string, line string) {
	t.Helper()
	documented := strings.Split(strings.Trim(line, "| "), " | ")
	require.Len(t, documented, len(cells), line)
	for i := range cells {
		if r.tolerance == 0 || !isClose(cells[i], documented[i], r.tolerance) {
			assert.Equal(t, cells[i], documented[i])
		}
	}
}

// sectionStart and sectionEnd are where the lines between two markers are.
func sectionStart(t *testing.T, document, name string) int {
	t.Helper()
	_, after, found := strings.Cut(document, marker(name))
	require.True(t, found, marker(name))
	return len(document) - len(after) + len("\n")
}

func sectionEnd(t *testing.T, document, name string) int {
	t.Helper()
	end := strings.Index(document, marker("/"+name))
	require.Positive(t, end, marker("/"+name))
	return end - len("\n")
}

func marker(name string) string {
	if closing, ok := strings.CutPrefix(name, "/"); ok {
		return "<!-- /measured: " + closing + " -->"
	}
	return "<!-- measured: " + name + " -->"
}

// when returns what a measurement was made with.
func when() string {
	return fmt.Sprintf("Measured on %s with v%s, v%s and %s on %s/%s.",
		time.Now().UTC().Format(time.DateOnly), cb3.Version, cb4.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func TestDocumentNamesTheVersions(t *testing.T) {
	file, err := os.ReadFile(documentPath)
	require.NoError(t, err)
	document := string(file)
	require.Contains(t, document[sectionStart(t, document, "when"):sectionEnd(t, document, "when")], "with v3.48.0, v4.1.0 and go")
	require.Equal(t, "3.48.0", cb3.Version)
	require.Equal(t, "4.1.0", cb4.Version)
}
