package comparison_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func cost() table {
	const loose = 0.75 // from a quarter to four times as many
	return table{"cost", []row{
		varying("connections for 20 bursts of 64 calls", loose, connectionsOpened(inBursts, nil)),
		varying("the same, with `MaxIdleConnsPerHost: 64`", loose, connectionsOpened(inBursts, manyIdle)),
		varying("connections for 64 callers, each with 20 calls in a row", loose, connectionsOpened(steadily, nil)),
		measured("read of a 200 response of 32 MiB", bytesRead(http.StatusOK, `{"portal_session":{"id":"`)),
		measured("read of an error response of 32 MiB", bytesRead(http.StatusBadRequest, `{"message":"`)),
		measured("data races of 64 goroutines with one client", dataRaces),
		measured("packages compiled for two calls", packagesCompiled),
		varying("added to a binary", 0.2, bytesAdded),
		varying("allocations of an activation", 0.2, allocations),
		measured("modules at run time", modulesNeeded),
		read("context of a call", "an argument", "a method of the request", "a setter of the request; none for calls with only an ID"),
		read("configuration", "immutable", "of the process, or of a call with `RequestWithEnv`; one HTTP client for the process", "changed by the first call"),
		read("tests of your code", "any transport; an emulator with state, faults and a clock", "any transport", "any transport; a server with queued responses"),
	}}
}

func allocations(m measurement) string {
	c := m.client(activated())
	return fmt.Sprintf("%.0f", testing.AllocsPerRun(1000, func() { _, _ = activate(m.Context(), c) }))
}

const veryLong = 32 << 20 // bytes, which is enough to show a limit

// bytesRead says how much a client reads of a body that begins with beginning and goes on for
// very long.
func bytesRead(status int, beginning string) observation {
	return func(m measurement) string {
		body := &countingReader{Reader: io.MultiReader(strings.NewReader(beginning), io.LimitReader(letters{}, veryLong))}
		_, err := activate(m.Context(), m.client(respondWith(status, func(*http.Request) io.Reader { return body })))
		require.Error(m, err)
		if body.read >= veryLong {
			return "all"
		}
		return fmt.Sprintf("%d KiB", body.read>>10)
	}
}

type countingReader struct {
	io.Reader
	read int
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.read += n
	return n, err
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}
