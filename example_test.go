package chargebee_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// The README shows parts of this file; TestTheReadmeShowsCompiledCode compares them.

func returnHandler(client *chargebee.Client, signIn func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		login, err := chargebee.ParseReturnURL(r.URL)
		if err != nil {
			http.Error(w, "This link is not complete. Please log in again.", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second) // for all attempts together
		defer cancel()
		ctx = chargebee.ContextWithHeaders(ctx, chargebee.OriginFromRequest(r))
		activated, err := client.PortalSessions.ActivatePortalSession(ctx, login.SessionID,
			chargebee.ActivatePortalSessionParams{Token: login.Token}, chargebee.WithAttemptTimeout(8*time.Second))
		if err != nil { // whatever it is, nobody comes in
			slog.WarnContext(ctx, "portal login", "error", err)
			http.Error(w, "We could not confirm your login. Please log in again.", http.StatusForbidden)
			return
		}
		signIn(w, r, activated.PortalSession.CustomerID)
	}
}

func ExampleNewClient() {
	client, err := chargebee.NewClient("acme-test", os.Getenv("CHARGEBEE_API_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	_ = client // share it: it is safe for concurrent use
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

// seededServer has the feature seats and the plans team and solo.
func seededServer() *chargebeetest.Server {
	server := chargebeetest.NewServer()
	err := errors.Join(
		server.AddFeature(chargebeetest.Feature{ID: "seats", Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity}),
		server.AddItem(chargebeetest.Item{ID: "team", Type: chargebee.ItemTypePlan}),
		server.AddItem(chargebeetest.Item{ID: "solo", Type: chargebee.ItemTypePlan}),
	)
	if err != nil {
		log.Fatal(err)
	}
	return server
}

func whatHappened(err error) string {
	key, unknown := chargebee.OutcomeUnknown(err)
	var (
		param  *chargebee.ParamError
		api    *chargebee.APIError
		decode *chargebee.DecodeError
	)
	switch {
	case err == nil:
		return "done"
	case unknown:
		return "unknown: repeat the call with WithIdempotencyKey(" + key + ")"
	case errors.As(err, &decode):
		return fmt.Sprintf("done, as %d says, with an answer that cannot be read", decode.Response.StatusCode)
	case errors.As(err, &param): // one of several, perhaps: err names all
		return "not sent: " + param.Field + " " + param.Reason
	case errors.Is(err, chargebee.ErrResourceNotFound):
		return "refused: there is no such thing"
	case errors.As(err, &api):
		return "refused: " + api.Message
	default: // a TransportError: the context or the limiter did not let it start
		return "not sent"
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
	_, err = client.Do(context.Background(), chargebee.Request{
		Method: http.MethodGet, Path: "/features/{feature-id}/item_entitlements", PathValues: []string{"seats"},
	}, nil)
	fmt.Println(whatHappened(err))
	// Output:
	// done
	// refused: there is no such thing
	// not sent: item_entitlements[item_id][0] must not be empty
	// refused: The http method is not allowed for this URL
}

// setSeats is a job. Its key was stored with it before its first run.
func setSeats(ctx context.Context, client *chargebee.Client, key, seats string) (runAgain bool, err error) {
	_, err = client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action:           chargebee.ActionUpsert,
		ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "team", Value: seats}},
	}, chargebee.WithIdempotencyKey(key))
	_, runAgain = chargebee.OutcomeUnknown(err) // within 30 minutes of the first run, on any machine
	return runAgain, err
}

func ExampleOutcomeUnknown() {
	server := seededServer()
	defer server.Close()
	client, err := server.NewClient(chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1})) // more would find out by themselves
	if err != nil {
		log.Fatal(err)
	}
	server.Inject(chargebeetest.Fault{Cut: chargebeetest.CutAfter}) // the work is done, and the answer lost
	for range 2 {
		runAgain, err := setSeats(context.Background(), client, "job-17", "20")
		fmt.Println(runAgain, err)
	}
	for _, request := range server.Requests() {
		fmt.Println(request.Header.Get("chargebee-idempotency-key"))
	}
	// Output:
	// true chargebee: POST /features/{feature-id}/item_entitlements: no answer: EOF
	// false <nil>
	// job-17
	// job-17
}

func ExampleWithRetry() {
	server := chargebeetest.NewServer()
	defer server.Close()
	client, err := server.NewClient(
		chargebee.WithRetry(chargebee.Retry{MaxAttempts: 5, MaxRetryAfter: 2 * time.Minute}), // the other fields keep their defaults
		chargebee.WithAttemptTimeout(10*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	login := server.AddPortalSession("zoe")
	activated, err := client.PortalSessions.ActivatePortalSession(context.Background(), login.SessionID,
		chargebee.ActivatePortalSessionParams{Token: login.Token})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(activated.Attempts)
	// Output:
	// 1
}

func ExampleHeaders() {
	server := seededServer()
	defer server.Close()
	client, err := server.NewClient( // of chargebeetest, see below; chargebee.NewClient takes the same options
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

func TestReturnHandlerRefusesAForgedToken(t *testing.T) {
	transport := httpmock.NewMockTransport()
	transport.RegisterResponder("POST", "https://acme-test.chargebee.com/api/v2/portal_sessions/portal_1/activate",
		httpmock.NewStringResponder(400, `{"message":"wrong token","api_error_code":"param_wrong_value","param":"token"}`))
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)

	w := httptest.NewRecorder()
	returnHandler(client, nil)(w, httptest.NewRequest("GET", "/return?auth_session_id=portal_1&auth_session_token=forged", nil))
	require.Equal(t, http.StatusForbidden, w.Code)
}

func TestReturnHandlerLetsACustomerInOnce(t *testing.T) {
	server := chargebeetest.NewServer()
	defer server.Close()
	client, err := server.NewClient()
	require.NoError(t, err)
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

func TestSeatsAreSetOnceInABadMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where a minute passes in no time
		server := seededServer()
		defer server.Close()
		client, err := server.NewClient() // in memory, without a socket
		require.NoError(t, err)
		server.Inject(
			chargebeetest.Fault{Status: 503, Header: http.Header{"Retry-After": {"50"}}, Body: "<html>Service Unavailable</html>"},
			chargebeetest.Fault{Cut: chargebeetest.CutAfter}) // the work is done, and the answer lost

		_, err = setSeats(t.Context(), client, "job-17", "20")
		require.NoError(t, err)
		require.Equal(t, "20", server.ItemEntitlements("seats")[0].Value)
		require.Len(t, server.Requests(), 3)
	})
}

func ExampleClient_Do() {
	server := seededServer()
	defer server.Close()
	client, err := server.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Do(context.Background(), chargebee.Request{
		Method:     http.MethodPost,
		Path:       "/portal_sessions/{portal-session-id}/logout",
		PathValues: []string{"portal_1"},
	}, nil)
	fmt.Println(err) // chargebeetest does not have this operation
	// Output:
	// chargebee: POST /portal_sessions/{portal-session-id}/logout: 404 resource_not_found: There is nothing at this path
}
