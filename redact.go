package chargebee

import (
	"fmt"
	"log/slog"
)

// The methods below are all that a value with secrets in it, or near it, shows
// of itself: under every verb of fmt, and in slog. They have value receivers, so
// that a copy is as safe as a pointer. What they cannot reach: fmt does not ask
// a value in an unexported field, and slog's JSON handler only asks a value
// that stands alone. A Client needs none: it keeps its key in a function.

func formatLine(w fmt.State, verb rune, line string) {
	fmt.Fprintf(w, fmt.FormatString(w, verb), line)
}

func formatValue(w fmt.State, verb rune, name string, value slog.Value) {
	formatLine(w, verb, oneLine("chargebee."+name+value.String()))
}

// LogValue shows the call without its parameters.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("method", r.Method), slog.String("route", r.Path))
}

// Format shows the call without its parameters.
func (r Request) Format(w fmt.State, verb rune) { formatValue(w, verb, "Request", r.LogValue()) }

// LogValue shows what happened to the call, without the body.
func (r Response) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("status", r.StatusCode),
		slog.Int("attempts", r.Attempts),
		slog.String("idempotency_key", r.IdempotencyKey),
		slog.Bool("idempotency_replayed", r.IdempotencyReplayed),
	)
}

// Format shows what happened to the call, without the body.
func (r Response) Format(w fmt.State, verb rune) { formatValue(w, verb, "Response", r.LogValue()) }

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
	formatValue(w, verb, "PortalSession", p.LogValue())
}

// LogValue shows the session and what happened to the call.
func (r ActivatePortalSessionResponse) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("portal_session", r.PortalSession), slog.Any("response", r.Response))
}

// Format shows the session and what happened to the call.
func (r ActivatePortalSessionResponse) Format(w fmt.State, verb rune) {
	formatValue(w, verb, "ActivatePortalSessionResponse", r.LogValue())
}

// LogValue shows the entitlements and what happened to the call.
func (r UpsertOrRemoveItemEntitlementsResponse) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("item_entitlements", r.ItemEntitlements), slog.Any("response", r.Response))
}

// Format shows the entitlements and what happened to the call, cut at 300 characters.
func (r UpsertOrRemoveItemEntitlementsResponse) Format(w fmt.State, verb rune) {
	formatValue(w, verb, "UpsertOrRemoveItemEntitlementsResponse", r.LogValue())
}

// Format shows which session it is, without the token.
func (p PortalReturn) Format(w fmt.State, verb rune) {
	formatLine(w, verb, oneLine("chargebee.PortalReturn[session_id="+p.SessionID+" token="+redacted+"]"))
}

// Format shows that there is a token.
func (p ActivatePortalSessionParams) Format(w fmt.State, verb rune) {
	formatLine(w, verb, "chargebee.ActivatePortalSessionParams[token="+redacted+"]")
}

// Format prints the line of Error.
func (e APIError) Format(w fmt.State, verb rune) { formatLine(w, verb, e.Error()) }

// Format prints the line of Error.
func (e DecodeError) Format(w fmt.State, verb rune) { formatLine(w, verb, e.Error()) }

// Format prints the line of Error.
func (e TransportError) Format(w fmt.State, verb rune) { formatLine(w, verb, e.Error()) }
