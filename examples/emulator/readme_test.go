package main

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func readREADME(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("README.md")
	require.NoError(t, err)
	return string(content)
}

// usageOf returns the output of -help.
func usageOf(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	require.Error(t, run(t.Context(), []string{"-help"}, noEnvironment, &out, io.Discard))
	return out.String()
}

func TestFlagsInREADMEExist(t *testing.T) {
	t.Parallel()
	usage := usageOf(t)
	ofOtherPrograms := strings.Fields("a u d help importcert noprompt alias file keystore storetype storepass")
	named := regexp.MustCompile("[\\s`\"]-([a-z][a-z-]*)").FindAllStringSubmatch(readREADME(t), -1)
	require.Greater(t, len(named), 30)
	for _, match := range named {
		if !slices.Contains(ofOtherPrograms, match[1]) {
			require.Regexp(t, `\n  -`+match[1]+`[ \n]`, usage)
		}
	}
}

func TestVariablesInREADMEExist(t *testing.T) {
	t.Parallel()
	usage := usageOf(t)
	named := regexp.MustCompile(`EMULATOR_[A-Z_]+`).FindAllString(readREADME(t), -1)
	require.Greater(t, len(named), 8)
	for _, variable := range named {
		flagName := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, "EMULATOR_"), "_", "-"))
		require.Regexp(t, `\n  -`+flagName+`[ \n]`, usage, variable)
	}
}

func TestControlPathsInREADMEExist(t *testing.T) {
	t.Parallel()
	env := parseVariables(t, startEmulator(t))
	calls := regexp.MustCompile("`(GET|POST|DELETE) (/emulator/[a-z_]+)`").FindAllStringSubmatch(readREADME(t), -1)
	require.Len(t, calls, 7)
	for _, call := range calls {
		resp, _ := send(t, env, call[1], call[2], `{}`)
		require.NotEqual(t, 404, resp.StatusCode, call[0])
	}
}

func TestSeedInREADMEIsValid(t *testing.T) {
	t.Parallel()
	_, block, found := strings.Cut(readREADME(t), "```json\n")
	require.True(t, found)
	block, _, _ = strings.Cut(block, "```")
	env := parseVariables(t, startEmulator(t, "-seed", writeSeed(t, block)))
	require.Equal(t, "sso", env["FEATURE_ID"])
}

func TestFaultsInREADMEAreValid(t *testing.T) {
	t.Parallel()
	readme := readREADME(t)
	for _, fault := range []string{
		"route=/features/{feature-id}/item_entitlements,status=503,count=2", "cut=after",
		`{"status": 429, "header": {"Retry-After": "2"}, "body": "a, b"}`, `{"status": 503, "count": 2}`,
	} {
		require.Contains(t, readme, fault)
		_, err := parseFault(fault)
		require.NoError(t, err)
	}
}
