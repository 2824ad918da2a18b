package main

import (
	"errors"
	"flag"
	"io"
	"net/url"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/program"
)

const usage = `Quickstart activates a portal session from a return URL, then upserts, lists and
removes an entitlement, and prints what the site returns.

Example:
  go run ./examples/quickstart

The emulator has sample data. A real site needs -return-url, -feature and -item.
For -return-url, log in at the hosted login page as a customer, and copy the
address of the page that it redirects to. Use a new address for each run.

` + program.Environment

// input holds the return URL of a login, and the entitlement to set and remove.
type input struct{ returnURL, feature, item, value string }

func parse(args []string, help io.Writer) (input, error) {
	var in input
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.StringVar(&in.returnURL, "return-url", "", "real site: complete return `URL`, in quotes")
	flags.StringVar(&in.feature, "feature", "", "real site: `ID` of a feature")
	flags.StringVar(&in.item, "item", "", "real site: `ID` of an item that is not yet entitled to the feature; the new entitlement is removed again")
	flags.StringVar(&in.value, "value", "", "real site: `value` of the entitlement")
	if err := program.ParseFlags(flags, usage, args, help); err != nil {
		return input{}, err
	}
	return in, program.RejectArguments(flags)
}

// forSite returns the input for a real site, or that of the sample data, which it adds to the emulator.
func (in input) forSite(site *program.Site) (input, error) {
	switch {
	case site.Emulator != nil && in != input{}:
		return input{}, &program.UsageError{Reason: "the flags are for a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY"}
	case site.Emulator != nil:
		return addSampleData(site.Emulator)
	case in.returnURL == "" || in.feature == "" || in.item == "":
		return input{}, &program.UsageError{Reason: "a real site needs -return-url, -feature and -item"}
	}
	return in, nil
}

// addSampleData adds a feature, a plan and a logged-in customer to the emulator.
func addSampleData(server *chargebeetest.Server) (input, error) {
	login := server.AddPortalSession("zoe")
	query := url.Values{"auth_session_id": {login.SessionID}, "auth_session_token": {login.Token}}
	in := input{returnURL: "https://app.example.com/return?" + query.Encode(), feature: "seats", item: "team", value: "20"}
	return in, errors.Join(
		server.AddFeature(chargebeetest.Feature{
			ID: in.feature, Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity,
			Levels: []chargebeetest.Level{{Value: "5"}, {Value: "20"}},
		}),
		server.AddItem(chargebeetest.Item{ID: in.item, Type: chargebee.ItemTypePlan}),
	)
}
