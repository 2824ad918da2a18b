package main

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
)

const (
	loginLifetime = 10 * time.Minute
	maxLogins     = 5 // that one browser has begun and not ended
)

// cookies sets and reads the cookies of the application: one for each login in progress, such as login-1a2b3c4d, and
// "session", which has the ID of the session of a logged-in customer.
//
// A login is only in its cookie, so that strangers who begin logins use no memory of the application. The cookie is
// encrypted and signed together with its name. The key is generated at startup: an application that runs as several
// processes needs a shared key.
type cookies struct {
	prefix string
	secure bool // whether the application is served over https
	codec  *securecookie.SecureCookie
}

// login is a login in progress. SessionID and Token are those of the portal session. In a cookie they are empty unless
// the login has been postponed.
type login struct {
	State            string
	Began            time.Time
	SessionID, Token string
}

func newCookies(secure bool) *cookies {
	key := securecookie.GenerateRandomKey(64 + 32)
	codec := securecookie.New(key[:64], key[64:]).MaxAge(int(loginLifetime.Seconds())).SetSerializer(securecookie.JSONEncoder{})
	if secure {
		return &cookies{"__Host-", true, codec} // browsers do not let other hosts of the domain set such cookies
	}
	return &cookies{"", false, codec}
}

// beginLogin sets the cookie of a new login, which ties the login to this browser, and returns its state. If the browser
// has too many logins in progress, it forgets the oldest ones.
func (c *cookies) beginLogin(w http.ResponseWriter, r *http.Request) (state string, err error) {
	logins := c.loginsInProgress(w, r)
	slices.SortFunc(logins, func(a, b login) int { return b.Began.Compare(a.Began) })
	for _, old := range logins[min(len(logins), maxLogins-1):] {
		c.clearLogin(w, old.State)
	}
	begun := login{State: rand.Text(), Began: time.Now()}
	return begun.State, c.setLogin(w, begun)
}

// loginsInProgress returns the logins of this browser, and clears cookies of logins that are not valid.
func (c *cookies) loginsInProgress(w http.ResponseWriter, r *http.Request) []login {
	var logins []login
	for _, cookie := range r.Cookies() {
		name, isOurs := strings.CutPrefix(cookie.Name, c.prefix)
		if !isOurs || !strings.HasPrefix(name, "login-") {
			continue
		}
		var found login
		if c.decodeLogin(cookie, &found) {
			logins = append(logins, found)
		} else {
			c.clear(w, name)
		}
	}
	return logins
}

// login returns the login with this state, if this browser has begun it and it has not expired.
func (c *cookies) login(r *http.Request, state string) (login, bool) {
	cookie, err := r.Cookie(c.prefix + loginName(state))
	var found login
	if err != nil || !c.decodeLogin(cookie, &found) || subtle.ConstantTimeCompare([]byte(found.State), []byte(state)) != 1 {
		return login{}, false
	}
	return found, true
}

func (c *cookies) setLogin(w http.ResponseWriter, l login) error {
	name := loginName(l.State)
	encoded, err := c.codec.Encode(name, l)
	if err != nil {
		return err
	}
	c.set(w, name, encoded, loginLifetime)
	return nil
}

func (c *cookies) decodeLogin(cookie *http.Cookie, l *login) bool {
	name := strings.TrimPrefix(cookie.Name, c.prefix)
	return c.codec.Decode(name, cookie.Value, l) == nil && time.Since(l.Began) <= loginLifetime
}

func (c *cookies) clearLogin(w http.ResponseWriter, state string) { c.clear(w, loginName(state)) }

// loginName returns the name of the cookie of a login. It depends on the state, so that logins in several tabs do not
// overwrite each other.
func loginName(state string) string {
	hash := sha256.Sum256([]byte(state))
	return "login-" + hex.EncodeToString(hash[:4])
}

func (c *cookies) setSession(w http.ResponseWriter, id string) {
	c.set(w, "session", id, sessionLifetime)
}

// sessionID returns the ID of the session of the browser, or "".
func (c *cookies) sessionID(r *http.Request) string {
	cookie, err := r.Cookie(c.prefix + "session")
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (c *cookies) clearSession(w http.ResponseWriter) { c.clear(w, "session") }

func (c *cookies) set(w http.ResponseWriter, name, value string, lifetime time.Duration) {
	http.SetCookie(w, c.newCookie(name, value, int(lifetime.Seconds())))
}

func (c *cookies) clear(w http.ResponseWriter, name string) {
	http.SetCookie(w, c.newCookie(name, "", -1))
}

// newCookie returns a cookie for this host. It is SameSite=Lax because the browser must send it when Chargebee's
// portal, a different site, redirects to the return URL.
func (c *cookies) newCookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure is set if the application is served over https
		Name: c.prefix + name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode,
	}
}
