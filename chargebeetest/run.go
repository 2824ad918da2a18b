package chargebeetest

import (
	"testing"

	chargebee "github.com/typedbee/chargebee-go"
)

// RunT starts a server for a test and returns it with a client of [Server.NewClient].
// The server is closed at the end of the test. If there is no client, the test fails.
// RunT also works in a testing/synctest bubble.
func RunT(tb testing.TB, opts ...Option) (*Server, *chargebee.Client) {
	tb.Helper()
	server := NewServer(opts...)
	tb.Cleanup(server.Close)
	client, err := server.NewClient()
	if err != nil {
		tb.Fatal("chargebeetest: ", err)
	}
	return server, client
}
