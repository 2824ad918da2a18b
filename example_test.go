package chargebee_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// README.md and doc.go show parts of the examples; docs_test.go compares them.

func returnHandler(client *chargebee.Client, signIn func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		login, err := chargebee.ParseReturnURL(r.URL)
		if err != nil || r.Method != http.MethodGet { // a HEAD must not use up the login
			http.Error(w, "This link is not complete. Please log in again.", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second) // for all attempts together
		defer cancel()
		ctx = chargebee.ContextWithHeaders(ctx, chargebee.OriginFromRequest(r))
		activated, err := client.PortalSessions.ActivatePortalSession(ctx, login.SessionID,
			chargebee.ActivatePortalSessionParams{Token: login.Token}, chargebee.WithAttemptTimeout(8*time.Second))
		if err != nil { // on any error, deny access
			slog.WarnContext(ctx, "portal login", "error", err)
			if chargebee.Unavailable(err) {
				http.Error(w, "We cannot confirm logins at the moment. Please try again later.", http.StatusServiceUnavailable)
				return
			}
			http.Error(w, "We could not confirm your login. Please log in again.", http.StatusForbidden)
			return
		}
		signIn(w, r, activated.PortalSession.CustomerID)
	}
}

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
	// 403 We could not confirm your login. Please log in again.
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

func whatHappened(err error) string {
	key, unknown := chargebee.OutcomeUnknown(err)
	var paramErr *chargebee.ParamError
	var apiErr *chargebee.APIError
	switch {
	case err == nil:
		return "applied"
	case unknown:
		return "outcome unknown: repeat the call with WithIdempotencyKey(" + key + ")"
	case errors.As(err, &paramErr): // the first of several, if err joins them
		return "not sent: " + paramErr.Field + " " + paramErr.Reason
	case errors.Is(err, chargebee.ErrResourceNotFound):
		return "refused: not found"
	case errors.As(err, &apiErr):
		return "refused: " + apiErr.Message
	default: // such as a call that the context or the limiter ended before it was sent
		return "failed: " + err.Error()
	}
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
		fmt.Println(whatHappened(err))
	}
	_, err = client.PortalSessions.ActivatePortalSession(context.Background(), server.AddPortalSession("zoe").SessionID,
		chargebee.ActivatePortalSessionParams{Token: "forged"})
	fmt.Println(whatHappened(err))
	// Output:
	// applied
	// refused: not found
	// not sent: item_entitlements[item_id][0] must not be empty
	// refused: token: does not match the portal session
}

// setSeats is a job whose idempotency key was stored before its first run.
func setSeats(ctx context.Context, client *chargebee.Client, key, seats string) (runAgain bool, err error) {
	_, err = client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action:           chargebee.ActionUpsert,
		ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "team", Value: seats}},
	}, chargebee.WithIdempotencyKey(key))
	_, runAgain = chargebee.OutcomeUnknown(err) // within 30 minutes of the first run, from any machine
	return runAgain, err
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
		runAgain, err := setSeats(context.Background(), client, "job-17", "20")
		fmt.Println(runAgain, err)
	}
	for _, request := range server.Requests() {
		fmt.Println(request.Header.Get("chargebee-idempotency-key"))
	}
	// Output:
	// true chargebee: POST /features/{feature-id}/item_entitlements: no response: EOF (outcome unknown, idempotency key job-17)
	// false <nil>
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

func TestReturnHandlerRejectsForgedTokens(t *testing.T) {
	transport := httpmock.NewMockTransport()
	transport.RegisterResponder("POST", "https://acme-test.chargebee.com/api/v2/portal_sessions/portal_1/activate",
		httpmock.NewStringResponder(400, `{"message":"wrong token","api_error_code":"param_wrong_value","param":"token"}`))
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)

	w := httptest.NewRecorder()
	returnHandler(client, nil)(w, httptest.NewRequest("GET", "/return?auth_session_id=portal_1&auth_session_token=forged", nil))
	require.Equal(t, http.StatusForbidden, w.Code)
}

func TestReturnHandlerActivatesSessionOnce(t *testing.T) {
	server, client := chargebeetest.RunT(t)
	login := server.AddPortalSession("zoe")
	target := "/return?auth_session_id=" + login.SessionID + "&auth_session_token=" + login.Token

	var customers []string
	handler := returnHandler(client, func(_ http.ResponseWriter, _ *http.Request, customerID string) {
		customers = append(customers, customerID)
	})
	handler(httptest.NewRecorder(), httptest.NewRequest("GET", target, nil))
	handler(httptest.NewRecorder(), httptest.NewRequest("GET", target, nil))
	require.Equal(t, []string{"zoe"}, customers)
}

func TestSeatsAreSetOnceDuringOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // with a fake clock
		server := seededServer() // with the feature seats and the plan team
		defer server.Close()
		client, err := server.NewClient() // in memory, without a socket
		require.NoError(t, err)
		server.Inject(
			chargebeetest.Fault{Status: 503, Header: http.Header{"Retry-After": {"50"}}, Body: "<html>Service Unavailable</html>"},
			chargebeetest.Fault{Cut: chargebeetest.CutAfter}) // the change is applied, but the response is lost

		_, err = setSeats(t.Context(), client, "job-17", "20")
		require.NoError(t, err)
		require.Equal(t, "20", server.ItemEntitlements("seats")[0].Value)
		require.Len(t, server.Requests(), 3)
	})
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
