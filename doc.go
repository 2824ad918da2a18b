// Package chargebee calls two operations of the Chargebee billing API: it
// activates the portal session of a customer who comes back from Chargebee's
// hosted login, and it upserts or removes what items are entitled to of a
// feature.
//
//	client, err := chargebee.NewClient("acme-test", apiKey)
//	…
//	login, err := chargebee.ParseReturnURL(r.URL)
//	…
//	activated, err := client.PortalSessions.ActivatePortalSession(ctx, login.SessionID,
//		chargebee.ActivatePortalSessionParams{Token: login.Token})
//
// [Client.Do] sends any other request with the same care.
//
// # Errors
//
// A call that returns no error was done. [Client.Do] names the four errors
// there are; [APIError] and [TransportError] tell "no" from "nobody knows".
// Codes and types can be matched with errors.Is:
//
//	errors.Is(err, chargebee.ErrResourceNotFound)
//
// # Secrets
//
// The API key, portal tokens and access URLs appear in no error, in no record of
// [WithLogger], and in no print or slog value of this package's types. They do
// appear in what is meant to carry them: fields, [Response.Body], and the JSON
// of a [PortalSession], which slog's JSON handler also writes for a session
// inside another value. And fmt reads unexported fields without asking: do not
// print a struct of yours that holds a token in one.
//
// # Testing
//
// Give [WithHTTPClient] a transport of your own, or use package chargebeetest,
// which keeps state.
package chargebee
