package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress counts the lines that are finished. It is used by several goroutines.
type progress interface {
	add(lines int)
	end()
}

// newProgress returns a progress bar for a terminal, and printed lines otherwise.
func newProgress(out io.Writer, lines int) progress {
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return bar{progressbar.NewOptions(lines,
			progressbar.OptionSetWriter(out),
			progressbar.OptionSetDescription("lines"),
			progressbar.OptionShowCount(),
			progressbar.OptionFullWidth(),
			progressbar.OptionOnCompletion(func() { fmt.Fprintln(out) }),
		)}
	}
	return &tenths{out: out, lines: lines}
}

type bar struct{ *progressbar.ProgressBar }

func (b bar) add(lines int) { _ = b.Add(lines) }

// end moves to the next line if the bar is not complete.
func (b bar) end() {
	if !b.IsFinished() {
		_ = b.Exit()
	}
}

// tenths prints a line for each tenth of all lines.
type tenths struct {
	out   io.Writer
	lines int

	mu   sync.Mutex
	done int
}

func (t *tenths) add(lines int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.done * 10 / t.lines
	t.done += lines
	if t.done*10/t.lines > before {
		fmt.Fprintf(t.out, "%d of %d lines\n", t.done, t.lines)
	}
}

func (t *tenths) end() {}
