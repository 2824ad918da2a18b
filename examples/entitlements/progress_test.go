package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
)

func TestATerminalShowsABar(t *testing.T) {
	t.Parallel()
	screen, terminal, err := pty.Open()
	require.NoError(t, err)
	require.NoError(t, pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: 60}))
	progress := newProgress(terminal, 4)
	progress.add(2)
	progress.add(2)
	require.NoError(t, terminal.Close())
	drawn, _ := io.ReadAll(screen) // ends with EIO, because the other side is closed
	require.Contains(t, string(drawn), "\r")
	require.Contains(t, string(drawn), "100%")
	require.Contains(t, string(drawn), "(4/4")
	require.True(t, strings.HasSuffix(string(drawn), "\n"), "%q", drawn)
}

func TestAnIncompleteBarEndsItsLine(t *testing.T) {
	t.Parallel()
	screen, terminal, err := pty.Open()
	require.NoError(t, err)
	progress := newProgress(terminal, 4)
	progress.add(2)
	progress.end()
	require.NoError(t, terminal.Close())
	drawn, _ := io.ReadAll(screen)
	require.True(t, strings.HasSuffix(string(drawn), "\n"), "%q", drawn)
}

func TestAFileShowsALineForEachTenth(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	progress := newProgress(writer, 1000)
	for range 500 {
		progress.add(2)
	}
	require.NoError(t, writer.Close())
	printed, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Equal(t, `100 of 1000 lines
200 of 1000 lines
300 of 1000 lines
400 of 1000 lines
500 of 1000 lines
600 of 1000 lines
700 of 1000 lines
800 of 1000 lines
900 of 1000 lines
1000 of 1000 lines
`, string(printed))
}

func TestAFewLinesShowFewTenths(t *testing.T) {
	t.Parallel()
	var printed bytes.Buffer
	progress := newProgress(&printed, 3)
	progress.add(1)
	progress.add(0)
	progress.add(2)
	require.Equal(t, "1 of 3 lines\n3 of 3 lines\n", printed.String())
}
