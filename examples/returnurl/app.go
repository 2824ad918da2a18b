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
	activationTimeout = 20 * time.Second // for the whole call, retries included
	attemptTimeout    = 8 * time.Second
)

// app is the web application.
type app struct {
	publicURL string // without a trailing slash
	site      site
	cookies   *cookies
	pages     *pages
	logger    *slog.Logger
}

func newApp(publicURL string, site site, logger *slog.Logger) (*app, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Hostname() == "" || publicURL != u.Scheme+"://"+u.Host || !isSecure(u) {
		return nil, errors.New("-url must be https:// and a host, without a path (http:// only for a loopback host)")
	}
	if _, err := site.loginURL(publicURL, publicURL); err != nil {
		return nil, err
	}
	pages, err := newPages()
	if err != nil {
		return nil, err
	}
	return &app{
		publicURL: publicURL, site: site,
		cookies: newCookies(u.Scheme == "https"), pages: pages, logger: logger,
	}, nil
}

// isSecure reports whether requests to u are encrypted or stay on this machine.
func isSecure(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	isLoopback := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback
}

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.handleHome)
	mux.HandleFunc("GET /login", a.handleLogin)
	mux.HandleFunc("GET /return/{state}", a.handleReturn)
	mux.Handle("GET /return/", http.RedirectHandler("/not-logged-in/"+incomplete, http.StatusSeeOther))
	mux.HandleFunc("HEAD /return/{state}", http.NotFound) // the GET handler would also serve HEAD and consume the token
	mux.HandleFunc("GET /canceled/{state}", a.handleCancel)
	mux.HandleFunc("GET /not-logged-in/{reason}", a.pages.serveFailure)
	mux.HandleFunc("GET /account", a.handleAccount)
	mux.HandleFunc("POST /logout", a.handleLogout)
	mux.HandleFunc("GET /style.css", a.pages.serveStyle)
	return logRequests(a.logger, setSecurityHeaders(http.NewCrossOriginProtection().Handler(mux)))
}

func (a *app) handleHome(w http.ResponseWriter, r *http.Request) {
	if _, ok := a.cookies.currentSession(r); ok {
		http.Redirect(w, r, "/account", http.StatusSeeOther)
		return
	}
	a.pages.render(w, http.StatusOK, "home", nil)
}

// handleLogin redirects the browser to the hosted login page. The state is in the path of the return URL: whether
// Chargebee keeps the query of a return URL is undocumented.
func (a *app) handleLogin(w http.ResponseWriter, r *http.Request) {
	state, cookieErr := a.cookies.beginLogin(w)
	loginURL, urlErr := a.site.loginURL(a.publicURL+"/return/"+state, a.publicURL+"/canceled/"+state)
	if err := errors.Join(cookieErr, urlErr); err != nil {
		a.logger.ErrorContext(r.Context(), "cannot begin login", "error", err)
		http.Redirect(w, r, "/not-logged-in/"+unavailable, http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, loginURL, http.StatusSeeOther)
}

// handleReturn serves the return URL. It always redirects, so that the token does not stay in the address bar or the
// browser history.
func (a *app) handleReturn(w http.ResponseWriter, r *http.Request) {
	reason := a.completeLogin(w, r)
	if reason != "" {
		http.Redirect(w, r, "/not-logged-in/"+reason, http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}

// completeLogin begins a session if this browser began the login and Chargebee confirms it. Otherwise it returns the
// reason for the failure.
func (a *app) completeLogin(w http.ResponseWriter, r *http.Request) (reason string) {
	if !a.cookies.endLogin(w, r, r.PathValue("state")) {
		return invalidState
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
	if chargebee.Unavailable(err) {
		return unavailable
	}
	if err != nil {
		return rejected
	}
	if err := a.cookies.beginSession(w, r, activated.PortalSession.CustomerID); err != nil {
		a.logger.ErrorContext(ctx, "cannot begin session", "error", err)
		return unavailable
	}
	return ""
}

func (a *app) handleCancel(w http.ResponseWriter, r *http.Request) {
	a.cookies.endLogin(w, r, r.PathValue("state"))
	http.Redirect(w, r, "/not-logged-in/"+canceled, http.StatusSeeOther)
}

func (a *app) handleAccount(w http.ResponseWriter, r *http.Request) {
	session, ok := a.cookies.currentSession(r)
	if !ok {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	a.pages.render(w, http.StatusOK, "account", session)
}

func (a *app) handleLogout(w http.ResponseWriter, r *http.Request) {
	a.cookies.endSession(w, r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
