// Quickstart activates a portal session from a return URL, and then upserts and
// removes an item entitlement. It runs against the embedded emulator, or
// against a real site if CHARGEBEE_SITE and CHARGEBEE_API_KEY are set;
// CHARGEBEE_BASE_URL leads it elsewhere:
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

// input is what the run needs to know of a site.
type input struct{ returnURL, feature, item, value string }

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	var in input
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.StringVar(&in.returnURL, "return-url", "", "real site: the `URL` on which a customer came back from the hosted login, whole")
	flags.StringVar(&in.feature, "feature", "", "real site: the `id` of a feature")
	flags.StringVar(&in.item, "item", "", "real site: the `id` of an item with no entitlement to that feature yet: what is set here is removed again")
	flags.StringVar(&in.value, "value", "", "real site: the `value` to set for the item")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return errors.New("unknown argument: " + flags.Arg(0))
	}

	site, apiKey := getenv("CHARGEBEE_SITE"), getenv("CHARGEBEE_API_KEY")
	if site == "" && apiKey == "" {
		if flags.NFlag() > 0 {
			return errors.New("the flags are for a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY")
		}
		return runEmbedded(ctx, out)
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
	return show(ctx, out, client, in)
}

func runEmbedded(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "Site: the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY for a real one.")
	server := chargebeetest.NewServer()
	defer server.Close()
	in, err := seed(server)
	if err != nil {
		return err
	}
	client, err := server.NewClient()
	if err != nil {
		return err
	}
	return show(ctx, out, client, in)
}

// seed gives the emulator a feature and a plan, and a customer who logged in.
func seed(server *chargebeetest.Server) (input, error) {
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

func show(ctx context.Context, out io.Writer, client *chargebee.Client, in input) error {
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
	fmt.Fprintf(out, "\nPortal session %s is activated.\nCustomer %s may come in.\n", session.ID, session.CustomerID)

	entry := chargebee.ItemEntitlementParams{ItemID: in.item, Value: in.value}
	set, err := change(ctx, client, in.feature, chargebee.ActionUpsert, entry)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "\nSet:")
	list(out, set)

	removed, err := change(ctx, client, in.feature, chargebee.ActionRemove, chargebee.ItemEntitlementParams{ItemID: in.item})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "\nRemoved:")
	list(out, removed)
	return nil
}

func change(ctx context.Context, client *chargebee.Client, feature string, action chargebee.Action, entry chargebee.ItemEntitlementParams) ([]chargebee.ItemEntitlement, error) {
	changed, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, feature, chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action:           action,
		ItemEntitlements: []chargebee.ItemEntitlementParams{entry},
	})
	if err != nil {
		return nil, err
	}
	return changed.ItemEntitlements, nil
}

func list(out io.Writer, entitlements []chargebee.ItemEntitlement) {
	for _, e := range entitlements {
		fmt.Fprintf(out, "  %s %s is entitled to %s: %s\n", e.ItemType, e.ItemID, e.FeatureID, e.Value)
	}
}
