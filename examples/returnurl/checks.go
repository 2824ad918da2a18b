package main

import (
	"context"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"golang.org/x/sync/singleflight"
)

const checkTimeout = 5 * time.Second // for the whole call, retries included

// checks asks Chargebee whether the portal sessions of logged-in customers have ended.
type checks struct {
	client   *chargebee.Client
	sessions *sessions
	inFlight singleflight.Group // concurrent requests of a session make one call
}

// checkIfDue asks Chargebee about a session, unless that was done less than a minute ago. The result is in the session,
// which has ended if its portal session has.
func (c *checks) checkIfDue(ctx context.Context, id string) {
	_, _, _ = c.inFlight.Do(id, func() (any, error) {
		if current, ok := c.sessions.find(id); ok && current.isCheckDue(time.Now()) {
			c.check(ctx, current)
		}
		return nil, nil
	})
}

// check asks Chargebee about a session. It ignores the expiry of the portal session, which is the expiry of its access
// URL. An outage or an unexpected status does not end the session, but does not confirm it.
func (c *checks) check(ctx context.Context, current session) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout) // others may wait for the result
	defer cancel()
	retrieved, err := c.client.PortalSessions.RetrievePortalSession(ctx, current.loginID,
		chargebee.WithAttemptTimeout(checkTimeout/2))
	if chargebee.Unavailable(err) {
		c.sessions.recordCheck(current.id, false)
		return
	}
	if err != nil || retrieved.PortalSession.CustomerID != current.customerID {
		c.sessions.end(current.id)
		return
	}
	switch retrieved.PortalSession.Status {
	case chargebee.PortalSessionStatusLoggedOut:
		c.sessions.end(current.id)
	case chargebee.PortalSessionStatusActivated, chargebee.PortalSessionStatusLoggedIn:
		c.sessions.recordCheck(current.id, true)
	default:
		c.sessions.recordCheck(current.id, false)
	}
}
