package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// process is a worker that has ended.
type process struct {
	number int
	said   string
	err    error
}

// environment is where the processes find the site.
func environment(site, apiKey, baseURL string) []string {
	return []string{"CHARGEBEE_SITE=" + site, "CHARGEBEE_API_KEY=" + apiKey, "CHARGEBEE_BASE_URL=" + baseURL}
}

// startFleet starts the processes. The channel has each one when it has ended,
// and is closed when all have. When ctx is done they are interrupted.
func startFleet(ctx context.Context, s settings, env []string) <-chan process {
	ended := make(chan process)
	var fleet sync.WaitGroup
	for number := range s.processes {
		fleet.Go(func() {
			said, err := runWorker(ctx, s, env)
			ended <- process{number + 1, said, err}
		})
	}
	go func() {
		fleet.Wait()
		close(ended)
	}()
	return ended
}

func runWorker(ctx context.Context, s settings, env []string) (said string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	worker := exec.CommandContext(ctx, self, s.workerArgs()...) //nolint:gosec // this program
	worker.Env = append(os.Environ(), env...)
	worker.Stdout, worker.Stderr = &out, os.Stderr
	worker.Cancel = func() error { return worker.Process.Signal(os.Interrupt) }
	err = worker.Run()
	said = strings.TrimSpace(out.String())
	switch {
	case ctx.Err() != nil && said == "":
		return "ended by the interrupt, before it began", nil
	case ctx.Err() != nil && worker.ProcessState.Success():
		return said, nil // instead of the error of ctx
	}
	return said, err
}
