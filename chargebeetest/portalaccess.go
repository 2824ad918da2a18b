package chargebeetest

import (
	"html/template"
	"net/http"
	"strings"

	chargebee "github.com/typedbee/chargebee-go"
)

const accessPath = "/portal/access/"

// accessData is the data of a page of the portal.
type accessData struct {
	Title, Message string
	IsLoggedIn     bool
}

const accessTemplate = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
` + pageStyle + `<h1>{{.Title}}</h1>
<p>{{.Message}}</p>
{{- if .IsLoggedIn}}
<form method="post">
	<button>Log out</button>
</form>
{{- end}}
</html>
`

// serveAccess serves the access URLs of portal sessions. GET logs the customer in,
// once, and POST logs the customer out.
func (s *Server) serveAccess(w http.ResponseWriter, r *http.Request) {
	setPageHeaders(w.Header())
	token := strings.TrimPrefix(r.URL.Path, accessPath)
	switch r.Method {
	case http.MethodGet:
		s.enterPortal(w, r, token)
	case http.MethodPost:
		s.leavePortal(w, r, token)
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "The http method is not allowed for this URL", http.StatusMethodNotAllowed)
	}
}

func (s *Server) enterPortal(w http.ResponseWriter, r *http.Request, token string) {
	session, ok := s.logIn(token, remoteIP(r))
	switch {
	case !ok:
		writeExpiredPage(w)
	case session.forwardURL != "":
		http.Redirect(w, r, session.forwardURL, http.StatusSeeOther)
	default:
		writeAccessPage(w, http.StatusOK, accessData{
			Title:      "Portal of " + s.Site,
			Message:    "Customer " + session.CustomerID + " is in the portal, which chargebeetest emulates.",
			IsLoggedIn: true,
		})
	}
}

func (s *Server) leavePortal(w http.ResponseWriter, r *http.Request, token string) {
	session, ok := s.logOut(token, remoteIP(r))
	switch {
	case !ok:
		writeExpiredPage(w)
	case session.RedirectURL != "":
		http.Redirect(w, r, session.RedirectURL, http.StatusSeeOther)
	default:
		writeAccessPage(w, http.StatusOK, accessData{
			Title:   "Portal of " + s.Site,
			Message: "Customer " + session.CustomerID + " is logged out.",
		})
	}
}

// logIn logs in the customer of a created session, unless its access URL has expired.
func (s *Server) logIn(token, ip string) (portalSession, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.accessTokens[token]
	if session == nil || session.Status != chargebee.PortalSessionStatusCreated || !s.now().Before(session.ExpiresAt.Time) {
		return portalSession{}, false
	}
	session.Status = chargebee.PortalSessionStatusLoggedIn
	session.LoginAt = s.timestamp()
	session.LoginIPAddress = ip
	return *session, true
}

// logOut logs out the customer of a session that is logged in.
func (s *Server) logOut(token, ip string) (portalSession, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.accessTokens[token]
	if session == nil || session.Status != chargebee.PortalSessionStatusLoggedIn {
		return portalSession{}, false
	}
	session.logOut(s.timestamp(), ip)
	return *session, true
}

func writeExpiredPage(w http.ResponseWriter) {
	writeAccessPage(w, http.StatusUnauthorized, accessData{Title: "Unauthorized", Message: "The token has expired."})
}

func writeAccessPage(w http.ResponseWriter, status int, data accessData) {
	page := template.Must(template.New("access").Parse(accessTemplate))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = page.Execute(w, data) // fails only if the browser has disconnected
}
