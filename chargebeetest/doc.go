// Package chargebeetest emulates Chargebee for tests. The emulator keeps state,
// implements the operations of package chargebee as Chargebee documents them,
// and fails on demand.
//
//	server := chargebeetest.NewServer()
//	defer server.Close()
//	client, err := server.NewClient()
//
// The server listens on the loopback interface. [Server.Transport] reaches it
// without a socket. The transport also works in a testing/synctest bubble, where
// a minute of retries takes no real time:
//
//	synctest.Test(t, func(t *testing.T) {
//		server := chargebeetest.NewServer()
//		defer server.Close()
//		client, err := server.NewClient() // in memory
//		server.Inject(
//			chargebeetest.Fault{Status: 503, Body: "<html>Service Unavailable</html>"},
//			chargebeetest.Fault{Cut: chargebeetest.CutAfter}, // the change is applied, and the response is lost
//		)
//		…
//	})
//
// [Server.LoginURL] is a login page for browsers, in place of Chargebee's hosted
// login. It redirects the customers of [Server.AddCustomer] to the return URL
// with a portal session.
//
// # What Chargebee documents
//
// The server implements the following because Chargebee documents it:
//
//	paths, methods, form bodies       those of package chargebee; others get 404 or 405
//	authentication                    HTTP Basic, with the API key as the user name
//	portal session                    changes from not_yet_activated to activated
//	entitlement change                applies all entries or none; the error names the first invalid entry
//	upsert                            creates the entitlement, or updates its value
//	remove                            deletes existing entitlements and returns them
//	value for a quantity              the value of a level; if a level is unlimited, also "unlimited" in any case
//	value for a range                 a whole number between the two levels; if a level is unlimited,
//	                                  a whole number from the first level up, or "unlimited" in any case
//	value for a custom feature        the value of a level
//	value for a switch                "available" or "true"
//	name                              "20 users", the custom value, or "Available"
//	archived feature                  accepts no new entitlements
//	draft feature                     accepts entitlements
//	grandfathering                    the entitlement operation is not supported
//	maximum lengths                   feature 50, session 70, token 70, item 100, value 50,
//	                                  business entity 50, idempotency key 100 characters
//	chargebee-event-* headers         all-disabled is the only value
//	idempotency key                   replays for 30 minutes, with chargebee-idempotency-replayed: true
//	key reused for another call       422 unable_to_process_request
//	key of a call in progress         409 invalid_state_for_request, as observed in production
//	rate limit                        requests in the last 60 seconds; 429 api_request_limit_exceeded
//	error                             status, api_error_code, type, param and message
//
// # Emulator choices (undocumented by Chargebee)
//
// Chargebee does not document the following. Do not expect the same of
// Chargebee: a test that depends on one of these choices proves nothing.
//
//	unknown portal session            404 resource_not_found
//	wrong token                       400 param_wrong_value, param token
//	session activated before          409 invalid_state_for_request
//	session an hour after created_at  409 invalid_state_for_request
//	token in the response             the same as auth_session_token
//	unknown feature                   404 resource_not_found
//	unknown item                      404 resource_not_found, param item_entitlements[item_id][i]
//	item_type of another type         400 param_wrong_value, param item_entitlements[item_type][i]
//	invalid value for the feature     400 param_wrong_value, param item_entitlements[value][i]
//	new entitlement, archived feature 409 invalid_state_for_request, param item_entitlements[item_id][i]
//	grandfathering                    400 configuration_incompatible
//	no entries                        200 with an empty list
//	duplicate items                   applied in order, each with an entry in the response
//	remove of a missing entitlement   omitted from the response
//	upsert without a value            available, for a switch; 400 otherwise
//	"false" for a switch              400, like everything but "available" and "true" in lower case
//	custom value in another case      400
//	value of a switch                 stored as "true"
//	"unlimited"                       stored in lower case, and named like a number: "unlimited users"
//	whole number with leading zeros   accepted, and stored unchanged
//	plural of the unit                English: boxes, copies, days; also after 1
//	feature without levels            accepts any value, or none
//	value of a remove                 only its length is validated
//	too long                          400 param_wrong_value; lengths count Unicode characters
//	invalid form body                 400 invalid_request
//	duplicate parameter               400 invalid_request
//	item_entitlements[x] without [i]  400 invalid_request
//	any other unknown parameter       ignored
//	over 8 MiB or 100,000 parameters  400 invalid_request
//	unknown path                      404 resource_not_found
//	key without a colon in Basic      accepted, because some of the vendor's clients send it
//	error under an idempotency key    not stored: the key can be used again
//	start of the 30 minutes           when the first request arrived
//	headers that are compared         all chargebee-* headers, and no others
//	request that gets 401 or 429      not counted in the rate limit
//	response of a Fault               not counted in the rate limit
//	return_url, cancel_url            any absolute http or https URL, where Chargebee has a list of
//	                                  domains; its query is kept, and the session appended
//	Retry-After                       seconds until the next request would be accepted, rounded up
//
// If a request has several errors, the response reports the first one in this
// order: the API key, the rate limit, the path, the method, the length of the ID
// in the path, the headers, the body, the idempotency key, the parameters.
package chargebeetest
