package comparison_test

import (
	"os"
	"os/exec"
	"strings"

	"github.com/stretchr/testify/require"
)

// dataRaces says whether the race detector reports goroutines that share a client.
func dataRaces(m measurement) string {
	switch m.lib {
	case v3:
		return races(m, "v3") + "; " + races(m, "v3-configure") + " if it is configured meanwhile"
	case v4:
		return races(m, "v4") + ", with the first call; " + races(m, "v4-protocol") + " if `Protocol` is set before"
	}
	return races(m, "ours")
}

func races(m measurement, scenario string) string {
	cmd := exec.CommandContext(m.Context(), "go", "run", "-race", "./testdata/races", scenario)
	cmd.Env = append(os.Environ(), "GORACE=exitcode=0")
	output, err := cmd.CombinedOutput()
	require.NoError(m, err, string(output))
	require.Contains(m, string(output), "all calls succeeded")
	if strings.Contains(string(output), "WARNING: DATA RACE") {
		return "some"
	}
	return "none"
}
