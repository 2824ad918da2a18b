// Otel records the calls of a client with OpenTelemetry and prints the spans and metrics as JSON, one object per line.
// The instrumentation is in telemetry.go, which you can copy into your application.
//
//	go run -C examples/otel .
//
// By default it runs against an embedded emulator, whose first response is a 503. Set CHARGEBEE_SITE and
// CHARGEBEE_API_KEY to use a real site; CHARGEBEE_BASE_URL overrides the URL of its API. On a real site it only
// requests resources that do not exist, so it changes nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "otel:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	flags := flag.NewFlagSet("otel", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints all errors
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(out, "Usage of otel: no flags. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site.")
		}
		return err
	}
	if flags.NArg() > 0 {
		return errors.New("unknown argument: " + flags.Arg(0))
	}
	spans, err := stdouttrace.New(stdouttrace.WithWriter(out))
	if err != nil {
		return err
	}
	metrics, err := stdoutmetric.New(stdoutmetric.WithWriter(out))
	if err != nil {
		return err
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics)))
	return errors.Join(
		makeCalls(ctx, getenv, out, tracers, meters),
		tracers.Shutdown(context.WithoutCancel(ctx)),
		meters.Shutdown(context.WithoutCancel(ctx)))
}

// makeCalls calls a real site if the environment variables name one, otherwise the emulator.
func makeCalls(ctx context.Context, getenv func(string) string, out io.Writer, tracers trace.TracerProvider, meters metric.MeterProvider) error {
	site, apiKey, baseURL := getenv("CHARGEBEE_SITE"), getenv("CHARGEBEE_API_KEY"), getenv("CHARGEBEE_BASE_URL")
	switch {
	case site == "" && apiKey == "" && baseURL == "":
		return callEmulator(ctx, out, tracers, meters)
	case site == "" || apiKey == "":
		return errors.New("a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY")
	}
	fmt.Fprintln(out, "Site:", site)
	opts, err := instrument(site, tracers, meters)
	if err != nil {
		return err
	}
	if baseURL != "" {
		opts = append(opts, chargebee.WithBaseURL(baseURL))
	}
	client, err := chargebee.NewClient(site, apiKey, opts...)
	if err != nil {
		return err
	}
	login := chargebee.PortalReturn{SessionID: "nonexistent-session", Token: "nonexistent-token"}
	activateErr, upsertErr := signIn(ctx, tracers, client, login, "nonexistent-feature", "nonexistent-item")
	for _, err := range []error{activateErr, upsertErr} {
		var apiErr *chargebee.APIError
		if !errors.As(err, &apiErr) {
			return err
		}
		fmt.Fprintln(out, "Error response:", err)
	}
	return nil
}

func callEmulator(ctx context.Context, out io.Writer, tracers trace.TracerProvider, meters metric.MeterProvider) error {
	fmt.Fprintln(out, "Site: the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site.")
	server := chargebeetest.NewServer()
	defer server.Close()
	opts, err := instrument(server.Site, tracers, meters)
	if err != nil {
		return err
	}
	client, err := server.NewClient(opts...)
	if err != nil {
		return err
	}
	err = errors.Join(
		server.AddFeature(chargebeetest.Feature{ID: "seats", Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity}),
		server.AddItem(chargebeetest.Item{ID: "team", Type: chargebee.ItemTypePlan}),
	)
	if err != nil {
		return err
	}
	server.Inject(chargebeetest.Fault{Status: 503, Body: `{"message":"try again","api_error_code":"internal_temporary_error"}`})
	return errors.Join(signIn(ctx, tracers, client, server.AddPortalSession("zoe"), "seats", "team"))
}

// signIn makes the two calls in one span, as an application might do after a customer has logged in.
func signIn(ctx context.Context, tracers trace.TracerProvider, client *chargebee.Client, login chargebee.PortalReturn, feature, item string) (activateErr, upsertErr error) {
	ctx, span := tracers.Tracer(scope).Start(ctx, "sign in")
	defer span.End()
	_, activateErr = client.PortalSessions.ActivatePortalSession(ctx, login.SessionID,
		chargebee.ActivatePortalSessionParams{Token: login.Token})
	_, upsertErr = client.Features.UpsertOrRemoveItemEntitlements(ctx, feature, chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action:           chargebee.ActionUpsert,
		ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: item, Value: "20"}},
	})
	return activateErr, upsertErr
}
