package comparison_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// dataRaces says whether the race detector reports goroutines that share a client.
func dataRaces(t *testing.T, lib library) string {
	switch lib {
	case v3:
		return races(t, "v3") + "; " + races(t, "v3-configure") + " if it is configured meanwhile"
	case v4:
		return races(t, "v4") + ", with the first call; " + races(t, "v4-protocol") + " if `Protocol` is set before"
	}
	return races(t, "ours")
}

func races(t *testing.T, scenario string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "run", "-race", "./testdata/races", scenario)
	cmd.Env = append(os.Environ(), "GORACE=exitcode=0")
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
	require.Contains(t, string(output), "all calls succeeded")
	if strings.Contains(string(output), "WARNING: DATA RACE") {
		return "some"
	}
	return "none"
}
