package main

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// scope is the instrumentation scope. Use the import path of your own package.
const scope = "github.com/typedbee/chargebee-go/examples/otel"

// telemetry records metrics and a span for each attempt of a call, as a child of the span in the call's context. The
// names of spans and of chargebee.* attributes are those of Chargebee's own Node client, where a span is a whole call.
// All other names are OpenTelemetry's.
//
// Spans and metrics contain no IDs of sessions, customers, items or features, no names or addresses of customers, no
// tokens and no messages, provided that the Path of every Client.Do is a template. This is why the observer creates the
// spans: it receives the route, not the URL. Spans of otelhttp would contain the URL, with the ID of the portal
// session, and the text of network errors, so otelhttp only records metrics. Error codes come from the server, limited
// to 100 letters, digits and underscores.
type telemetry struct {
	site     string
	tracer   trace.Tracer
	duration metric.Float64Histogram
}

// instrument returns options for chargebee.NewClient:
//
//	opts, err := instrument(site, otel.GetTracerProvider(), otel.GetMeterProvider())
//	…
//	client, err := chargebee.NewClient(site, apiKey, opts...)
func instrument(site string, tracers trace.TracerProvider, meters metric.MeterProvider) ([]chargebee.ClientOption, error) {
	duration, err := meters.Meter(scope).Float64Histogram("chargebee.client.attempt.duration",
		metric.WithUnit("s"), metric.WithDescription("Duration of the attempts of Chargebee calls, retries included."),
		metric.WithExplicitBucketBoundaries(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30))
	if err != nil {
		return nil, err
	}
	t := &telemetry{site: site, tracer: tracers.Tracer(scope), duration: duration}
	return []chargebee.ClientOption{
		chargebee.WithObserver(t.observe),
		chargebee.WithTransportWrapper(func(base http.RoundTripper) http.RoundTripper {
			return unlabeledTransport{otelhttp.NewTransport(base,
				otelhttp.WithMeterProvider(meters),
				otelhttp.WithTracerProvider(noop.NewTracerProvider()),
				otelhttp.WithPropagators(noPropagation()))}
		}),
	}, nil
}

// noPropagation returns a propagator that adds no headers. Chargebee compares the headers of requests with the same
// idempotency key and does not document which, so all attempts must send the same headers. Baggage may be personal.
func noPropagation() propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator()
}

// unlabeledTransport hides the otelhttp labels of the incoming request from the outgoing one. They may be personal.
type unlabeledTransport struct{ base http.RoundTripper }

func (t unlabeledTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.base.RoundTrip(req.WithContext(otelhttp.ContextWithLabeler(req.Context(), new(otelhttp.Labeler))))
}

// observe records a finished attempt.
func (t *telemetry) observe(ctx context.Context, a chargebee.Attempt) {
	end := time.Now()
	attributes := t.attributes(a)
	t.duration.Record(ctx, a.Duration.Seconds(), metric.WithAttributes(attributes...))

	if a.Number > 1 {
		attributes = append(attributes, attribute.Int("http.request.resend_count", a.Number-1))
	}
	_, span := t.tracer.Start(ctx, spanName(a), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithTimestamp(end.Add(-a.Duration)), trace.WithAttributes(attributes...))
	if a.Err != nil {
		span.SetStatus(codes.Error, errorType(a))
	}
	span.End(trace.WithTimestamp(end))
}

func (t *telemetry) attributes(a chargebee.Attempt) []attribute.KeyValue {
	attributes := []attribute.KeyValue{
		attribute.String("chargebee.site", t.site),
		attribute.String("http.request.method", a.Method),
		attribute.String("url.template", a.Route),
	}
	if op := operationOf(a); op != (operation{}) {
		attributes = append(attributes,
			attribute.String("chargebee.resource", op.resource),
			attribute.String("chargebee.operation", op.name))
	}
	if a.StatusCode != 0 {
		attributes = append(attributes, attribute.Int("http.response.status_code", a.StatusCode))
	}
	if a.Code != "" {
		attributes = append(attributes, attribute.String("chargebee.error.code", string(a.Code)))
	}
	if a.Err != nil {
		attributes = append(attributes, attribute.String("error.type", errorType(a)))
	}
	return attributes
}

// errorType returns a short label for the error of an attempt: a failure, an error code or a status code.
func errorType(a chargebee.Attempt) string {
	return cmp.Or(a.Failure, string(a.Code), strconv.Itoa(a.StatusCode))
}

func spanName(a chargebee.Attempt) string {
	if op := operationOf(a); op != (operation{}) {
		return "chargebee." + op.resource + "." + op.name
	}
	return a.Method + " " + a.Route
}

// operation holds the names that Chargebee's Node client gives to an operation.
type operation struct{ resource, name string }

// operationOf returns the operation of an attempt, or the zero value for other routes, which Client.Do can call.
func operationOf(a chargebee.Attempt) operation {
	switch a.Method + " " + a.Route {
	case "POST /portal_sessions":
		return operation{"portalSession", "create"}
	case "GET /portal_sessions/{portal-session-id}":
		return operation{"portalSession", "retrieve"}
	case "POST /portal_sessions/{portal-session-id}/activate":
		return operation{"portalSession", "activate"}
	case "POST /portal_sessions/{portal-session-id}/logout":
		return operation{"portalSession", "logout"}
	case "GET /features":
		return operation{"feature", "list"}
	case "GET /features/{feature-id}":
		return operation{"feature", "retrieve"}
	case "GET /features/{feature-id}/item_entitlements":
		return operation{"itemEntitlement", "itemEntitlementsForFeature"}
	case "POST /features/{feature-id}/item_entitlements":
		return operation{"itemEntitlement", "addItemEntitlements"}
	case "GET /entitlements":
		return operation{"entitlement", "list"}
	case "POST /entitlements":
		return operation{"entitlement", "create"}
	}
	return operation{}
}
