package chargebeetest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func ExampleServer_Inject() {
	server := chargebeetest.NewServer()
	defer server.Close()
	client, err := server.NewClient(chargebee.WithRetry(chargebee.Retry{BaseDelay: 1})) // a nanosecond
	if err != nil {
		log.Fatal(err)
	}
	server.Inject(
		chargebeetest.Fault{Status: 503, Body: "<html>Service Unavailable</html>"},
		chargebeetest.Fault{Cut: chargebeetest.CutAfter}, // the session is activated, and the response is lost
	)
	login := server.AddPortalSession("zoe")
	activated, err := client.PortalSessions.ActivatePortalSession(context.Background(), login.SessionID,
		chargebee.ActivatePortalSessionParams{Token: login.Token})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(activated.PortalSession.CustomerID, activated.PortalSession.Status)
	fmt.Println(activated.Attempts, "attempts, replayed:", activated.IdempotencyReplayed)
	// Output:
	// zoe activated
	// 3 attempts, replayed: true
}

func ExampleServer_Transport() {
	server := chargebeetest.NewServer()
	defer server.Close()
	client, err := chargebee.NewClient(server.Site, server.APIKey,
		chargebee.WithHTTPClient(&http.Client{Transport: server.Transport()})) // every host is the server
	if err != nil {
		log.Fatal(err)
	}
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

func ExampleServer_AddFeature() {
	server := chargebeetest.NewServer()
	defer server.Close()
	client, err := server.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(
		server.AddFeature(chargebeetest.Feature{
			ID: "seats", Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeRange,
			Levels: []chargebeetest.Level{{Value: "1"}, {Unlimited: true}},
		}),
		server.AddItem(chargebeetest.Item{ID: "team", Type: chargebee.ItemTypePlan}),
	)
	if err != nil {
		log.Fatal(err)
	}
	for _, seats := range []string{"20", "Unlimited", "none"} {
		_, err = client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{
			Action:           chargebee.ActionUpsert,
			ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "team", Value: seats}},
		})
		fmt.Println(server.ItemEntitlements("seats")[0].Name, err)
	}
	// Output:
	// 20 seats <nil>
	// unlimited seats <nil>
	// unlimited seats chargebee: POST /features/{feature-id}/item_entitlements: 400 param_wrong_value: item_entitlements[value][0]: must be a whole number from 1, or unlimited (param item_entitlements[value][0])
}
