package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSessionsAreLimitedPerCustomer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newTestApp(t, "http://localhost:8080")
		require.NoError(t, app.emulator.AddCustomer("max"))
		other := app.newBrowser()
		other.logIn(t, "max")
		browsers := make([]*browser, 7)
		for i := range browsers {
			time.Sleep(time.Minute) // for the limit of logins
			browsers[i] = app.newBrowser()
			browsers[i].logIn(t, "zoe")
		}
		for i, browser := range browsers {
			require.Equal(t, i >= 2, browser.isLoggedIn(), i)
		}
		require.True(t, other.isLoggedIn())
	})
}
