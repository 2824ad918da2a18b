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
	return table{"cost", []row{
		varying("connections opened by 64 callers with 20 calls each, HTTP/1.1, five runs", 0.6, connectionsOpened),
		measured("read of a session of 32 MiB", bytesRead(http.StatusOK, `{"portal_session":{"id":"`)),
		measured("read of an error of 32 MiB", bytesRead(http.StatusBadRequest, `{"message":"`)),
		measured("data races of 64 goroutines, each of which makes calls", dataRaces),
		measured("packages compiled for both calls, without the standard library", packagesCompiled),
		varying("added to a program on net/http", 0.2, bytesAdded),
		measured("modules at run time", modulesNeeded),
		read("context", "an argument", "a method of the request", "a setter of the request; none for calls with only an ID"),
		read("state", "immutable client", "of the process, or of each call with `RequestWithEnv`; its HTTP client is the process's", "the configuration changes with the first call"),
		read("tests of your code", "any transport; an emulator with state, faults and a clock", "any transport", "any transport; a server with queued responses"),
	}}
}

const endless = 32 << 20 // bytes, which is enough to show a limit

// bytesRead says how much a client reads of a body that begins with beginning and goes on for
// very long.
func bytesRead(status int, beginning string) observation {
	return func(t *testing.T, lib library) string {
		body := &countingReader{Reader: io.MultiReader(strings.NewReader(beginning), io.LimitReader(letters{}, endless))}
		_, err := activate(t.Context(), lib.mustClient(t, respondWith(status, func(*http.Request) io.Reader { return body })))
		require.Error(t, err)
		if body.read >= endless {
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
