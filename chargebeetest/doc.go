// Package chargebeetest is an emulator of Chargebee for tests: it keeps state,
// answers the operations of package chargebee by Chargebee's rules, and fails on
// demand.
//
//	server := chargebeetest.NewServer()
//	defer server.Close()
//	client, err := server.NewClient()
//
// The server listens on loopback. [Server.Transport] leads to it without a
// socket, also in a testing/synctest bubble, where a minute of retries passes in
// no time:
//
//	synctest.Test(t, func(t *testing.T) {
//		server := chargebeetest.NewServer()
//		defer server.Close()
//		client, err := server.NewClient() // in memory
//		server.Inject(
//			chargebeetest.Fault{Status: 503, Body: "<html>Service Unavailable</html>"},
//			chargebeetest.Fault{Cut: chargebeetest.CutAfter}, // the work is done, and the answer lost
//		)
//		…
//	})
//
// In a browser, [Server.LoginURL] stands for Chargebee's hosted login: it sends
// customers of [Server.AddCustomer] back to a return URL with a session.
//
// # What Chargebee documents
//
// The server does this because Chargebee's contract says so:
//
//	paths, methods, form bodies       those of package chargebee; others get 404 and 405
//	authentication                    HTTP Basic, the API key as the user
//	portal session                    goes from not_yet_activated to activated
//	entitlement change                all entries or none; the first that fails names the error
//	upsert                            creates, or updates the value
//	remove                            deletes what exists; the deleted is returned
//	value for a quantity              the value of a level; "unlimited" in any case, if a level is
//	value for a range                 a whole number between its two levels; or, if a level is
//	                                  unlimited, from the first on, or "unlimited" in any case
//	value for a custom feature        the value of a level
//	value for a switch                "available" or "true"
//	name                              "20 users", the custom value, or "Available"
//	archived feature                  takes no new entitlements
//	draft feature                     takes entitlements
//	grandfathering                    the entitlement operation is not supported
//	lengths                           feature 50, session 70, token 70, item 100, value 50,
//	                                  business entity 50, idempotency key 100 characters
//	chargebee-event-* headers         all-disabled and nothing else
//	idempotency key                   replays for 30 minutes, with chargebee-idempotency-replayed: true
//	key with another call             422 unable_to_process_request
//	key of a call in progress         409 invalid_state_for_request, as seen in production
//	rate limit                        requests in the last 60 seconds; 429 api_request_limit_exceeded
//	error                             status, api_error_code, type, param and message
//
// # What the server chose
//
// Chargebee does not document the following. Nobody may take it for Chargebee's
// word, and a test that depends on it proves nothing:
//
//	unknown portal session            404 resource_not_found
//	wrong token                       400 param_wrong_value, param token
//	session activated before          409 invalid_state_for_request
//	session an hour after created_at  409 invalid_state_for_request
//	token in the answer               the same as auth_session_token
//	unknown feature                   404 resource_not_found
//	unknown item                      404 resource_not_found, param item_entitlements[item_id][i]
//	item_type that is not the item's  400 param_wrong_value, param item_entitlements[item_type][i]
//	value that the feature refuses    400 param_wrong_value, param item_entitlements[value][i]
//	new entitlement, archived feature 409 invalid_state_for_request, param item_entitlements[item_id][i]
//	grandfathering                    400 configuration_incompatible
//	no entries                        200 with an empty list
//	an item twice                     one after the other, each in the answer
//	remove of what is not there       not in the answer
//	upsert without a value            available, for a switch; 400 otherwise
//	"false" for a switch              400, as everything but "available" and "true" in lower case
//	custom value in another case      400
//	value of a switch                 stored as "true"
//	"unlimited"                       stored in lower case, and named as a number: "unlimited users"
//	whole number with leading zeros   taken, and stored as it is
//	plural of the unit                English: boxes, copies, days; also after 1
//	feature without levels            takes any value, and none
//	value of a remove                 only its length is looked at
//	what is too long                  400 param_wrong_value, counted in Unicode characters
//	a body that is no form            400 invalid_request
//	a parameter twice                 400 invalid_request
//	item_entitlements[x] without [i]  400 invalid_request
//	any other unknown parameter       ignored
//	more than 8 MiB or 100,000        400 invalid_request
//	parameters
//	unknown path                      404 resource_not_found
//	key without a colon in Basic      accepted, as some of the vendor's clients send it
//	error under an idempotency key    not remembered: the key stays free
//	beginning of the 30 minutes       when the first request arrived
//	headers that are compared         all of chargebee-*, and no others
//	request that gets 401 or 429      not counted in the rate limit
//	request that a Fault answers      not counted in the rate limit
//	return_url, cancel_url            any absolute http or https URL, where Chargebee has a list of
//	                                  domains; its query is kept, and the session appended
//	Retry-After                       seconds until the next request would be let in, rounded up
//
// What is wrong first is answered first, in this order: the key, the rate limit,
// the path, the method, the length of the id in the path, the headers, the body,
// the idempotency key, the parameters.
package chargebeetest
