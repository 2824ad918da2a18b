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

// cookies sets and reads the two cookies of the application: "login" holds the state of a login in progress, "session"
// the session of a logged-in customer. Each is signed together with its name and the time it was set.
//
// The signing key is generated at startup, and ended logins and sessions are remembered in memory. An application that
// runs as several processes needs a shared key and a shared store.
type cookies struct {
	secure  bool // whether the application is served over https
	login   *securecookie.SecureCookie
	session *securecookie.SecureCookie

	mu        sync.Mutex
	ended     map[string]time.Time // ended logins and sessions, with the time after which their cookies have expired
	lastPrune time.Time
}

type session struct{ ID, CustomerID string }

func newCookies(secure bool) *cookies {
	key := securecookie.GenerateRandomKey(64)
	return &cookies{
		secure:  secure,
		login:   securecookie.New(key, nil).MaxAge(int(loginLifetime.Seconds())).SetSerializer(securecookie.JSONEncoder{}),
		session: securecookie.New(key, nil).MaxAge(int(sessionLifetime.Seconds())).SetSerializer(securecookie.JSONEncoder{}),
		ended:   make(map[string]time.Time),
	}
}

// beginLogin sets the login cookie, which ties the login to this browser, and returns the state in it.
func (c *cookies) beginLogin(w http.ResponseWriter) (state string, err error) {
	state = rand.Text()
	return state, c.set(w, c.login, "login", state, loginLifetime)
}

// endLogin ends the login with this state. It reports whether this browser began the login and the login had not ended
// before, by a return or a cancellation.
func (c *cookies) endLogin(w http.ResponseWriter, r *http.Request, state string) bool {
	var expected string
	if !c.get(r, c.login, "login", &expected) || subtle.ConstantTimeCompare([]byte(expected), []byte(state)) != 1 {
		return false
	}
	c.clear(w, "login")
	return c.markEnded(state, loginLifetime)
}

// beginSession logs the customer in. It ends the current session, if there is one.
func (c *cookies) beginSession(w http.ResponseWriter, r *http.Request, customerID string) error {
	c.endCurrentSession(r)
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
	_, hasEnded := c.ended[current.ID]
	return current, !hasEnded
}

// endSession logs the customer out. Copies of the session cookie become invalid too.
func (c *cookies) endSession(w http.ResponseWriter, r *http.Request) {
	c.endCurrentSession(r)
	c.clear(w, "session")
}

func (c *cookies) endCurrentSession(r *http.Request) {
	if current, ok := c.currentSession(r); ok {
		c.markEnded(current.ID, sessionLifetime)
	}
}

// markEnded records that a login or a session has ended. It reports whether this is the first time.
func (c *cookies) markEnded(id string, lifetime time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.lastPrune) > time.Minute {
		c.lastPrune = now
		maps.DeleteFunc(c.ended, func(_ string, expiry time.Time) bool { return now.After(expiry) })
	}
	_, hadEnded := c.ended[id]
	c.ended[id] = now.Add(lifetime + time.Minute)
	return !hadEnded
}

func (c *cookies) set(w http.ResponseWriter, codec *securecookie.SecureCookie, name string, value any, lifetime time.Duration) error {
	encoded, err := codec.Encode(name, value)
	if err != nil {
		return err
	}
	http.SetCookie(w, c.newCookie(name, encoded, int(lifetime.Seconds())))
	return nil
}

func (c *cookies) get(r *http.Request, codec *securecookie.SecureCookie, name string, value any) bool {
	cookie, err := r.Cookie(c.newCookie(name, "", 0).Name)
	return err == nil && codec.Decode(name, cookie.Value, value) == nil
}

func (c *cookies) clear(w http.ResponseWriter, name string) {
	http.SetCookie(w, c.newCookie(name, "", -1))
}

// newCookie returns a cookie for this host. It is SameSite=Lax because the browser must send it when Chargebee's
// portal, a different site, redirects to the return URL. The prefix prevents other hosts of the domain from setting it.
func (c *cookies) newCookie(name, value string, maxAge int) *http.Cookie {
	if c.secure {
		name = "__Host-" + name
	}
	return &http.Cookie{ //nolint:gosec // Secure is set if the application is served over https
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode,
	}
}
