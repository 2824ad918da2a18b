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

// serverConn is the server's end of a connection.
type serverConn struct {
	net.Conn
	written *atomic.Int64
}

func (c serverConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

// serve reads a request, sends a response in which ECHO stands for the request, and calls then.
func (c serverConn) serve(response string, then func(serverConn)) {
	defer c.Close()
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	body, _ := io.ReadAll(req.Body)
	echo := req.Header.Get("Authorization") + " " + secretKey + " " + string(body) + " " + secretToken
	_, _ = io.WriteString(c, strings.ReplaceAll(response, "ECHO", echo))
	then(c)
}

func hangUp(serverConn) {}

// stallUntilClosed sends nothing more.
func stallUntilClosed(c serverConn) { _, _ = io.Copy(io.Discard, c) }

// sendForever sends text until the client closes the connection.
func sendForever(text string) func(serverConn) {
	return func(c serverConn) { repeatUntilClosed(c, text) }
}

// sendGzipForever sends spaces, a thousand of them in each byte.
func sendGzipForever(c serverConn) { repeatUntilClosed(gzip.NewWriter(c), " ") }

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
		chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"
		gzipped = ok + "Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
		failed  = "HTTP/1.1 503 Service Unavailable\r\n"
		hints   = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
		partial = "Content-Length: 1000\r\n\r\n{"

		success        = "<nil>"
		apiError       = "*chargebee.APIError"
		decodeError    = "*chargebee.DecodeError"
		transportError = "*chargebee.TransportError"
	)
	for name, test := range map[string]struct {
		response string
		then     func(serverConn)
		want     string // the type of the error
	}{
		"hangs up":                              {"", hangUp, transportError},
		"hangs up in the headers":               {ok, hangUp, transportError},
		"hangs up in the body":                  {ok + partial, hangUp, transportError},
		"hangs up in a chunk":                   {chunked + "fff\r\n" + activatedJSON, hangUp, transportError},
		"hangs up in the body of an error":      {failed + partial, hangUp, apiError},
		"hangs up in a body without a length":   {ok + "Connection: close\r\n\r\n" + activatedJSON[:20], hangUp, decodeError},
		"stalls":                                {"", stallUntilClosed, transportError},
		"stalls in the headers":                 {ok + "X-Half: ", stallUntilClosed, transportError},
		"stalls in the body":                    {ok + partial, stallUntilClosed, transportError},
		"stalls in the body of an error":        {failed + partial, stallUntilClosed, apiError},
		"stalls after an informational status":  {hints, stallUntilClosed, transportError},
		"sends informational statuses forever":  {"", sendForever(hints), transportError},
		"sends a megabyte of headers":           {ok + "X-Long: " + strings.Repeat("x", 1<<20) + "\r\nContent-Length: 2\r\n\r\n{}", hangUp, transportError},
		"sends headers forever":                 {ok, sendForever("X-More: more\r\n"), transportError},
		"sends one header forever":              {ok + "X-Long: ", sendForever("more"), transportError},
		"sends a body forever":                  {ok + "\r\n", sendForever(" "), decodeError},
		"sends chunks forever":                  {chunked, sendForever("400\r\n" + strings.Repeat(" ", 1024) + "\r\n"), decodeError},
		"sends the body of an error forever":    {failed + "\r\n", sendForever(" "), apiError},
		"sends gzip":                            {gzipped + compress(activatedJSON), hangUp, success},
		"sends gzip that is cut off":            {gzipped + compress(activatedJSON)[:20], hangUp, transportError},
		"sends gzip that is not gzip":           {gzipped + activatedJSON, hangUp, transportError},
		"sends a gzip bomb":                     {gzipped, sendGzipForever, decodeError},
		"sends a gzip bomb as an error":         {failed + "Content-Encoding: gzip\r\n\r\n", sendGzipForever, apiError},
		"sends two lengths":                     {ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + activatedJSON, hangUp, transportError},
		"sends a length that is too short":      {ok + "Content-Length: 10\r\nConnection: close\r\n\r\n" + activatedJSON, hangUp, decodeError},
		"switches protocols":                    {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", stallUntilClosed, apiError},
		"echoes the request instead of HTTP":    {"ECHO\r\n\r\n", hangUp, transportError},
		"echoes the request in a header":        {ok + "ECHO\r\n\r\n", hangUp, transportError},
		"echoes the request in an error":        {"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{\"message\":\"ECHO\"}", hangUp, apiError},
		"sends a session instead of HTTP":       {secretSession, hangUp, transportError},
		"sends a session instead of a header":   {ok + secretSession + "\r\n\r\n", hangUp, transportError},
		"sends a session where a chunk is due":  {chunked + secretSession + "\r\n", hangUp, transportError},
		"sends a session where a status is due": {"HTTP/1.1 " + secretSession + "\r\n\r\n", hangUp, transportError},
	} {
		t.Run("that "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var written, connections atomic.Int64
				var logged bytes.Buffer
				var observed []error
				transport := newPipeTransport(t, func(conn net.Conn) {
					connections.Add(1)
					serverConn{conn, &written}.serve(test.response, test.then)
				})
				client := newClient(t, transport, overPipes,
					chargebee.WithLogger(slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))),
					chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) { observed = append(observed, a.Err) }))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				resp, err := activateSecretly(ctx, client)

				require.LessOrEqual(t, time.Since(start), time.Minute)
				require.Equal(t, test.want, fmt.Sprintf("%T", err), err)
				require.Equal(t, err == nil, resp != nil)
				requireNoSecret(t, logged.String()+formatted(observed))
				requireNoSecretInChain(t, err)
				limit := int64(2 << 20) // bytes for each connection
				if test.want == decodeError {
					limit = 17 << 20
				}
				require.Less(t, written.Load(), connections.Load()*limit)
			})
		})
	}
}

func TestConnectionResetsAreTransportErrors(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]string{
		"before the headers": "",
		"in the headers":     "HTTP/1.1 200 OK\r\n",
		"in the body":        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			baseURL, connections := newLoopbackServer(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, response)
				_ = conn.(*net.TCPConn).SetLinger(0) // makes Close send a reset
				_ = conn.Close()
			})
			_, err := activate(t.Context(), newDefaultClient(t, baseURL))
			var transportErr *chargebee.TransportError
			require.ErrorAs(t, err, &transportErr)
			require.Equal(t, 3, transportErr.Attempts)
			require.Equal(t, int64(3), connections.opened.Load())
		})
	}
}
