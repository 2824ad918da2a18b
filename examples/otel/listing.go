package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// spanLister is a span exporter that prints all spans as a tree when it is shut down. It cannot print them earlier,
// because a span is exported before its parent.
type spanLister struct {
	out   io.Writer
	spans []sdktrace.ReadOnlySpan
}

// ExportSpans keeps the spans until Shutdown.
func (l *spanLister) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	l.spans = append(l.spans, spans...)
	return nil
}

// Shutdown prints the spans.
func (l *spanLister) Shutdown(context.Context) error {
	if len(l.spans) == 0 {
		return nil
	}
	slices.SortStableFunc(l.spans, func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	table := newTable(l.out, "Spans of "+serviceName(l.spans[0].Resource()), "SPAN\tDURATION\tSTATUS\tATTRIBUTES")
	l.printChildren(table, trace.SpanID{}, "")
	return table.Flush()
}

// printChildren prints the spans of a parent and, below each, its own children.
func (l *spanLister) printChildren(table io.Writer, parent trace.SpanID, indent string) {
	for _, span := range l.spans {
		if span.Parent().SpanID() != parent {
			continue
		}
		duration := span.EndTime().Sub(span.StartTime()).Round(10 * time.Microsecond)
		attributes := selectAttributes(attribute.NewSet(span.Attributes()...),
			semconv.HTTPResponseStatusCodeKey, semconv.ErrorTypeKey, semconv.HTTPRequestResendCountKey)
		fmt.Fprintf(table, "%s%s\t%v\t%v\t%s\n", indent, span.Name(), duration, span.Status().Code, attributes)
		l.printChildren(table, span.SpanContext().SpanID(), indent+"  ")
	}
}

// metricLister is a metric exporter that prints the count and the sum of histograms, which are all that this program
// records.
type metricLister struct{ out io.Writer }

// Temporality returns the default of OpenTelemetry.
func (metricLister) Temporality(kind sdkmetric.InstrumentKind) metricdata.Temporality {
	return sdkmetric.DefaultTemporalitySelector(kind)
}

// Aggregation returns the default of OpenTelemetry.
func (metricLister) Aggregation(kind sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(kind)
}

// Export prints the metrics in the order of their names.
func (l metricLister) Export(_ context.Context, exported *metricdata.ResourceMetrics) error {
	var metrics []metricdata.Metrics
	for _, scope := range exported.ScopeMetrics {
		metrics = append(metrics, scope.Metrics...)
	}
	slices.SortFunc(metrics, func(a, b metricdata.Metrics) int { return strings.Compare(a.Name, b.Name) })
	table := newTable(l.out, "Metrics of "+serviceName(exported.Resource), "METRIC\tCOUNT\tSUM\tATTRIBUTES")
	for _, m := range metrics {
		switch data := m.Data.(type) {
		case metricdata.Histogram[float64]:
			printHistogram(table, m, data, "%.5f")
		case metricdata.Histogram[int64]:
			printHistogram(table, m, data, "%d")
		}
	}
	return table.Flush()
}

// ForceFlush does nothing, because Export keeps nothing.
func (metricLister) ForceFlush(context.Context) error { return nil }

// Shutdown does nothing, because Export keeps nothing.
func (metricLister) Shutdown(context.Context) error { return nil }

// printHistogram prints the points of a histogram, ordered by their attributes.
func printHistogram[N int64 | float64](table io.Writer, m metricdata.Metrics, histogram metricdata.Histogram[N], sumFormat string) {
	attributesOf := func(point metricdata.HistogramDataPoint[N]) string {
		return selectAttributes(point.Attributes, "chargebee.operation", semconv.HTTPResponseStatusCodeKey, semconv.ErrorTypeKey)
	}
	points := slices.SortedStableFunc(slices.Values(histogram.DataPoints), func(a, b metricdata.HistogramDataPoint[N]) int {
		return strings.Compare(attributesOf(a), attributesOf(b))
	})
	for _, point := range points {
		sum := fmt.Sprintf(sumFormat, point.Sum) + " " + m.Unit
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", m.Name, point.Count, sum, attributesOf(point))
	}
}

// newTable prints a title, and returns a table whose cells end with tabs.
func newTable(out io.Writer, title, header string) *tabwriter.Writer {
	fmt.Fprintf(out, "\n%s:\n", title)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, header)
	return table
}

func serviceName(r *resource.Resource) string {
	name, _ := r.Set().Value(semconv.ServiceNameKey)
	return name.AsString()
}

// selectAttributes returns those of the attributes that have one of the keys, as text.
func selectAttributes(attributes attribute.Set, keys ...attribute.Key) string {
	var selected []string
	for _, key := range keys {
		if value, ok := attributes.Value(key); ok {
			selected = append(selected, string(key)+"="+value.String())
		}
	}
	return strings.Join(selected, " ")
}
