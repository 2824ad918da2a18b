package comparison_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// measurement is the test of one library in one row.
type measurement struct {
	*testing.T
	lib library
}

// client returns a client that sends its requests through transport.
func (m measurement) client(transport http.RoundTripper) client {
	return m.clientWith(settings{transport: transport})
}

func (m measurement) clientWith(s settings) client {
	c, err := m.lib.newClient(s)
	require.NoError(m, err)
	return c
}

// inBubble observes with the fake clock of testing/synctest.
func inBubble(observe observation) observation {
	return func(m measurement) (text string) {
		synctest.Test(m.T, func(t *testing.T) { text = observe(measurement{t, m.lib}) })
		return text
	}
}

// orPanic observes whether observe panics.
func orPanic(observe observation) observation {
	return func(m measurement) (text string) {
		defer func() {
			if recover() != nil {
				text = "panic"
			}
		}()
		return observe(m)
	}
}
