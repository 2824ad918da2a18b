package main

import (
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// newLimitedApp returns an application with the default limits, whose site has the rate limit of a test site.
func newLimitedApp(t *testing.T) *testApp {
	t.Helper()
	settings, err := parse([]string{"-url", "http://localhost:8080"}, nil)
	require.NoError(t, err)
	return newTestAppWith(t, settings.config, chargebeetest.WithRateLimit(150))
}

// forgeReturns makes strangers return 1,000 times at once, each to a login that they began.
func forgeReturns(t *testing.T, app *testApp, addr func(i int) string) {
	t.Helper()
	var strangers sync.WaitGroup
	for i := range 1000 {
		stranger := app.newBrowser()
		stranger.addr = addr(i)
		returnURL, _ := stranger.beginLogin(t)
		strangers.Go(func() {
			forged := chargebee.PortalReturn{SessionID: fmt.Sprint("portal_", i), Token: "forged"}
			stranger.send("GET", addSession(returnURL, forged))
		})
	}
	strangers.Wait()
}

func TestStrangersDoNotUseUpRateLimit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		addr     func(i int) string
		maxCalls int
		maxWait  time.Duration // of the customer
	}{
		"one client":                   {func(int) string { return "203.0.113.7:1234" }, 5, 0},
		"a network of one IPv6 client": {func(i int) string { return fmt.Sprintf("[2001:db8::%x]:1234", i+1) }, 5, 0},
		"many clients":                 {func(i int) string { return fmt.Sprintf("10.0.%d.%d:1234", i/256, i%256) }, 20, 2 * time.Second},
		"many IPv6 networks":           {func(i int) string { return fmt.Sprintf("[2001:db8:0:%x::1]:1234", i) }, 20, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				app := newLimitedApp(t)
				forgeReturns(t, app, test.addr)
				require.Equal(t, test.maxCalls, app.calls("/activate"))

				start := time.Now()
				customer := app.newBrowser()
				returnURL, _ := customer.beginLogin(t)
				resp := customer.send("GET", addSession(returnURL, app.emulator.AddPortalSession("zoe")))
				for resp.status == 429 {
					seconds, err := time.ParseDuration(resp.header.Get("Retry-After") + "s")
					require.NoError(t, err)
					time.Sleep(seconds)
					resp = customer.send("GET", returnURL) // as the link of the page does
				}
				require.Equal(t, "/account", resp.path)
				require.LessOrEqual(t, time.Since(start), test.maxWait)
			})
		})
	}
}

func TestFewClientsDoNotLockOutOthers(t *testing.T) {
	t.Parallel()
	for _, count := range []int{4, 20} {
		synctest.Test(t, func(t *testing.T) {
			app := newLimitedApp(t)
			for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(250 * time.Millisecond) {
				for i := range count {
					stranger := app.newBrowser()
					stranger.addr = fmt.Sprintf("10.0.0.%d:1234", i)
					returnURL, _ := stranger.beginLogin(t)
					stranger.send("GET", addSession(returnURL, chargebee.PortalReturn{SessionID: "portal_1", Token: "forged"}))
				}
			}
			for i := range 5 {
				customer := app.newBrowser()
				customer.addr = fmt.Sprintf("203.0.113.%d:1234", i)
				customer.logIn(t, "zoe")
			}
		})
	}
}

func TestLimitsLeaveRoomForTheRestOfTheSite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newLimitedApp(t)
		customer := app.newBrowser()
		customer.logIn(t, "zoe")
		start := time.Now()
		for i := 0; time.Since(start) < time.Minute; i++ { // a stranger with a new address every 10 ms
			stranger := app.newBrowser()
			stranger.addr = fmt.Sprintf("10.0.%d.%d:1234", i/256, i%256)
			returnURL, _ := stranger.beginLogin(t)
			stranger.send("GET", addSession(returnURL, chargebee.PortalReturn{SessionID: "portal_1", Token: "forged"}))
			time.Sleep(10 * time.Millisecond)
		}
		require.LessOrEqual(t, app.calls("/activate"), 60)
		require.Greater(t, app.calls("/activate"), 55)
		customer.requireAccount(t)
		customer.openPortal(t)
		require.Equal(t, "/", customer.send("POST", "/logout").path)
	})
}

func TestAtMostTheGivenNumberPassesInAnyMinute(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{2, 3, 15, 60, 150} {
		synctest.Test(t, func(t *testing.T) {
			limiter := newLimiter(limit)
			var passed []time.Time
			for start := time.Now(); time.Since(start) < 10*time.Minute; time.Sleep(100 * time.Millisecond) {
				for take(limiter) == 0 {
					passed = append(passed, time.Now())
				}
				if time.Since(start) > 3*time.Minute && time.Since(start) < 5*time.Minute {
					time.Sleep(2 * time.Minute) // in which the limiter recovers
				}
			}
			most := 0
			for i := range passed {
				for j := i; j < len(passed) && passed[j].Sub(passed[i]) <= time.Minute; j++ {
					most = max(most, j-i+1)
				}
			}
			require.Equal(t, limit, most)
		})
	}
}

func TestLoginThatHasToWaitCanBeCompleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := testConfig("http://localhost:8080")
		config.loginsPerClient = 3
		app := newTestAppWith(t, config)
		app.newBrowser().logIn(t, "max")

		browser := app.newBrowser()
		returnURL, _ := browser.beginLogin(t)
		login := app.emulator.AddPortalSession("zoe")
		resp := browser.send("GET", addSession(returnURL, login))
		state := strings.TrimPrefix(returnURL, "http://localhost:8080/return/")
		require.Equal(t, "/try-again/"+state, resp.path)
		require.Equal(t, 429, resp.status)
		require.Equal(t, "30", resp.header.Get("Retry-After"))
		require.Contains(t, resp.body, "Please try again in a moment")
		require.Contains(t, resp.body, `href="/return/`+state+`">Try again</a>`)
		_, cookie := browser.loginCookie(t)
		for _, text := range []string{resp.body, app.log.String(), cookie, decodeCookie(t, cookie)} {
			require.NotContains(t, text, login.Token)
			require.NotContains(t, text, login.SessionID)
		}

		thief := app.newBrowser()
		require.Equal(t, "/not-logged-in/invalid-state", thief.send("GET", "/try-again/"+state).path)
		require.Equal(t, "/not-logged-in/invalid-state", thief.send("GET", returnURL).path)

		time.Sleep(28500 * time.Millisecond)
		require.Equal(t, "/try-again/"+state, browser.send("GET", returnURL).path)
		require.Equal(t, "2", browser.send("GET", "/try-again/"+state).header.Get("Retry-After"))
		time.Sleep(1500 * time.Millisecond)
		require.Equal(t, "1", browser.send("GET", "/try-again/"+state).header.Get("Retry-After"), "at least a second")
		require.Equal(t, "/account", browser.send("GET", returnURL).path)
		require.Equal(t, "/not-logged-in/invalid-state", browser.send("GET", returnURL).path)
		require.Equal(t, "/not-logged-in/invalid-state", browser.send("GET", "/try-again/"+state).path)
		require.Equal(t, 2, app.calls("/activate"))
	})
}

// The cookie of a postponed login is new, but the login is not.
func TestPostponedLoginExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := testConfig("http://localhost:8080")
		config.loginsPerClient = 3
		app := newTestAppWith(t, config)
		browser, other := app.newBrowser(), app.newBrowser()
		returnURL, _ := browser.beginLogin(t)
		time.Sleep(9 * time.Minute)
		other.logIn(t, "max")
		require.Equal(t, 429, browser.send("GET", addSession(returnURL, app.emulator.AddPortalSession("zoe"))).status)
		time.Sleep(2 * time.Minute)
		require.Equal(t, "/not-logged-in/invalid-state", browser.send("GET", returnURL).path)
	})
}

func TestImpossibleValuesAreRejectedWithoutCall(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	returnURL, _ := browser.beginLogin(t)
	login := app.emulator.AddPortalSession("zoe")
	for name, impossible := range map[string]string{
		"empty": "", "too long": strings.Repeat("x", 71), "very long": strings.Repeat("x", 1<<20), "too long, not ASCII": strings.Repeat("ü", 71),
		"a space": "a b", "a space at the end": "a ", "a no-break space": "a\u00a0b", "a tab": "a\tb", "a line feed": "a\nb", "NUL": "a\x00b", "DEL": "a\x7fb", "a C1 control": "a\u0085b",
		"a slash": "a/b", "a backslash": `a\b`, "not UTF-8": "a\xffb",
	} {
		for _, values := range []chargebee.PortalReturn{{SessionID: impossible, Token: login.Token}, {SessionID: login.SessionID, Token: impossible}} {
			resp := browser.send("GET", addSession(returnURL, values))
			require.Equal(t, "/not-logged-in/incomplete", resp.path, name)
			require.Equal(t, 400, resp.status, name)
		}
	}
	require.Empty(t, app.emulator.Requests())
	require.Equal(t, "/account", browser.send("GET", addSession(returnURL, login)).path, "the login was not used up")
}

func TestLongestPossibleValuesAreSent(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	for _, value := range []string{strings.Repeat("x", 70), strings.Repeat("ü", 70), "portal___test__5SK0bLNFRFuCK5rOS", "a~b.c-d_e!"} {
		returnURL, _ := browser.beginLogin(t)
		resp := browser.send("GET", addSession(returnURL, chargebee.PortalReturn{SessionID: value, Token: value}))
		require.Equal(t, "/not-logged-in/rejected", resp.path, value)
	}
	require.Equal(t, 4, app.calls("/activate"))
}

func TestReplayedReturnsDoNotCountAsLogins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newLimitedApp(t)
		browser, other := app.newBrowser(), app.newBrowser()
		returnURL, _ := browser.beginLogin(t)
		name, value := browser.loginCookie(t)
		target := addSession(returnURL, app.emulator.AddPortalSession("zoe"))
		require.Equal(t, "/account", browser.send("GET", target).path)
		for range 100 {
			browser.setCookie(name, value) // like a browser that does not clear it
			require.Equal(t, "/not-logged-in/invalid-state", browser.send("GET", target).path)
		}
		other.logIn(t, "max")
	})
}

func TestOnlyPostponedLoginsCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	app := newTestApp(t, "http://localhost:8080")
	browser := app.newBrowser()
	returnURL, _ := browser.beginLogin(t)
	state := strings.TrimPrefix(returnURL, "http://localhost:8080/return/")
	require.Equal(t, "/not-logged-in/invalid-state", browser.send("GET", "/try-again/"+state).path)
	require.Equal(t, "/account", browser.send("GET", addSession(returnURL, app.emulator.AddPortalSession("zoe"))).path)
}

// The requests of a bubble would not run in parallel.
func TestParallelReturnsMakeOneCall(t *testing.T) {
	t.Parallel()
	app := newTestAppWith(t, config{publicURL: "http://localhost:8080", loginsPerMinute: 1_000_000, loginsPerClient: 1_000_000})
	const rounds, tabs = 300, 4
	for range rounds {
		browser := app.newBrowser()
		returnURL, _ := browser.beginLogin(t)
		name, value := browser.loginCookie(t)
		target := addSession(returnURL, app.emulator.AddPortalSession("zoe"))
		var waiting atomic.Int32
		var group sync.WaitGroup
		for range tabs {
			r := httptest.NewRequest("GET", target, nil)
			r.Header.Set("Cookie", name+"="+value)
			group.Go(func() {
				for waiting.Add(1); waiting.Load() < tabs; {
					runtime.Gosched()
				}
				app.handler.ServeHTTP(httptest.NewRecorder(), r)
			})
		}
		group.Wait()
	}
	require.Equal(t, rounds, app.calls("/activate"))
}

func TestConcurrentReturnsMakeOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newTestApp(t, "http://localhost:8080")
		browser := app.newBrowser()
		returnURL, _ := browser.beginLogin(t)
		name, value := browser.loginCookie(t)
		target := addSession(returnURL, app.emulator.AddPortalSession("zoe"))
		app.inject(1, chargebeetest.Fault{Delay: time.Second})
		paths := make(chan string)
		for range 20 {
			go func() { paths <- app.newBrowser().send("GET", target, "Cookie", name+"="+value).path }()
		}
		counts := make(map[string]int)
		for range 20 {
			counts[<-paths]++
		}
		require.Equal(t, map[string]int{"/account": 1, "/not-logged-in/invalid-state": 19}, counts)
		require.Equal(t, 1, app.calls("/activate"))
	})
}

func TestCancellationsAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newLimitedApp(t)
		for range 5 {
			browser := app.newBrowser()
			_, cancelURL := browser.beginLogin(t)
			require.Equal(t, "/not-logged-in/canceled", browser.send("GET", cancelURL).path)
		}
		browser := app.newBrowser()
		returnURL, cancelURL := browser.beginLogin(t)
		resp := browser.send("GET", cancelURL)
		require.Equal(t, 429, resp.status)
		require.Equal(t, "6", resp.header.Get("Retry-After"))
		require.Contains(t, resp.body, `href="`+strings.TrimPrefix(cancelURL, "http://localhost:8080")+`">Try again</a>`)
		require.Equal(t, "/account", browser.send("GET", addSession(returnURL, app.emulator.AddPortalSession("zoe"))).path, "cancellations do not limit logins")
	})
}

func TestStrangersDoNotUseUpMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newLimitedApp(t)
		for i := range 5_000 { // within 20 minutes
			stranger := app.newBrowser()
			stranger.addr = fmt.Sprintf("10.%d.%d.%d:1234", i>>16, i>>8&0xff, i&0xff)
			returnURL, cancelURL := stranger.beginLogin(t)
			target := cancelURL
			if i%2 == 0 {
				target = addSession(returnURL, chargebee.PortalReturn{SessionID: "portal_1", Token: "forged"})
			}
			stranger.send("GET", target)
			stranger.send("GET", "/account", "Cookie", fmt.Sprint("session=", i))
			time.Sleep(240 * time.Millisecond)
		}
		require.LessOrEqual(t, len(app.usedStates.expiries), 2*60*12)
		require.LessOrEqual(t, len(app.logins.clients), 60*11)
		require.LessOrEqual(t, len(app.cancellations.clients), 60*11)
		require.Empty(t, app.sessions.byID)
	})
}

func TestEndedSessionsUseNoMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newTestApp(t, "http://localhost:8080")
		for range 10 {
			browser := app.newBrowser()
			browser.logIn(t, "zoe")
			browser.send("POST", "/logout")
		}
		require.Empty(t, app.sessions.byID)
		for range 10 {
			app.newBrowser().logIn(t, "zoe")
		}
		time.Sleep(time.Hour)
		app.newBrowser().logIn(t, "zoe")
		require.Len(t, app.sessions.byID, 1)
		require.Len(t, app.usedStates.expiries, 1)
		require.Len(t, app.logins.clients, 1)
	})
}

func TestClientsBehindProxies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		proxies   int
		peer      string
		forwarded []string
		client    string
	}{
		"no proxy":                        {0, "198.51.100.1:1", []string{"203.0.113.7"}, "198.51.100.1/32"},
		"one proxy":                       {1, "10.0.0.1:1", []string{"203.0.113.7"}, "203.0.113.7/32"},
		"a client that sends the header":  {1, "10.0.0.1:1", []string{"1.2.3.4, 203.0.113.7"}, "203.0.113.7/32"},
		"a client that sends two headers": {1, "10.0.0.1:1", []string{"1.2.3.4", "5.6.7.8", "203.0.113.7"}, "203.0.113.7/32"},
		"two proxies":                     {2, "10.0.0.1:1", []string{"1.2.3.4, 203.0.113.7, 10.0.0.2"}, "203.0.113.7/32"},
		"two proxies, two headers":        {2, "10.0.0.1:1", []string{"203.0.113.7", "10.0.0.2"}, "203.0.113.7/32"},
		"a proxy that sends no header":    {1, "10.0.0.1:1", nil, "10.0.0.1/32"},
		"less entries than proxies":       {2, "10.0.0.1:1", []string{"203.0.113.7"}, "10.0.0.1/32"},
		"a proxy that adds the port":      {1, "10.0.0.1:1", []string{"203.0.113.7:1234"}, "203.0.113.7/32"},
		"an IPv6 client with its port":    {1, "10.0.0.1:1", []string{"[2001:db8:1:2:3:4:5:6]:1234"}, "2001:db8:1:2::/64"},
		"an entry that is no address":     {1, "10.0.0.1:1", []string{"unknown"}, "10.0.0.1/32"},
		"an IPv6 client":                  {1, "10.0.0.1:1", []string{"2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"},
		"an IPv4 client in IPv6 notation": {0, "[::ffff:198.51.100.1]:1", nil, "198.51.100.1/32"},
		"a link-local client with a zone": {0, "[fe80::1%eth0]:1", nil, "fe80::/64"},
		"a peer without an address":       {0, "@", nil, "invalid Prefix"},
	} {
		handler := useForwardedAddress(test.proxies, handlerFunc(func(client string) { require.Equal(t, test.client, client, name) }))
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = test.peer
		r.Header["X-Forwarded-For"] = test.forwarded
		handler.ServeHTTP(httptest.NewRecorder(), r)
		require.Equal(t, test.peer, r.RemoteAddr)
	}
}

func TestOriginIsThatOfTheClientBehindProxy(t *testing.T) {
	t.Parallel()
	config := testConfig("http://localhost:8080")
	config.proxies = 1
	app := newTestAppWith(t, config)
	browser := app.newBrowser()
	returnURL, _ := browser.beginLogin(t)
	browser.send("GET", addSession(returnURL, app.emulator.AddPortalSession("zoe")), "X-Forwarded-For", "1.2.3.4, 203.0.113.7")
	require.Equal(t, "203.0.113.7", app.emulator.Requests()[0].Header.Get("chargebee-request-origin-ip"))
}
