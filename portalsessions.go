package chargebee

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/typedbee/chargebee-go/internal/decode"
	"github.com/typedbee/chargebee-go/internal/form"
	"github.com/typedbee/chargebee-go/internal/redact"
	"github.com/typedbee/chargebee-go/internal/validate"
)

// PortalSessionsService has the operations on portal sessions.
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions.
type PortalSessionsService service

// CreatePortalSession creates a session with which a customer of yours enters the portal
// without logging in there: redirect the browser to AccessURL, which is valid once,
// within an hour. A response without an AccessURL, or for another customer than that of
// params, is a [*DecodeError]. The errors are those of [Client.Do].
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions/create-a-portal-session.
func (s *PortalSessionsService) CreatePortalSession(ctx context.Context, params CreatePortalSessionParams, opts ...CallOption) (*PortalSessionResponse, error) {
	return do(ctx, (*service)(s), Request{Method: http.MethodPost, Path: "/portal_sessions", Params: params}, opts, maxResource,
		func(ctx context.Context, resp *Response) (*PortalSessionResponse, error) {
			created, err := decodePortalSession("")(ctx, resp)
			switch {
			case err != nil:
				return nil, err
			case params.CustomerID != "" && !strings.EqualFold(created.PortalSession.CustomerID, params.CustomerID): // whether case matters is undocumented
				return nil, errors.New("portal_session.customer_id is that of another customer")
			case created.PortalSession.AccessURL == "":
				return nil, errors.New("portal_session.access_url is missing")
			}
			return created, nil
		})
}

// RetrievePortalSession returns a session, for example to learn from its Status whether a
// customer has logged out. A response with the session of another ID, or without a
// CustomerID, is a [*DecodeError]. The errors are those of [Client.Do].
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions/retrieve-a-portal-session.
func (s *PortalSessionsService) RetrievePortalSession(ctx context.Context, portalSessionID string, opts ...CallOption) (*PortalSessionResponse, error) {
	return do(ctx, (*service)(s), Request{
		Method:     http.MethodGet,
		Path:       "/portal_sessions/{portal-session-id}",
		PathValues: []string{portalSessionID},
	}, opts, maxResource, decodePortalSession(portalSessionID))
}

// ActivatePortalSession validates the login of a customer who returns from Chargebee's
// hosted login page: portalSessionID is auth_session_id, and the token in params is
// auth_session_token; [ParseReturnURL] reads both. Log the customer in only if the call
// returns no error and you know the customer whose ID is the CustomerID of the returned
// session. A response with the session of another ID, or without a CustomerID, is a
// [*DecodeError].
//
// It does not apply to the in-app portal. The response to a wrong token, an expired
// session or a second activation is undocumented: on any error, deny access. The
// errors are those of [Client.Do].
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions/activate-a-portal-session.
func (s *PortalSessionsService) ActivatePortalSession(ctx context.Context, portalSessionID string, params ActivatePortalSessionParams, opts ...CallOption) (*PortalSessionResponse, error) {
	return do(ctx, (*service)(s), Request{
		Method:     http.MethodPost,
		Path:       "/portal_sessions/{portal-session-id}/activate",
		PathValues: []string{portalSessionID},
		Params:     params,
	}, opts, maxResource, decodePortalSession(portalSessionID))
}

// LogoutPortalSession ends a session. Chargebee documents that a session that is created
// or logged in is then logged out, that the AccessURL of a created one is no longer
// valid, and that nothing changes if it is logged out already. What happens to an
// activated session, or to one that is not yet activated, is undocumented: look at the
// Status of the response. A response with the session of another ID, or without a
// CustomerID, is a [*DecodeError]. The errors are those of [Client.Do].
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions/logout-a-portal-session.
func (s *PortalSessionsService) LogoutPortalSession(ctx context.Context, portalSessionID string, opts ...CallOption) (*PortalSessionResponse, error) {
	return do(ctx, (*service)(s), Request{
		Method:     http.MethodPost,
		Path:       "/portal_sessions/{portal-session-id}/logout",
		PathValues: []string{portalSessionID},
	}, opts, maxResource, decodePortalSession(portalSessionID))
}

// CreatePortalSessionParams are the parameters of [PortalSessionsService.CreatePortalSession].
// Chargebee documents all as optional. An empty one is not sent.
type CreatePortalSessionParams struct {
	RedirectURL string `url:"redirect_url,omitempty"` // where the customer goes on logging out; Chargebee takes at most 250 characters
	ForwardURL  string `url:"forward_url,omitempty"`  // where the customer goes instead of the portal's home page, except in the in-app portal; at most 250 characters
	CustomerID  string `url:"customer[id],omitempty"` // at most 50 characters
}

func (p CreatePortalSessionParams) encodeForm(f *form.Form) {
	f.AddOptional("redirect_url", p.RedirectURL)
	f.AddOptional("forward_url", p.ForwardURL)
	f.AddOptional("customer[id]", p.CustomerID)
}

// ActivatePortalSessionParams are the parameters of [PortalSessionsService.ActivatePortalSession].
type ActivatePortalSessionParams struct {
	Token string `url:"token" json:"-"` // auth_session_token; Chargebee takes at most 70 characters
}

// Format implements fmt.Formatter; it redacts the token.
func (p ActivatePortalSessionParams) Format(w fmt.State, verb rune) {
	redact.Format(w, verb, "chargebee.ActivatePortalSessionParams[token="+redact.Placeholder+"]")
}

func (p ActivatePortalSessionParams) encodeForm(f *form.Form) {
	f.AddRequired("token", p.Token)
}

// PortalSessionResponse has the session after the operation.
type PortalSessionResponse struct {
	PortalSession PortalSession `json:"portal_session"`
	Response      `json:"-"`
}

// decodePortalSession returns a decoder that rejects a session without a customer and,
// unless id is empty, a session with another ID.
func decodePortalSession(id string) func(context.Context, *Response) (*PortalSessionResponse, error) {
	return func(_ context.Context, resp *Response) (*PortalSessionResponse, error) {
		const maxCustomers = 100_000 // values, more than 1 MiB of customers have
		if err := resp.checkValues(maxCustomers); err != nil {
			return nil, err
		}
		result := &PortalSessionResponse{Response: *resp}
		body := struct {
			PortalSession *PortalSession   `json:"portal_session"`
			Code          *json.RawMessage `json:"api_error_code"`
		}{PortalSession: &result.PortalSession}
		if err := resp.decodeJSON(&body); err != nil {
			return nil, err
		}
		switch session := &result.PortalSession; {
		case body.Code != nil:
			return nil, decode.ErrIsError
		case session.ID == "":
			return nil, errors.New("portal_session.id is missing")
		case id != "" && session.ID != id:
			return nil, errors.New("portal_session.id is that of another session")
		case session.CustomerID == "":
			return nil, errors.New("portal_session.customer_id is missing")
		}
		return result, nil
	}
}

// LogValue returns the session and the metadata of the response.
func (r PortalSessionResponse) LogValue() slog.Value {
	return r.logValue("portal_session", r.PortalSession)
}

// Format implements fmt.Formatter; it omits the body, the token and the access URL.
func (r PortalSessionResponse) Format(w fmt.State, verb rune) { redact.FormatValue(w, verb, r) }

// PortalSession is a customer's session in the portal. Encoding it as JSON gives
// Chargebee's JSON, without the attributes that have no field here, which are in
// [Response.Body]. Token and AccessURL are secrets: the JSON has them; printing the
// session or logging it with slog omits them.
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions.
type PortalSession struct {
	ID              string              `json:"id,omitempty"`
	Token           string              `json:"token,omitempty"`        // whether it equals auth_session_token is undocumented
	AccessURL       string              `json:"access_url,omitempty"`   // valid once, within an hour of CreatedAt
	RedirectURL     string              `json:"redirect_url,omitempty"` // where the customer is redirected after logging out
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

// LogValue returns the ID, status and customer, without the token and access URL.
func (p PortalSession) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", p.ID),
		slog.String("status", string(p.Status)),
		slog.String("customer_id", p.CustomerID),
	)
}

// Format implements fmt.Formatter; it omits the token and access URL.
func (p PortalSession) Format(w fmt.State, verb rune) {
	redact.FormatValue(w, verb, p)
}

// PortalSessionStatus is the state of a portal session. Unknown values are kept.
type PortalSessionStatus string

// The states that Chargebee documents.
const (
	PortalSessionStatusCreated         PortalSessionStatus = "created"
	PortalSessionStatusLoggedIn        PortalSessionStatus = "logged_in"
	PortalSessionStatusLoggedOut       PortalSessionStatus = "logged_out"
	PortalSessionStatusNotYetActivated PortalSessionStatus = "not_yet_activated"
	PortalSessionStatusActivated       PortalSessionStatus = "activated"
)

// LinkedCustomer is a customer linked to a portal session.
type LinkedCustomer struct {
	CustomerID            string `json:"customer_id"`
	Email                 string `json:"email,omitempty"`
	HasBillingAddress     bool   `json:"has_billing_address"`
	HasPaymentMethod      bool   `json:"has_payment_method"`
	HasActiveSubscription bool   `json:"has_active_subscription"`
}

// PortalReturn is what Chargebee appends to the return URL after a login. It proves
// nothing until [PortalSessionsService.ActivatePortalSession] succeeds. Printing it or
// encoding it as JSON omits the token.
type PortalReturn struct {
	SessionID string // auth_session_id
	Token     string `json:"-"` // auth_session_token
}

// Format implements fmt.Formatter; it redacts the token.
func (p PortalReturn) Format(w fmt.State, verb rune) {
	redact.Format(w, verb, redact.OneLine("chargebee.PortalReturn[session_id="+p.SessionID+" token="+redact.Placeholder+"]"))
}

// HostedLoginURL returns the address of Chargebee's hosted login page, where a login
// begins: redirect the browser to it. portalHost is the host of the portal, such as
// "acme-test.chargebeeportal.com" or a domain of your own. After a login the page
// redirects to returnURL (see [ParseReturnURL]), and to cancelURL if the customer
// cancels. Both must be absolute http or https URLs, and Chargebee must allow their
// domains. The error is a [*ParamError], and several are joined.
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions.
func HostedLoginURL(portalHost, returnURL, cancelURL string) (string, error) {
	var invalid paramErrors
	invalid.addReason("portalHost", validate.HostPort(portalHost))
	invalid.addReason("return_url", validate.WebURL(returnURL))
	invalid.addReason("cancel_url", validate.WebURL(cancelURL))
	if err := invalid.err(); err != nil {
		return "", err
	}
	query := url.Values{"return_url": {returnURL}, "cancel_url": {cancelURL}}
	return "https://" + portalHost + "/portal/login?" + query.Encode(), nil
}

// ParseReturnURL reads auth_session_id and auth_session_token from the return URL to
// which Chargebee redirected a customer. Each must occur once and not be empty. If not,
// the error is a [*ParamError] that names it, or both joined. A nil u is a
// [*ParamError] too.
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions.
func ParseReturnURL(u *url.URL) (PortalReturn, error) {
	if u == nil {
		return PortalReturn{}, &ParamError{Field: "u", Reason: validate.ReasonNil}
	}
	var invalid paramErrors
	query := u.Query()
	single := func(name string) string {
		values := query[name]
		if len(values) != 1 || values[0] == "" {
			invalid.add(name, "must occur once in the return URL, and must not be empty")
			return ""
		}
		return values[0]
	}
	found := PortalReturn{SessionID: single("auth_session_id"), Token: single("auth_session_token")}
	if err := invalid.err(); err != nil {
		return PortalReturn{}, err
	}
	return found, nil
}
