package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
)

// drawn returns what f draws on a terminal.
func drawn(t *testing.T, f func(terminal *os.File)) string {
	t.Helper()
	return drawnInColumns(t, 80, f)
}

func drawnInColumns(t *testing.T, columns uint16, f func(terminal *os.File)) string {
	t.Helper()
	screen, terminal, err := pty.Open()
	require.NoError(t, err)
	require.NoError(t, pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: columns}))
	f(terminal)
	require.NoError(t, terminal.Close())
	text, _ := io.ReadAll(screen) // ends with EIO, because the other side is closed
	return string(text)
}

func TestATerminalShowsABar(t *testing.T) {
	t.Parallel()
	screen := drawn(t, func(terminal *os.File) {
		progress := newProgress(terminal, 4)
		progress.add(2)
		progress.add(2)
		progress.end()
	})
	require.Contains(t, screen, "\r")
	require.Contains(t, screen, "100%")
	require.Contains(t, screen, "(4/4")
	require.True(t, strings.HasSuffix(screen, "\n"), "%q", screen)
}

func TestABarIsDrawnImmediately(t *testing.T) {
	t.Parallel()
	screen := drawn(t, func(terminal *os.File) { newProgress(terminal, 4) })
	require.Contains(t, screen, "Changing the site")
	require.Contains(t, screen, "0%")
	require.Contains(t, screen, "(0/4")
}

func TestAnIncompleteBarEndsItsLine(t *testing.T) {
	t.Parallel()
	screen := drawn(t, func(terminal *os.File) {
		progress := newProgress(terminal, 4)
		progress.add(2)
		progress.end()
	})
	require.True(t, strings.HasSuffix(screen, "\n"), "%q", screen)
}

func TestATerminalShowsHowManyEntitlementsAreRead(t *testing.T) {
	t.Parallel()
	screen := drawn(t, func(terminal *os.File) {
		progress := newCounter(terminal, "Reading")
		progress.add(100)
		progress.end()
	})
	require.Contains(t, screen, "Reading")
	require.Contains(t, screen, "(100/-")
	require.True(t, strings.HasSuffix(screen, "\n"), "%q", screen)
}

func TestACounterDrawsNothingAfterItsEnd(t *testing.T) {
	t.Parallel()
	screen := drawn(t, func(terminal *os.File) {
		synctest.Test(t, func(*testing.T) {
			counter := newCounter(terminal, "Reading")
			counter.add(100)
			counter.end()
			fmt.Fprint(terminal, "Type yes: ")
			time.Sleep(time.Second)
			synctest.Wait()
		})
	})
	require.True(t, strings.HasSuffix(screen, "\nType yes: "), "%q", screen)
}

func TestANarrowTerminalShowsLines(t *testing.T) {
	t.Parallel()
	screen := drawnInColumns(t, 69, func(terminal *os.File) {
		counter := newCounter(terminal, "Reading")
		counter.add(100)
		counter.end()
		progress := newProgress(terminal, 4)
		progress.add(4)
		progress.end()
	})
	require.Equal(t, "Reading\r\n4 of 4 changes\r\n", screen)
	screen = drawnInColumns(t, 70, func(terminal *os.File) { newProgress(terminal, 4) })
	require.Contains(t, screen, "(0/4")
}

func TestAFileShowsALineForEachTenth(t *testing.T) {
	t.Parallel()
	var printed bytes.Buffer
	progress := newProgress(&printed, 1000)
	for range 500 {
		progress.add(2)
	}
	progress.end()
	require.Equal(t, `100 of 1000 changes
200 of 1000 changes
300 of 1000 changes
400 of 1000 changes
500 of 1000 changes
600 of 1000 changes
700 of 1000 changes
800 of 1000 changes
900 of 1000 changes
1000 of 1000 changes
`, printed.String())
}

func TestAFewChangesShowFewLines(t *testing.T) {
	t.Parallel()
	var printed bytes.Buffer
	progress := newProgress(&printed, 3)
	progress.add(1)
	progress.add(0)
	progress.add(2)
	require.Equal(t, "1 of 3 changes\n3 of 3 changes\n", printed.String())
}
