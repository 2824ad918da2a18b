package chargebee

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
)

// PortalSessionsService has the operations on portal sessions.
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions.
type PortalSessionsService service

// ActivatePortalSession validates what a customer brought back from Chargebee's
// hosted login: portalSessionID is auth_session_id, and the token in params is
// auth_session_token; [ParseReturnURL] reads both. Only if it returns no error
// may the customer be let in, as the CustomerID of the session returned, and
// only if you know that customer. An answer without a session, or without its ID,
// is a [*DecodeError].
//
// It does not apply to the in-app portal. What Chargebee answers to a wrong
// token, an expired session or a second activation is not documented: let
// nobody in on any error. The errors are those of [Client.Do].
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions/activate-a-portal-session.
func (s *PortalSessionsService) ActivatePortalSession(ctx context.Context, portalSessionID string, params ActivatePortalSessionParams, opts ...CallOption) (*ActivatePortalSessionResponse, error) {
	return do[ActivatePortalSessionResponse](ctx, (*service)(s), Request{
		Method:     http.MethodPost,
		Path:       "/portal_sessions/{portal-session-id}/activate",
		PathValues: []string{portalSessionID},
		Params:     params,
	}, opts)
}

// ActivatePortalSessionParams are the parameters of [PortalSessionsService.ActivatePortalSession].
type ActivatePortalSessionParams struct {
	Token string `url:"token,required" json:"-"` // auth_session_token; Chargebee takes at most 70 characters
}

// Format shows that there is a token.
func (p ActivatePortalSessionParams) Format(w fmt.State, verb rune) {
	formatLine(w, verb, "chargebee.ActivatePortalSessionParams[token="+redacted+"]")
}

// ActivatePortalSessionResponse is the session as it is after the activation.
type ActivatePortalSessionResponse struct {
	PortalSession PortalSession `json:"portal_session"`
	Response      `json:"-"`
}

func (r *ActivatePortalSessionResponse) decode(resp *Response) error {
	if err := resp.decodeInto(r); err != nil {
		return err
	}
	if r.PortalSession.ID == "" {
		return errors.New("portal_session.id is missing")
	}
	r.Response = *resp
	return nil
}

// LogValue shows the session and what happened to the call.
func (r ActivatePortalSessionResponse) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("portal_session", r.PortalSession), slog.Any("response", r.Response))
}

// Format shows the session and what happened to the call.
func (r ActivatePortalSessionResponse) Format(w fmt.State, verb rune) {
	formatValue(w, verb, r)
}

// PortalSession is a customer's session in the portal. Its JSON is Chargebee's,
// less what this package has no field for: that is in [Response.Body]. Token
// and AccessURL are secrets: its JSON has them, its print and slog value do not.
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions.
type PortalSession struct {
	ID              string              `json:"id,omitempty"`
	Token           string              `json:"token,omitempty"`        // whether it equals auth_session_token is not documented
	AccessURL       string              `json:"access_url,omitempty"`   // to be used once, within an hour of CreatedAt
	RedirectURL     string              `json:"redirect_url,omitempty"` // where the customer goes after logging out
	Status          PortalSessionStatus `json:"status,omitempty"`
	CreatedAt       Timestamp           `json:"created_at,omitzero"`
	ExpiresAt       Timestamp           `json:"expires_at,omitzero"` // of AccessURL
	CustomerID      string              `json:"customer_id,omitempty"`
	LoginAt         Timestamp           `json:"login_at,omitzero"`
	LogoutAt        Timestamp           `json:"logout_at,omitzero"`
	LoginIPAddress  string              `json:"login_ipaddress,omitempty"`
	LogoutIPAddress string              `json:"logout_ipaddress,omitempty"`
	LinkedCustomers []LinkedCustomer    `json:"linked_customers,omitzero"`
}

// LogValue shows which session it is, without its token and access URL.
func (p PortalSession) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", p.ID),
		slog.String("status", string(p.Status)),
		slog.String("customer_id", p.CustomerID),
	)
}

// Format shows which session it is, without its token and access URL.
func (p PortalSession) Format(w fmt.State, verb rune) {
	formatValue(w, verb, p)
}

// PortalSessionStatus is the state of a portal session. Values that this
// package does not know are kept as they are.
type PortalSessionStatus string

// The states that Chargebee documents.
const (
	PortalSessionStatusCreated         PortalSessionStatus = "created"
	PortalSessionStatusLoggedIn        PortalSessionStatus = "logged_in"
	PortalSessionStatusLoggedOut       PortalSessionStatus = "logged_out"
	PortalSessionStatusNotYetActivated PortalSessionStatus = "not_yet_activated"
	PortalSessionStatusActivated       PortalSessionStatus = "activated"
)

// LinkedCustomer is one of the customers of a session.
type LinkedCustomer struct {
	CustomerID            string `json:"customer_id"`
	Email                 string `json:"email,omitempty"`
	HasBillingAddress     bool   `json:"has_billing_address"`
	HasPaymentMethod      bool   `json:"has_payment_method"`
	HasActiveSubscription bool   `json:"has_active_subscription"`
}

// PortalReturn is what Chargebee appends to the return URL after a login. It
// proves nothing until [PortalSessionsService.ActivatePortalSession] accepts it.
// Its print and its JSON do not have the token.
type PortalReturn struct {
	SessionID string // auth_session_id
	Token     string `json:"-"` // auth_session_token
}

// Format shows which session it is, without the token.
func (p PortalReturn) Format(w fmt.State, verb rune) {
	formatLine(w, verb, oneLine("chargebee.PortalReturn[session_id="+p.SessionID+" token="+redacted+"]"))
}

// ParseReturnURL reads auth_session_id and auth_session_token from the URL on
// which a customer came back. Each must be there once and not be empty;
// otherwise the error is a [*ParamError] that names it, or both joined. A nil u is
// one too.
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions.
func ParseReturnURL(u *url.URL) (PortalReturn, error) {
	if u == nil {
		return PortalReturn{}, &ParamError{Field: "u", Reason: "must not be nil"}
	}
	var refused paramErrors
	query := u.Query()
	clone := func(name string) string {
		values := query[name]
		if len(values) != 1 || values[0] == "" {
			refused.add(name, "must be in the return URL once, and not be empty")
			return ""
		}
		return values[0]
	}
	found := PortalReturn{SessionID: clone("auth_session_id"), Token: clone("auth_session_token")}
	if len(refused) > 0 {
		return PortalReturn{}, refused.err()
	}
	return found, nil
}
