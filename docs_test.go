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

func TestREADMEShowsCompiledCode(t *testing.T) {
	t.Parallel()
	blocks := strings.Split(readFile(t, "README.md"), "```go\n")[1:]
	require.Len(t, blocks, 15)
	for _, block := range blocks {
		code, _, closed := strings.Cut(block, "```")
		require.True(t, closed)
		requireCompiled(t, code)
	}
}

func TestPackageDocumentationShowsCompiledCode(t *testing.T) {
	t.Parallel()
	pkg := parsePackage(t, ".")
	blocks := 0
	for _, content := range pkg.Parser().Parse(pkg.Doc).Content {
		if code, ok := content.(*comment.Code); ok {
			requireCompiled(t, code.Text)
			blocks++
		}
	}
	require.Equal(t, 4, blocks)
}

// requireCompiled fails the test unless code is part of an example.
func requireCompiled(t *testing.T, code string) {
	t.Helper()
	withoutTabs := strings.NewReplacer("\t", "")
	names, err := filepath.Glob("example*_test.go")
	require.NoError(t, err)
	isIn := func(name string) bool {
		return strings.Contains(withoutTabs.Replace(readFile(t, name)), strings.TrimSpace(withoutTabs.Replace(code)))
	}
	if !slices.ContainsFunc(names, isIn) {
		t.Error("this is in no example:\n" + code)
	}
}

func TestHandlerInREADMEHasAtMost25Lines(t *testing.T) {
	t.Parallel()
	_, handler, found := strings.Cut(readFile(t, "README.md"), "```go\nfunc returnHandler")
	require.True(t, found)
	handler, _, _ = strings.Cut(handler, "```")
	require.LessOrEqual(t, strings.Count(handler, "\n"), 25)
}

func TestAllExportedFunctionsHaveExamplesWithOutput(t *testing.T) {
	t.Parallel()
	// Other packages call these, through interfaces of their own.
	interfaceMethods := []string{"Error", "Unwrap", "Format", "LogValue", "MarshalJSON", "UnmarshalJSON", "EncodeValues"}
	for _, folder := range []string{".", "chargebeetest"} {
		pkg := parsePackage(t, folder)
		functions := pkg.Funcs
		for _, typ := range pkg.Types {
			functions = append(functions, typ.Funcs...)
			for _, method := range typ.Methods {
				if !slices.Contains(interfaceMethods, method.Name) {
					functions = append(functions, method)
				}
			}
		}
		require.NotEmpty(t, functions)
		for _, function := range functions {
			if function.Name == "RunT" { // which needs a test: the README shows one
				continue
			}
			if len(function.Examples) == 0 {
				t.Errorf("%s: %s %s has no example", folder, function.Recv, function.Name)
			}
			for _, example := range function.Examples {
				require.NotEmpty(t, example.Output, example.Name)
			}
		}
	}
}

func parsePackage(t *testing.T, folder string) *doc.Package {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	fileSet := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(fileSet, name, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, file)
	}
	pkg, err := doc.NewFromFiles(fileSet, files, "github.com/typedbee/chargebee-go/"+folder)
	require.NoError(t, err)
	return pkg
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(content)
}
