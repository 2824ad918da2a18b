package main

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/typedbee/chargebee-go/chargebeetest"
)

const (
	healthPath  = "/health"
	controlPath = "/emulator/"
)

// emulator serves a site, and what controls it. A reset replaces the site: the requests that are then in progress end at
// the earlier one.
type emulator struct {
	settings settings
	initial  seed
	control  http.Handler
	current  atomic.Pointer[site]
}

// site is a server and the data that it began with.
type site struct {
	server *chargebeetest.Server
	seed   seed
}

// newEmulator returns an emulator of a site with the initial data, and with the faults of the settings.
func newEmulator(s settings, initial seed) (*emulator, error) {
	e := &emulator{settings: s, initial: initial}
	if err := e.reset(initial); err != nil {
		return nil, err
	}
	e.site().server.Inject(s.faults...)
	e.control = e.newControl()
	return e, nil
}

func (e *emulator) site() *site { return e.current.Load() }

// reset replaces the site by one with the given data. It changes nothing if the data is invalid.
func (e *emulator) reset(data seed) error {
	server := e.settings.newServer()
	if err := data.addTo(server); err != nil {
		return err
	}
	e.current.Store(&site{server, data})
	return nil
}

func (e *emulator) close() { e.site().server.Close() }

func (e *emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == healthPath:
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	case !strings.HasPrefix(r.URL.Path, controlPath):
		e.site().server.ServeHTTP(w, r)
	case !e.isAuthenticated(r):
		writeMessage(w, http.StatusUnauthorized, "the user name must be the API key, and the password empty")
	default:
		e.control.ServeHTTP(w, r)
	}
}

func (e *emulator) isAuthenticated(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	return subtle.ConstantTimeCompare([]byte(user), []byte(e.settings.apiKey)) == 1 && password == ""
}
