package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// TestMain sets the global propagator of most applications. The tests check that the client does not use it.
func TestMain(m *testing.M) {
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	os.Exit(m.Run())
}

// recorder records the spans and metrics of a client.
type recorder struct {
	spans   *tracetest.SpanRecorder
	tracers *sdktrace.TracerProvider
	reader  *sdkmetric.ManualReader
	options []chargebee.ClientOption
}

func newRecorder(t *testing.T, site string) *recorder {
	t.Helper()
	rec := &recorder{spans: tracetest.NewSpanRecorder(), reader: sdkmetric.NewManualReader()}
	rec.tracers = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(rec.spans))
	var err error
	rec.options, err = instrument(site, rec.tracers, sdkmetric.NewMeterProvider(sdkmetric.WithReader(rec.reader)))
	require.NoError(t, err)
	return rec
}

// newRecordedClient returns an emulator, a client for it, and the recorder of that client.
func newRecordedClient(t *testing.T) (*chargebeetest.Server, *recorder, *chargebee.Client) {
	t.Helper()
	server := chargebeetest.NewServer()
	t.Cleanup(server.Close)
	rec := newRecorder(t, server.Site)
	client, err := server.NewClient(rec.options...)
	require.NoError(t, err)
	return server, rec, client
}

func (rec *recorder) metrics(t *testing.T) map[string]metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, rec.reader.Collect(context.WithoutCancel(t.Context()), &all))
	byName := make(map[string]metricdata.Metrics)
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			byName[m.Name] = m
		}
	}
	return byName
}

// span holds the parts of a span that the tests compare.
type span struct {
	name              string
	parent            trace.SpanID
	duration          time.Duration
	status            codes.Code
	statusDescription string
	attributes        map[string]any
}

func (rec *recorder) clientSpans() []span {
	var all []span
	for _, s := range rec.spans.Ended() {
		if s.SpanKind() == trace.SpanKindClient {
			all = append(all, span{s.Name(), s.Parent().SpanID(), s.EndTime().Sub(s.StartTime()), s.Status().Code, s.Status().Description, attributeMap(s.Attributes())})
		}
	}
	return all
}

func attributeMap(attributes []attribute.KeyValue) map[string]any {
	values := make(map[string]any)
	for _, a := range attributes {
		values[string(a.Key)] = a.Value.AsInterface()
	}
	return values
}

func merge(a, b map[string]any) map[string]any {
	merged := maps.Clone(a)
	maps.Copy(merged, b)
	return merged
}

func activate(ctx context.Context, client *chargebee.Client, login chargebee.PortalReturn, opts ...chargebee.CallOption) error {
	_, err := client.PortalSessions.ActivatePortalSession(ctx, login.SessionID, chargebee.ActivatePortalSessionParams{Token: login.Token}, opts...)
	return err
}

func TestEveryAttemptIsAChildSpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, rec, client := newRecordedClient(t)
		ctx, parentSpan := rec.tracers.Tracer("test").Start(t.Context(), "sign in")

		login := server.AddPortalSession("zoe")
		server.Inject(
			chargebeetest.Fault{Status: 503, Body: `{"api_error_code":"internal_temporary_error"}`, Delay: 2 * time.Second},
			chargebeetest.Fault{Cut: chargebeetest.CutAfter})
		require.NoError(t, activate(ctx, client, login))
		_, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{Action: chargebee.ActionRemove})
		require.ErrorIs(t, err, chargebee.ErrResourceNotFound)
		_, err = client.Features.RetrieveFeature(ctx, "seats")
		require.ErrorIs(t, err, chargebee.ErrResourceNotFound)
		server.Inject(chargebeetest.Fault{Status: 502, Body: "<html>"})
		_, err = client.Do(ctx, chargebee.Request{Method: http.MethodGet, Path: "/customers"}, nil, chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1}))
		require.Error(t, err)

		parent := parentSpan.SpanContext().SpanID()
		activation := map[string]any{
			"chargebee.site":      "emulator-test",
			"chargebee.resource":  "portalSession",
			"chargebee.operation": "activate",
			"http.request.method": "POST",
			"url.template":        "/portal_sessions/{portal-session-id}/activate",
		}
		require.Equal(t, []span{
			{"chargebee.portalSession.activate", parent, 2 * time.Second, codes.Error, "internal_temporary_error", merge(activation, map[string]any{
				"http.response.status_code": int64(503),
				"chargebee.error.code":      "internal_temporary_error",
				"error.type":                "internal_temporary_error",
			})},
			{"chargebee.portalSession.activate", parent, 0, codes.Error, "connection", merge(activation, map[string]any{
				"error.type":                "connection",
				"http.request.resend_count": int64(1),
			})},
			{"chargebee.portalSession.activate", parent, 0, codes.Unset, "", merge(activation, map[string]any{
				"http.response.status_code": int64(200),
				"http.request.resend_count": int64(2),
			})},
			{"chargebee.itemEntitlement.addItemEntitlements", parent, 0, codes.Error, "resource_not_found", map[string]any{
				"chargebee.site":            "emulator-test",
				"chargebee.resource":        "itemEntitlement",
				"chargebee.operation":       "addItemEntitlements",
				"chargebee.error.code":      "resource_not_found",
				"error.type":                "resource_not_found",
				"http.request.method":       "POST",
				"http.response.status_code": int64(404),
				"url.template":              "/features/{feature-id}/item_entitlements",
			}},
			{"chargebee.feature.retrieve", parent, 0, codes.Error, "resource_not_found", map[string]any{
				"chargebee.site":            "emulator-test",
				"chargebee.resource":        "feature",
				"chargebee.operation":       "retrieve",
				"chargebee.error.code":      "resource_not_found",
				"error.type":                "resource_not_found",
				"http.request.method":       "GET",
				"http.response.status_code": int64(404),
				"url.template":              "/features/{feature-id}",
			}},
			{"GET /customers", parent, 0, codes.Error, "502", map[string]any{
				"chargebee.site":            "emulator-test",
				"error.type":                "502",
				"http.request.method":       "GET",
				"http.response.status_code": int64(502),
				"url.template":              "/customers",
			}},
		}, rec.clientSpans())
	})
}

func TestAttemptDurationsAreRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, rec, client := newRecordedClient(t)
		for range 2 {
			server.Inject(chargebeetest.Fault{Status: 503, Body: `{"api_error_code":"internal_temporary_error"}`, Delay: 3 * time.Second})
			require.NoError(t, activate(t.Context(), client, server.AddPortalSession("zoe")))
		}

		metrics := rec.metrics(t)
		require.ElementsMatch(t, []string{
			"chargebee.client.attempt.duration", "http.client.request.duration", "http.client.request.body.size",
		}, slices.Collect(maps.Keys(metrics)))
		require.Equal(t, "s", metrics["chargebee.client.attempt.duration"].Unit)
		points := metrics["chargebee.client.attempt.duration"].Data.(metricdata.Histogram[float64]).DataPoints
		require.Len(t, points, 2)
		seconds := make(map[any]float64)
		for _, p := range points {
			require.Equal(t, uint64(2), p.Count)
			values := attributeMap(p.Attributes.ToSlice())
			require.Equal(t, "activate", values["chargebee.operation"])
			require.NotContains(t, values, "http.request.resend_count")
			seconds[values["chargebee.error.code"]] = p.Sum
		}
		require.Equal(t, map[any]float64{"internal_temporary_error": 6, nil: 0}, seconds)
		require.Equal(t, []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}, points[0].Bounds)
	})
}

func TestAttemptsSendSameHeadersWithoutTraceContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, rec, client := newRecordedClient(t)
		member, err := baggage.NewMember("customer", "zoe")
		require.NoError(t, err)
		bag, err := baggage.New(member)
		require.NoError(t, err)
		ctx, _ := rec.tracers.Tracer("test").Start(baggage.ContextWithBaggage(t.Context(), bag), "sign in")

		server.Inject(chargebeetest.Fault{Status: 503}, chargebeetest.Fault{Cut: chargebeetest.CutAfter})
		require.NoError(t, activate(ctx, client, server.AddPortalSession("zoe")))
		requests := server.Requests()
		require.Len(t, requests, 3)
		for _, r := range requests {
			require.Equal(t, requests[0].Header, r.Header)
		}
		require.ElementsMatch(t, []string{"Accept", "Authorization", "Chargebee-Idempotency-Key", "Content-Type", "User-Agent"},
			slices.Collect(maps.Keys(requests[0].Header)))
	})
}

// personalDataTransport returns an error to the first request and a response to all others, both with personal data.
type personalDataTransport struct{ requests int }

func (t *personalDataTransport) RoundTrip(*http.Request) (*http.Response, error) {
	t.requests++
	if t.requests == 1 {
		return nil, errors.New(`malformed HTTP response "zoe@example.com tok_secret"`)
	}
	return &http.Response{StatusCode: http.StatusBadRequest, Body: io.NopCloser(strings.NewReader(`{
		"message": "zoe@example.com of 203.0.113.7 may not", "api_error_code": "zoe@example.com", "param": "zoe@example.com",
		"type": "zoe@example.com", "error_cause_id": "zoe@example.com"}`))}, nil
}

func TestSpansAndMetricsContainNoPersonalData(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := newRecorder(t, "acme-test")
		client, err := chargebee.NewClient("acme-test", "key_secret", append(rec.options,
			chargebee.WithHTTPClient(&http.Client{Transport: new(personalDataTransport)}))...)
		require.NoError(t, err)
		labels := new(otelhttp.Labeler)
		labels.Add(attribute.String("user", "zoe"))
		ctx := chargebee.ContextWithHeaders(otelhttp.ContextWithLabeler(t.Context(), labels), chargebee.Headers{
			OriginUser: "zoe@example.com", OriginIP: "203.0.113.7", OriginDevice: "zoes-phone",
		})
		require.Error(t, activate(ctx, client, chargebee.PortalReturn{SessionID: "portal_secret", Token: "tok_secret"}, chargebee.WithIdempotencyKey("zoes-login")))

		require.Len(t, rec.clientSpans(), 2)
		output, err := json.Marshal([]any{tracetest.SpanStubsFromReadOnlySpans(rec.spans.Ended()), rec.metrics(t)})
		require.NoError(t, err)
		require.Contains(t, string(output), "portal_sessions") // the requests were recorded
		for _, secret := range []string{"zoe", "203.0.113.7", "secret", "malformed"} {
			require.NotContains(t, string(output), secret)
		}
	})
}

func TestOperationsHaveTheNamesOfTheNodeClient(t *testing.T) {
	t.Parallel()
	names := make(map[string]string)
	for _, call := range []string{
		"POST /portal_sessions", "GET /portal_sessions/{portal-session-id}",
		"POST /portal_sessions/{portal-session-id}/activate", "POST /portal_sessions/{portal-session-id}/logout",
		"GET /features", "GET /features/{feature-id}",
		"GET /features/{feature-id}/item_entitlements", "POST /features/{feature-id}/item_entitlements",
		"GET /entitlements", "POST /entitlements",
	} {
		method, route, _ := strings.Cut(call, " ")
		names[call] = spanName(chargebee.Attempt{Method: method, Route: route})
	}
	require.Equal(t, map[string]string{
		"POST /portal_sessions":                              "chargebee.portalSession.create",
		"GET /portal_sessions/{portal-session-id}":           "chargebee.portalSession.retrieve",
		"POST /portal_sessions/{portal-session-id}/activate": "chargebee.portalSession.activate",
		"POST /portal_sessions/{portal-session-id}/logout":   "chargebee.portalSession.logout",
		"GET /features":                                 "chargebee.feature.list",
		"GET /features/{feature-id}":                    "chargebee.feature.retrieve",
		"GET /features/{feature-id}/item_entitlements":  "chargebee.itemEntitlement.itemEntitlementsForFeature",
		"POST /features/{feature-id}/item_entitlements": "chargebee.itemEntitlement.addItemEntitlements",
		"GET /entitlements":                             "chargebee.entitlement.list",
		"POST /entitlements":                            "chargebee.entitlement.create",
	}, names)
}
