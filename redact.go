package chargebee

import (
	"fmt"
	"log/slog"
)

// Format and LogValue are all that a value with secrets in it, or near it, shows
// of itself: under every verb of fmt, and in slog. They have value receivers, so
// that a copy is as safe as a pointer; a response without its own shows what the
// Response in it does. What they cannot reach: fmt does not ask a value in an
// unexported field, and slog's JSON handler only asks a value that stands alone.
// A Client needs none: it keeps its key in a function.

func formatLine(w fmt.State, verb rune, line string) {
	fmt.Fprintf(w, fmt.FormatString(w, verb), line)
}

func formatValue(w fmt.State, verb rune, v slog.LogValuer) {
	formatLine(w, verb, oneLine(fmt.Sprintf("%T%v", v, v.LogValue())))
}

// LogValue shows the call without its parameters.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("method", r.Method), slog.String("route", r.Path))
}

// Format shows the call without its parameters.
func (r Request) Format(w fmt.State, verb rune) { formatValue(w, verb, r) }

// LogValue shows what happened to the call, without the body.
func (r Response) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("status", r.StatusCode),
		slog.Int("attempts", r.Attempts),
		slog.String("idempotency_key", r.IdempotencyKey),
		slog.Bool("idempotency_replayed", r.IdempotencyReplayed),
	)
}

// Format shows what happened to the call, without the body.
func (r Response) Format(w fmt.State, verb rune) { formatValue(w, verb, r) }

// Format prints the line of Error.
func (e APIError) Format(w fmt.State, verb rune) { formatLine(w, verb, e.Error()) }

// Format prints the line of Error.
func (e DecodeError) Format(w fmt.State, verb rune) { formatLine(w, verb, e.Error()) }

// Format prints the line of Error.
func (e TransportError) Format(w fmt.State, verb rune) { formatLine(w, verb, e.Error()) }
