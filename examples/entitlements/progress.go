package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress counts what is done. It is used by several goroutines.
type progress interface {
	add(n int)
	end()
}

// minBarWidth is the number of columns that a bar needs, with large counts and times.
const minBarWidth = 70

// fitsBar reports whether out is a terminal on which a bar fits in a line. On a narrower
// one, every update of the bar would add lines.
func fitsBar(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok || !isTerminal(file) {
		return false
	}
	width, _, err := term.GetSize(int(file.Fd()))
	return err == nil && (width == 0 || width >= minBarWidth) // 0 is unknown
}

// newProgress shows a progress bar on a terminal, and prints lines elsewhere.
func newProgress(out io.Writer, changes int) progress {
	if !fitsBar(out) {
		return &tenths{out: out, total: changes}
	}
	return newBar(out, changes, "Changing the site")
}

// newCounter shows how many entitlements are read on a terminal, and prints the
// description elsewhere.
func newCounter(out io.Writer, description string) progress {
	if !fitsBar(out) {
		fmt.Fprintln(out, description)
		return silent{}
	}
	return newBar(out, -1, description)
}

type bar struct {
	*progressbar.ProgressBar
	out io.Writer
}

// newBar shows a bar from the start. A total of -1 means that it is unknown.
func newBar(out io.Writer, total int, description string) bar {
	b := bar{progressbar.NewOptions(total,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetDescription(description),
		progressbar.OptionShowCount(),
		progressbar.OptionFullWidth(),
		progressbar.OptionSetSpinnerChangeInterval(0), // draws in add, not in a goroutine that end does not stop
	), out}
	_ = b.RenderBlank()
	return b
}

func (b bar) add(n int) { _ = b.Add(n) }

// end moves to the next line.
func (b bar) end() {
	_ = b.Exit()
	fmt.Fprintln(b.out)
}

// tenths prints a line for each tenth of all changes.
type tenths struct {
	out   io.Writer
	total int

	mu   sync.Mutex
	done int
}

func (t *tenths) add(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.done * 10 / t.total
	t.done += n
	if t.done*10/t.total > before {
		fmt.Fprintf(t.out, "%d of %d changes\n", t.done, t.total)
	}
}

func (t *tenths) end() {}

type silent struct{}

func (silent) add(int) {}
func (silent) end()    {}
