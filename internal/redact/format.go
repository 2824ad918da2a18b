package redact

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode"
)

// Types that hold secrets implement fmt.Formatter and slog.LogValuer with the functions
// below, so that no verb of fmt and no slog handler shows them. The receivers are
// values, so that copies are covered too. Two cases are out of reach: fmt does not call
// the methods of a value in an unexported field, and slog's JSON handler encodes a
// value inside another one as JSON.

// Format implements fmt.Formatter for a type that prints as text.
func Format(w fmt.State, verb rune, text string) {
	fmt.Fprintf(w, fmt.FormatString(w, verb), text)
}

// FormatValue implements fmt.Formatter for a type that prints as what it logs.
func FormatValue(w fmt.State, verb rune, v slog.LogValuer) {
	Format(w, verb, OneLine(fmt.Sprintf("%T%v", v, v.LogValue())))
}

// OneLine replaces control characters and line separators by spaces and truncates text
// to 300 characters, so that it fits on a line of a log.
func OneLine(text string) string {
	const limit = 300
	clean := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, text)
	characters := 0
	for i := range clean {
		if characters == limit {
			return clean[:i] + "…"
		}
		characters++
	}
	return clean
}
