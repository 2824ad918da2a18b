package comparison_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"
)

const callers, callsOfEach = 64, 20

// steadily lets each caller make its calls one after another.
func steadily(call func()) {
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range callsOfEach {
				call()
			}
		})
	}
	group.Wait()
}

// inBursts lets all callers make a call, and then all the next one.
func inBursts(call func()) {
	for range callsOfEach {
		var group sync.WaitGroup
		for range callers {
			group.Go(call)
		}
		group.Wait()
	}
}

// connectionsOpened says how many connections concurrent calls open to a server on loopback,
// in each of three runs. If newTransport is nil, the calls use the default transport of a
// library.
func connectionsOpened(makeCalls func(call func()), newTransport func() *http.Transport) observation {
	return func(m measurement) string {
		var counts []int
		for range 3 {
			server, opened := newCountingServer()
			s := settings{loopback: server.Listener.Addr().String()}
			if newTransport != nil {
				s.transport = newTransport()
			}
			c := m.clientWith(s)
			makeCalls(func() {
				_, err := activate(m.Context(), c)
				assert.NoError(m, err)
			})
			http.DefaultClient.CloseIdleConnections() // those of v3 and v4
			server.Close()
			counts = append(counts, int(opened.Load()))
		}
		slices.Sort(counts)
		return fmt.Sprintf("%d, %d, %d", counts[0], counts[1], counts[2])
	}
}

func manyIdle() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = callers
	return transport
}

// newCountingServer returns a server that takes 10 to 30 ms for a response, and the number of
// connections that were opened to it.
func newCountingServer() (*httptest.Server, *atomic.Int64) {
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(10*time.Millisecond + rand.N(20*time.Millisecond))
		_, _ = io.WriteString(w, activatedJSON)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	return server, &opened
}
