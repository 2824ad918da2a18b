// Command v4 activates a portal session and changes an entitlement with v4 of Chargebee's SDK.
package main

import (
	"fmt"
	"os"

	"github.com/chargebee/chargebee-go/v4"
)

func main() {
	client := chargebee.NewClient(chargebee.NewClientConfig(os.Args[1], os.Args[2]))
	fmt.Println(client.PortalSession.Activate(os.Args[3], &chargebee.PortalSessionActivateRequest{Token: os.Args[4]}))
	fmt.Println(client.ItemEntitlement.AddItemEntitlements(os.Args[3], &chargebee.ItemEntitlementAddItemEntitlementsRequest{Action: chargebee.ActionRemove}))
}
