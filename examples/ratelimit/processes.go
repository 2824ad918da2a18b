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
)

// runProcesses starts this program several times, and waits for all processes.
// They share one limit through Redis.
func runProcesses(ctx context.Context, s settings, site site, out io.Writer) error {
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
			output, err := runProcess(ctx, s.processArgs(), site.environment())
			printing.Lock()
			defer printing.Unlock()
			fmt.Fprintf(out, "Process %d: %s\n", i+1, cmp.Or(output, "failed"))
			if err != nil {
				errs[i] = fmt.Errorf("process %d: %w", i+1, err)
			}
		})
	}
	processes.Wait()
	return errors.Join(errs...)
}

// runProcess starts this program once, and returns what it prints. When ctx is
// done, the process is interrupted.
func runProcess(ctx context.Context, args, environment []string) (output string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	process := exec.CommandContext(ctx, self, args...) //nolint:gosec // this program
	process.Env = append(os.Environ(), environment...)
	process.Stderr = os.Stderr
	process.Cancel = func() error { return process.Process.Signal(os.Interrupt) }
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
