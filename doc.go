// Package chargebee is a client for the parts of the Chargebee API that control access:
// the portal sessions in which customers log in ([PortalSessionsService]), and the
// entitlements of plans, addons and charges to features ([EntitlementsService],
// [FeaturesService]). [Client.Do] sends any other GET request, or POST request with a
// form, with the same retries, validation and error types, and [All] ranges over any
// list.
//
// Create a [Client] once, for a site and an API key, and share it:
//
//	client, err := chargebee.NewClient("acme-test", apiKey)
//
// # The portal login
//
// A login begins at the address that [HostedLoginURL] returns. After the login, Chargebee
// redirects the customer to your return URL. This handler admits only customers whom
// Chargebee confirms:
//
//	// signInFunc starts a session of your application for a customer, and redirects.
//	type signInFunc func(w http.ResponseWriter, r *http.Request, customerID string)
//
//	func returnHandler(client *chargebee.Client, signIn signInFunc) http.HandlerFunc {
//		return func(w http.ResponseWriter, r *http.Request) {
//			login, err := chargebee.ParseReturnURL(r.URL)
//			if err != nil || r.Method != http.MethodGet { // ServeMux also routes HEAD here
//				http.Error(w, "This link is not complete. Please log in again.", http.StatusBadRequest)
//				return
//			}
//			ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second) // for all attempts
//			defer cancel()
//			ctx = chargebee.ContextWithHeaders(ctx, chargebee.OriginFromRequest(r))
//			activated, err := client.PortalSessions.ActivatePortalSession(ctx, login.SessionID,
//				chargebee.ActivatePortalSessionParams{Token: login.Token},
//				chargebee.WithAttemptTimeout(8*time.Second))
//			if err != nil { // on any error, deny access
//				slog.WarnContext(ctx, "portal login", "error", err)
//				if chargebee.Unavailable(err) {
//					http.Error(w, "Please try again later.", http.StatusServiceUnavailable)
//					return
//				}
//				http.Error(w, "Please log in again.", http.StatusForbidden)
//				return
//			}
//			signIn(w, r, activated.PortalSession.CustomerID)
//		}
//	}
//
// You write signIn: it looks up the customer, checks that they have access, starts a
// session of your application, and redirects so that the token disappears from the
// address bar.
//
// Anyone can open the return URL and so make your program call Chargebee. All programs of
// a site share its rate limit, which is 150 requests per minute on test sites. Before the
// call, reject impossible values, such as those longer than 70 characters, accept each
// login only once and only from the browser that began it, and limit the logins from
// each IP address and in total. The program examples/returnurl does this.
//
// # Entitlements
//
// [EntitlementsService.ManageEntitlements] upserts and removes entitlements, and
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
// These operations replace those on item entitlements, which Chargebee has deprecated.
// The example FromItemEntitlementsToEntitlements shows the same change with both. The
// feature moves into each entry, ItemID becomes EntityID, and ItemType becomes
// EntityType, which has no counterpart for the item types item and subscription.
// Chargebee has no migration guide: this is inferred from the parameters of the
// operations.
//
// # Headers
//
// [Headers] contains the chargebee-* headers that operations share: the origin of a
// request, the event side effects to suppress, and the business entity. Set them for a
// client or for one call with [WithHeaders], and in a context, as middleware does, with
// [ContextWithHeaders]. Field by field, the call overrides the context, and the context
// overrides the client. A GET is sent without the event headers.
//
// # Errors
//
// A call that returns no error was applied: Chargebee accepted exactly this request. A
// call that returns an error returns no response. The error is one of four:
//
//   - [*ParamError]: an argument is invalid, and nothing was sent. Several of these are
//     joined, and each names its field as the API does, such as
//     item_entitlements[item_id][3]
//   - [*APIError]: the response has a status other than 2xx, whatever its body
//   - [*DecodeError]: the response is a success, but its body is not what was requested,
//     so it may not come from Chargebee
//   - [*TransportError]: there is no complete response, or the context or the limiter
//     ended the call
//
// Chargebee's error codes and types are errors themselves:
//
//	errors.Is(err, chargebee.ErrResourceNotFound)
//
// A code that has no constant in this package matches too, such as
// ErrorCode("a_code_of_next_year").
//
// [OutcomeUnknown] reports whether a call that failed may nevertheless have been applied.
// [Unavailable] reports whether an error may be due to the service, or to the site and
// API key of the client, rather than to the request, so that a page can say "try again
// later".
//
// The body of a resource is limited to 1 MiB, and the body of a list or of a [Client.Do]
// call to 16 MiB. A longer body is a [*DecodeError]. The body of an error is truncated to
// 64 KiB.
//
// # Retries and idempotency
//
// A call is sent up to five times, as [Retry] describes, within the deadline of its
// context. Together, the four waits take 3.75 to 7.5 seconds, unless the server asks for
// more. That is enough to ride out an outage of about four seconds. For calls that can
// wait longer, such as those of a job, set more attempts with [WithRetry].
//
// Every POST has an idempotency key, either yours ([WithIdempotencyKey]) or a random one.
// All attempts of a call send the same bytes with the same key, with which Chargebee
// applies the call once. Keys expire after 30 minutes. If the outcome is still unknown
// after the last attempt, repeat the call with the same key within that time, from any
// machine: see [OutcomeUnknown]. After that time, the repeated call is a new one.
// Repeating the same upsert is harmless even then, unless someone else has changed the
// value in the meantime.
//
// # Rate limits, logs and metrics
//
// [WithLimiter] makes every attempt wait for a limiter, such as a *rate.Limiter of
// golang.org/x/time/rate. [WithLogger] logs attempts, retries and failed calls.
// The function of [WithObserver] is called after every attempt, and
// [WithTransportWrapper] wraps the transport, for example for tracing. The programs
// examples/ratelimit and examples/otel show how to use them.
//
// # Connections
//
// A client has its own connection pool, sized for many concurrent callers of one host,
// and uses the proxy from the environment (HTTPS_PROXY). [WithHTTPClient] sets a
// transport of your own. Redirects are not followed. [Client.CloseIdleConnections] closes
// the connections of a client that is no longer needed.
//
// # Testing
//
// Package chargebeetest emulates Chargebee in memory or on loopback, keeps state, and
// fails on demand. You can also pass a mocked transport to [WithHTTPClient], such as one
// from github.com/jarcoal/httpmock. Neither needs a network, and in a testing/synctest
// bubble retries take no real time.
//
// # Secrets
//
// Errors, the records of [WithLogger], and the types of this package when they are
// printed or logged with slog do not show the API key, portal tokens or access URLs.
// Where the text of an error would have one of the following, it has "[redacted]"
// instead:
//
//   - the API key, as it is and in the Base64 encoding of the Authorization header, with
//     or without its padding
//   - the value of a parameter named token
//   - in an absolute or relative URL, the part after portal/access/, and the value of a
//     query parameter whose name ends in token, as in /portal/v2/authenticate?token=
//
// A key or token is redacted if it has four characters or more, as it is and with any of
// its characters escaped as in a URL. If net/http quotes a response that is not HTTP, or
// the address of a proxy, the text of the error is "malformed HTTP response" or "invalid
// proxy address".
//
// The following still show secrets:
//
//   - the values that contain them: fields, [Response.Body] and [APIError.Body]
//   - the JSON of a [PortalSession], which slog's JSON handler also writes for a session
//     inside another value: log its ID instead
//   - fmt, for a value of this package in an unexported field of yours, for a struct that
//     is passed to %p, and for a value that is passed to a misused %w: fmt then does not
//     call the methods of the value. go vet reports the last two
//   - net/http, which prints the beginning of an unsolicited response to the standard
//     logger: redirect or filter that with log.SetOutput
//
// # What is unknown about Chargebee
//
// The following is undocumented. Neither this package nor your code should rely on it:
//
//   - the response to a wrong token, an expired session, or a second activation; how
//     long a token is valid; whether the token in the response is the same; what a logout
//     does to an activated session
//   - whether item entitlements and entitlements are the same
//   - how many entries a change of entitlements can have; how an empty list, duplicate
//     entries, and a missing value are handled; the error on a site with grandfathering
//   - whether errors are replayed for an idempotency key, whether a key belongs to the
//     site or to the API key, and which headers are compared
//   - how the three event headers combine
//
// The package was written and tested without access to a live site.
package chargebee
