// Command ours activates a portal session and changes an entitlement with this library.
package main

import (
	"context"
	"fmt"
	"os"

	chargebee "github.com/typedbee/chargebee-go"
)

func main() {
	client, err := chargebee.NewClient(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	fmt.Println(client.PortalSessions.ActivatePortalSession(ctx, os.Args[3], chargebee.ActivatePortalSessionParams{Token: os.Args[4]}))
	fmt.Println(client.Features.UpsertOrRemoveItemEntitlements(ctx, os.Args[3], chargebee.UpsertOrRemoveItemEntitlementsParams{Action: chargebee.ActionRemove}))
}
