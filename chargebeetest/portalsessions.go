package chargebeetest

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

// AddPortalSession adds a portal session that is not yet activated, as after a
// login at the hosted portal. It returns the parameters of the return URL.
func (s *Server) AddPortalSession(customerID string) chargebee.PortalReturn {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, token := "portal_"+rand.Text(), rand.Text()
	now := s.now().UTC().Truncate(time.Second) // the precision of the API
	s.sessions[id] = &chargebee.PortalSession{
		ID:         id,
		Token:      token,
		AccessURL:  "https://" + s.Site + ".chargebeeportal.com/portal/access/" + token,
		Status:     chargebee.PortalSessionStatusNotYetActivated,
		CreatedAt:  chargebee.Timestamp{Time: now},
		ExpiresAt:  chargebee.Timestamp{Time: now.Add(time.Hour)},
		CustomerID: customerID,
	}
	return chargebee.PortalReturn{SessionID: id, Token: token}
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
	return *session, true
}

func portalSessionOperations() []operation {
	return []operation{
		{http.MethodPost, "/portal_sessions/{portal-session-id}/activate", 70, (*Server).activatePortalSession},
	}
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
		return nil, newAPIError(http.StatusNotFound, chargebee.ErrResourceNotFound, "", "The portal session is not present")
	case subtle.ConstantTimeCompare([]byte(token), []byte(session.Token)) != 1:
		return nil, invalidParam("token", "does not match the portal session")
	case session.Status != chargebee.PortalSessionStatusNotYetActivated:
		return nil, newAPIError(http.StatusConflict, chargebee.ErrInvalidStateForRequest, "", "The portal session is "+string(session.Status))
	case !s.now().Before(session.ExpiresAt.Time):
		return nil, newAPIError(http.StatusConflict, chargebee.ErrInvalidStateForRequest, "", "The portal session has expired")
	}
	session.Status = chargebee.PortalSessionStatusActivated
	return map[string]any{"portal_session": portalSessionBody{*session, "portal_session"}}, nil
}

// portalSessionBody is the JSON form of a portal session in a response. It includes
// the object attribute that every resource of the API has.
type portalSessionBody struct {
	chargebee.PortalSession
	Object string `json:"object"`
}
