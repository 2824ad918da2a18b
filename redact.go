package chargebee

import (
	"fmt"
	"log/slog"
)

// Types that hold secrets implement fmt.Formatter and slog.LogValuer, so that no verb
// of fmt and no slog handler shows them. The receivers are values, so that copies are
// covered too. Two cases are out of reach: fmt does not call the methods of a value in
// an unexported field, and slog's JSON handler encodes a value inside another one as
// JSON. A Client needs no methods: it keeps its key in a func.

func formatLine(w fmt.State, verb rune, line string) {
	fmt.Fprintf(w, fmt.FormatString(w, verb), line)
}

func formatValue(w fmt.State, verb rune, v slog.LogValuer) {
	formatLine(w, verb, oneLine(fmt.Sprintf("%T%v", v, v.LogValue())))
}

// LogValue returns the method and route, without the parameters.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("method", r.Method), slog.String("route", r.Path))
}

// Format implements fmt.Formatter; it omits the parameters.
func (r Request) Format(w fmt.State, verb rune) { formatValue(w, verb, r) }

// LogValue returns the metadata of the response, without the body.
func (r Response) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("status", r.StatusCode),
		slog.Int("attempts", r.Attempts),
		slog.String("idempotency_key", r.IdempotencyKey),
		slog.Bool("idempotency_replayed", r.IdempotencyReplayed),
	)
}

// Format implements fmt.Formatter; it omits the body.
func (r Response) Format(w fmt.State, verb rune) { formatValue(w, verb, r) }

// Format implements fmt.Formatter; it prints the text of Error.
func (e APIError) Format(w fmt.State, verb rune) { formatLine(w, verb, e.Error()) }

// Format implements fmt.Formatter; it prints the text of Error.
func (e DecodeError) Format(w fmt.State, verb rune) { formatLine(w, verb, e.Error()) }

// Format implements fmt.Formatter; it prints the text of Error.
func (e TransportError) Format(w fmt.State, verb rune) { formatLine(w, verb, e.Error()) }
