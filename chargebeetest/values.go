package chargebeetest

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	chargebee "github.com/typedbee/chargebee-go"
)

// normalize returns a value in the form in which it is stored, and reports whether
// the value is valid for the feature.
func (f *Feature) normalize(value string) (stored string, ok bool) {
	switch {
	case f.Type == FeatureTypeSwitch:
		return "true", value == "" || value == "true" || value == chargebee.ValueAvailable
	case len(f.Levels) == 0:
		return value, true
	case f.isUnlimited() && strings.EqualFold(value, chargebee.ValueUnlimited):
		return chargebee.ValueUnlimited, true
	case f.Type == FeatureTypeRange:
		return value, f.inRange(value)
	}
	return value, value != "" && slices.ContainsFunc(f.Levels, func(l Level) bool { return l.Value == value })
}

// inRange reports whether a value is a whole number within the range. An unlimited
// range has no upper end.
func (f *Feature) inRange(value string) bool {
	number, ok := parseWholeNumber(value)
	if !ok {
		return false
	}
	lowest, _ := parseWholeNumber(f.Levels[0].Value)
	if f.isUnlimited() {
		return number.Cmp(lowest) >= 0
	}
	highest, _ := parseWholeNumber(f.Levels[1].Value)
	return number.Cmp(lowest) >= 0 && number.Cmp(highest) <= 0
}

// valueRule describes the values that normalize accepts.
func (f *Feature) valueRule() string {
	switch {
	case f.Type == FeatureTypeSwitch:
		return "must be available or true"
	case f.Type == FeatureTypeRange && f.isUnlimited():
		return fmt.Sprintf("must be a whole number from %s, or unlimited", f.Levels[0].Value)
	case f.Type == FeatureTypeRange:
		return fmt.Sprintf("must be a whole number from %s to %s", f.Levels[0].Value, f.Levels[1].Value)
	}
	var values []string
	for _, l := range f.Levels {
		if l.Value != "" {
			values = append(values, l.Value)
		}
	}
	if f.isUnlimited() {
		values = append(values, chargebee.ValueUnlimited)
	}
	return "must be one of " + strings.Join(values, ", ")
}

func (f *Feature) isUnlimited() bool {
	return slices.ContainsFunc(f.Levels, func(l Level) bool { return l.Unlimited })
}

// displayName returns the name of an entitlement with a stored value.
func (f *Feature) displayName(value string) string {
	switch {
	case f.Type == FeatureTypeSwitch:
		return "Available"
	case f.Unit == "" || value == "":
		return value
	}
	return value + " " + pluralize(f.Unit)
}

func pluralize(unit string) string {
	lower := strings.ToLower(unit)
	last, _ := utf8.DecodeLastRuneInString(strings.TrimSuffix(lower, "y"))
	switch {
	case strings.HasSuffix(lower, "y") && !strings.ContainsRune("aeiou", last):
		return unit[:len(unit)-1] + "ies"
	case slices.ContainsFunc([]string{"s", "x", "z", "ch", "sh"}, func(ending string) bool { return strings.HasSuffix(lower, ending) }):
		return unit + "es"
	}
	return unit + "s"
}

func parseWholeNumber(text string) (*big.Int, bool) {
	if strings.Trim(text, "0123456789") != "" {
		return nil, false
	}
	return new(big.Int).SetString(text, 10)
}
