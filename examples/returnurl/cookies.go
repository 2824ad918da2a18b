package main

import (
	"crypto/rand"
	"crypto/subtle"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/securecookie"
)

const (
	loginLifetime   = 10 * time.Minute
	sessionLifetime = time.Hour
)

// cookies are what the application keeps in a browser, each signed under its
// name and dated: the state of a login that has begun, and the session of a
// customer who is logged in.
//
// The key is new with every start, and what is over is remembered in memory. An
// application of several processes needs a key and a store for all of them.
type cookies struct {
	https   bool
	login   *securecookie.SecureCookie
	session *securecookie.SecureCookie

	mu    sync.Mutex
	over  map[string]time.Time // logins and sessions, until their cookies are too old by themselves
	swept time.Time
}

type session struct{ ID, CustomerID string }

func newCookies(https bool) *cookies {
	key := securecookie.GenerateRandomKey(64)
	return &cookies{
		https:   https,
		login:   securecookie.New(key, nil).MaxAge(int(loginLifetime.Seconds())).SetSerializer(securecookie.JSONEncoder{}),
		session: securecookie.New(key, nil).MaxAge(int(sessionLifetime.Seconds())).SetSerializer(securecookie.JSONEncoder{}),
		over:    make(map[string]time.Time),
	}
}

// beginLogin binds a login to the browser, and returns its state.
func (c *cookies) beginLogin(w http.ResponseWriter) (state string, err error) {
	state = rand.Text()
	return state, c.set(w, c.login, "login", state, loginLifetime)
}

// endLogin reports whether this browser began the login with this state, and has
// not ended it before: by coming back or by cancelling.
func (c *cookies) endLogin(w http.ResponseWriter, r *http.Request, state string) bool {
	var begun string
	if !c.get(r, c.login, "login", &begun) || subtle.ConstantTimeCompare([]byte(begun), []byte(state)) != 1 {
		return false
	}
	c.clear(w, "login")
	return c.end(state, loginLifetime)
}

// beginSession logs a customer in, in the place of who was before.
func (c *cookies) beginSession(w http.ResponseWriter, r *http.Request, customerID string) error {
	c.endCurrent(r)
	return c.set(w, c.session, "session", session{ID: rand.Text(), CustomerID: customerID}, sessionLifetime)
}

// currentSession returns the session of the browser, if it has one.
func (c *cookies) currentSession(r *http.Request) (session, bool) {
	var current session
	if !c.get(r, c.session, "session", &current) {
		return session{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, over := c.over[current.ID]
	return current, !over
}

// endSession ends the session for every copy of its cookie.
func (c *cookies) endSession(w http.ResponseWriter, r *http.Request) {
	c.endCurrent(r)
	c.clear(w, "session")
}

func (c *cookies) endCurrent(r *http.Request) {
	if current, ok := c.currentSession(r); ok {
		c.end(current.ID, sessionLifetime)
	}
}

// end reports whether a login or a session ends now, and not a second time.
func (c *cookies) end(id string, lifetime time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.swept) > time.Minute {
		c.swept = now
		maps.DeleteFunc(c.over, func(_ string, until time.Time) bool { return now.After(until) })
	}
	_, over := c.over[id]
	c.over[id] = now.Add(lifetime + time.Minute)
	return !over
}

func (c *cookies) set(w http.ResponseWriter, codec *securecookie.SecureCookie, name string, value any, lifetime time.Duration) error {
	encoded, err := codec.Encode(name, value)
	if err != nil {
		return err
	}
	http.SetCookie(w, c.cookie(name, encoded, int(lifetime.Seconds())))
	return nil
}

func (c *cookies) get(r *http.Request, codec *securecookie.SecureCookie, name string, value any) bool {
	cookie, err := r.Cookie(c.cookie(name, "", 0).Name)
	return err == nil && codec.Decode(name, cookie.Value, value) == nil
}

func (c *cookies) clear(w http.ResponseWriter, name string) {
	http.SetCookie(w, c.cookie(name, "", -1))
}

// cookie comes back with requests that begin at this host, and when the browser
// is sent here from another: Lax, because Chargebee's portal is another. The
// prefix keeps other hosts of the domain from setting it.
func (c *cookies) cookie(name, value string, maxAge int) *http.Cookie {
	if c.https {
		name = "__Host-" + name
	}
	return &http.Cookie{ //nolint:gosec // Secure wherever there is https
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: c.https, SameSite: http.SameSiteLaxMode,
	}
}
