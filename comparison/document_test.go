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

var update = flag.Bool("update", false, "write the tables of COMPARISON.md")

const (
	documentPath = "../COMPARISON.md"
	tableHead    = "| | this library | v3 | v4 | how |\n| --- | --- | --- | --- | --- |"
)

func tables() []table {
	return []table{
		surface(), outages(), deadlines(), idempotency(), activation(), redirects(), secrets(), errorResponses(), misuse(), cost(), agreement(),
	}
}

func TestDocumentSaysWhatIsMeasured(t *testing.T) {
	document := readDocument(t)
	for _, table := range tables() {
		t.Run(table.name, func(t *testing.T) {
			documented, hasHead := strings.CutPrefix(section(t, document, table.name), tableHead+"\n")
			lines := strings.Split(documented, "\n")
			if !*update {
				require.True(t, hasHead, "the table has another head")
				require.Len(t, lines, len(table.rows), "the table has another number of rows")
			}
			measured := tableHead
			for i, row := range table.rows {
				t.Run(row.name, func(t *testing.T) {
					cells := row.cells(t)
					measured += "\n| " + strings.Join(cells, " | ") + " |"
					if !*update {
						row.requireDocumented(t, cells, lines[i])
					}
				})
			}
			if *update {
				document = replaceSection(t, document, table.name, measured)
			}
		})
	}
	if *update {
		document = replaceSection(t, document, "when", when())
		require.NoError(t, os.WriteFile(documentPath, []byte(document), 0o600))
	}
}

// requireDocumented compares what is measured with a line of COMPARISON.md.
func (r row) requireDocumented(t *testing.T, measured []string, line string) {
	t.Helper()
	documented := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " | ")
	require.Len(t, documented, len(measured), line)
	for i := range measured {
		isValue := i > 0 && i < len(measured)-1 // rather than the name of the row, or how it was found
		if !isValue || !isClose(documented[i], measured[i], r.tolerance) {
			assert.Equal(t, measured[i], documented[i])
		}
	}
}

func TestDocumentNamesVersions(t *testing.T) {
	require.Equal(t, "3.48.0", cb3.Version)
	require.Equal(t, "4.1.0", cb4.Version)
	require.Contains(t, section(t, readDocument(t), "when"), " with v3.48.0, v4.1.0 and go1.")
}

// when returns the line that says what the tables were measured with.
func when() string {
	return fmt.Sprintf("Measured on %s with v%s, v%s and %s on %s/%s.",
		time.Now().UTC().Format(time.DateOnly), cb3.Version, cb4.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func readDocument(t *testing.T) string {
	t.Helper()
	document, err := os.ReadFile(documentPath)
	require.NoError(t, err)
	return string(document)
}

// section returns the lines between the two markers of a name.
func section(t *testing.T, document, name string) string {
	t.Helper()
	_, text, _ := splitAtSection(t, document, name)
	return text
}

func replaceSection(t *testing.T, document, name, text string) string {
	t.Helper()
	before, _, after := splitAtSection(t, document, name)
	return before + text + after
}

func splitAtSection(t *testing.T, document, name string) (before, text, after string) {
	t.Helper()
	begin, end := "<!-- measured: "+name+" -->\n", "\n<!-- /measured: "+name+" -->"
	before, rest, hasBegin := strings.Cut(document, begin)
	text, after, hasEnd := strings.Cut(rest, end)
	require.True(t, hasBegin && hasEnd, "the markers of %s are missing", name)
	return before + begin, text, end + after
}
