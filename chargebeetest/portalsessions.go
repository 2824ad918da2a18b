package chargebeetest

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

// AddPortalSession makes a session as after a login at the hosted portal, not
// yet activated, and returns what the return URL would carry.
func (s *Server) AddPortalSession(customerID string) chargebee.PortalReturn {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, token := "portal_"+rand.Text(), rand.Text()
	now := s.now().UTC().Truncate(time.Second) // as it travels
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

// PortalSession returns a session as it is now, and whether there is one.
func (s *Server) PortalSession(id string) (chargebee.PortalSession, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.sessions[id]
	if !ok {
		return chargebee.PortalSession{}, false
	}
	return *session, true
}

func (s *Server) activatePortalSession(id string, form url.Values) (any, *refusal) {
	token := form.Get("token")
	session, ok := s.sessions[id]
	switch {
	case token == "":
		return nil, wrong("token", "cannot be blank")
	case isLonger(token, 70):
		return nil, wrong("token", "is too long")
	case !ok:
		return nil, refuse(http.StatusNotFound, chargebee.ErrResourceNotFound, "", "The portal session is not present")
	case subtle.ConstantTimeCompare([]byte(token), []byte(session.Token)) != 1:
		return nil, wrong("token", "is not the one of this session")
	case session.Status != chargebee.PortalSessionStatusNotYetActivated:
		return nil, refuse(http.StatusConflict, chargebee.ErrInvalidStateForRequest, "", "The portal session is "+string(session.Status))
	case !s.now().Before(session.ExpiresAt.Time):
		return nil, refuse(http.StatusConflict, chargebee.ErrInvalidStateForRequest, "", "The portal session has expired")
	}
	session.Status = chargebee.PortalSessionStatusActivated
	return map[string]any{"portal_session": portalSession{*session, "portal_session"}}, nil
}

// portalSession is a session with the discriminator that every object has.
type portalSession struct {
	chargebee.PortalSession
	Object string `json:"object"`
}
