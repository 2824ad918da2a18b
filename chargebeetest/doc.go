// Package chargebeetest is a Chargebee that a test can hold in its hand: it
// listens on loopback, keeps state, and answers the two operations that package
// chargebee calls.
//
//	server := chargebeetest.NewServer()
//	defer server.Close()
//	client, err := server.NewClient()
//
// What it does as Chargebee documents it: the paths, HTTP Basic with the API
// key as the user, form bodies, required parameters, the actions, the shape of
// answers and errors; a session goes from not_yet_activated to activated;
// entitlements are upserted and removed, all of a request or none, and those
// upserted or deleted are returned.
//
// What it chose, because Chargebee does not document it. Do not take it for
// Chargebee's word:
//
//	unknown portal session            404 resource_not_found
//	wrong token                       400 param_wrong_value, param token
//	session activated before          409 invalid_state_for_request
//	session past its expires_at       409 invalid_state_for_request
//	token in the answer               the same as auth_session_token
//	unknown feature                   404 resource_not_found
//	unknown item                      404 resource_not_found, param item_entitlements[item_id][i]
//	item_type that is not the item's  400 param_wrong_value, param item_entitlements[item_type][i]
//	no entries                        200 with an empty list
//	an item twice                     one after the other, each in the answer
//	upsert without a value            the value becomes empty
//	remove of what is not there       not in the answer
//	a body that is no form            400 invalid_request
//	a parameter twice                 400 invalid_request
//	a body over 16 MiB                400 invalid_request
//	unknown path                      404 resource_not_found
//
// What is wrong first is answered first, in this order: the key, the path, the
// method, the body, the parameters.
//
// Not there yet: the rules for values by the type and status of the feature, the
// display names that follow from them, lengths, the chargebee-* headers,
// idempotency, rate limits, injected faults, and a transport without a socket.
// A value is kept as it was sent.
package chargebeetest
