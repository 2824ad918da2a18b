package program_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newProcess returns a process that will run one of the programs, with nothing else in
// its environment.
func newProcess(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	require.Contains(t, programs, name)
	process := exec.CommandContext(t.Context(), os.Args[0], args...)
	process.Env = []string{programVariable + "=" + name}
	return process
}

// runProcess runs a process to its end.
func runProcess(t *testing.T, process *exec.Cmd) (stdout, stderr string, status int) {
	t.Helper()
	var out, errOut bytes.Buffer
	process.Stdout, process.Stderr = &out, &errOut
	var exitErr *exec.ExitError
	if err := process.Run(); !errors.As(err, &exitErr) {
		require.NoError(t, err)
	}
	return out.String(), errOut.String(), process.ProcessState.ExitCode()
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		program string
		args    []string
		stdout  string
		stderr  string
		status  int
	}{
		"success":             {"greet", nil, "hello, world\n", "", 0},
		"an error":            {"fail", nil, "", "example: no luck\n", 1},
		"an unknown flag":     {"greet", []string{"-loud"}, "", "example: flag provided but not defined: -loud; see -help\n", 2},
		"an invalid value":    {"greet", []string{"-count", "many"}, "", `example: invalid value "many" for flag -count: parse error; see -help` + "\n", 2},
		"an unknown argument": {"greet", []string{"-count", "2", "zoe"}, "", "example: unknown argument: zoe; see -help\n", 2},
		"a token as argument": {
			"greet", []string{"https://app.example.com/return?auth_session_token=secret"}, "",
			"example: unknown argument: https://app.example.com/return?auth_session_token=[redacted]; see -help\n", 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, status := runProcess(t, newProcess(t, test.program, test.args...))
			require.Equal(t, test.stdout, stdout)
			require.Equal(t, test.stderr, stderr)
			require.Equal(t, test.status, status)
		})
	}
}

func TestHelpIsPrintedToStandardOutput(t *testing.T) {
	t.Parallel()
	stdout, stderr, status := runProcess(t, newProcess(t, "greet", "-help"))
	require.Equal(t, `Greet prints a greeting.

Example:
  greet -to zoe

Environment variables:
  CHARGEBEE_SITE
    	name of a real site, such as acme-test (default: the embedded emulator)
  CHARGEBEE_API_KEY
    	API key of the site
  CHARGEBEE_BASE_URL
    	base URL of its API, if not https://SITE.chargebee.com/api/v2
  CHARGEBEE_INSECURE_HTTP
    	if not empty, the base URL can use http on any host, such as in a
    	container network; the API key is then sent unencrypted
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY
    	proxy for the requests to a real site

Flags:
  -count int
    	how often to greet (default 1)
  -to name
    	greet the person of this name (default "world")
`, stdout)
	require.Empty(t, stderr)
	require.Zero(t, status)
}

func TestSignalEndsProgram(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		program string
		signal  os.Signal
		stdout  string
		stderr  string
		status  int
	}{
		"interrupt, run returns nil":      {"finish on signal", os.Interrupt, "finished\n", "", 0},
		"interrupt, run returns an error": {"fail on signal", os.Interrupt, "", "example: not finished: context canceled\n", 130},
		"SIGTERM, run returns nil":        {"finish on signal", syscall.SIGTERM, "finished\n", "", 0},
		"SIGTERM, run returns an error":   {"fail on signal", syscall.SIGTERM, "", "example: not finished: context canceled\n", 130},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			process := newProcess(t, test.program)
			var stderr bytes.Buffer
			process.Stderr = &stderr
			stdout := start(t, process)
			require.NoError(t, process.Process.Signal(test.signal))
			rest, err := io.ReadAll(stdout)
			require.NoError(t, err)
			_ = process.Wait()
			require.Equal(t, test.stdout, string(rest))
			require.Equal(t, test.stderr, stderr.String())
			require.Equal(t, test.status, process.ProcessState.ExitCode())
		})
	}
}

func TestSecondInterruptKillsProgram(t *testing.T) {
	t.Parallel()
	process := newProcess(t, "disregard signals")
	stdin, err := process.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	stdout := start(t, process)
	require.NoError(t, process.Process.Signal(os.Interrupt))
	requireLine(t, stdout, "signal received\n")

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = process.Wait()
	}()
	// Main stops catching signals in another goroutine, perhaps a moment later.
	for isRunning := true; isRunning; {
		_ = process.Process.Signal(os.Interrupt)
		select {
		case <-ended:
			isRunning = false
		case <-time.After(10 * time.Millisecond):
		}
	}
	status, ok := process.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	require.True(t, status.Signaled())
	require.Equal(t, syscall.SIGINT, status.Signal())
}

// start starts a process, waits until it says that it is ready, and returns the rest of
// its standard output.
func start(t *testing.T, process *exec.Cmd) *bufio.Reader {
	t.Helper()
	stdout, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	lines := bufio.NewReader(stdout)
	requireLine(t, lines, "ready\n")
	return lines
}

func requireLine(t *testing.T, lines *bufio.Reader, want string) {
	t.Helper()
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, want, line)
}
