// Quickstart activates a portal session from a return URL, then upserts, lists and removes an entitlement. By default it
// runs against an embedded emulator. The flag -help says how to use a real site.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"fmt"
	"io"
	"net/url"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

func main() { program.Main("quickstart", run) }

func run(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	in, err := parse(args, stdout)
	if err != nil {
		return err
	}
	site, err := program.OpenSite(getenv)
	if err != nil {
		return err
	}
	defer site.Close()
	if in, err = in.forSite(site); err != nil {
		return err
	}
	client, err := site.NewClient() // as chargebee.NewClient("acme-test", apiKey)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, "Site:", site)
	return callOperations(ctx, client, in, stdout)
}

// callOperations activates the session, changes the entitlement, and prints what the site returns.
func callOperations(ctx context.Context, client *chargebee.Client, in input, stdout io.Writer) error {
	returnURL, err := url.Parse(in.returnURL)
	if err != nil {
		return &program.UsageError{Reason: "-return-url is not a URL"} // err quotes the URL, and with it the token
	}
	login, err := chargebee.ParseReturnURL(returnURL)
	if err != nil {
		return &program.UsageError{Reason: "-return-url: " + err.Error()}
	}

	activated, err := client.PortalSessions.ActivatePortalSession(ctx, login.SessionID,
		chargebee.ActivatePortalSessionParams{Token: login.Token})
	if err != nil {
		return err
	}
	session := activated.PortalSession
	fmt.Fprintf(stdout, "\nPortal session %s is activated.\nCustomer %s is logged in.\n", session.ID, session.CustomerID)

	upserted, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, in.feature, chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action:           chargebee.ActionUpsert,
		ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: in.item, Value: in.value}},
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, "\nUpserted:")
	for _, e := range upserted.ItemEntitlements {
		fmt.Fprintf(stdout, "  %s %s is entitled to %s: %s\n", e.ItemType, e.ItemID, e.FeatureID, e.Value)
	}

	fmt.Fprintf(stdout, "\nAll entitlements to %s:\n", in.feature)
	ofFeature := chargebee.ListEntitlementsParams{Limit: 100, FeatureID: chargebee.StringFilter{Is: in.feature}}
	for e, err := range client.Entitlements.AllEntitlements(ctx, ofFeature) {
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "  %s %s: %s\n", e.EntityType, e.EntityID, e.Name)
	}

	removed, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, in.feature, chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action:           chargebee.ActionRemove,
		ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: in.item}},
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, "\nRemoved:")
	for _, e := range removed.ItemEntitlements {
		fmt.Fprintf(stdout, "  %s %s is no longer entitled to %s\n", e.ItemType, e.ItemID, e.FeatureID)
	}
	return nil
}
