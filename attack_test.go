package chargebee_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// An attack is what a server does with a connection after it read a request.
type attack struct {
	play func(*victim)
	want outcome
}

// outcome is what a call ends in.
type outcome string

const (
	succeeded outcome = "a success"
	lost      outcome = "a TransportError"
	refused   outcome = "an APIError"
	undecoded outcome = "a DecodeError"
)

func outcomeOf(err error) outcome {
	var (
		transportErr *chargebee.TransportError
		apiErr       *chargebee.APIError
		decodeErr    *chargebee.DecodeError
	)
	switch {
	case err == nil:
		return succeeded
	case errors.As(err, &transportErr):
		return lost
	case errors.As(err, &apiErr):
		return refused
	case errors.As(err, &decodeErr):
		return undecoded
	}
	return "an untyped error"
}

// victim is the server's end of a connection.
type victim struct {
	net.Conn
	echo    string // what the client sent and must not see in an error
	stalled func() // is called when nothing more will come
	written *atomic.Int64
}

func (v *victim) Write(p []byte) (int, error) {
	n, err := v.Conn.Write(p)
	v.written.Add(int64(n))
	return n, err
}

func (v *victim) send(text string) { _, _ = io.WriteString(v, text) }

// stall waits until the client hangs up.
func (v *victim) stall() {
	v.stalled()
	_, _ = io.Copy(io.Discard, v.Conn)
}

func (v *victim) reset() {
	if tcp, ok := v.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = v.Close()
}

// repeat sends text until the client hangs up.
func (v *victim) repeat(w io.Writer, text string) {
	block := []byte(strings.Repeat(text, 1+32<<10/len(text)))
	for {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

func attacks() map[string]attack {
	const (
		head    = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		chunked = head + "Transfer-Encoding: chunked\r\n\r\n"
		gzipped = head + "Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
		failed  = "HTTP/1.1 503 Service Unavailable\r\n"
	)
	sends := func(text string) func(*victim) { return func(v *victim) { v.send(text) } }
	stalls := func(text string) func(*victim) {
		return func(v *victim) {
			v.send(text)
			v.stall()
		}
	}
	resets := func(text string) func(*victim) {
		return func(v *victim) {
			v.send(text)
			v.reset()
		}
	}
	bomb := func(head string) func(*victim) {
		return func(v *victim) {
			v.send(head)
			v.repeat(gzip.NewWriter(v), " ")
		}
	}
	floods := func(head, text string) func(*victim) {
		return func(v *victim) {
			v.send(head)
			v.repeat(v, text)
		}
	}
	return map[string]attack{
		"hangs up":                           {sends(""), lost},
		"hangs up in the status line":        {sends("HTTP/1.1 2"), lost},
		"hangs up in the headers":            {sends(head), lost},
		"hangs up in the body":               {sends(head + "Content-Length: 1000\r\n\r\n" + activated), lost},
		"hangs up in a chunk":                {sends(chunked + "fff\r\n" + activated), lost},
		"hangs up before the last chunk":     {sends(chunked + "4\r\n{   \r\n"), lost},
		"hangs up in an error's body":        {sends(failed + "Content-Length: 1000\r\n\r\n{"), refused},
		"resets":                             {resets(""), lost},
		"resets in the headers":              {resets(head), lost},
		"resets in the body":                 {resets(head + "Content-Length: 1000\r\n\r\n{"), lost},
		"stalls":                             {stalls(""), lost},
		"stalls in the status line":          {stalls("HTTP/1.1 2"), lost},
		"stalls in the headers":              {stalls(head + "X-Half: "), lost},
		"stalls in the body":                 {stalls(head + "Content-Length: 1000\r\n\r\n{"), lost},
		"stalls in a chunk":                  {stalls(chunked + "fff\r\n{"), lost},
		"stalls in an error's body":          {stalls(failed + "Content-Length: 1000\r\n\r\n{"), refused},
		"stalls after 1xx":                   {stalls("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), lost},
		"says a length that is too long":     {sends(head + "Content-Length: 10000\r\n\r\n" + activated), lost},
		"says a length that is too short":    {sends(head + "Content-Length: 10\r\nConnection: close\r\n\r\n" + activated), undecoded},
		"says a length that is negative":     {sends(head + "Content-Length: -1\r\n\r\n" + activated), lost},
		"says a length that is no number":    {sends(head + "Content-Length: ten\r\n\r\n" + activated), lost},
		"says two lengths":                   {sends(head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + activated), lost},
		"says no length of a whole body":     {sends(head + "Connection: close\r\n\r\n" + activated), succeeded},
		"says no length of half a body":      {sends(head + "Connection: close\r\n\r\n" + activated[:20]), undecoded},
		"speaks HTTP/1.0 without a length":   {sends("HTTP/1.0 200 OK\r\n\r\n" + activated), succeeded},
		"speaks HTTP/1.0 and stops half-way": {sends("HTTP/1.0 200 OK\r\n\r\n" + activated[:20]), undecoded},
		"speaks HTTP/1.0 in an error":        {sends("HTTP/1.0 400 Bad Request\r\n\r\n<html>"), refused},
		"speaks HTTP/0.9":                    {sends(activated), lost},
		"speaks HTTP/3.0":                    {sends("HTTP/3.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"), undecoded},
		"speaks garbage":                     {sends("\x00\x01\x02\xff\xfe garbage\r\n\r\n"), lost},
		"speaks TLS":                         {sends("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), lost},
		"sends a status of letters":          {sends("HTTP/1.1 abc OK\r\n\r\n"), lost},
		"sends a status of four digits":      {sends("HTTP/1.1 2000 OK\r\n\r\n"), lost},
		"sends a header without a colon":     {sends(head + "no colon\r\n\r\n"), lost},
		"sends chunks of no size":            {sends(chunked + "zz\r\n{}\r\n0\r\n\r\n"), lost},
		"sends chunks that are too large":    {sends(chunked + "ffffffffffffffffff\r\n{}"), lost},
		"sends 1xx first": {sends("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
			head + "Connection: close\r\n\r\n" + activated), succeeded},
		"sends a megabyte of headers": {sends(head + "Connection: close\r\nX-More: " + strings.Repeat("x", 1<<20) + "\r\n\r\n" + activated), lost},
		"sends gzip": {func(v *victim) {
			v.send(gzipped)
			w := gzip.NewWriter(v)
			_, _ = io.WriteString(w, activated)
			_ = w.Close()
		}, succeeded},
		"sends gzip that is cut off": {func(v *victim) {
			v.send(gzipped)
			w := gzip.NewWriter(v)
			_, _ = io.WriteString(w, activated)
			_ = w.Flush()
		}, lost},
		"sends gzip that is none":            {sends(gzipped + activated), lost},
		"sends back what it got in a header": {func(v *victim) { v.send(head + v.echo + "\r\n\r\n") }, lost},
		"sends back what it got for HTTP":    {func(v *victim) { v.send(v.echo) }, lost},
		"sends back what it got in an error": {func(v *victim) {
			v.send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{\"message\":\"" + v.echo + "\"}")
		}, refused},
		"floods with 1xx":                     {floods("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), lost},
		"floods with headers":                 {floods(head, "X-More: more\r\n"), lost},
		"floods with one header":              {floods(head+"X-More: ", "more"), lost},
		"floods with a body":                  {floods(head+"\r\n", " "), undecoded},
		"floods with chunks":                  {floods(chunked, "400\r\n"+strings.Repeat(" ", 1024)+"\r\n"), undecoded},
		"floods with a chunk's extension":     {floods(chunked+"1;", "more"), lost},
		"floods with an error":                {floods(failed+"\r\n", " "), refused},
		"floods with a gzip bomb":             {bomb(gzipped), undecoded},
		"floods with a gzip bomb of an error": {bomb(failed + "Content-Encoding: gzip\r\n\r\n"), refused},
	}
}

// serve reads the request and plays the attack.
func (a attack) serve(conn net.Conn, written *atomic.Int64, stalled func()) {
	defer conn.Close()
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	a.play(&victim{conn, req.Header.Get("Authorization") + " " + secretKey + " " + string(body) + " " + secretToken, stalled, written})
}

// call makes a call over connections that dial returns, and looks for what no
// call may do.
func (a attack) call(ctx context.Context, t *testing.T, dial func(context.Context, string, string) (net.Conn, error), opts ...chargebee.ClientOption) error {
	t.Helper()
	transport := chargebee.NewTransport()
	transport.DialContext = dial
	defer transport.CloseIdleConnections()
	var logged bytes.Buffer
	var observed []error
	client, err := chargebee.NewClient("acme", secretKey, append([]chargebee.ClientOption{
		chargebee.WithBaseURL("http://acme.chargebee.com/api/v2"), chargebee.WithInsecureHTTP(),
		chargebee.WithHTTPClient(&http.Client{Transport: transport}),
		chargebee.WithLogger(slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) { observed = append(observed, a.Err) }),
	}, opts...)...)
	require.NoError(t, err)
	resp, err := client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: secretToken})
	requireNoSecret(t, logged.String()+printed(err)+printed(observed))
	requireNoSecretInChain(t, err)
	if err == nil {
		require.Equal(t, "cus_1", resp.PortalSession.CustomerID)
	} else {
		require.Nil(t, resp)
	}
	return err
}

// On the bubble's clock, over pipes: a goroutine, a timer or a connection that
// is left behind ends the test.
func TestACallUnderAttackEndsWithinItsDeadline(t *testing.T) {
	t.Parallel()
	for name, attack := range attacks() {
		t.Run("that "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var written atomic.Int64
				var dialed int64
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				err := attack.call(ctx, t, func(context.Context, string, string) (net.Conn, error) {
					dialed++
					client, server := net.Pipe()
					go attack.serve(server, &written, func() {})
					return client, nil
				})
				require.LessOrEqual(t, time.Since(start), time.Minute)
				require.Less(t, written.Load(), dialed*(18<<20))
				require.Equal(t, attack.want, outcomeOf(err), err)
			})
		})
	}
}

// The same over TCP, where resets are real. What stalls is canceled.
func TestACallUnderAttackOverTCPEnds(t *testing.T) {
	t.Parallel()
	for name, attack := range attacks() {
		t.Run("that "+name, func(t *testing.T) {
			t.Parallel()
			listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var written, dialed atomic.Int64
			var open sync.WaitGroup
			open.Go(func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					open.Go(func() { attack.serve(conn, &written, cancel) })
				}
			})
			err = attack.call(ctx, t, func(ctx context.Context, network, _ string) (net.Conn, error) {
				dialed.Add(1)
				return new(net.Dialer).DialContext(ctx, network, listener.Addr().String())
			}, chargebee.WithRetry(chargebee.Retry{BaseDelay: 1, MaxDelay: 1}))
			if ctx.Err() != nil {
				require.ErrorIs(t, err, context.Canceled)
				require.Contains(t, []outcome{lost, refused}, outcomeOf(err))
			} else {
				require.Equal(t, attack.want, outcomeOf(err), err)
			}
			require.NoError(t, listener.Close())
			open.Wait()                                             // until the client has closed all connections
			require.Less(t, written.Load(), dialed.Load()*(64<<20)) // with what the kernel holds
		})
	}
}
