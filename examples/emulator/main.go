// Emulator is chargebeetest as a server of its own, for programs in any
// language. It prints what they need as lines for a shell, and serves until it
// is interrupted:
//
//	go run ./examples/emulator -addr 127.0.0.1:8080 | tee env
//
// and, in another terminal,
//
//	set -a; . ./env
//	curl -u "$CHARGEBEE_API_KEY:" "$CHARGEBEE_BASE_URL/portal_sessions/$SESSION_ID/activate" -d "token=$SESSION_TOKEN"
//
// With -seed it takes a JSON file like the site.json beside this one, which is
// the default. The ids and the value are the first of each in the seed, and empty if
// it has none. LOGIN_URL stands for Chargebee's hosted login; it takes return_url
// and cancel_url, and opens further sessions.
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

// seed is what a site has when the server starts.
type seed struct {
	Features  []chargebeetest.Feature `json:"features"`
	Items     []chargebeetest.Item    `json:"items"`
	Customers []customer              `json:"customers"`
}

type customer struct {
	ID string `json:"id"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second interrupt ends it at once
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "emulator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("emulator", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:0", "`address` to listen on; port 0 picks one")
	seedFile := flags.String("seed", "", "JSON `file` with features, items and customers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return errors.New("unknown argument: " + flags.Arg(0))
	}
	site, err := readSeed(*seedFile)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	server := chargebeetest.NewServer(chargebeetest.WithListener(listener), chargebeetest.WithoutRequests())
	defer server.Close()
	if err := site.plant(server); err != nil {
		return err
	}
	if err := printLines(out, server, site); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func readSeed(file string) (seed, error) {
	text := defaultSeed
	if file != "" {
		var err error
		if text, err = os.ReadFile(file); err != nil { //nolint:gosec // the file that the user named
			return seed{}, err
		}
	}
	var site seed
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&site); err != nil {
		return seed{}, fmt.Errorf("%s: %w", file, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return seed{}, fmt.Errorf("%s: more than one JSON value", file)
	}
	return site, nil
}

// plant gives the server all of the seed, or says all that is wrong with it.
func (s seed) plant(server *chargebeetest.Server) error {
	var problems error
	for _, f := range s.Features {
		problems = errors.Join(problems, server.AddFeature(f))
	}
	for _, i := range s.Items {
		problems = errors.Join(problems, server.AddItem(i))
	}
	for _, c := range s.Customers {
		problems = errors.Join(problems, server.AddCustomer(c.ID))
	}
	return problems
}

// printLines prints how to reach the server, and the first of each thing that
// it has. What it has none of is empty.
func printLines(out io.Writer, server *chargebeetest.Server, site seed) error {
	var login chargebee.PortalReturn
	if customer := first(site.Customers); customer.ID != "" {
		login = server.AddPortalSession(customer.ID)
	}
	feature, item := first(site.Features), first(site.Items)
	var lines strings.Builder
	for _, line := range []struct{ name, value string }{
		{"CHARGEBEE_BASE_URL", server.URL},
		{"CHARGEBEE_SITE", server.Site},
		{"CHARGEBEE_API_KEY", server.APIKey},
		{"LOGIN_URL", server.LoginURL},
		{"SESSION_ID", login.SessionID},
		{"SESSION_TOKEN", login.Token},
		{"FEATURE_ID", feature.ID},
		{"ITEM_ID", item.ID},
		{"VALUE", valueOf(feature)},
	} {
		if strings.ContainsFunc(line.value, unicode.IsControl) {
			return errors.New(line.name + " must not have control characters")
		}
		fmt.Fprintf(&lines, "%s='%s'\n", line.name, strings.ReplaceAll(line.value, "'", `'\''`))
	}
	_, err := io.WriteString(out, lines.String())
	return err
}

// first returns the first of a list, or the zero value.
func first[T any](list []T) (t T) {
	if len(list) > 0 {
		t = list[0]
	}
	return t
}

// valueOf is a value that an entitlement to the feature may have.
func valueOf(f chargebeetest.Feature) string {
	switch {
	case f.Type == chargebeetest.FeatureTypeSwitch:
		return chargebee.ValueAvailable
	case len(f.Levels) == 0:
		return "" // which such a feature takes too
	case f.Levels[0].Unlimited:
		return chargebee.ValueUnlimited
	}
	return f.Levels[0].Value
}
