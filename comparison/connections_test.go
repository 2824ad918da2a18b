package comparison_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// connectionsOpened says how many connections 64 concurrent callers open to a server on
// loopback, through the default transport of a library.
func connectionsOpened(t *testing.T, lib library) string {
	const runs, callers, calls = 5, 64, 20
	var counts []int64
	for range runs {
		var opened atomic.Int64
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(20 * time.Millisecond) // or one connection would serve several callers in turn
			_, _ = io.WriteString(w, activatedJSON)
		}))
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		}
		server.Start()
		c := lib.mustClientWith(t, settings{loopback: server.Listener.Addr().String()})
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				for range calls {
					_, err := activate(t.Context(), c)
					assert.NoError(t, err)
				}
			})
		}
		group.Wait()
		http.DefaultClient.CloseIdleConnections() // those of v3 and v4
		server.Close()
		counts = append(counts, opened.Load())
	}
	return fmt.Sprintf("%d to %d", slices.Min(counts), slices.Max(counts))
}
