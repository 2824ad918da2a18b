package chargebeetest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

const maxDiscarded = 256 << 10 // of the body of an unauthenticated request

// dial connects to a server that listens.
func dial(t *testing.T, server *chargebeetest.Server) net.Conn {
	t.Helper()
	address := strings.TrimSuffix(strings.TrimPrefix(server.URL, "http://"), "/api/v2")
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// sendHead sends a request up to the body, with more header lines, each with its line end.
func sendHead(t *testing.T, conn net.Conn, contentLength int, moreLines string) {
	t.Helper()
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n%s\r\n",
		seatsPath, contentLength, moreLines)
	require.NoError(t, err)
}

func readResponse(t *testing.T, r *bufio.Reader) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp
}

func TestReplayedHeaderIsInLowerCaseOnTheWire(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	conn := dial(t, server)
	authorization := "Authorization: " + basicAuth(server.APIKey+":") + "\r\nchargebee-idempotency-key: key-1\r\n"
	for range 2 {
		sendHead(t, conn, len(seatsForm), authorization)
		_, err := io.WriteString(conn, seatsForm)
		require.NoError(t, err)
	}
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	received, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(received), "HTTP/1.1 200 OK\r\n"))
	require.Equal(t, 1, strings.Count(string(received), "\r\nchargebee-idempotency-replayed: true\r\n"))
	require.Equal(t, 1, strings.Count(strings.ToLower(string(received)), "chargebee-idempotency-replayed"))
}

func TestReplayedHeaderIsCanonicalInMemory(t *testing.T) {
	t.Parallel()
	server, post := newServerOver(t, "in memory")
	resp, _, err := post("key-1")
	require.NoError(t, err)
	require.NotContains(t, resp.Header, "Chargebee-Idempotency-Replayed")
	resp, _, err = post("key-1")
	require.NoError(t, err)
	require.Equal(t, []string{"true"}, resp.Header["Chargebee-Idempotency-Replayed"])
	w := serve(server, "POST", seatsPath, strings.NewReader(seatsForm), "chargebee-idempotency-key", "key-2")
	require.Empty(t, w.Header().Get("chargebee-idempotency-replayed"))
	w = serve(server, "POST", seatsPath, strings.NewReader(seatsForm), "chargebee-idempotency-key", "key-2")
	require.Equal(t, "true", w.Header().Get("chargebee-idempotency-replayed"))
}

func TestHeadersOver64KiBAreRejected(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	for size, status := range map[int]int{60 << 10: 401, 70 << 10: 431} {
		conn := dial(t, server)
		sendHead(t, conn, 0, "X-Large: "+strings.Repeat("a", size)+"\r\n")
		require.Equal(t, status, readResponse(t, bufio.NewReader(conn)).StatusCode, size)
	}
}

func TestConnectionClosesIfABodyWithoutTheAPIKeyIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	for _, test := range []struct {
		announced, sent int
		closes          bool
	}{
		{maxDiscarded, maxDiscarded, false},
		{maxDiscarded + 1, maxDiscarded + 1, true},
		{8 << 20, maxDiscarded + 1, true}, // the rest never arrives
	} {
		conn := dial(t, server)
		sendHead(t, conn, test.announced, "")
		_, err := io.CopyN(conn, repeated('a'), int64(test.sent))
		require.NoError(t, err)
		reader := bufio.NewReader(conn)
		resp := readResponse(t, reader)
		require.Equal(t, 401, resp.StatusCode)
		require.Equal(t, test.closes, resp.Close, test)
		if !test.closes {
			sendHead(t, conn, 0, "")
			require.Equal(t, 401, readResponse(t, reader).StatusCode)
		}
	}
	for _, r := range server.Requests() {
		require.Nil(t, r.Body)
		require.Nil(t, r.Form)
	}
}

func TestBodyWithoutTheAPIKeyIsNotReadToItsEndInMemory(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	for size, closes := range map[int64]bool{maxDiscarded: false, maxDiscarded + 1: true} {
		body := &io.LimitedReader{R: repeated('a'), N: 8 << 20}
		req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/features/seats/item_entitlements", io.LimitReader(body, size))
		require.NoError(t, err)
		server.Inject(chargebeetest.Fault{Status: 403}, chargebeetest.Fault{})
		for _, status := range []int{403, 401} {
			req.Body = io.NopCloser(io.LimitReader(body, size))
			before := body.N
			resp, err := server.Transport().RoundTrip(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, status, resp.StatusCode)
			require.Equal(t, closes, resp.Close)
			require.Equal(t, closes, resp.Header.Get("Connection") == "close")
			require.LessOrEqual(t, before-body.N, int64(maxDiscarded+1))
		}
	}
}

// waitingBody is a body of some bytes that then waits before it fails.
type waitingBody struct {
	io.Reader
	isRead  *sync.WaitGroup // is done when all bytes are read
	release <-chan struct{}
}

func (b *waitingBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == nil {
		return n, nil
	}
	b.isRead.Done()
	<-b.release
	return 0, io.ErrUnexpectedEOF
}

func (b *waitingBody) Close() error { return nil }

// watchedListener accepts connections of which all that is sent is read before
// isRead is done.
type watchedListener struct {
	net.Listener
	sent   int // on each connection
	isRead *sync.WaitGroup
}

func (l *watchedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &watchedConn{conn, l.sent, l.isRead}, err
}

type watchedConn struct {
	net.Conn
	unread int
	isRead *sync.WaitGroup
}

func (c *watchedConn) Read(p []byte) (int, error) {
	if c.unread == 0 {
		c.isRead.Done() // net/http waits for more of the body
		c.unread = -1
	}
	n, err := c.Conn.Read(p)
	if c.unread > 0 {
		c.unread -= n
	}
	return n, err
}

const (
	strangers    = 300
	maxOfThemAll = 64 << 20 // bytes
)

// heapInUse returns the size of the reachable heap.
func heapInUse() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestStrangersThatAnnounceLargeBodiesTakeLittleMemory(t *testing.T) {
	const body = 4 << 10
	var isRead sync.WaitGroup
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", seatsPath, 8<<20)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server, _ := newServer(t, chargebeetest.WithListener(&watchedListener{listener, len(head) + body, &isRead}))
	isRead.Add(strangers)
	before := heapInUse()
	for range strangers {
		_, err := io.WriteString(dial(t, server), head+strings.Repeat("a", body))
		require.NoError(t, err)
	}
	isRead.Wait()
	require.Less(t, heapInUse(), before+maxOfThemAll)
}

func TestStrangersThatAnnounceLargeBodiesTakeLittleMemoryInMemory(t *testing.T) {
	server, _ := newServer(t)
	var isRead, calls sync.WaitGroup
	isRead.Add(strangers)
	release := make(chan struct{})
	before := heapInUse()
	for range strangers {
		r := httptest.NewRequest("POST", server.URL+"/features/seats/item_entitlements", nil)
		r.Body, r.ContentLength = &waitingBody{strings.NewReader(strings.Repeat("a", 4<<10)), &isRead, release}, 8<<20
		calls.Go(func() {
			resp, err := server.Transport().RoundTrip(r)
			if err == nil && resp.StatusCode != 401 {
				t.Error(resp.Status)
			}
		})
	}
	isRead.Wait()
	require.Less(t, heapInUse(), before+maxOfThemAll)
	close(release)
	calls.Wait()
	require.Len(t, server.Requests(), strangers)
}

func TestBodyOfAnAuthenticatedRequestTakesTheMemoryOfWhatArrives(t *testing.T) {
	server, _ := newServer(t)
	var isRead, calls sync.WaitGroup
	isRead.Add(strangers)
	release := make(chan struct{})
	before := heapInUse()
	for range strangers {
		body := &waitingBody{strings.NewReader(strings.Repeat("a", 4<<10)), &isRead, release}
		calls.Go(func() {
			r := httptest.NewRequest("POST", seatsPath, body)
			r.ContentLength = 8 << 20
			r.Header.Set("Authorization", basicAuth(server.APIKey))
			w := httptest.NewRecorder()
			server.ServeHTTP(w, r)
			if w.Code != 400 {
				t.Error(w.Code)
			}
		})
	}
	isRead.Wait()
	require.Less(t, heapInUse(), before+maxOfThemAll)
	close(release)
	calls.Wait()
}

// exchange sends a change under an idempotency key on a connection of its own, and returns
// everything that is received.
func exchange(t *testing.T, rootURL, apiKey string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(rootURL, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	sendHead(t, conn, len(seatsForm), "Authorization: "+basicAuth(apiKey+":")+"\r\nchargebee-idempotency-key: key-1\r\nConnection: close\r\n")
	_, err = io.WriteString(conn, seatsForm)
	require.NoError(t, err)
	received, err := io.ReadAll(conn)
	require.NoError(t, err)
	return string(received)
}
