// Otel records the calls of a client with OpenTelemetry, and lists the spans and metrics. The instrumentation is in
// telemetry.go, which you can copy into your application.
//
//	go run -C examples/otel .
//
// By default it runs against an embedded emulator, whose first response is a 503. On a real site it only requests
// resources that do not exist, so it changes nothing. The flag -help says how to use one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/program"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

func main() { program.Main("otel", run) }

const usage = `Otel records the calls of a client with OpenTelemetry, and lists the spans and
metrics. On a real site it only requests resources that do not exist, so it
changes nothing.

Examples:
  go run -C examples/otel .
  go run -C examples/otel . -json

` + program.Environment + `  OTEL_SERVICE_NAME
    	name of the service in spans and metrics (default:
    	chargebee-otel-example)
`

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("otel", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "print one JSON object per line, and everything else to standard error")
	if err := program.ParseFlags(flags, usage, args, stdout); err != nil {
		return err
	}
	if err := program.RejectArguments(flags); err != nil {
		return err
	}
	site, err := program.OpenSite(getenv)
	if err != nil {
		return err
	}
	defer site.Close()
	messages := stdout
	if *asJSON {
		messages = stderr
	}
	fmt.Fprintln(messages, "Site:", site)
	tracers, meters, err := newProviders(ctx, stdout, *asJSON)
	if err != nil {
		return err
	}
	return errors.Join(
		makeCalls(ctx, site, tracers, meters, messages),
		tracers.Shutdown(context.WithoutCancel(ctx)),
		meters.Shutdown(context.WithoutCancel(ctx)))
}

// newProviders returns providers that print to out.
func newProviders(ctx context.Context, out io.Writer, asJSON bool) (*sdktrace.TracerProvider, *sdkmetric.MeterProvider, error) {
	service, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName("chargebee-otel-example")),
		resource.WithFromEnv()) // overrides the name
	if err != nil {
		return nil, nil, err
	}
	var spans sdktrace.SpanExporter = &spanLister{out: out}
	var metrics sdkmetric.Exporter = metricLister{out}
	if asJSON {
		var spansErr, metricsErr error
		spans, spansErr = stdouttrace.New(stdouttrace.WithWriter(out))
		metrics, metricsErr = stdoutmetric.New(stdoutmetric.WithWriter(out))
		if err := errors.Join(spansErr, metricsErr); err != nil {
			return nil, nil, err
		}
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithResource(service), sdktrace.WithBatcher(spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithResource(service), sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics)))
	return tracers, meters, nil
}

// makeCalls calls the emulator, or a real site about resources that do not exist.
func makeCalls(ctx context.Context, site *program.Site, tracers trace.TracerProvider, meters metric.MeterProvider, messages io.Writer) error {
	opts, err := instrument(site.Name, tracers, meters)
	if err != nil {
		return err
	}
	client, err := site.NewClient(opts...)
	if err != nil {
		return err
	}
	if site.Emulator != nil {
		login, err := addSampleData(site.Emulator)
		if err != nil {
			return err
		}
		return errors.Join(signIn(ctx, tracers, client, login, "seats", "team"))
	}
	login := chargebee.PortalReturn{SessionID: "nonexistent-session", Token: "nonexistent-token"}
	activateErr, upsertErr := signIn(ctx, tracers, client, login, "nonexistent-feature", "nonexistent-item")
	for _, err := range []error{activateErr, upsertErr} {
		var apiErr *chargebee.APIError
		if !errors.As(err, &apiErr) {
			return err
		}
		fmt.Fprintln(messages, "Error response:", err)
	}
	return nil
}

// addSampleData adds a feature, a plan and a logged-in customer to the emulator, whose first response will be a 503.
func addSampleData(server *chargebeetest.Server) (chargebee.PortalReturn, error) {
	server.Inject(chargebeetest.Fault{Status: 503, Body: `{"message":"try again","api_error_code":"internal_temporary_error"}`})
	return server.AddPortalSession("zoe"), errors.Join(
		server.AddFeature(chargebeetest.Feature{ID: "seats", Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity}),
		server.AddItem(chargebeetest.Item{ID: "team", Type: chargebee.ItemTypePlan}),
	)
}

// signIn makes two calls in one span, as an application might do after a customer has logged in.
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
