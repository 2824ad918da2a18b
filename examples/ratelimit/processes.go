package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

// runProcesses starts this program several times, and waits for all processes.
// They share one limit through Redis. They write to stderr at the same time.
func runProcesses(ctx context.Context, s settings, site *program.Site, stdout, stderr io.Writer) error {
	if s.redis == "" {
		embedded, err := miniredis.Run()
		if err != nil {
			return err
		}
		defer embedded.Close()
		s.redis = embedded.Addr()
	}
	errs := make([]error, s.processes)
	var printing sync.Mutex
	var processes sync.WaitGroup
	for i := range s.processes {
		processes.Go(func() {
			output, err := runProcess(ctx, s.processArgs(), siteVariables(site), stderr)
			printing.Lock()
			defer printing.Unlock()
			fmt.Fprintf(stdout, "Process %d: %s\n", i+1, cmp.Or(output, "failed"))
			if err != nil {
				errs[i] = fmt.Errorf("process %d: %w", i+1, err)
			}
		})
	}
	processes.Wait()
	return errors.Join(errs...)
}

// siteVariables returns the environment variables that tell a process which site to call.
func siteVariables(site *program.Site) []string {
	return []string{"CHARGEBEE_SITE=" + site.Name, "CHARGEBEE_API_KEY=" + site.APIKey, "CHARGEBEE_BASE_URL=" + site.BaseURL}
}

// runProcess starts this program once, and returns what it prints. When ctx is done, it
// closes the standard input of the process, which then stops. It does not send an
// interrupt, because a terminal also sends one, and a second one kills a program.
func runProcess(ctx context.Context, args, variables []string, stderr io.Writer) (output string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	process := exec.CommandContext(ctx, self, args...) //nolint:gosec // this program
	stdin, err := process.StdinPipe()
	if err != nil {
		return "", err
	}
	process.Cancel = stdin.Close
	process.Env = append(os.Environ(), variables...)
	process.Stderr = stderr
	stdout, err := process.Output()
	output = strings.TrimSpace(string(stdout))
	switch {
	case ctx.Err() != nil && output == "":
		return "interrupted before it started", nil
	case ctx.Err() != nil && process.ProcessState.Success():
		return output, nil // err is that of ctx
	}
	return output, err
}

// cancelOnEOF returns a context that is also done when input ends.
func cancelOnEOF(ctx context.Context, input io.Reader) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, input)
	}()
	return ctx, cancel
}
