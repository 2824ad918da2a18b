package comparison_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
)

// program is the folder of a program that makes both calls with a library.
func (l library) program() string {
	return "./testdata/footprint/" + [...]string{"ours", "v3", "v4"}[l]
}

// runGo runs a command of go and returns the words of its output, sorted and without
// duplicates.
func runGo(m measurement, args ...string) []string {
	cmd := exec.CommandContext(m.Context(), "go", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	require.NoError(m, err, stderr.String())
	lines := strings.Fields(string(output))
	slices.Sort(lines)
	return slices.Compact(lines)
}

func packagesCompiled(m measurement) string {
	packages := runGo(m, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", m.lib.program())
	return fmt.Sprint(len(packages) - 1) // without the program
}

func modulesNeeded(m measurement) string {
	modules := runGo(m, "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", m.lib.program())
	modules = slices.DeleteFunc(modules, func(path string) bool { return strings.Contains(path, "/chargebee-go") })
	for i, path := range modules {
		modules[i] = strings.TrimPrefix(path, "github.com/")
	}
	return strings.Join(modules, ", ")
}

func bytesAdded(m measurement) string {
	added := binarySize(m, m.lib.program()) - binarySize(m, "./testdata/footprint/byhand")
	return fmt.Sprintf("%.2f MB", float64(added)/1e6)
}

func binarySize(m measurement, program string) int64 {
	binary := filepath.Join(m.TempDir(), "program")
	runGo(m, "build", "-trimpath", "-buildvcs=false", "-o", binary, program)
	info, err := os.Stat(binary)
	require.NoError(m, err)
	return info.Size()
}
