// Package chargebee is a client for two flows of the Chargebee billing API: the life of a
// portal session ([PortalSessionsService]), and the entitlements of plans, addons and
// charges to features ([FeaturesService], [EntitlementsService]). [Client.Do] sends any
// other GET, or POST of a form, with the same retries, validation and error types, and
// [All] ranges over any list.
//
// Create a [Client] once, for a site and an API key, and share it:
//
//	client, err := chargebee.NewClient("acme-test", apiKey)
//
// # A handler for the return URL
//
// A login begins at the address that [HostedLoginURL] returns. After it Chargebee
// redirects the customer to your return URL. This handler admits only customers whom
// Chargebee confirms. signIn is yours: it looks up the customer, starts a session of your
// application, and redirects, so that the token disappears from the address bar.
//
//	func returnHandler(client *chargebee.Client, signIn func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
//		return func(w http.ResponseWriter, r *http.Request) {
//			login, err := chargebee.ParseReturnURL(r.URL)
//			if err != nil || r.Method != http.MethodGet { // a HEAD must not use up the login
//				http.Error(w, "This link is not complete. Please log in again.", http.StatusBadRequest)
//				return
//			}
//			ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second) // for all attempts together
//			defer cancel()
//			ctx = chargebee.ContextWithHeaders(ctx, chargebee.OriginFromRequest(r))
//			activated, err := client.PortalSessions.ActivatePortalSession(ctx, login.SessionID,
//				chargebee.ActivatePortalSessionParams{Token: login.Token}, chargebee.WithAttemptTimeout(8*time.Second))
//			if err != nil { // on any error, deny access
//				slog.WarnContext(ctx, "portal login", "error", err)
//				if chargebee.Unavailable(err) {
//					http.Error(w, "We cannot confirm logins at the moment. Please try again later.", http.StatusServiceUnavailable)
//					return
//				}
//				http.Error(w, "We could not confirm your login. Please log in again.", http.StatusForbidden)
//				return
//			}
//			signIn(w, r, activated.PortalSession.CustomerID)
//		}
//	}
//
// Anybody can open the return URL and so make your program call Chargebee. All programs
// of a site share its rate limit, which is 150 requests per minute on test sites. Before
// the call, reject impossible values, such as those of more than 70 characters, accept
// each login only once and only from the browser that began it, and use a limiter.
// examples/returnurl does this.
//
// # Entitlements
//
// [EntitlementsService.ManageEntitlements] sets and removes entitlements, and
// [EntitlementsService.AllEntitlements] lists them:
//
//	ofSeats := chargebee.ListEntitlementsParams{Limit: 100, FeatureID: chargebee.StringFilter{Is: "seats"}}
//	for entitlement, err := range client.Entitlements.AllEntitlements(context.Background(), ofSeats) {
//		if err != nil {
//			log.Fatal(err)
//		}
//		fmt.Println(entitlement.EntityID, entitlement.Value)
//	}
//
// They are the successors of the operations on item entitlements, which Chargebee has
// deprecated. The example FromItemEntitlementsToEntitlements shows a change by both. The
// feature moves into each entry, ItemID becomes EntityID, and ItemType becomes EntityType,
// which has no counterpart of the item types item and subscription. Chargebee has no guide
// for the change: this is inferred from the parameters of the two operations.
//
// # Headers
//
// [Headers] has the chargebee-* headers that operations share: the origin of a request,
// the event side effects to suppress, and the business entity. Set them for a client or
// for one call with [WithHeaders], and in a context, as a middleware does, with
// [ContextWithHeaders]. Field by field, the call overrides the context, and the context
// overrides the client.
//
// # Errors
//
// A call that returns no error was applied: Chargebee said yes to this very request. A
// call that returns an error returns no response. The error is one of four:
//
//   - [*ParamError]: an argument is invalid, and nothing was sent. Several are joined,
//     and each names its field as the API does, such as item_entitlements[item_id][3]
//   - [*APIError]: the response has a status other than 2xx, whatever its body
//   - [*DecodeError]: the response is a success, but its body is not what was requested,
//     so that it may not be Chargebee's
//   - [*TransportError]: no response, or the context or the limiter ended the call
//
// Chargebee's error codes and types are errors themselves. Codes that have no constant
// in this package match too:
//
//	errors.Is(err, chargebee.ErrResourceNotFound)
//
// [OutcomeUnknown] reports whether a call that failed may nevertheless have been
// applied. [Unavailable] reports whether an error says nothing about what was
// requested, so that a page says "try again later".
//
// # Retries and idempotency
//
// A call is sent up to five times, as [Retry] describes, within the deadline of its
// context. The four waits take 3.75 to 7.5 seconds together, unless the server requests
// more. That is enough to ride out an outage of four seconds. Calls that can wait
// longer, such as those of a batch, set more attempts with [WithRetry].
//
// Every POST has an idempotency key, which is yours ([WithIdempotencyKey]) or random.
// All attempts of a call send the same bytes with the same key, so that Chargebee
// applies the call once. Keys expire after 30 minutes. If the outcome is still unknown
// after the last attempt, repeat the call yourself with the same key within that time,
// from any machine: see [OutcomeUnknown].
//
// # Testing
//
// Pass a transport of your own to [WithHTTPClient], such as that of
// github.com/jarcoal/httpmock, or use package chargebeetest. It emulates Chargebee in
// memory or on loopback, keeps state, and fails on demand. Neither needs a network, and
// in a testing/synctest bubble no test waits for a retry.
//
// # Secrets
//
// Errors, the records of [WithLogger], and the types of this package when they are
// printed or logged with slog, do not show the API key, portal tokens and access URLs.
// If a server returns one of them in an error, it is replaced by "[redacted]":
//
//   - the API key, as it is and in the Base64 encoding of the Authorization header, with
//     or without its padding
//   - the value of a parameter named token
//   - in a URL, absolute or relative, what follows portal/access/, and the value of a
//     query parameter whose name ends in token, as in /portal/v2/authenticate?token=
//
// A key or token of four characters or more is found, as it is and escaped as in a URL.
// If net/http quotes a response that is not HTTP, the text of the error is "malformed
// HTTP response".
//
// The following still shows secrets:
//
//   - the values that carry them: fields, [Response.Body] and [APIError.Body]
//   - the JSON of a [PortalSession], which slog's JSON handler also writes for a session
//     inside another value: log its ID instead
//   - fmt, for a value of this package in an unexported field of yours, for a struct that
//     is passed to %p, and for a value that is passed to a %w that does not fit: fmt then
//     does not call the methods of the value. go vet reports the last two
//   - net/http, which prints the beginning of a response that nobody requested to the
//     standard logger: redirect or filter that with log.SetOutput
//
// # What is unknown about Chargebee
//
// The following is undocumented. Neither this package nor your code should rely on it:
//
//   - the response to a wrong token, an expired session, or a second activation; how
//     long a token is valid; whether the token in the response is the same; what a logout
//     does to an activated session
//   - whether item entitlements and entitlements are the same
//   - how many entries a change of entitlements may have; how an empty list, duplicate
//     items, or a missing value are handled; the error on a site with grandfathering
//   - whether errors are replayed for an idempotency key, whether a key belongs to the
//     site or to the API key, and which headers are compared
//   - how the three event headers combine
//
// The package was written and tested without access to a live site.
package chargebee
