package comparison_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// program is the folder of a program that makes both calls with a library.
func (l library) program() string {
	return "./testdata/footprint/" + [...]string{"ours", "v3", "v4"}[l]
}

// run runs a command and returns its output, without empty lines, sorted and without
// duplicates.
func run(t *testing.T, name string, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	lines := strings.Fields(string(output))
	slices.Sort(lines)
	return slices.Compact(lines)
}

func packagesCompiled(t *testing.T, lib library) string {
	packages := run(t, "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", lib.program())
	return fmt.Sprint(len(packages) - 1) // without the program
}

func modulesNeeded(t *testing.T, lib library) string {
	modules := run(t, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", lib.program())
	modules = slices.DeleteFunc(modules, func(path string) bool { return strings.Contains(path, "/chargebee-go") })
	for i, path := range modules {
		modules[i] = strings.TrimPrefix(path, "github.com/")
	}
	return strings.Join(modules, ", ")
}

func bytesAdded(t *testing.T, lib library) string {
	added := binarySize(t, lib.program()) - binarySize(t, "./testdata/footprint/byhand")
	return fmt.Sprintf("%.2f MB", float64(added)/1e6)
}

func binarySize(t *testing.T, program string) int64 {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program")
	run(t, "go", "build", "-trimpath", "-buildvcs=false", "-o", binary, program)
	info, err := os.Stat(binary)
	require.NoError(t, err)
	return info.Size()
}
