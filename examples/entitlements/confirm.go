package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
)

// confirmRemovals returns an error if there are many removals, and neither -yes nor
// somebody at the terminal confirms them.
func confirmRemovals(ctx context.Context, std streams, s settings, p *plan) error {
	large := p.largeRemovals()
	if large == "" || s.yes {
		return nil
	}
	fmt.Fprintln(std.err, large)
	if s.file == "-" || !isTerminal(std.in) {
		return errors.New("confirm these removals with -yes")
	}
	fmt.Fprint(std.err, "Type yes to remove them: ")
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(std.in).ReadString('\n') // an error confirms nothing
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case line := <-answer:
		if line != "yes" {
			return errors.New("the removals were not confirmed")
		}
		return nil
	}
}

// largeRemovals describes the features that would lose more than a fifth of their
// entitlements.
func (p *plan) largeRemovals() string {
	var lines []string
	for _, f := range p.features {
		if existing := f.Change + f.Remove + f.Unchanged; f.Remove*5 > existing {
			lines = append(lines, fmt.Sprintf("%s would lose %d of its %d entitlements.", quote(f.id), f.Remove, existing))
		}
	}
	return strings.Join(lines, "\n")
}
