package chargebee_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// countedConn is the server's end of a connection. It counts the bytes that the client takes.
type countedConn struct {
	net.Conn
	written *atomic.Int64
}

func (c countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

func hangUp(io.ReadWriter) {}

// stallUntilClosed sends nothing more.
func stallUntilClosed(c io.ReadWriter) { _, _ = io.Copy(io.Discard, c) }

// sendForever sends text until the client closes the connection.
func sendForever(text string) func(io.ReadWriter) {
	return func(c io.ReadWriter) { repeatUntilClosed(c, text) }
}

// sendGzipForever sends spaces, a thousand of them in each byte.
func sendGzipForever(c io.ReadWriter) { repeatUntilClosed(gzip.NewWriter(c), " ") }

func repeatUntilClosed(w io.Writer, text string) {
	block := []byte(strings.Repeat(text, 1+32<<10/len(text)))
	for {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

func compress(text string) string {
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return compressed.String()
}

// A goroutine, a timer or a connection that a call leaves behind fails the test, because the bubble then never ends.
func TestCallsToHostileServersEndWithinTheirDeadline(t *testing.T) {
	t.Parallel()
	const (
		ok      = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		gzipped = ok + "Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
		failed  = "HTTP/1.1 503 Service Unavailable\r\n"
		partial = "Content-Length: 1000\r\n\r\n{"
		echo    = "Basic dGVzdF9rZXk6 " + secretKey + " token=t0k%2Ben%2Fsecret " + secretToken // the secrets of the request
		success = "<nil> <nil>"
		quoted  = noResponse + "malformed HTTP response" // where net/http quotes what it cannot parse
	)
	for name, test := range map[string]struct {
		response string
		then     func(io.ReadWriter)
		want     string // how the type and the text of the error begin
	}{
		"hangs up in the headers":              {ok, hangUp, noResponse},
		"hangs up in the body":                 {ok + partial, hangUp, noResponse},
		"hangs up in a chunk":                  {ok + "Transfer-Encoding: chunked\r\n\r\nfff\r\n" + activatedJSON, hangUp, noResponse},
		"hangs up in the body of an error":     {failed + partial, hangUp, apiError + "503"},
		"hangs up in a body without a length":  {ok + "Connection: close\r\n\r\n" + activatedJSON[:20], hangUp, invalidBody},
		"stalls in the headers":                {ok + "X-Half: ", stallUntilClosed, noResponse},
		"stalls in the body":                   {ok + partial, stallUntilClosed, noResponse},
		"stalls in the body of an error":       {failed + partial, stallUntilClosed, apiError + "503"},
		"switches protocols and stalls":        {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", stallUntilClosed, apiError + "101"},
		"sends a megabyte of headers":          {ok + "Connection: close\r\nX-More: " + strings.Repeat("x", 1<<20) + "\r\n\r\n" + activatedJSON, hangUp, noResponse},
		"sends headers forever":                {ok, sendForever("X-More: more\r\n"), noResponse},
		"sends a body forever":                 {ok + "\r\n", sendForever(" "), invalidBody},
		"sends the body of an error forever":   {failed + "\r\n", sendForever(" "), apiError + "503"},
		"sends gzip":                           {gzipped + compress(activatedJSON), hangUp, success},
		"sends gzip that is cut off":           {gzipped + compress(activatedJSON)[:20], hangUp, noResponse},
		"sends a gzip bomb":                    {gzipped, sendGzipForever, invalidBody},
		"sends a gzip bomb as an error":        {failed + "Content-Encoding: gzip\r\n\r\n", sendGzipForever, apiError + "503"},
		"echoes the request instead of HTTP":   {echo + "\r\n\r\n", hangUp, quoted},
		"echoes the request as an error":       {"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{\"message\":\"" + echo + "\"}", hangUp, apiError + "400"},
		"sends a session instead of HTTP":      {secretSession + "\r\n\r\n", stallUntilClosed, quoted},
		"sends a session instead of a header":  {ok + secretSession + "\r\n\r\n", hangUp, quoted},
		"sends a session instead of a length":  {ok + "Content-Length: " + secretSession + "\r\n\r\n", hangUp, quoted},
		"sends a session as a second length":   {ok + "Content-Length: 5\r\nContent-Length: " + secretSession + "\r\n\r\n", hangUp, quoted},
		"sends a session as transfer encoding": {ok + "Transfer-Encoding: " + secretSession + "\r\n\r\n", hangUp, quoted},
	} {
		t.Run("that "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var written, connections atomic.Int64
				var logged bytes.Buffer
				var observed []error
				transport := newPipeTransport(t, func(conn net.Conn) {
					defer conn.Close()
					connections.Add(1)
					if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
						_, _ = io.Copy(io.Discard, req.Body)
						counted := countedConn{conn, &written}
						_, _ = io.WriteString(counted, test.response)
						test.then(counted)
					}
				})
				client := newClient(t, transport, overPipes,
					chargebee.WithLogger(slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))),
					chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) { observed = append(observed, a.Err) }))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				resp, err := activateSecretly(ctx, client)

				require.LessOrEqual(t, time.Since(start), time.Minute)
				text := fmt.Sprintf("%T %v", err, err)
				require.True(t, strings.HasPrefix(text, test.want), text)
				require.Equal(t, err == nil, resp != nil)
				requireNoSecret(t, logged.String()+formatted(observed))
				requireNoSecretInChain(t, err)
				limit := int64(2 << 20) // bytes for each connection
				switch test.want {
				case invalidBody:
					limit = 17 << 20
				case apiError + "503":
					limit = 512 << 10
				}
				require.Less(t, written.Load(), connections.Load()*limit)
			})
		})
	}
}

func TestConnectionResetsAreTransportErrors(t *testing.T) {
	t.Parallel()
	responses := make(chan string, 3)
	responses <- "" // a reset before the headers
	responses <- "HTTP/1.1 200 OK\r\n"
	responses <- "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"
	client, connections := newLoopbackClient(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, <-responses)
		_ = conn.(*net.TCPConn).SetLinger(0) // makes Close send a reset
		_ = conn.Close()
	})
	_, err := activate(t.Context(), client, chargebee.WithRetry(chargebee.Retry{MaxAttempts: 3, BaseDelay: 1, MaxDelay: 1}))
	var transportErr *chargebee.TransportError
	require.ErrorAs(t, err, &transportErr)
	require.Equal(t, 3, transportErr.Attempts)
	require.Equal(t, int64(3), connections.Load())
}
