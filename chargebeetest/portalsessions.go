package chargebeetest

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

const originIPHeader = "Chargebee-Request-Origin-Ip"

// portalSession is a session, without its linked customers.
type portalSession struct {
	chargebee.PortalSession
	forwardURL string
	loginIP    string // of the browser that logged in at the hosted login page
}

// AddPortalSession adds a portal session that is not yet activated, as after a
// login at the hosted portal. It returns the parameters of the return URL.
func (s *Server) AddPortalSession(customerID string) chargebee.PortalReturn {
	return s.addHostedLogin(customerID, "127.0.0.1")
}

func (s *Server) addHostedLogin(customerID, ip string) chargebee.PortalReturn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.knowCustomer(customerID)
	session := s.addSession(customerID, chargebee.PortalSessionStatusNotYetActivated)
	portal := "https://" + s.Site + ".chargebeeportal.com"
	session.AccessURL = portal + accessPath + session.Token
	session.RedirectURL = portal + loginPath
	session.loginIP = ip
	return chargebee.PortalReturn{SessionID: session.ID, Token: session.Token}
}

// addSession adds a session that expires in an hour.
func (s *Server) addSession(customerID string, status chargebee.PortalSessionStatus) *portalSession {
	now := s.timestamp()
	session := &portalSession{PortalSession: chargebee.PortalSession{
		ID:         "portal_" + rand.Text(),
		Token:      rand.Text(),
		Status:     status,
		CreatedAt:  now,
		ExpiresAt:  chargebee.Timestamp{Time: now.Add(time.Hour)},
		CustomerID: customerID,
	}}
	s.sessions[session.ID] = session
	return session
}

// PortalSession returns the current state of a portal session, and reports whether
// it exists.
func (s *Server) PortalSession(id string) (chargebee.PortalSession, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.sessions[id]
	if !ok {
		return chargebee.PortalSession{}, false
	}
	state := session.PortalSession
	state.LinkedCustomers = slices.Clone(s.linkedCustomers[state.CustomerID])
	return state, true
}

func portalSessionOperations() []operation {
	return []operation{
		{http.MethodPost, "/portal_sessions", 0, (*Server).createPortalSession},
		{http.MethodGet, "/portal_sessions/{portal-session-id}", 70, (*Server).retrievePortalSession},
		{http.MethodPost, "/portal_sessions/{portal-session-id}/activate", 70, (*Server).activatePortalSession},
		{http.MethodPost, "/portal_sessions/{portal-session-id}/logout", 70, (*Server).logoutPortalSession},
	}
}

func (s *Server) createPortalSession(c call) (any, *apiError) {
	for _, param := range []string{"redirect_url", "forward_url"} {
		target := c.params.Get(param)
		switch {
		case isLonger(target, 250):
			return nil, invalidParam(param, "is too long")
		case target != "" && !isWebURL(target):
			return nil, invalidParam(param, "must be an absolute http or https URL")
		}
	}
	const customerParam = "customer[id]"
	customerID := c.params.Get(customerParam)
	switch {
	case customerID == "":
		return nil, invalidParam(customerParam, "cannot be blank")
	case isLonger(customerID, 50):
		return nil, invalidParam(customerParam, "is too long")
	}
	s.knowCustomer(customerID)
	session := s.addSession(customerID, chargebee.PortalSessionStatusCreated)
	session.AccessURL = strings.TrimSuffix(s.URL, apiPath) + accessPath + session.Token
	session.RedirectURL = c.params.Get("redirect_url")
	session.forwardURL = c.params.Get("forward_url")
	s.accessTokens[session.Token] = session
	return s.portalSessionBody(session), nil
}

func (s *Server) retrievePortalSession(c call) (any, *apiError) {
	session, ok := s.sessions[c.id]
	if !ok {
		return nil, portalSessionNotFound()
	}
	return s.portalSessionBody(session), nil
}

func (s *Server) activatePortalSession(c call) (any, *apiError) {
	token := c.params.Get("token")
	session, ok := s.sessions[c.id]
	switch {
	case token == "":
		return nil, invalidParam("token", "cannot be blank")
	case isLonger(token, 70):
		return nil, invalidParam("token", "is too long")
	case !ok:
		return nil, portalSessionNotFound()
	case subtle.ConstantTimeCompare([]byte(token), []byte(session.Token)) != 1:
		return nil, invalidParam("token", "does not match the portal session")
	case session.Status != chargebee.PortalSessionStatusNotYetActivated:
		return nil, newAPIError(http.StatusConflict, chargebee.ErrInvalidStateForRequest, "", "The portal session is "+string(session.Status))
	case !s.now().Before(session.ExpiresAt.Time):
		return nil, newAPIError(http.StatusConflict, chargebee.ErrInvalidStateForRequest, "", "The portal session has expired")
	}
	session.Status = chargebee.PortalSessionStatusActivated
	session.LoginAt = session.CreatedAt
	session.LoginIPAddress = cmp.Or(c.header.Get(originIPHeader), session.loginIP)
	return s.portalSessionBody(session), nil
}

func (s *Server) logoutPortalSession(c call) (any, *apiError) {
	session, ok := s.sessions[c.id]
	if !ok {
		return nil, portalSessionNotFound()
	}
	if session.Status != chargebee.PortalSessionStatusLoggedOut {
		session.logOut(s.timestamp(), c.header.Get(originIPHeader))
	}
	return s.portalSessionBody(session), nil
}

func (p *portalSession) logOut(at chargebee.Timestamp, ip string) {
	p.Status = chargebee.PortalSessionStatusLoggedOut
	p.LogoutAt = at
	p.LogoutIPAddress = ip
}

func portalSessionNotFound() *apiError {
	return newAPIError(http.StatusNotFound, chargebee.ErrResourceNotFound, "", "The portal session is not present")
}

// portalSessionBody is the JSON form of a portal session in a response. It includes
// the object attribute that every resource of the API has.
type portalSessionBody struct {
	PortalSession struct {
		chargebee.PortalSession
		LinkedCustomers []linkedCustomerBody `json:"linked_customers,omitzero"` // instead of those without the attribute
		Object          string               `json:"object"`
	} `json:"portal_session"`
}

type linkedCustomerBody struct {
	chargebee.LinkedCustomer
	Object string `json:"object"`
}

func (s *Server) portalSessionBody(session *portalSession) portalSessionBody {
	var body portalSessionBody
	body.PortalSession.PortalSession = session.PortalSession
	for _, linked := range s.linkedCustomers[session.CustomerID] {
		body.PortalSession.LinkedCustomers = append(body.PortalSession.LinkedCustomers, linkedCustomerBody{linked, "linked_customer"})
	}
	body.PortalSession.Object = "portal_session"
	return body
}
