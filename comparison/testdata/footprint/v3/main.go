// Command v3 activates a portal session and changes an entitlement with v3 of Chargebee's SDK.
package main

import (
	"fmt"
	"os"

	"github.com/chargebee/chargebee-go/v3"
	entitlementaction "github.com/chargebee/chargebee-go/v3/actions/itementitlement"
	sessionaction "github.com/chargebee/chargebee-go/v3/actions/portalsession"
	"github.com/chargebee/chargebee-go/v3/enum"
	"github.com/chargebee/chargebee-go/v3/models/itementitlement"
	"github.com/chargebee/chargebee-go/v3/models/portalsession"
)

func main() {
	chargebee.Configure(os.Args[2], os.Args[1])
	fmt.Println(sessionaction.Activate(os.Args[3], &portalsession.ActivateRequestParams{Token: os.Args[4]}).Request())
	fmt.Println(entitlementaction.AddItemEntitlements(os.Args[3], &itementitlement.AddItemEntitlementsRequestParams{Action: enum.ActionRemove}).Request())
}
