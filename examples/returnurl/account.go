package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

const (
	portalTimeout = 10 * time.Second // for the whole call, retries included
	logoutTimeout = 5 * time.Second  // for all calls of a logout
)

// requireSession returns the session of the browser, unless it has ended here or at Chargebee. Otherwise it responds to
// the request itself.
func (a *app) requireSession(w http.ResponseWriter, r *http.Request) (session, bool) {
	id := a.cookies.sessionID(r)
	if _, ok := a.sessions.find(id); !ok {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return session{}, false
	}
	a.checks.checkIfDue(r.Context(), id)
	current, ok := a.sessions.find(id)
	switch {
	case !ok:
		a.cookies.clearSession(w)
		redirectToReason(w, r, ended)
	case current.isUnconfirmed(time.Now()):
		w.Header().Set("Retry-After", "60")
		a.pages.renderReason(w, unconfirmed)
	default:
		return current, true
	}
	return session{}, false
}

func (a *app) handleAccount(w http.ResponseWriter, r *http.Request) {
	if current, ok := a.requireSession(w, r); ok {
		a.pages.render(w, http.StatusOK, "account", current.customerID)
	}
}

// handlePortal opens Chargebee's portal for the customer, who does not have to log in there.
//
// The response is not a redirect. Chromium applies form-action of the Content-Security-Policy to all redirects after a
// form, including those of the portal, and the hosts of the portal are undocumented. A refresh is a new navigation. Its
// URL is not in the page, because anybody who has the URL can open the portal as the customer.
func (a *app) handlePortal(w http.ResponseWriter, r *http.Request) {
	current, ok := a.requireSession(w, r)
	if !ok {
		return
	}
	if wait := take(current.portalVisits); wait > 0 {
		a.pages.renderTooMany(w, wait, backToAccount())
		return
	}
	accessURL, err := a.createPortalSession(r.Context(), current)
	if err != nil {
		a.logger.WarnContext(r.Context(), "cannot open portal", "error", err)
		a.pages.renderReason(w, noPortal)
		return
	}
	w.Header().Set("Refresh", "0; url="+accessURL)
	a.pages.render(w, http.StatusOK, "portal", nil)
}

func (a *app) createPortalSession(ctx context.Context, current session) (accessURL string, err error) {
	ctx, cancel := context.WithTimeout(ctx, portalTimeout)
	defer cancel()
	created, err := a.site.client.PortalSessions.CreatePortalSession(ctx, chargebee.CreatePortalSessionParams{
		CustomerID:  current.customerID,
		RedirectURL: a.publicURL + "/account", // after a logout in the portal
	}, chargebee.WithAttemptTimeout(attemptTimeout))
	if err != nil {
		return "", err
	}
	portalSession := created.PortalSession
	if !a.sessions.addPortalSession(current.id, portalSession.ID) {
		a.logOutOfPortal(ctx, []string{portalSession.ID}) // the customer has logged out in the meantime
		return "", errors.New("the session has ended")
	}
	u, err := url.Parse(portalSession.AccessURL)
	if err != nil || !isSecure(u) {
		return "", errors.New("the access URL is not an https URL") // without the error, which has the URL
	}
	return u.String(), nil
}

// handleLogout ends the session of the application, then those at Chargebee.
func (a *app) handleLogout(w http.ResponseWriter, r *http.Request) {
	current, ok := a.sessions.end(a.cookies.sessionID(r))
	a.cookies.clearSession(w)
	if ok && !a.logOutOfPortal(r.Context(), append(current.portalSessionIDs, current.loginID)) {
		redirectToReason(w, r, loggedOutHere)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// logOutOfPortal ends portal sessions. It reports whether Chargebee says that all have ended. It continues if the
// browser disconnects.
func (a *app) logOutOfPortal(ctx context.Context, portalSessionIDs []string) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
	defer cancel()
	haveEnded := make([]bool, len(portalSessionIDs))
	var calls sync.WaitGroup
	for i, id := range portalSessionIDs {
		calls.Go(func() {
			loggedOut, err := a.site.client.PortalSessions.LogoutPortalSession(ctx, id, chargebee.WithAttemptTimeout(logoutTimeout/2))
			haveEnded[i] = err == nil && loggedOut.PortalSession.Status == chargebee.PortalSessionStatusLoggedOut
		})
	}
	calls.Wait()
	for _, hasEnded := range haveEnded {
		if !hasEnded {
			return false
		}
	}
	return true
}
