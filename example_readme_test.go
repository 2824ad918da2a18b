package chargebee_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// This file has the functions of README.md, line by line.

// signInFunc starts a session of your application for a customer, and redirects.
type signInFunc func(w http.ResponseWriter, r *http.Request, customerID string)

func returnHandler(client *chargebee.Client, signIn signInFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		login, err := chargebee.ParseReturnURL(r.URL)
		if err != nil || r.Method != http.MethodGet { // ServeMux also routes HEAD here
			http.Error(w, "This link is not complete. Please log in again.", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second) // for all attempts
		defer cancel()
		ctx = chargebee.ContextWithHeaders(ctx, chargebee.OriginFromRequest(r))
		activated, err := client.PortalSessions.ActivatePortalSession(ctx, login.SessionID,
			chargebee.ActivatePortalSessionParams{Token: login.Token},
			chargebee.WithAttemptTimeout(8*time.Second))
		if err != nil { // on any error, deny access
			slog.WarnContext(ctx, "portal login", "error", err)
			if chargebee.Unavailable(err) {
				http.Error(w, "Please try again later.", http.StatusServiceUnavailable)
				return
			}
			http.Error(w, "Please log in again.", http.StatusForbidden)
			return
		}
		signIn(w, r, activated.PortalSession.CustomerID)
	}
}

// setSeats entitles a plan to a number of seats.
func setSeats(ctx context.Context, client *chargebee.Client, planID string, seats int,
	opts ...chargebee.CallOption) error {
	_, err := client.Entitlements.ManageEntitlements(ctx, chargebee.ManageEntitlementsParams{
		Action: chargebee.ActionUpsert,
		Entitlements: []chargebee.EntitlementParams{{
			FeatureID:  "seats",
			EntityID:   planID,
			EntityType: chargebee.EntityTypePlan,
			Value:      strconv.Itoa(seats),
		}},
	}, opts...)
	return err
}

// seatsByPlan returns the seats of each plan.
func seatsByPlan(ctx context.Context, client *chargebee.Client) (map[string]string, error) {
	params := chargebee.ListEntitlementsParams{
		FeatureID:  chargebee.StringFilter{Is: "seats"},
		EntityType: chargebee.EntityTypeFilter{Is: chargebee.EntityTypePlan},
		Limit:      100, // entries per page
	}
	seats := map[string]string{}
	for entitlement, err := range client.Entitlements.AllEntitlements(ctx, params) {
		if err != nil {
			return nil, err
		}
		seats[entitlement.EntityID] = entitlement.Value
	}
	return seats, nil
}

func TestReturnHandlerAdmitsConfirmedCustomers(t *testing.T) {
	server, client := chargebeetest.RunT(t)
	login := server.AddPortalSession("zoe") // as if zoe had logged in at the portal
	signIn := func(w http.ResponseWriter, _ *http.Request, customerID string) {
		fmt.Fprint(w, "Welcome, ", customerID)
	}
	visit := func(token string) *httptest.ResponseRecorder {
		target := "/return?auth_session_id=" + login.SessionID + "&auth_session_token=" + token
		w := httptest.NewRecorder()
		returnHandler(client, signIn)(w, httptest.NewRequest("GET", target, nil))
		return w
	}
	require.NotContains(t, visit("forged").Body.String(), "Welcome")
	require.Equal(t, "Welcome, zoe", visit(login.Token).Body.String())
}

func TestSeatsAreSetOnceDuringOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // with a fake clock: no wait takes real time
		server, client := chargebeetest.RunT(t)
		require.NoError(t, server.AddFeature(chargebeetest.Feature{
			ID: "seats", Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity,
		}))
		server.Inject( // one fault for each of the next requests
			chargebeetest.Fault{Status: 503, Body: "<html>Service Unavailable</html>"},
			chargebeetest.Fault{Status: 429, Header: http.Header{"Retry-After": {"50"}}},
			chargebeetest.Fault{Cut: chargebeetest.CutAfter}, // applied, but the response is lost
		)

		require.NoError(t, setSeats(t.Context(), client, "team", 20))
		keys := map[string]int{}
		for _, request := range server.Requests() {
			keys[request.Header.Get("chargebee-idempotency-key")]++
		}
		require.Len(t, server.Requests(), 4)
		require.Len(t, keys, 1) // one key for all, with which Chargebee makes the change once
		require.NotContains(t, keys, "")

		seats, err := seatsByPlan(t.Context(), client)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"team": "20"}, seats)
	})
}

func TestSeatsDuringOutageWithMockedTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mock := httpmock.NewMockTransport()
		mock.RegisterResponder("POST", "https://acme-test.chargebee.com/api/v2/entitlements",
			httpmock.NewStringResponder(503, "<html>Service Unavailable</html>"))
		client, err := chargebee.NewClient("acme-test", "test_key",
			chargebee.WithHTTPClient(&http.Client{Transport: mock}))
		require.NoError(t, err)

		err = setSeats(t.Context(), client, "team", 20)
		_, unknown := chargebee.OutcomeUnknown(err)
		require.True(t, unknown) // a 503 may come after the change was made
		require.True(t, chargebee.Unavailable(err))
		require.Equal(t, 5, mock.GetTotalCallCount())
	})
}

// describe says what one call did to a change.
func describe(err error) string {
	key, unknown := chargebee.OutcomeUnknown(err)
	var paramErr *chargebee.ParamError
	switch {
	case err == nil:
		return "applied"
	case unknown:
		return "outcome unknown: repeat the call with WithIdempotencyKey(" + key + ")"
	case errors.As(err, &paramErr):
		return "not sent: invalid " + paramErr.Field
	case errors.As(err, new(*chargebee.APIError)):
		return "refused: " + err.Error()
	default: // such as a server that cannot be reached
		return "not sent: " + err.Error()
	}
}

// runSeatsJob runs a job. If runAgain is true, wait, and run it again with the same ID.
func runSeatsJob(ctx context.Context, client *chargebee.Client, jobID string) (
	runAgain bool, err error) {
	err = setSeats(ctx, client, "team", 20,
		chargebee.WithIdempotencyKey(jobID),
		chargebee.WithRetry(chargebee.Retry{MaxAttempts: 12})) // waits of 32 to 64 s in total
	_, unknown := chargebee.OutcomeUnknown(err)
	return unknown || chargebee.Unavailable(err), err
}
