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
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

const (
	activationTimeout = 20 * time.Second // for the whole call, retries included
	attemptTimeout    = 8 * time.Second
)

// app is the web application.
type app struct {
	config
	site          site
	cookies       *cookies
	usedStates    *usedStates
	logins        *loginLimits
	cancellations *loginLimits // a cancellation does not call Chargebee, but each is remembered
	sessions      *sessions
	checks        *checks
	pages         *pages
	logger        *slog.Logger
}

// config holds the settings of the application.
type config struct {
	publicURL       string // without a trailing slash
	loginsPerMinute int    // of all clients
	loginsPerClient int    // per minute
	proxies         int    // between the clients and the application
}

func newApp(config config, site site, logger *slog.Logger) (*app, error) {
	u, err := url.Parse(config.publicURL)
	if err != nil || u.Hostname() == "" || config.publicURL != u.Scheme+"://"+u.Host || !isSecure(u) {
		return nil, &program.UsageError{Reason: "-url must be https:// and a host, without a path (http:// only for a loopback host)"}
	}
	var paramErr *chargebee.ParamError
	if _, err := site.loginURL(config.publicURL, config.publicURL); errors.As(err, &paramErr) {
		return nil, &program.UsageError{Reason: "-portal-host " + paramErr.Reason}
	}
	pages, err := newPages(logger)
	if err != nil {
		return nil, err
	}
	sessions := newSessions()
	return &app{
		config: config, site: site,
		cookies:       newCookies(u.Scheme == "https"),
		usedStates:    newUsedStates(),
		logins:        newLoginLimits(config.loginsPerMinute, config.loginsPerClient),
		cancellations: newLoginLimits(config.loginsPerMinute, config.loginsPerClient),
		sessions:      sessions,
		checks:        &checks{client: site.client, sessions: sessions},
		pages:         pages,
		logger:        logger,
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
	mux.HandleFunc("GET /try-again/{state}", a.handleTryAgain)
	mux.HandleFunc("GET /canceled/{state}", a.handleCancel)
	mux.HandleFunc("HEAD /return/{state}", http.NotFound) // the GET handlers would also serve HEAD and end the login
	mux.HandleFunc("HEAD /canceled/{state}", http.NotFound)
	mux.HandleFunc("GET /not-logged-in/{reason}", a.pages.serveReason)
	mux.HandleFunc("GET /account", a.handleAccount)
	mux.HandleFunc("POST /portal", a.handlePortal)
	mux.HandleFunc("POST /logout", a.handleLogout)
	mux.HandleFunc("GET /style.css", a.pages.serveStyle)

	handler := http.NewCrossOriginProtection().Handler(mux)
	handler = a.pages.replaceErrors(recoverPanics(a.logger, handler))
	handler = logRequests(a.logger, setSecurityHeaders(handler))
	return useForwardedAddress(a.proxies, setOrigin(handler))
}

func (a *app) handleHome(w http.ResponseWriter, r *http.Request) {
	if _, ok := a.sessions.find(a.cookies.sessionID(r)); ok {
		http.Redirect(w, r, "/account", http.StatusSeeOther)
		return
	}
	a.pages.render(w, http.StatusOK, "home", nil)
}

// handleLogin redirects the browser to the hosted login page. The state is in the path of the return URL: whether
// Chargebee keeps the query of a return URL is undocumented.
func (a *app) handleLogin(w http.ResponseWriter, r *http.Request) {
	state, cookieErr := a.cookies.beginLogin(w, r)
	loginURL, urlErr := a.site.loginURL(a.publicURL+"/return/"+state, a.publicURL+"/canceled/"+state)
	if err := errors.Join(cookieErr, urlErr); err != nil {
		a.logger.ErrorContext(r.Context(), "cannot begin login", "error", err)
		redirectToReason(w, r, unavailable)
		return
	}
	http.Redirect(w, r, loginURL, http.StatusSeeOther)
}

// handleReturn serves the return URL. It always redirects, so that the token does not stay in the address bar or the
// browser history.
func (a *app) handleReturn(w http.ResponseWriter, r *http.Request) {
	current, ok := a.currentLogin(r)
	if !ok {
		redirectToReason(w, r, invalidState)
		return
	}
	if !current.readReturn(r.URL) {
		redirectToReason(w, r, incomplete)
		return
	}
	if wait := a.logins.take(clientOf(r)); wait > 0 {
		a.postpone(w, r, current)
		return
	}
	a.cookies.clearLogin(w, current.State)
	if !a.usedStates.use(current.State) { // another request was faster
		redirectToReason(w, r, invalidState)
		return
	}
	if reason := a.activate(w, r, current); reason != "" {
		redirectToReason(w, r, reason)
		return
	}
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}

// currentLogin returns the login with the state in the path, if this browser began it and it has not ended.
func (a *app) currentLogin(r *http.Request) (login, bool) {
	current, ok := a.cookies.login(r, r.PathValue("state"))
	return current, ok && !a.usedStates.isUsed(current.State)
}

// activate begins a session if Chargebee confirms the login. Otherwise it returns the reason for the failure.
func (a *app) activate(w http.ResponseWriter, r *http.Request, current login) (reason string) {
	ctx, cancel := context.WithTimeout(r.Context(), activationTimeout)
	defer cancel()
	activated, err := a.site.client.PortalSessions.ActivatePortalSession(ctx, current.SessionID,
		chargebee.ActivatePortalSessionParams{Token: current.Token}, chargebee.WithAttemptTimeout(attemptTimeout))
	if chargebee.Unavailable(err) {
		return unavailable
	}
	if err != nil {
		return rejected
	}
	session := a.sessions.begin(activated.PortalSession, a.cookies.sessionID(r))
	a.cookies.setSession(w, session.id)
	return ""
}

// postpone lets the customer complete the login later. The values of the return URL are kept in the cookie of the login,
// which is encrypted, because the URL of the next page must not contain the token.
func (a *app) postpone(w http.ResponseWriter, r *http.Request, current login) {
	if err := a.cookies.setLogin(w, current); err != nil {
		a.logger.ErrorContext(r.Context(), "cannot postpone login", "error", err)
		redirectToReason(w, r, unavailable)
		return
	}
	http.Redirect(w, r, "/try-again/"+current.State, http.StatusSeeOther)
}

// handleTryAgain serves the page of a postponed login, which links to the return URL.
func (a *app) handleTryAgain(w http.ResponseWriter, r *http.Request) {
	current, ok := a.currentLogin(r)
	if !ok || current.Token == "" {
		redirectToReason(w, r, invalidState)
		return
	}
	a.pages.renderTooMany(w, a.logins.wait(clientOf(r)), link{"/return/" + current.State, "Try again"})
}

func (a *app) handleCancel(w http.ResponseWriter, r *http.Request) {
	if current, ok := a.currentLogin(r); ok {
		if wait := a.cancellations.take(clientOf(r)); wait > 0 {
			a.pages.renderTooMany(w, wait, link{"/canceled/" + current.State, "Try again"})
			return
		}
		a.cookies.clearLogin(w, current.State)
		a.usedStates.use(current.State)
	}
	redirectToReason(w, r, canceled)
}

func redirectToReason(w http.ResponseWriter, r *http.Request, reason string) {
	http.Redirect(w, r, "/not-logged-in/"+reason, http.StatusSeeOther)
}
