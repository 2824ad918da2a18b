package chargebee_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func ExampleNewClient() {
	apiKey := "test_key" // from your secret store
	client, err := chargebee.NewClient("acme-test", apiKey)
	if err != nil {
		log.Fatal(err)
	}
	_ = client // share it: it is safe for concurrent use

	_, err = chargebee.NewClient("acme-test.chargebee.com", "")
	fmt.Println(err)
	// Output:
	// chargebee: site must be the name alone, such as acme-test: letters, digits and inner hyphens
	// chargebee: apiKey must not be empty
}

func ExampleParseReturnURL() {
	for _, target := range []string{"/return?auth_session_id=portal_1&auth_session_token=tok", "/return?auth_session_id=portal_1"} {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		login, err := chargebee.ParseReturnURL(r.URL)
		fmt.Println(login.SessionID, err) // printing login itself omits the token
	}
	// Output:
	// portal_1 <nil>
	//  chargebee: auth_session_token must occur once in the return URL, and must not be empty
}

func ExamplePortalSessionsService_ActivatePortalSession() {
	server := chargebeetest.NewServer()
	defer server.Close()
	client, err := server.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	handler := returnHandler(client, func(w http.ResponseWriter, _ *http.Request, customerID string) {
		fmt.Fprint(w, "Welcome, ", customerID)
	})

	login := server.AddPortalSession("zoe")
	for _, token := range []string{"forged", login.Token} {
		w := httptest.NewRecorder()
		handler(w, httptest.NewRequest(http.MethodGet, "/return?auth_session_id="+login.SessionID+"&auth_session_token="+token, nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 403 Please log in again.
	//
	// 200 Welcome, zoe
}

func ExampleFeaturesService_UpsertOrRemoveItemEntitlements() {
	server := seededServer()
	defer server.Close()
	client, err := server.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	changed, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action: chargebee.ActionUpsert,
		ItemEntitlements: []chargebee.ItemEntitlementParams{
			{ItemID: "team", ItemType: chargebee.ItemTypePlan, Value: "20"},
			{ItemID: "solo", ItemType: chargebee.ItemTypePlan, Value: "1"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range changed.ItemEntitlements {
		fmt.Println(e.ItemID, e.Value)
	}
	// Output:
	// team 20
	// solo 1
}

// seededServer returns a server with the features seats and sso, the plans team and solo, and the customer zoe.
func seededServer() *chargebeetest.Server {
	server := chargebeetest.NewServer()
	err := errors.Join(
		server.AddFeature(chargebeetest.Feature{ID: "seats", Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity}),
		server.AddItem(chargebeetest.Item{ID: "team", Type: chargebee.ItemTypePlan}),
		server.AddItem(chargebeetest.Item{ID: "solo", Type: chargebee.ItemTypePlan}),
		server.AddFeature(chargebeetest.Feature{ID: "sso", Name: "Single sign-on", Type: chargebeetest.FeatureTypeSwitch}),
		server.AddCustomer("zoe"),
	)
	if err != nil {
		log.Fatal(err)
	}
	return server
}

func ExampleAPIError() {
	server := seededServer()
	defer server.Close()
	client, err := server.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	for _, entry := range []chargebee.ItemEntitlementParams{{ItemID: "team"}, {ItemID: "unknown"}, {}} {
		_, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{
			Action: chargebee.ActionUpsert, ItemEntitlements: []chargebee.ItemEntitlementParams{entry},
		})
		fmt.Println(describe(err))
	}
	_, err = client.PortalSessions.ActivatePortalSession(context.Background(), server.AddPortalSession("zoe").SessionID,
		chargebee.ActivatePortalSessionParams{Token: "forged"})
	fmt.Println(describe(err))
	// Output:
	// applied
	// refused: chargebee: POST /features/{feature-id}/item_entitlements: 404 resource_not_found: The item is not present (param item_entitlements[item_id][0])
	// not sent: invalid item_entitlements[item_id][0]
	// refused: chargebee: POST /portal_sessions/{portal-session-id}/activate: 400 param_wrong_value: token: does not match the portal session (param token)
}

func ExampleOutcomeUnknown() {
	server := seededServer()
	defer server.Close()
	client, err := server.NewClient(chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1})) // a retry would resolve the outcome
	if err != nil {
		log.Fatal(err)
	}
	server.Inject(chargebeetest.Fault{Cut: chargebeetest.CutAfter}) // the change is applied, but the response is lost
	for range 2 {
		err := setSeats(context.Background(), client, "team", 20, chargebee.WithIdempotencyKey("job-17"))
		key, unknown := chargebee.OutcomeUnknown(err)
		fmt.Printf("%q %v %v\n", key, unknown, err)
	}
	for _, request := range server.Requests() {
		fmt.Println(request.Header.Get("chargebee-idempotency-key"))
	}
	// Output:
	// "job-17" true chargebee: POST /entitlements: no response: EOF (outcome unknown, idempotency key job-17)
	// "" false <nil>
	// job-17
	// job-17
}

// A page that needs Chargebee tells its user apart from the service.
func ExampleUnavailable() {
	for _, err := range []error{
		&chargebee.TransportError{Attempts: 5, Err: io.EOF},
		&chargebee.APIError{StatusCode: 401, Code: chargebee.ErrAPIAuthenticationFailed},
		&chargebee.APIError{StatusCode: 404, Code: chargebee.ErrResourceNotFound},
	} {
		if chargebee.Unavailable(err) {
			fmt.Println("Please try again later.")
		} else {
			fmt.Println("Please log in again.")
		}
	}
	// Output:
	// Please try again later.
	// Please try again later.
	// Please log in again.
}

// A program that creates a client for each of many sites closes those that it no longer needs.
func ExampleClient_CloseIdleConnections() {
	server := chargebeetest.NewServer()
	defer server.Close()
	client, err := server.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()
	login := server.AddPortalSession("zoe")
	activated, err := client.PortalSessions.ActivatePortalSession(context.Background(), login.SessionID,
		chargebee.ActivatePortalSessionParams{Token: login.Token})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(activated.PortalSession.CustomerID)
	// Output:
	// zoe
}

func ExampleWithRetry() {
	server := chargebeetest.NewServer()
	defer server.Close()
	client, err := server.NewClient(chargebee.WithRetry(chargebee.Retry{
		MaxAttempts: 7,
		BaseDelay:   time.Nanosecond, // the other fields keep their defaults
	}))
	if err != nil {
		log.Fatal(err)
	}
	unavailable := chargebeetest.Fault{Status: 503, Body: "<html>Service Unavailable</html>"}
	server.Inject(unavailable, unavailable, unavailable, unavailable, unavailable, unavailable)
	login := server.AddPortalSession("zoe")
	activated, err := client.PortalSessions.ActivatePortalSession(context.Background(), login.SessionID,
		chargebee.ActivatePortalSessionParams{Token: login.Token})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(activated.Attempts)
	// Output:
	// 7
}

func ExampleHeaders() {
	server := seededServer()
	defer server.Close()
	client, err := server.NewClient( // chargebee.NewClient takes the same options
		chargebee.WithHeaders(chargebee.Headers{BusinessEntityID: "acme-eu"})) // for every call
	if err != nil {
		log.Fatal(err)
	}
	ctx := chargebee.ContextWithHeaders(context.Background(), // for the calls of one request
		chargebee.Headers{OriginUser: "zoë@exämple.com", OriginIP: "203.0.113.7"})
	_, err = client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats",
		chargebee.UpsertOrRemoveItemEntitlementsParams{Action: chargebee.ActionRemove},
		chargebee.WithHeaders(chargebee.Headers{EventWebhook: chargebee.EventAllDisabled})) // for one call
	if err != nil {
		log.Fatal(err)
	}

	sent := server.Requests()[0].Header
	fmt.Println(sent.Get("chargebee-business-entity-id"))
	fmt.Println(sent.Get("chargebee-request-origin-user-encoded"))
	fmt.Println(sent.Get("chargebee-request-origin-ip"))
	fmt.Println(sent.Get("chargebee-event-webhook"))
	// Output:
	// acme-eu
	// em/Dq0BleMOkbXBsZS5jb20=
	// 203.0.113.7
	// all-disabled
}

func ExampleParamError() {
	server, client := newSite()
	defer server.Close()
	_, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action: chargebee.ActionUpsert, ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "team"}, {}},
	})
	fmt.Println(err)
	fmt.Println(len(server.Requests()), "requests")
	// Output:
	// chargebee: feature-id must not be empty
	// chargebee: item_entitlements[item_id][1] must not be empty
	// 0 requests
}

func ExampleAPIError_Is() {
	server, client := newSite()
	defer server.Close()
	_, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "no such feature", oneSeat)
	fmt.Println(errors.Is(err, chargebee.ErrResourceNotFound))
	fmt.Println(errors.Is(err, chargebee.ErrTypeInvalidRequest))
	fmt.Println(errors.Is(err, chargebee.ErrorCode("a_code_of_next_year")))
	// Output:
	// true
	// true
	// false
}

func ExampleAPIError_Retryable() {
	server, client := newSite(chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1}))
	defer server.Close()
	server.Inject(
		chargebeetest.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}},
		chargebeetest.Fault{Status: 503, Body: `{"api_error_code":"site_read_only_mode"}`}) // lasts for a maintenance window
	for range 2 {
		_, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", oneSeat)
		var apiErr *chargebee.APIError
		if errors.As(err, &apiErr) {
			fmt.Println(apiErr.StatusCode, apiErr.Retryable(), apiErr.RetryAfter)
		}
	}
	// Output:
	// 429 true 1m0s
	// 503 false 0s
}

// Timestamps in a result of Client.Do.
func ExampleTimestamp() {
	var feature struct {
		CreatedAt  chargebee.Timestamp `json:"created_at"`
		ArchivedAt chargebee.Timestamp `json:"archived_at,omitzero"`
	}
	if err := json.Unmarshal([]byte(`{"created_at":1790000000}`), &feature); err != nil {
		log.Fatal(err)
	}
	fmt.Println(feature.CreatedAt, feature.ArchivedAt.IsZero())
	encoded, err := json.Marshal(feature)
	fmt.Println(string(encoded), err)
	// Output:
	// 2026-09-21 14:13:20 +0000 UTC true
	// {"created_at":1790000000} <nil>
}
