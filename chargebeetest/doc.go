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
// with a portal session. The access URL of a session that CreatePortalSession returns
// works in a browser, too: it logs the customer in to a page in place of the portal.
//
// [Server.Handle] adds what the emulator does not implement, and [RunT] starts a
// server for a test. With [WithTLS] the server uses https, for clients that do not
// know http. A server that others share can have a fixed site, key and address:
// [WithSite], [WithAPIKey] and [WithPublicURL]. The program examples/emulator runs the
// emulator as a server, for programs in any language.
//
// # What Chargebee documents
//
// The server implements the following because Chargebee documents it:
//
//	paths and methods                 those of package chargebee; another method gets 405
//	parameters                        in the query of a GET, in the form body of a POST
//	authentication                    HTTP Basic, with the API key as the user name
//	portal session                    changes from not_yet_activated to activated
//	created session                   is created; access_url is valid once, within an hour
//	logout                            of a created session: logged_out, and access_url becomes invalid; of a
//	                                  logged_in one: logged_out; of a logged_out one: no change, no error
//	forward_url, redirect_url         where access_url leads, and where logging out leads
//	used or expired access_url        a page with status 401 and "token has expired", as users report
//	entitlement change                applies all entries or none; the error names the first invalid entry
//	upsert                            creates the entitlement, or updates its value
//	remove                            deletes existing entitlements and returns them
//	entitlement                       one for each feature_id and entity_id
//	unknown entity_id                 accepted; POST /entitlements does not validate it
//	list                              limit 1 to 100, default 10; next_offset, except on the last page
//	filters of features               id and name: is, is_not, starts_with, in, not_in; status and type: is,
//	                                  is_not, in, not_in; metered: is; in and not_in have a JSON array
//	filters of entitlements           feature_id, entity_id and entity_type: is, in
//	order of features                 ascending by creation
//	value for a quantity              the value of a level; if a level is unlimited, also "unlimited" in any case
//	value for a range                 a whole number between the two levels; if a level is unlimited,
//	                                  a whole number from the first level up, or "unlimited" in any case
//	value for a custom feature        the value of a level
//	value for a switch                "available" or "true"
//	name                              "20 users", the custom value, or "Available"
//	archived feature                  accepts no new entitlements
//	draft feature                     accepts entitlements
//	grandfathering                    changing item entitlements is not supported
//	maximum lengths                   feature 50, session 70, token 70, item and entity 100, value 50,
//	                                  customer 50, redirect_url and forward_url 250, change_reason 100,
//	                                  business entity 50, idempotency key 100 characters
//	chargebee-event-* headers         all-disabled is the only value
//	idempotency key                   of a POST; replays for 30 minutes, with chargebee-idempotency-replayed: true
//	key reused for another call       422 unable_to_process_request
//	key of a call in progress         409 invalid_state_for_request, as users report
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
//	login_at of an activated session  created_at
//	login_ipaddress of an activated   chargebee-request-origin-ip, or that of the browser on the login page, or
//	session                           127.0.0.1 after AddPortalSession
//	URLs of a session of a login      redirect_url is the login page of the portal; access_url is not usable
//	linked_customers                  the customer itself, with all flags false, unless SetLinkedCustomers says more
//	customer[id] missing              400 param_wrong_value, param customer[id]
//	customer who was not added        accepted, by the operation and by AddPortalSession
//	redirect_url, forward_url         400 param_wrong_value unless an absolute http or https URL
//	logout of any other session       logged_out
//	logout_ipaddress                  chargebee-request-origin-ip, or that of the browser; absent without either
//	unknown feature                   404 resource_not_found, param entitlements[feature_id][i] if an entry names it
//	unknown item                      404 resource_not_found, param item_entitlements[item_id][i]
//	item entitlement and entitlement  one record, seen twice: item-ent-X and ent-X
//	types that only one of them has   item and subscription are item entitlements; plan_price and addon_price
//	                                  are entitlements
//	entitlement of such an item       400 param_wrong_value, param entitlements[entity_id][i]
//	entity_type of another type       400 param_wrong_value, param entitlements[entity_type][i], for an item
//	                                  of AddItem; for another entity, an upsert changes its type
//	no entity_type                    that of the item of AddItem, that of the existing entitlement, or plan
//	apply_grandfathering              only validated: true or false in any case; 400 otherwise
//	grandfathering, other operations  supported
//	action, types, filtered enums     accepted in any case, because one of the vendor's clients sends capitals
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
//	invalid form in body or query     400 invalid_request
//	duplicate parameter               400 invalid_request
//	item_entitlements[x] without [i]  400 invalid_request, like entitlements[x]
//	any other unknown parameter       ignored, also a filter without an operator
//	unknown operator of a filter      400 param_wrong_value
//	blank or unknown enum in a filter 400 param_wrong_value
//	array of a filter                 also [a,b] without quotes, as the specification has it; 400 if it is
//	                                  malformed or empty
//	text of a filter                  compared exactly, also its case
//	offset that was not issued        400 param_wrong_value, param offset
//	order of entitlements             ascending by creation
//	entries added during a listing    appear on its last pages
//	resource_version, updated_at      change with SetFeatureStatus only
//	over 8 MiB or 100,000 parameters  400 invalid_request
//	unknown path                      501 without an api_error_code; see [Server.Handle]
//	handler of Server.Handle          after all checks but that of the form; a 2xx response is stored under the key
//	body without the API key          not stored; at most 256 KiB are read, then the connection is closed
//	header over 64 KiB                431
//	query of a POST, body of a GET    ignored
//	idempotency key of a GET          ignored
//	X-CB-Idempotency-Key              ignored
//	idempotency-replayed header       in lower case on connections, as some of the vendor's clients look it
//	                                  up; canonical in a recorder and through Transport
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
// in the path, the headers, the length of the body, the idempotency key, the form or
// query, the parameters. A request whose form is invalid releases its key.
package chargebeetest
