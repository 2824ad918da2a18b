package chargebee_test

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// The Markdown files that users read.
var documents = []string{
	"README.md", "COMPARISON.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/emulator/README.md",
	"docs/portal-login.md", "docs/entitlements.md", "docs/parity.md", "docs/speed.md", "docs/supply-chain.md",
}

func TestDocumentsShowCompiledCode(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"README.md": 9, "docs/portal-login.md": 3, "docs/entitlements.md": 2} {
		blocks := codeBlocks(t, name)
		require.Len(t, blocks, want, name)
		for _, code := range blocks {
			if strings.HasPrefix(code, "package main\n") { // TestFirstProgramOfREADMERuns
				continue
			}
			requireCompiled(t, code)
			_, err := parser.ParseFile(token.NewFileSet(), name, "package p\n"+code, parser.SkipObjectResolution)
			require.NoError(t, err, "it does not compile when it is pasted into a file")
		}
	}
}

func TestFirstProgramOfREADMERuns(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(program, []byte(codeBlocks(t, "README.md")[0]), 0o600))
	output, err := exec.CommandContext(t.Context(), "go", "run", program).CombinedOutput()
	require.NoError(t, err, string(output))
	require.Equal(t, "logged in: zoe\n", string(output))
	require.Contains(t, readFile(t, "README.md"), "`go run .` prints `logged in: zoe`.")
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

// codeBlocks returns the Go code of a document.
func codeBlocks(t *testing.T, name string) []string {
	t.Helper()
	var blocks []string
	for _, block := range strings.Split(readFile(t, name), "```go\n")[1:] {
		code, _, closed := strings.Cut(block, "```")
		require.True(t, closed)
		blocks = append(blocks, code)
	}
	return blocks
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

func TestDocumentsFitATerminal(t *testing.T) {
	t.Parallel()
	for _, name := range documents {
		if name == "docs/parity.md" { // generated
			continue
		}
		for line := range strings.Lines(readFile(t, name)) {
			line = strings.TrimSuffix(strings.ReplaceAll(line, "\t", "    "), "\n")
			isTable := strings.HasPrefix(line, "|")
			if width := utf8.RuneCountInString(line); width > 100 && !isTable {
				t.Errorf("%s: %d columns: %s", name, width, line)
			}
		}
	}
}

func TestLinksOfDocumentsResolve(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInAnchors := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, name := range documents {
		for _, match := range link.FindAllStringSubmatch(readFile(t, name), -1) {
			target, anchor, hasAnchor := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := name
			if target != "" {
				file = filepath.Join(filepath.Dir(name), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var anchors []string
			if hasAnchor {
				for _, text := range heading.FindAllStringSubmatch(readFile(t, file), -1) {
					anchors = append(anchors, strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(text[1]), ""), " ", "-"))
				}
				require.Contains(t, anchors, anchor, name)
			}
		}
	}
}

func TestHandlerInREADMEHasAtMost25Lines(t *testing.T) {
	t.Parallel()
	_, handler, found := strings.Cut(readFile(t, "README.md"), "\nfunc returnHandler")
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
