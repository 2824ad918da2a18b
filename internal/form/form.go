// Package form encodes the parameters of a request: those in its path, and those in its
// query or body as application/x-www-form-urlencoded.
package form

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/typedbee/chargebee-go/internal/validate"
)

// Form is the body of a POST or the query of a GET, and what is invalid about it.
type Form struct {
	Encoded strings.Builder
	Tokens  []string // the values of parameters named token, which are secrets
	Invalid []InvalidParam
}

// InvalidParam is a parameter that cannot be sent.
type InvalidParam struct{ Name, Reason string }

// Reject records an invalid parameter.
func (f *Form) Reject(name, reason string) {
	f.Invalid = append(f.Invalid, InvalidParam{name, reason})
}

// Add adds a parameter.
func (f *Form) Add(name, value string) {
	if !utf8.ValidString(name) || !utf8.ValidString(value) {
		f.Reject(name, validate.ReasonUTF8)
	}
	if name == "token" {
		f.Tokens = append(f.Tokens, value)
	}
	if f.Encoded.Len() > 0 {
		f.Encoded.WriteByte('&')
	}
	f.Encoded.WriteString(url.QueryEscape(name))
	f.Encoded.WriteByte('=')
	f.Encoded.WriteString(url.QueryEscape(value))
}

// AddRequired adds a parameter that must not be empty.
func (f *Form) AddRequired(name, value string) {
	if value == "" {
		f.Reject(name, validate.ReasonEmpty)
	}
	f.Add(name, value)
}

// AddOptional adds a parameter unless it is empty.
func (f *Form) AddOptional(name, value string) {
	if value != "" {
		f.Add(name, value)
	}
}

// AddValues adds values, sorted by name.
func (f *Form) AddValues(values url.Values) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[name] {
			f.Add(name, value)
		}
	}
}

// Has reports whether there is a parameter of this name.
func (f *Form) Has(name string) bool {
	pair := "&" + url.QueryEscape(name) + "="
	return strings.HasPrefix(f.Encoded.String(), pair[1:]) || strings.Contains(f.Encoded.String(), pair)
}

// ExpandPath returns a path with each {…} replaced by its escaped value.
func (f *Form) ExpandPath(template string, values []string) string {
	const reasonBraces = "must name and close each {…}"
	if reason := validate.Path(template); reason != "" {
		f.Reject("Path", reason)
		return ""
	}
	var expanded strings.Builder
	expanded.Grow(2 * len(template))
	literal, rest, more := strings.Cut(template, "{")
	for ; more; literal, rest, more = strings.Cut(rest, "{") {
		name, after, closed := strings.Cut(rest, "}")
		switch {
		case !closed || name == "" || strings.Contains(name, "{") || strings.Contains(literal, "}"):
			f.Reject("Path", reasonBraces)
			return ""
		case len(values) == 0:
			f.Reject(name, "must have a value in PathValues")
		default:
			if reason := validate.PathValue(values[0]); reason != "" {
				f.Reject(name, reason)
			}
			expanded.WriteString(literal)
			expanded.WriteString(url.PathEscape(values[0]))
			values = values[1:]
		}
		rest = after
	}
	expanded.WriteString(literal)
	if strings.Contains(literal, "}") {
		f.Reject("Path", reasonBraces)
	}
	if len(values) > 0 {
		f.Reject("PathValues", "must not be more than the {…} in Path")
	}
	return expanded.String()
}
