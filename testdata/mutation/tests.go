package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

type result int

const (
	failed   result = iota // a test noticed the mutant
	timedOut               // the tests did not end
	survived               // no test noticed the mutant
)

// tests knows how long the tests of a package take.
type tests struct {
	folder string
	stages []string // flags that select the tests that are run first, second and last
	total  time.Duration
}

// measure runs the tests without a mutant. It divides them into those that take a twentieth
// of the time, those that take a fifth, and the others.
func measure(program, folder string) (*tests, error) {
	t := &tests{folder: folder}
	start := time.Now()
	output, err := t.execute(program, 0, 5*time.Minute, "-test.v")
	t.total = time.Since(start)
	if err != nil {
		return nil, fmt.Errorf("the tests fail without a mutant: %w\n%s", err, output)
	}
	passed := regexp.MustCompile(`(?m)^--- PASS: (\w+) \((.*)s\)$`).FindAllStringSubmatch(output, -1)
	seconds := func(match []string) float64 {
		number, _ := strconv.ParseFloat(match[2], 64) // as the testing package prints it
		return number
	}
	slices.SortFunc(passed, func(a, b []string) int { return cmp.Compare(seconds(a), seconds(b)) })
	all, sum := 0.0, 0.0
	for _, match := range passed {
		all += seconds(match)
	}
	var slow, slower []string
	for _, match := range passed {
		switch sum += seconds(match); {
		case sum > 0.25*all:
			slower = append(slower, match[1])
		case sum > 0.05*all:
			slow = append(slow, match[1])
		}
	}
	t.stages = []string{"-test.skip=" + pattern(append(slow, slower...)), "-test.run=" + pattern(slow), "-test.run=" + pattern(slower)}
	return t, nil
}

func pattern(names []string) string { return "^(" + strings.Join(names, "|") + ")$" }

// run runs the tests with a mutant, the fast ones first.
func (t *tests) run(program string, number int) result {
	limit := max(t.total, 10*time.Second)
	for _, stage := range t.stages {
		_, err := t.execute(program, number, limit, "-test.failfast", stage)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return timedOut
		case err != nil:
			return failed
		}
		limit *= 2
	}
	return survived
}

// execute runs a test binary with limited time and memory.
func (t *tests) execute(program string, number int, limit time.Duration, args ...string) (string, error) {
	const memory = "2000000" // KiB
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	args = append([]string{"-c", "ulimit -d " + memory + `; exec "$0" "$@"`, program}, args...)
	cmd := exec.CommandContext(ctx, "sh", args...) //nolint:gosec // with paths and flags of our own
	cmd.Dir = t.folder
	cmd.Env = append(cmd.Environ(), "MUTANT="+strconv.Itoa(number), "GOMEMLIMIT=1GiB")
	cmd.WaitDelay = time.Second // if it has started other programs
	output, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return string(output), err
}
