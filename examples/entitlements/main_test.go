package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// newProcess returns the program as a process that changes the site of a server.
func newProcess(t *testing.T, server *chargebeetest.Server, args ...string) *exec.Cmd {
	t.Helper()
	process := exec.CommandContext(t.Context(), os.Args[0], args...)
	process.Env = append(os.Environ(), "RUN_ENTITLEMENTS=1", "GORACE=atexit_sleep_ms=0",
		"CHARGEBEE_SITE="+server.Site, "CHARGEBEE_API_KEY="+server.APIKey, "CHARGEBEE_BASE_URL="+server.URL)
	return process
}

func TestTheExitStatusTellsChangesFromErrors(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "team", "20")
	same, different, invalid := writeFile(t, "seats,team,plan,20"), writeFile(t, "seats,team,plan,5"), writeFile(t, "seats,team,plan,7")
	for _, test := range []struct {
		args   []string
		status int
		stderr string // its last line
	}{
		{[]string{"plan", same}, 0, "Reading the site"},
		{[]string{"plan", different}, 2, "Reading the site"},
		{[]string{"plan", invalid}, 1, "line 2: the value of seats must be one of its levels, 1, 5, 20, unlimited, not 7"},
		{[]string{"plan", "no such file"}, 1, "entitlements: open no such file: no such file or directory"},
		{[]string{"plan"}, 1, "entitlements: plan needs a file; see -help"},
		{[]string{"plan", "-unknown", same}, 1, "entitlements: flag provided but not defined: -unknown; see -help"},
		{[]string{"remove", same}, 1, "entitlements: unknown command: remove; see -help"},
		{[]string{"plan", "-help"}, 0, ""},
		{[]string{"apply", different}, 0, "Verifying"},
		{[]string{"apply", invalid}, 1, "line 2: the value of seats must be one of its levels, 1, 5, 20, unlimited, not 7"},
		{[]string{"export"}, 0, "Reading the site"},
	} {
		process := newProcess(t, server, test.args...)
		var stderr bytes.Buffer
		process.Stderr = &stderr
		_ = process.Run()
		require.Equal(t, test.status, process.ProcessState.ExitCode(), test.args)
		lines := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
		require.Equal(t, test.stderr, lines[len(lines)-1], test.args)
		require.LessOrEqual(t, strings.Count(stderr.String(), "flag provided"), 1)
	}
}

func TestInvalidArgumentsAreRejected(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	site := environment(server)
	siteOnly := func(name string) string { return map[string]string{"CHARGEBEE_SITE": "acme-test"}[name] }
	file := writeFile(t, "seats,team,plan,20")
	for _, test := range []struct {
		args    []string
		getenv  func(string) string
		message string
	}{
		{[]string{"plan", file}, siteOnly, "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY; see -help"},
		{nil, site, "a real site needs a command and a file; see -help"},
		{[]string{"apply"}, site, "apply needs a file; see -help"},
		{[]string{"apply", ""}, site, "apply needs a file; see -help"},
		{[]string{"apply", file, "-prune"}, site, "unknown argument: -prune; flags come before the file; see -help"},
		{[]string{"apply", "-batch", "0", file}, site, "-batch and -concurrency must be at least 1; see -help"},
		{[]string{"plan", "-concurrency", "0", file}, site, "-batch and -concurrency must be at least 1; see -help"},
		{[]string{"apply", "-report", "-", file}, site, "-report needs the name of a file; see -help"},
		{[]string{"export", "-rate", "-1"}, site, "-rate must not be negative; see -help"},
		{[]string{"export", "-prune"}, site, "flag provided but not defined: -prune; see -help"},
		{[]string{"export", "-concurrency", "8"}, site, "flag provided but not defined: -concurrency; see -help"},
		{[]string{"plan", "-report", "x", file}, site, "flag provided but not defined: -report; see -help"},
		{[]string{file}, site, "unknown command: " + file + "; see -help"},
		{[]string{"-rate", "5"}, site, "flag provided but not defined: -rate; see -help"},
	} {
		err := run(t.Context(), streams{nil, io.Discard, io.Discard, false}, test.args, test.getenv)
		require.EqualError(t, err, test.message)
	}
	require.Empty(t, server.Requests())
}

func TestHelpBeginsWithASentenceAndAnExample(t *testing.T) {
	t.Parallel()
	for command, flags := range map[string][]string{
		"":       nil,
		"plan":   {"-prune", "-json", "-item-entitlements", "-concurrency", "-rate"},
		"apply":  {"-prune", "-yes", "-batch", "-report", "-item-entitlements", "-concurrency", "-rate"},
		"export": {"-item-entitlements", "-rate"},
	} {
		args := append(strings.Fields(command), "-help")
		var help strings.Builder
		err := run(t.Context(), streams{nil, &help, io.Discard, false}, args, noEnvironment)
		require.ErrorIs(t, err, flag.ErrHelp)
		require.Regexp(t, `^[A-Z][^\n]+\.\n`, help.String())
		require.Contains(t, help.String(), "\nExample:\n  go run -C examples/entitlements . ")
		for _, variable := range []string{"CHARGEBEE_SITE", "CHARGEBEE_API_KEY", "CHARGEBEE_BASE_URL", "HTTPS_PROXY"} {
			require.Contains(t, help.String(), variable)
		}
		for _, name := range flags {
			require.Contains(t, help.String(), "\n  "+name)
		}
		require.Equal(t, len(flags), strings.Count(help.String(), "\n  -"))
	}
}

func TestTheFileIsReadFromStandardInput(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	_, _, err := runProgram(t, environment(server), strings.NewReader(header+"seats,team,plan,20\n"), "apply", "-")
	require.NoError(t, err)
	require.Equal(t, []string{"team 20"}, valuesOf(server, "seats"))
	_, _, err = runProgram(t, environment(server), strings.NewReader(header+"seats,team,plan,"), "plan", "-")
	require.ErrorContains(t, err, "standard input: the last line has no line break")
}

func TestAnInterruptEndsTheReadingOfAFileThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	stdin, writer := io.Pipe()
	defer writer.Close()
	for _, command := range []string{"plan", "apply"} {
		ctx, interrupt := context.WithCancel(t.Context())
		interrupt()
		err := run(ctx, streams{stdin, io.Discard, io.Discard, false}, []string{command, "-"}, noEnvironment)
		require.EqualError(t, err, "reading the file: context canceled")
		require.Equal(t, 130, exitStatus(ctx, err))
	}
}

func TestAnInvalidFileIsNotApplied(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for _, text := range []string{header + "seats,team,plan,20\nseats,solo,plan,\n", header + "seats,team,plan,20\nseats,solo,plan,2"} {
		_, _, err := runProgram(t, environment(server), strings.NewReader(text), "apply", "-")
		require.Error(t, err)
	}
	require.Empty(t, server.Requests())
}

// tenSeats returns a server with ten entitlements to seats, and a file that names all but
// missing of them.
func tenSeats(t *testing.T, missing int) (server *chargebeetest.Server, file string) {
	t.Helper()
	server = newServer(t)
	var lines []string
	for i := range 10 {
		plan := "plan-" + string(rune('a'+i))
		setEntitlement(t, server, chargebee.ActionUpsert, "seats", plan, "5")
		if i >= missing {
			lines = append(lines, "seats,"+plan+",plan,5")
		}
	}
	return server, writeFile(t, lines...)
}

func TestManyRemovalsNeedYesIfNobodyIsAtTheTerminal(t *testing.T) {
	t.Parallel()
	server, file := tenSeats(t, 3)
	out, status, err := runProgram(t, environment(server), strings.NewReader("yes\n"), "apply", "-prune", file)
	require.EqualError(t, err, "nothing was changed: confirm these removals with -yes")
	require.Contains(t, out, "- seats plan-a 5\n")
	require.Contains(t, status, "seats would lose 3 of its 10 entitlements.\n")
	require.Len(t, valuesOf(server, "seats"), 10)

	_, _, err = runProgram(t, environment(server), nil, "apply", "-prune", "-yes", file)
	require.NoError(t, err)
	require.Len(t, valuesOf(server, "seats"), 7)
}

func TestAFifthOfAFeatureIsRemovedWithoutYes(t *testing.T) {
	t.Parallel()
	server, file := tenSeats(t, 2)
	_, _, err := runProgram(t, environment(server), nil, "apply", "-prune", file)
	require.NoError(t, err)
	require.Len(t, valuesOf(server, "seats"), 8)
}

// answer runs the program at a terminal where somebody answers a question.
func answer(t *testing.T, process *exec.Cmd, question string, react func(terminal *os.File)) (screen string, status int) {
	t.Helper()
	terminal, err := pty.Start(process)
	require.NoError(t, err)
	defer terminal.Close()
	var text bytes.Buffer
	buffer := make([]byte, 4096)
	asked := false
	for {
		n, err := terminal.Read(buffer)
		text.Write(buffer[:n])
		if !asked && strings.Contains(text.String(), question) {
			asked = true
			react(terminal)
		}
		if err != nil { // EIO when the process has ended
			break
		}
	}
	_ = process.Wait()
	require.True(t, asked, text.String())
	return text.String(), process.ProcessState.ExitCode()
}

func TestManyRemovalsAreConfirmedAtTheTerminal(t *testing.T) {
	t.Parallel()
	const question = "Type yes to remove them: "
	for reply, removed := range map[string]int{"yes\n": 3, "y\n": 0, "\n": 0, "no\n": 0} {
		server, file := tenSeats(t, 3)
		screen, status := answer(t, newProcess(t, server, "apply", "-rate", "0", "-prune", file), question, func(terminal *os.File) {
			_, _ = terminal.WriteString(reply)
		})
		require.Contains(t, screen, "\x1b[31m- seats plan-a 5\x1b[0m")
		require.Len(t, valuesOf(server, "seats"), 10-removed, "%q", reply)
		if removed > 0 {
			require.Zero(t, status, screen)
			require.Contains(t, screen, "Changing the site")
		} else {
			require.Equal(t, 1, status, screen)
			require.Contains(t, screen, "nothing was changed: the removals were not confirmed")
		}
	}
}

func TestAnInterruptEndsTheQuestion(t *testing.T) {
	t.Parallel()
	server, file := tenSeats(t, 3)
	screen, status := answer(t, newProcess(t, server, "apply", "-prune", file), "Type yes to remove them: ", func(terminal *os.File) {
		_, _ = terminal.WriteString("\x03")
	})
	require.Equal(t, 130, status, screen)
	require.Len(t, valuesOf(server, "seats"), 10)
}

func TestNoColorIsObeyed(t *testing.T) {
	t.Parallel()
	server, file := tenSeats(t, 3)
	process := newProcess(t, server, "apply", "-prune", file)
	process.Env = append(process.Env, "NO_COLOR=1")
	screen, _ := answer(t, process, "Type yes to remove them: ", func(terminal *os.File) { _, _ = terminal.WriteString("no\n") })
	require.Contains(t, screen, "- seats plan-a 5\r\n")
	require.NotContains(t, screen, "\x1b[31m")
}

func TestTheAPIKeyIsNotPrinted(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.Inject(chargebeetest.Fault{Status: 400, Body: `{"message":"your key is ` + server.APIKey + `","api_error_code":"invalid_request"}`})
	out, status, err := runProgram(t, environment(server), nil, "plan", writeFile(t, "seats,team,plan,20"))
	require.Error(t, err)
	for _, text := range []string{out, status, err.Error()} {
		require.NotContains(t, text, server.APIKey)
	}
}

func TestASecondInterruptEndsTheProgram(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	started, dead := make(chan *os.Process, 1), make(chan struct{})
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_ = (<-started).Signal(os.Interrupt)
			<-dead
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	process := newProcess(t, server, "apply", writeFile(t, "seats,team,plan,20"))
	process.Env = append(process.Env, "CHARGEBEE_BASE_URL="+proxy.URL+"/api/v2")
	stderr, err := process.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	started <- process.Process
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if lines.Text() == "entitlements: stopping; interrupt again to end immediately" {
			require.NoError(t, process.Process.Signal(os.Interrupt))
		}
	}
	_ = process.Wait()
	close(dead)
	require.Equal(t, -1, process.ProcessState.ExitCode(), "killed by the signal")
}
