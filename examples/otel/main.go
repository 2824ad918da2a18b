// Otel shows the calls of a client in OpenTelemetry: telemetry.go, which is
// yours to copy, gives it spans and metrics, and this program prints them, a line of
// JSON each.
//
//	go run -C examples/otel .
//
// It runs against the embedded emulator, which fails once in the course of it. If
// CHARGEBEE_SITE and CHARGEBEE_API_KEY are set, it asks that site for what does not
// exist, which changes nothing; CHARGEBEE_BASE_URL leads it elsewhere.
package main

import (
	"context"
	"errors"
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
	if err != nil {
		fmt.Fprintln(os.Stderr, "otel:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	if len(args) > 0 {
		return errors.New("unknown argument: " + args[0])
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
		show(ctx, getenv, out, tracers, meters),
		tracers.Shutdown(context.WithoutCancel(ctx)),
		meters.Shutdown(context.WithoutCancel(ctx)))
}

func show(ctx context.Context, getenv func(string) string, out io.Writer, tracers trace.TracerProvider, meters metric.MeterProvider) error {
	site, apiKey, baseURL := getenv("CHARGEBEE_SITE"), getenv("CHARGEBEE_API_KEY"), getenv("CHARGEBEE_BASE_URL")
	switch {
	case site == "" && apiKey == "" && baseURL == "":
		return showEmulator(ctx, out, tracers, meters)
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
	missing := chargebee.PortalReturn{SessionID: "there-is-no-such-session", Token: "nor-such-a-token"} //nolint:gosec // neither is there
	notActivated, notChanged := signIn(ctx, tracers, client, missing, "there-is-no-such-feature", "nor-such-an-item")
	for _, err := range []error{notActivated, notChanged} {
		var answer *chargebee.APIError
		if !errors.As(err, &answer) {
			return err
		}
		fmt.Fprintln(out, "The site answered:", err)
	}
	return nil
}

func showEmulator(ctx context.Context, out io.Writer, tracers trace.TracerProvider, meters metric.MeterProvider) error {
	fmt.Fprintln(out, "Site: the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY for a real one.")
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

// signIn is what an application might do when a customer comes back: two calls
// under one span of its own.
func signIn(ctx context.Context, tracers trace.TracerProvider, client *chargebee.Client, login chargebee.PortalReturn, feature, item string) (notActivated, notChanged error) {
	ctx, span := tracers.Tracer(scope).Start(ctx, "sign in")
	defer span.End()
	_, notActivated = client.PortalSessions.ActivatePortalSession(ctx, login.SessionID,
		chargebee.ActivatePortalSessionParams{Token: login.Token})
	_, notChanged = client.Features.UpsertOrRemoveItemEntitlements(ctx, feature, chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action:           chargebee.ActionUpsert,
		ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: item, Value: "20"}},
	})
	return notActivated, notChanged
}
