// Emulator runs chargebeetest as a standalone server, for programs in any language. It prints its settings as shell
// variables and serves until it is interrupted:
//
//	go run ./examples/emulator -addr 127.0.0.1:8080 | tee env
//
// Then, in another terminal:
//
//	set -a; . ./env
//	curl -u "$CHARGEBEE_API_KEY:" "$CHARGEBEE_BASE_URL/portal_sessions/$SESSION_ID/activate" -d "token=$SESSION_TOKEN"
//
// -seed names a JSON file with features, items and customers, as the API itself lists them. The default is the site.json
// in this directory.
// SESSION_ID and SESSION_TOKEN are a login of the first customer, FEATURE_ID and ITEM_ID are the first feature and item,
// and VALUE is a value that the feature accepts. A variable is empty if the seed has nothing for it. LOGIN_URL is the
// emulated hosted login page. It takes return_url and cancel_url, and every login there creates a new portal session.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

//go:embed site.json
var defaultSeed []byte

// seed is the initial data of the server. Its resources are in the JSON of the API.
type seed struct {
	Features  []resource[chargebeetest.Feature] `json:"features"`
	Items     []resource[chargebeetest.Item]    `json:"items"`
	Customers []resource[customer]              `json:"customers"`
}

type customer struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// resource is a resource of the API. Attributes that the emulator does not know are ignored, while an unknown name
// elsewhere in the seed is an error.
type resource[T any] struct{ of T }

func (r *resource[T]) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &r.of) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt kills the program
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "emulator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("emulator", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:0", "`address` to listen on; port 0 picks a free port")
	seedFile := flags.String("seed", "", "JSON `file` with features, items and customers")
	if err := parseFlags(flags, args, out); err != nil {
		return err
	}
	data, err := readSeed(*seedFile)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	server := chargebeetest.NewServer(chargebeetest.WithListener(listener), chargebeetest.WithoutRequests())
	defer server.Close()
	if err := data.addTo(server); err != nil {
		return err
	}
	if err := printVariables(out, server, data); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
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

func readSeed(file string) (seed, error) {
	content := defaultSeed
	if file != "" {
		var err error
		if content, err = os.ReadFile(file); err != nil { //nolint:gosec // the path comes from the user
			return seed{}, err
		}
	}
	var data seed
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&data); err != nil {
		return seed{}, fmt.Errorf("%s: %w", file, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return seed{}, fmt.Errorf("%s: more than one JSON value", file)
	}
	return data, nil
}

// addTo adds the data to server. The error joins those of all invalid entries.
func (s seed) addTo(server *chargebeetest.Server) error {
	var errs error
	for _, f := range s.Features {
		errs = errors.Join(errs, server.AddFeature(f.of))
	}
	for _, i := range s.Items {
		errs = errors.Join(errs, server.AddItem(i.of))
	}
	for _, c := range s.Customers {
		self := chargebee.LinkedCustomer{CustomerID: c.of.ID, Email: c.of.Email}
		errs = errors.Join(errs, server.AddCustomer(c.of.ID), server.SetLinkedCustomers(c.of.ID, self))
	}
	return errs
}

// printVariables prints the settings of server, and the first of its customers, features and items, as shell variables.
func printVariables(out io.Writer, server *chargebeetest.Server, data seed) error {
	var login chargebee.PortalReturn
	if customer := first(data.Customers); customer.ID != "" {
		login = server.AddPortalSession(customer.ID)
	}
	feature, item := first(data.Features), first(data.Items)
	var lines strings.Builder
	for _, variable := range []struct{ name, value string }{
		{"CHARGEBEE_BASE_URL", server.URL},
		{"CHARGEBEE_SITE", server.Site},
		{"CHARGEBEE_API_KEY", server.APIKey},
		{"LOGIN_URL", server.LoginURL},
		{"SESSION_ID", login.SessionID},
		{"SESSION_TOKEN", login.Token},
		{"FEATURE_ID", feature.ID},
		{"ITEM_ID", item.ID},
		{"VALUE", validValue(feature)},
	} {
		if strings.ContainsFunc(variable.value, unicode.IsControl) {
			return errors.New(variable.name + " must not contain control characters")
		}
		fmt.Fprintf(&lines, "%s='%s'\n", variable.name, strings.ReplaceAll(variable.value, "'", `'\''`))
	}
	_, err := io.WriteString(out, lines.String())
	return err
}

// first returns the first resource of list, or the zero value if list is empty.
func first[T any](list []resource[T]) (of T) {
	if len(list) > 0 {
		of = list[0].of
	}
	return of
}

// validValue returns a value that is valid for an entitlement to f.
func validValue(f chargebeetest.Feature) string {
	switch {
	case f.Type == chargebeetest.FeatureTypeSwitch:
		return chargebee.ValueAvailable
	case len(f.Levels) == 0:
		return "" // without levels, any value is valid
	case f.Levels[0].Unlimited:
		return chargebee.ValueUnlimited
	}
	return f.Levels[0].Value
}
