package chargebee_test

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheReadmeShowsCompiledCode(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	blocks := strings.Split(string(readme), "```go\n")[1:]
	require.Len(t, blocks, 9)
	for _, block := range blocks {
		code, _, closed := strings.Cut(block, "```")
		require.True(t, closed)
		requireCompiled(t, code)
	}
}

func TestThePackageDocumentationShowsCompiledCode(t *testing.T) {
	t.Parallel()
	documented := documentationOf(t, ".")
	blocks := 0
	for _, content := range documented.Parser().Parse(documented.Doc).Content {
		if code, ok := content.(*comment.Code); ok {
			requireCompiled(t, code.Text)
			blocks++
		}
	}
	require.Equal(t, 3, blocks)
}

// requireCompiled looks for the code in the file with the examples.
func requireCompiled(t *testing.T, code string) {
	t.Helper()
	examples, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	if !strings.Contains(withoutIndent(string(examples)), strings.TrimSpace(withoutIndent(code))) {
		t.Error("this is not in example_test.go:\n" + code)
	}
}

func TestTheHandlerOfTheReadmeFitsIn25Lines(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, handler, found := strings.Cut(string(readme), "```go\nfunc returnHandler")
	require.True(t, found)
	handler, _, _ = strings.Cut(handler, "```")
	require.LessOrEqual(t, strings.Count(handler, "\n"), 25)
}

func TestEveryEntryPointHasAnExampleWithItsOutput(t *testing.T) {
	t.Parallel()
	// What other packages call, by an interface of theirs.
	byOthers := []string{"Error", "Unwrap", "Format", "LogValue", "MarshalJSON", "UnmarshalJSON", "EncodeValues"}
	for _, folder := range []string{".", "chargebeetest"} {
		documented := documentationOf(t, folder)
		functions := documented.Funcs
		for _, of := range documented.Types {
			functions = append(functions, of.Funcs...)
			for _, method := range of.Methods {
				if !slices.Contains(byOthers, method.Name) {
					functions = append(functions, method)
				}
			}
		}
		require.NotEmpty(t, functions)
		for _, function := range functions {
			if len(function.Examples) == 0 {
				t.Errorf("%s: %s %s has no example", folder, function.Recv, function.Name)
			}
			for _, example := range function.Examples {
				require.NotEmpty(t, example.Output, example.Name)
			}
		}
	}
}

func documentationOf(t *testing.T, folder string) *doc.Package {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	files := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(files, name, nil, parser.ParseComments)
		require.NoError(t, err)
		parsed = append(parsed, file)
	}
	documented, err := doc.NewFromFiles(files, parsed, "github.com/typedbee/chargebee-go/"+folder)
	require.NoError(t, err)
	return documented
}

func withoutIndent(code string) string {
	var trimmed strings.Builder
	for line := range strings.Lines(code) {
		trimmed.WriteString(strings.TrimLeft(line, "\t"))
	}
	return trimmed.String()
}
