package chargebee_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func ExamplePortalSessionsService_CreatePortalSession() {
	server, client := newSite()
	defer server.Close()
	handler := portalHandler(client, func(*http.Request) string { return "zoe" })
	w := httptest.NewRecorder()
	handler(w, httptest.NewRequest(http.MethodPost, "/portal", nil))
	fmt.Println(w.Code, w.Header().Get("Location") != "")
	// Output:
	// 303 true
}

func ExamplePortalSessionsService_RetrievePortalSession() {
	server, client := newSite()
	defer server.Close()
	ctx := context.Background()
	created, err := client.PortalSessions.CreatePortalSession(ctx, chargebee.CreatePortalSessionParams{CustomerID: "zoe"})
	if err != nil {
		log.Fatal(err)
	}
	retrieved, err := client.PortalSessions.RetrievePortalSession(ctx, created.PortalSession.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(retrieved.PortalSession.Status, retrieved.PortalSession.CustomerID)
	// Output:
	// created zoe
}

// A logout of your application also ends the session at Chargebee. Whether it is also the
// end of an activated session is undocumented, so the status is shown.
func ExamplePortalSessionsService_LogoutPortalSession() {
	server, client := newSite()
	defer server.Close()
	ctx := context.Background()
	login := server.AddPortalSession("zoe")
	_, err := client.PortalSessions.ActivatePortalSession(ctx, login.SessionID, chargebee.ActivatePortalSessionParams{Token: login.Token})
	if err != nil {
		log.Fatal(err)
	}
	loggedOut, err := client.PortalSessions.LogoutPortalSession(ctx, login.SessionID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(loggedOut.PortalSession.Status)
	// Output:
	// logged_out
}

func ExampleHostedLoginURL() {
	loginURL, err := chargebee.HostedLoginURL("acme-test.chargebeeportal.com", "https://app.example.com/return", "https://app.example.com/")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(loginURL)
	// Output:
	// https://acme-test.chargebeeportal.com/portal/login?cancel_url=https%3A%2F%2Fapp.example.com%2F&return_url=https%3A%2F%2Fapp.example.com%2Freturn
}

func ExampleFeaturesService_RetrieveFeature() {
	server, client := newSite()
	defer server.Close()
	retrieved, err := client.Features.RetrieveFeature(context.Background(), "seats")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(retrieved.Feature.Name, retrieved.Feature.Type, retrieved.Feature.Status)
	// Output:
	// Seats quantity active
}

// A page at a time, for example for a table with a button for the next page.
func ExampleFeaturesService_ListFeatures() {
	server, client := newSite()
	defer server.Close()
	page, err := client.Features.ListFeatures(context.Background(), chargebee.ListFeaturesParams{
		Limit: 1,
		Type:  chargebee.FeatureTypeFilter{In: []chargebee.FeatureType{chargebee.FeatureTypeSwitch, chargebee.FeatureTypeQuantity}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Features[0].Name, page.NextOffset != "")
	// Output:
	// Seats true
}

func ExampleFeaturesService_AllFeatures() {
	server, client := newSite()
	defer server.Close()
	active := chargebee.ListFeaturesParams{Limit: 100, Status: chargebee.FeatureStatusFilter{Is: chargebee.FeatureStatusActive}}
	for feature, err := range client.Features.AllFeatures(context.Background(), active) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(feature.ID, feature.Type)
	}
	// Output:
	// seats quantity
	// sso switch
}

func ExampleFeaturesService_ListItemEntitlements() {
	server, client := newCatalogue()
	defer server.Close()
	page, err := client.Features.ListItemEntitlements(context.Background(), "seats", chargebee.ListItemEntitlementsParams{Limit: 100})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(page.ItemEntitlements), page.ItemEntitlements[0].Name)
	// Output:
	// 2 20 seats
}

func ExampleFeaturesService_AllItemEntitlements() {
	server, client := newCatalogue()
	defer server.Close()
	for entitlement, err := range client.Features.AllItemEntitlements(context.Background(), "seats", chargebee.ListItemEntitlementsParams{Limit: 100}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(entitlement.ItemID, entitlement.Value)
	}
	// Output:
	// team 20
	// solo 1
}

// One call may change several features.
func ExampleEntitlementsService_ManageEntitlements() {
	server, client := newSite()
	defer server.Close()
	ctx := context.Background()

	changed, err := client.Entitlements.ManageEntitlements(ctx, chargebee.ManageEntitlementsParams{
		Action:       chargebee.ActionUpsert,
		ChangeReason: "price list of 2027",
		Entitlements: []chargebee.EntitlementParams{
			{EntityID: "team", EntityType: chargebee.EntityTypePlan, FeatureID: "seats", Value: "20"},
			{EntityID: "team", EntityType: chargebee.EntityTypePlan, FeatureID: "sso", Value: chargebee.ValueAvailable},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range changed.Entitlements {
		fmt.Println(e.FeatureID, e.EntityID, e.Name)
	}
	// Output:
	// seats team 20 seats
	// sso team Available
}

func ExampleEntitlementsService_ListEntitlements() {
	server, client := newCatalogue()
	defer server.Close()
	page, err := client.Entitlements.ListEntitlements(context.Background(), chargebee.ListEntitlementsParams{
		EntityID: chargebee.StringFilter{In: []string{"solo", "enterprise"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range page.Entitlements {
		fmt.Println(e.FeatureID, e.EntityID, e.Value)
	}
	// Output:
	// seats solo 1
}

func ExampleEntitlementsService_AllEntitlements() {
	server, client := newCatalogue()
	defer server.Close()
	ofSeats := chargebee.ListEntitlementsParams{Limit: 100, FeatureID: chargebee.StringFilter{Is: "seats"}}
	for entitlement, err := range client.Entitlements.AllEntitlements(context.Background(), ofSeats) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(entitlement.EntityID, entitlement.Value)
	}
	// Output:
	// team 20
	// solo 1
}

// The same change by the deprecated operation and by its successor.
func Example_fromItemEntitlementsToEntitlements() {
	server, client := newSite()
	defer server.Close()
	ctx := context.Background()

	before, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action: chargebee.ActionUpsert,
		ItemEntitlements: []chargebee.ItemEntitlementParams{
			{ItemID: "team", ItemType: chargebee.ItemTypePlan, Value: "20"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	after, err := client.Entitlements.ManageEntitlements(ctx, chargebee.ManageEntitlementsParams{
		Action: chargebee.ActionUpsert,
		Entitlements: []chargebee.EntitlementParams{
			{FeatureID: "seats", EntityID: "team", EntityType: chargebee.EntityTypePlan, Value: "20"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println(before.ItemEntitlements[0].ItemID, before.ItemEntitlements[0].ItemType, before.ItemEntitlements[0].Value)
	fmt.Println(after.Entitlements[0].EntityID, after.Entitlements[0].EntityType, after.Entitlements[0].Value)
	// Output:
	// team plan 20
	// team plan 20
}

// newCatalogue returns a site on which two plans are entitled to seats.
func newCatalogue() (*chargebeetest.Server, *chargebee.Client) {
	server, client := newSite()
	_, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action: chargebee.ActionUpsert,
		ItemEntitlements: []chargebee.ItemEntitlementParams{
			{ItemID: "team", Value: "20"},
			{ItemID: "solo", Value: "1"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	return server, client
}
