package chargebee_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheReadmeShowsCompiledCode(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	examples, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	compiled := withoutIndent(string(examples))

	blocks := strings.Split(string(readme), "```go\n")[1:]
	require.Len(t, blocks, 9)
	for _, block := range blocks {
		code, _, closed := strings.Cut(block, "```")
		require.True(t, closed)
		if !strings.Contains(compiled, withoutIndent(code)) {
			t.Error("this is not in example_test.go:\n" + code)
		}
	}
}

func TestTheHandlerOfTheReadmeFitsIn25Lines(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, handler, _ := strings.Cut(string(readme), "```go\nfunc returnHandler")
	handler, _, _ = strings.Cut(handler, "```")
	require.LessOrEqual(t, strings.Count(handler, "\n"), 25)
}

func withoutIndent(code string) string {
	var trimmed strings.Builder
	for line := range strings.Lines(code) {
		trimmed.WriteString(strings.TrimLeft(line, "\t"))
	}
	return trimmed.String()
}
