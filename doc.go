// Package chargebee calls two operations of the Chargebee billing API: it
// activates the portal session of a customer who comes back from Chargebee's
// hosted login ([PortalSessionsService.ActivatePortalSession]), and it upserts
// or removes the entitlements of items to a feature
// ([FeaturesService.UpsertOrRemoveItemEntitlements]). [Client.Do] sends any other
// GET, or POST of a form, with the same care.
//
// A [Client] is made once, for a site and an API key, and shared:
//
//	client, err := chargebee.NewClient("acme-test", apiKey)
//
// # A handler for the return URL
//
// After the login Chargebee sends the customer to your return URL. This handler
// lets nobody in whom Chargebee does not confirm. signIn is yours: it looks the
// customer up, opens a session of your own and redirects, so that the token leaves
// the address bar.
//
//	func returnHandler(client *chargebee.Client, signIn func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
//		return func(w http.ResponseWriter, r *http.Request) {
//			login, err := chargebee.ParseReturnURL(r.URL)
//			if err != nil {
//				http.Error(w, "This link is not complete. Please log in again.", http.StatusBadRequest)
//				return
//			}
//			ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second) // for all attempts together
//			defer cancel()
//			ctx = chargebee.ContextWithHeaders(ctx, chargebee.OriginFromRequest(r))
//			activated, err := client.PortalSessions.ActivatePortalSession(ctx, login.SessionID,
//				chargebee.ActivatePortalSessionParams{Token: login.Token}, chargebee.WithAttemptTimeout(8*time.Second))
//			if err != nil { // whatever it is, nobody comes in
//				slog.WarnContext(ctx, "portal login", "error", err)
//				http.Error(w, "We could not confirm your login. Please log in again.", http.StatusForbidden)
//				return
//			}
//			signIn(w, r, activated.PortalSession.CustomerID)
//		}
//	}
//
// # Headers
//
// [Headers] has the chargebee-* headers that operations share: where a
// request comes from, which events are not to have effects, and the business
// entity. They can be set for a client and for a call ([WithHeaders]) and in a
// context ([ContextWithHeaders]), as a middleware does. The call wins over the
// context, and the context over the client, field by field.
//
// # Errors
//
// A call that returns no error was done, and its answer could be read. A call
// that returns one has no response beside it. The error is one of four:
//
//   - [*ParamError]: refused before anything was sent; several are joined, and
//     each names its field as the API does, such as item_entitlements[item_id][3]
//   - [*APIError]: any answer outside 2xx, whatever its body
//   - [*DecodeError]: a success whose body is not what the operation returns
//   - [*TransportError]: no answer, or the context or the limiter ended the call
//
// Chargebee's error codes and types are errors themselves, and so is any code
// without a constant here:
//
//	errors.Is(err, chargebee.ErrResourceNotFound)
//
// [OutcomeUnknown] tells whether a call that failed may have been done all the
// same.
//
// # Retries and idempotency
//
// A call is tried up to three times, as [Retry] describes, within the deadline
// of its context. The two waits come to 1.5 seconds at most, unless the server
// asks for more: that gets a login over a hiccup. What can wait longer, such as
// a batch, sets more with [WithRetry].
//
// Every POST has an idempotency key, yours ([WithIdempotencyKey]) or a random
// one, and all attempts of a call are the same bytes under the same key, so that
// Chargebee does the work once. It knows a key for 30 minutes. If the outcome is
// unknown in the end, the call can be repeated under its key within that time,
// from any machine: see [OutcomeUnknown].
//
// # Testing
//
// Give [WithHTTPClient] a transport of your own, such as that of
// github.com/jarcoal/httpmock, or use package chargebeetest, a Chargebee in
// memory or on loopback that keeps state and fails on demand. Neither needs a
// network, and in a testing/synctest bubble no test waits for a retry.
//
// # Secrets
//
// The API key, portal tokens (of four characters or more) and access URLs appear
// in no error, in no record of [WithLogger], and in no print or slog value of this
// package's types. They do appear in what is meant to carry them: fields,
// [Response.Body], and the JSON of a [PortalSession], which slog's JSON handler
// also writes for a session inside another value. And fmt reads unexported fields
// without asking: do not print a struct of yours that holds a token in one. One
// more exception: a server that echoes, in the place of its error code, a key or
// token which consists of lower-case letters and underscores only.
//
// # What is unknown about Chargebee
//
// The following is not documented. This package depends on no answer to it, and
// neither should its users:
//
//   - the answer to a wrong token, an expired session, or a second activation;
//     how long a token lives; whether the token of the answer is the same
//   - how many entries a change of entitlements may have, and what becomes of
//     none, of the same item twice, or of a missing value; the error on a site
//     with grandfathering
//   - whether errors are remembered under an idempotency key, whose key it is
//     (the site's or the API key's), and which headers are compared
//   - how the three event headers combine
//
// The package was written and tested without access to a live site.
package chargebee
