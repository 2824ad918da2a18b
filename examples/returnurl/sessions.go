package main

import (
	"crypto/rand"
	"maps"
	"slices"
	"sync"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"golang.org/x/time/rate"
)

const (
	sessionLifetime     = time.Hour
	confirmationTimeout = 15 * time.Minute // how long a customer stays logged in while Chargebee confirms nothing
	checkInterval       = time.Minute
	maxPortalSessions   = 4 // of one session, besides that of its login
	maxSessions         = 5 // of one customer
	visitsPerMinute     = 6 // to the portal, of one session
)

// session is the session of a logged-in customer. It has the ID of the customer's portal session, but not its token,
// which is no longer needed.
type session struct {
	id               string
	customerID       string
	loginID          string   // of the portal session of the login
	portalSessionIDs []string // others to end with this session: those of visits and of replaced logins
	expiry           time.Time
	confirmed        time.Time // when Chargebee last confirmed the portal session of the login
	checked          time.Time // when Chargebee was last asked
	portalVisits     *rate.Limiter
}

func (s session) isCheckDue(now time.Time) bool { return now.Sub(s.checked) >= checkInterval }

// isUnconfirmed reports whether Chargebee has not confirmed the session for too long.
func (s session) isUnconfirmed(now time.Time) bool { return now.Sub(s.confirmed) > confirmationTimeout }

// sessions has the sessions of the logged-in customers, in memory. Only a confirmed login adds one, so the limit of
// logins is a limit of its size. An application that runs as several processes needs a shared store.
type sessions struct {
	mu         sync.Mutex
	byID       map[string]*session
	lastPruned time.Time
}

func newSessions() *sessions { return &sessions{byID: make(map[string]*session)} }

// begin begins a session for the customer of an activated portal session. It ends the previous session of the browser,
// if there is one; a logout will also end the portal sessions of that one.
func (s *sessions) begin(activated chargebee.PortalSession, previousID string) session {
	now := time.Now()
	added := &session{
		id: rand.Text(), customerID: activated.CustomerID, loginID: activated.ID,
		expiry: now.Add(sessionLifetime), confirmed: now, checked: now,
		portalVisits: newLimiter(visitsPerMinute),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.lastPruned) >= time.Minute {
		s.lastPruned = now
		maps.DeleteFunc(s.byID, func(_ string, old *session) bool { return !now.Before(old.expiry) })
	}
	if previous, ok := s.findLocked(previousID); ok {
		added.portalSessionIDs = previous.portalSessionIDs
		added.addPortalSession(previous.loginID)
		delete(s.byID, previousID)
	}
	s.makeRoom(added.customerID)
	s.byID[added.id] = added
	return *added
}

// makeRoom ends the oldest sessions of a customer who has as many as allowed. Each session may call Chargebee, so one
// customer could otherwise use up the calls of all.
func (s *sessions) makeRoom(customerID string) {
	var own []*session
	for _, existing := range s.byID {
		if existing.customerID == customerID {
			own = append(own, existing)
		}
	}
	slices.SortFunc(own, func(a, b *session) int { return a.expiry.Compare(b.expiry) })
	for _, oldest := range own[:max(0, len(own)-maxSessions+1)] {
		delete(s.byID, oldest.id)
	}
}

// find returns the session with this ID, if it has not ended.
func (s *sessions) find(id string) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findLocked(id)
}

func (s *sessions) findLocked(id string) (session, bool) {
	found := s.byID[id]
	if found == nil || !time.Now().Before(found.expiry) {
		return session{}, false
	}
	return *found, true
}

// end ends a session and returns it, if it has not ended before.
func (s *sessions) end(id string) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.findLocked(id)
	delete(s.byID, id)
	return found, ok
}

// addPortalSession adds a portal session to a session. It reports whether the session still exists.
func (s *sessions) addPortalSession(id, portalSessionID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.byID[id]
	if found == nil {
		return false
	}
	found.addPortalSession(portalSessionID)
	return true
}

// addPortalSession adds a portal session, and forgets the oldest one if there are too many.
func (s *session) addPortalSession(id string) {
	all := append(slices.Clone(s.portalSessionIDs), id)
	s.portalSessionIDs = all[max(0, len(all)-maxPortalSessions):]
}

// recordCheck records that Chargebee was asked about a session, and whether it confirmed the session.
func (s *sessions) recordCheck(id string, isConfirmed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.byID[id]; found != nil {
		found.checked = time.Now()
		if isConfirmed {
			found.confirmed = found.checked
		}
	}
}
