package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

const (
	activationTimeout = 20 * time.Second // for all attempts together
	attemptTimeout    = 8 * time.Second
)

// app is the web application.
type app struct {
	publicURL string   // without a slash at the end
	loginURL  *url.URL // of the hosted login page
	site      site
	cookies   *cookies
	pages     *pages
	logger    *slog.Logger
}

func newApp(publicURL string, site site, logger *slog.Logger) (*app, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Hostname() == "" || publicURL != u.Scheme+"://"+u.Host || !isSafe(u) {
		return nil, errors.New("-url must be https, or http on this machine, and a host, and nothing else")
	}
	loginURL, err := url.Parse(site.loginURL)
	if err != nil || loginURL.Hostname() == "" || !isSafe(loginURL) {
		return nil, errors.New("-login-url must be a URL with https")
	}
	pages, err := newPages()
	if err != nil {
		return nil, err
	}
	return &app{
		publicURL: publicURL, loginURL: loginURL, site: site,
		cookies: newCookies(u.Scheme == "https"), pages: pages, logger: logger,
	}, nil
}

// isSafe reports whether nobody on the way can read along.
func isSafe(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && local
}

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /login", a.login)
	mux.HandleFunc("GET /return/{state}", a.comeBack)
	mux.Handle("GET /return/", http.RedirectHandler("/not-logged-in/"+incomplete, http.StatusSeeOther))
	mux.HandleFunc("HEAD /return/{state}", http.NotFound) // GET would take it too, and use up the token
	mux.HandleFunc("GET /cancelled/{state}", a.cancelled)
	mux.HandleFunc("GET /not-logged-in/{reason}", a.pages.showReason)
	mux.HandleFunc("GET /account", a.account)
	mux.HandleFunc("POST /logout", a.logout)
	mux.HandleFunc("GET /style.css", a.pages.style)
	return logged(a.logger, secured(http.NewCrossOriginProtection().Handler(mux)))
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	if _, ok := a.cookies.currentSession(r); ok {
		http.Redirect(w, r, "/account", http.StatusSeeOther)
		return
	}
	a.pages.show(w, http.StatusOK, "home", nil)
}

// login sends the browser to the hosted login page. The state is in the path of
// the return URL, because whether Chargebee keeps its query is not documented.
func (a *app) login(w http.ResponseWriter, r *http.Request) {
	state, err := a.cookies.beginLogin(w)
	if err != nil {
		a.logger.ErrorContext(r.Context(), "login", "error", err)
		http.Redirect(w, r, "/not-logged-in/"+unavailable, http.StatusSeeOther)
		return
	}
	page := *a.loginURL
	query := page.Query()
	query.Set("return_url", a.publicURL+"/return/"+state)
	query.Set("cancel_url", a.publicURL+"/cancelled/"+state)
	page.RawQuery = query.Encode()
	http.Redirect(w, r, page.String(), http.StatusSeeOther)
}

// comeBack is the return URL. Whatever comes of it, it sends the browser on, so
// that the token leaves the address bar and the history.
func (a *app) comeBack(w http.ResponseWriter, r *http.Request) {
	reason := a.validate(w, r)
	if reason != "" {
		http.Redirect(w, r, "/not-logged-in/"+reason, http.StatusSeeOther) //nolint:gosec // it is one of the constants
		return
	}
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}

// validate opens a session if this browser began the login and Chargebee
// confirms it, and only then. Otherwise it returns why not.
func (a *app) validate(w http.ResponseWriter, r *http.Request) (reason string) {
	if !a.cookies.endLogin(w, r, r.PathValue("state")) {
		return notBegun
	}
	login, err := chargebee.ParseReturnURL(r.URL)
	if err != nil {
		return incomplete
	}
	ctx, cancel := context.WithTimeout(r.Context(), activationTimeout)
	defer cancel()
	ctx = chargebee.ContextWithHeaders(ctx, chargebee.OriginFromRequest(r))
	activated, err := a.site.client.PortalSessions.ActivatePortalSession(ctx, login.SessionID,
		chargebee.ActivatePortalSessionParams{Token: login.Token}, chargebee.WithAttemptTimeout(attemptTimeout))
	if err != nil {
		return reasonFor(err)
	}
	confirmed := activated.PortalSession
	if confirmed.ID != login.SessionID || confirmed.CustomerID == "" {
		return unavailable
	}
	if err := a.cookies.beginSession(w, r, confirmed.CustomerID); err != nil {
		a.logger.ErrorContext(ctx, "session", "error", err)
		return unavailable
	}
	return ""
}

// reasonFor tells a refusal from trouble. The statuses are a guess, because
// Chargebee does not document what it answers to a wrong token: they choose the
// words of a page, and nothing else.
func reasonFor(err error) string {
	var answer *chargebee.APIError
	if errors.As(err, &answer) {
		switch answer.StatusCode {
		case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity:
			return refused
		}
	}
	return unavailable
}

func (a *app) cancelled(w http.ResponseWriter, r *http.Request) {
	a.cookies.endLogin(w, r, r.PathValue("state"))
	http.Redirect(w, r, "/not-logged-in/"+cancelled, http.StatusSeeOther)
}

func (a *app) account(w http.ResponseWriter, r *http.Request) {
	current, ok := a.cookies.currentSession(r)
	if !ok {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	a.pages.show(w, http.StatusOK, "account", current)
}

func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	a.cookies.endSession(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
