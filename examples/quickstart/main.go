// Quickstart activates a portal session from a return URL, then upserts, lists and removes an entitlement. By default it
// runs against an embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site; CHARGEBEE_BASE_URL
// overrides the URL of its API.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -return-url 'https://…?auth_session_id=…&auth_session_token=…' -feature seats -item team -value 20
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// input holds the return URL of a login, and the entitlement to set and remove.
type input struct{ returnURL, feature, item, value string }

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	var in input
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.StringVar(&in.returnURL, "return-url", "", "real site: full return `URL` of a customer who has just logged in at the hosted login page")
	flags.StringVar(&in.feature, "feature", "", "real site: `id` of a feature")
	flags.StringVar(&in.item, "item", "", "real site: `id` of an item that has no entitlement to the feature yet; the one set here is removed again")
	flags.StringVar(&in.value, "value", "", "real site: `value` of the entitlement")
	if err := parseFlags(flags, args, out); err != nil {
		return err
	}

	site, apiKey := getenv("CHARGEBEE_SITE"), getenv("CHARGEBEE_API_KEY")
	if site == "" && apiKey == "" {
		if flags.NFlag() > 0 {
			return errors.New("the flags are for a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY")
		}
		return runOnEmulator(ctx, out)
	}
	if site == "" || apiKey == "" {
		return errors.New("a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY")
	}
	var opts []chargebee.ClientOption
	if baseURL := getenv("CHARGEBEE_BASE_URL"); baseURL != "" {
		opts = append(opts, chargebee.WithBaseURL(baseURL))
	}
	client, err := chargebee.NewClient(site, apiKey, opts...)
	if err != nil {
		return err
	}
	if in.returnURL == "" || in.feature == "" || in.item == "" {
		return errors.New("a real site needs -return-url, -feature and -item; see -help")
	}
	fmt.Fprintln(out, "Site:", site)
	return callOperations(ctx, out, client, in)
}

// parseFlags parses args and prints the usage if -help is among them. It leaves errors to main, which prints them.
func parseFlags(flags *flag.FlagSet, args []string, out io.Writer) error {
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(out)
		flags.Usage()
	}
	if err == nil && flags.NArg() > 0 {
		return errors.New("unknown argument: " + flags.Arg(0))
	}
	return err
}

func runOnEmulator(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "Site: the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site.")
	server := chargebeetest.NewServer()
	defer server.Close()
	in, err := addSampleData(server)
	if err != nil {
		return err
	}
	client, err := server.NewClient()
	if err != nil {
		return err
	}
	return callOperations(ctx, out, client, in)
}

// addSampleData adds a feature, a plan and a logged-in customer to the emulator.
func addSampleData(server *chargebeetest.Server) (input, error) {
	login := server.AddPortalSession("zoe")
	query := url.Values{"auth_session_id": {login.SessionID}, "auth_session_token": {login.Token}}
	return input{
			returnURL: "https://app.example.com/return?" + query.Encode(),
			feature:   "seats",
			item:      "team",
			value:     "20",
		}, errors.Join(
			server.AddFeature(chargebeetest.Feature{
				ID: "seats", Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity,
				Levels: []chargebeetest.Level{{Value: "5"}, {Value: "20"}},
			}),
			server.AddItem(chargebeetest.Item{ID: "team", Type: chargebee.ItemTypePlan}),
		)
}

// callOperations activates the session, changes the entitlement, and prints what the site returns.
func callOperations(ctx context.Context, out io.Writer, client *chargebee.Client, in input) error {
	returnURL, err := url.Parse(in.returnURL)
	if err != nil {
		return errors.New("-return-url is not a URL")
	}
	login, err := chargebee.ParseReturnURL(returnURL)
	if err != nil {
		return err
	}
	activated, err := client.PortalSessions.ActivatePortalSession(ctx, login.SessionID,
		chargebee.ActivatePortalSessionParams{Token: login.Token})
	if err != nil {
		return err
	}
	session := activated.PortalSession
	fmt.Fprintf(out, "\nPortal session %s is activated.\nCustomer %s is logged in.\n", session.ID, session.CustomerID)

	entitlement := chargebee.ItemEntitlementParams{ItemID: in.item, Value: in.value}
	upserted, err := changeEntitlement(ctx, client, in.feature, chargebee.ActionUpsert, entitlement)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "\nUpserted:")
	printEntitlements(out, upserted)

	fmt.Fprintf(out, "\nAll entitlements to %s:\n", in.feature)
	all := chargebee.ListEntitlementsParams{Limit: 100, FeatureID: chargebee.StringFilter{Is: in.feature}}
	for e, err := range client.Entitlements.AllEntitlements(ctx, all) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  %s %s: %s\n", e.EntityType, e.EntityID, e.Name)
	}

	entitlement = chargebee.ItemEntitlementParams{ItemID: in.item}
	removed, err := changeEntitlement(ctx, client, in.feature, chargebee.ActionRemove, entitlement)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "\nRemoved:")
	printEntitlements(out, removed)
	return nil
}

func changeEntitlement(ctx context.Context, client *chargebee.Client, feature string, action chargebee.Action, entitlement chargebee.ItemEntitlementParams) ([]chargebee.ItemEntitlement, error) {
	changed, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, feature, chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action:           action,
		ItemEntitlements: []chargebee.ItemEntitlementParams{entitlement},
	})
	if err != nil {
		return nil, err
	}
	return changed.ItemEntitlements, nil
}

func printEntitlements(out io.Writer, entitlements []chargebee.ItemEntitlement) {
	for _, e := range entitlements {
		fmt.Fprintf(out, "  %s %s is entitled to %s: %s\n", e.ItemType, e.ItemID, e.FeatureID, e.Value)
	}
}
