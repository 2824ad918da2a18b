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
// there are; [OutcomeUnknown] tells "no" from "nobody knows". Codes and types
// can be matched with errors.Is:
//
//	errors.Is(err, chargebee.ErrResourceNotFound)
//
// # Retries
//
// A call is tried up to three times, as [Retry] describes, within the deadline
// of its context. All attempts are the same bytes under the same idempotency
// key, so that Chargebee does the work once. If the outcome is unknown in the
// end, the call can be repeated under that key later: see [OutcomeUnknown].
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
// Give [WithHTTPClient] a transport of your own, or use package chargebeetest, a
// Chargebee in memory or on loopback that keeps state and fails when it is told to.
package chargebee
