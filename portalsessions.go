package chargebee

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/typedbee/chargebee-go/internal/decode"
	"github.com/typedbee/chargebee-go/internal/form"
	"github.com/typedbee/chargebee-go/internal/redact"
	"github.com/typedbee/chargebee-go/internal/validate"
)

// PortalSessionsService has the operations on portal sessions.
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions.
type PortalSessionsService service

// ActivatePortalSession validates the login of a customer who returns from Chargebee's
// hosted login page: portalSessionID is auth_session_id, and the token in params is
// auth_session_token; [ParseReturnURL] reads both. Log the customer in only if it
// returns no error, as the CustomerID of the returned session, and only if you know
// that customer. A response with the session of another ID, or without a CustomerID, is
// a [*DecodeError].
//
// It does not apply to the in-app portal. The response to a wrong token, an expired
// session or a second activation is undocumented: on any error, deny access. The
// errors are those of [Client.Do].
//
// See https://apidocs.chargebee.com/docs/api/portal_sessions/activate-a-portal-session.
func (s *PortalSessionsService) ActivatePortalSession(ctx context.Context, portalSessionID string, params ActivatePortalSessionParams, opts ...CallOption) (*ActivatePortalSessionResponse, error) {
	return do(ctx, (*service)(s), Request{
		Method:     http.MethodPost,
		Path:       "/portal_sessions/{portal-session-id}/activate",
		PathValues: []string{portalSessionID},
		Params:     params,
	}, opts, maxResource, func(_ context.Context, resp *Response) (*ActivatePortalSessionResponse, error) {
		return decodePortalSession(resp, portalSessionID)
	})
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

// ActivatePortalSessionResponse has the session after its activation.
type ActivatePortalSessionResponse struct {
	PortalSession PortalSession `json:"portal_session"`
	Response      `json:"-"`
}

// decodePortalSession rejects a response about another session than the one requested.
func decodePortalSession(resp *Response, id string) (*ActivatePortalSessionResponse, error) {
	const maxCommas = 100_000 // more than 1 MiB of customers have; decoding shorter ones would take much memory
	if bytes.Count(resp.Body, []byte(",")) > maxCommas {
		return nil, errors.New("too many values")
	}
	result := &ActivatePortalSessionResponse{Response: *resp}
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
	case session.ID != id:
		return nil, errors.New("portal_session.id is that of another session")
	case session.CustomerID == "":
		return nil, errors.New("portal_session.customer_id is missing")
	}
	return result, nil
}

// LogValue returns the session and the metadata of the response.
func (r ActivatePortalSessionResponse) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("portal_session", r.PortalSession), slog.Any("response", r.Response))
}

// Format implements fmt.Formatter; it omits the body, the token and the access URL.
func (r ActivatePortalSessionResponse) Format(w fmt.State, verb rune) {
	redact.FormatValue(w, verb, r)
}

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
