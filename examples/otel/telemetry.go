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

// scope is the package that makes the spans: in yours, its path.
const scope = "github.com/typedbee/chargebee-go/examples/otel"

// telemetry gives a client a span for each attempt of a call, below the span in
// the context of the call, and metrics. The names of spans and chargebee.*
// attributes are those of Chargebee's own Node client, where a span is a whole call;
// the others are OpenTelemetry's.
//
// No span or metric has the id of a session, customer, item or feature in it, nor
// a name or address of a customer, a token, or a message, as long as the Path of a
// Client.Do is a template. That is why the spans are made by the observer, which
// hears of the route and not of the URL, and why otelhttp is left the metrics: its
// spans have the whole URL, with the id of the portal session, and the text of
// network errors. An error code is what the server says it is, up to 100 letters,
// digits and underscores.
type telemetry struct {
	site     string
	tracer   trace.Tracer
	duration metric.Float64Histogram
}

// instrument returns what to give to chargebee.NewClient:
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
			return unlabelled{otelhttp.NewTransport(base,
				otelhttp.WithMeterProvider(meters),
				otelhttp.WithTracerProvider(noop.NewTracerProvider()),
				otelhttp.WithPropagators(nothing()))}
		}),
	}, nil
}

// nothing is what a request to Chargebee is told of the trace. Chargebee compares
// headers under an idempotency key, without saying which, so that those of all
// attempts must be the same; and baggage may be personal.
func nothing() propagation.TextMapPropagator { return propagation.NewCompositeTextMapPropagator() }

// unlabelled keeps from otelhttp the labels that an application has put on the
// request which it serves, and which may be personal.
type unlabelled struct{ next http.RoundTripper }

func (u unlabelled) RoundTrip(req *http.Request) (*http.Response, error) {
	return u.next.RoundTrip(req.WithContext(otelhttp.ContextWithLabeler(req.Context(), new(otelhttp.Labeler))))
}

// observe records an attempt, which is over.
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

// errorType is a word for what went wrong.
func errorType(a chargebee.Attempt) string {
	return cmp.Or(a.Failure, string(a.Code), strconv.Itoa(a.StatusCode))
}

func spanName(a chargebee.Attempt) string {
	if op := operationOf(a); op != (operation{}) {
		return "chargebee." + op.resource + "." + op.name
	}
	return a.Method + " " + a.Route
}

// operation is how Chargebee's Node client names what a route does.
type operation struct{ resource, name string }

// operationOf is the zero value for a route of Client.Do.
func operationOf(a chargebee.Attempt) operation {
	switch a.Route {
	case "/portal_sessions/{portal-session-id}/activate":
		return operation{"portalSession", "activate"}
	case "/features/{feature-id}/item_entitlements":
		return operation{"itemEntitlement", "addItemEntitlements"}
	}
	return operation{}
}
