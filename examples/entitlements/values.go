package main

import (
	"cmp"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"

	chargebee "github.com/typedbee/chargebee-go"
)

// invalidValue returns why a feature does not accept a value, or "". It checks only the
// rules that Chargebee documents.
func invalidValue(f chargebee.Feature, value string) string {
	switch f.Type {
	case chargebee.FeatureTypeSwitch:
		if value != chargebee.ValueAvailable && value != "true" {
			return fmt.Sprintf("the value of the switch %s must be available or true, not %s", f.ID, value)
		}
	case chargebee.FeatureTypeQuantity, chargebee.FeatureTypeCustom:
		return invalidLevel(f, value)
	case chargebee.FeatureTypeRange:
		return invalidNumber(f, value)
	}
	return ""
}

func isUnlimited(value string) bool { return strings.EqualFold(value, chargebee.ValueUnlimited) }

func hasUnlimited(f chargebee.Feature) bool {
	return slices.ContainsFunc(f.Levels, func(l chargebee.FeatureLevel) bool { return l.IsUnlimited })
}

// invalidLevel returns why a value is not the value of a level, or "".
func invalidLevel(f chargebee.Feature, value string) string {
	var allowed []string
	for _, l := range f.Levels {
		if !l.IsUnlimited {
			allowed = append(allowed, quote(l.Value))
		}
	}
	if f.Type == chargebee.FeatureTypeQuantity && hasUnlimited(f) {
		if isUnlimited(value) {
			return ""
		}
		allowed = append(allowed, chargebee.ValueUnlimited)
	}
	if len(f.Levels) == 0 || slices.Contains(allowed, quote(value)) {
		return ""
	}
	if len(allowed) > maxShown {
		allowed = append(allowed[:maxShown], "and so on")
	}
	return fmt.Sprintf("the value of %s must be one of its levels, %s, not %s", f.ID, strings.Join(allowed, ", "), quote(value))
}

// invalidNumber returns why a value is not within a range, or "".
func invalidNumber(f chargebee.Feature, value string) string {
	levels := slices.SortedStableFunc(slices.Values(f.Levels), func(a, b chargebee.FeatureLevel) int { return cmp.Compare(a.Level, b.Level) })
	unlimited := hasUnlimited(f)
	if len(levels) == 0 || unlimited && isUnlimited(value) {
		return ""
	}
	number, isNumber := wholeNumber(value)
	low, hasLow := wholeNumber(levels[0].Value)
	high, hasHigh := wholeNumber(levels[len(levels)-1].Value)
	hasHigh = hasHigh && !unlimited
	if isNumber && (!hasLow || number.Cmp(low) >= 0) && (!hasHigh || number.Cmp(high) <= 0) {
		return ""
	}
	allowed := fmt.Sprintf("from %s to %s", quote(levels[0].Value), quote(levels[len(levels)-1].Value))
	if unlimited {
		allowed = fmt.Sprintf("from %s, or unlimited", quote(levels[0].Value))
	}
	return fmt.Sprintf("the value of %s must be a whole number %s, not %s", f.ID, allowed, quote(value))
}

// wholeNumber parses a number without a sign and leading zeros.
func wholeNumber(text string) (*big.Int, bool) {
	if !regexp.MustCompile(`^(0|[1-9][0-9]*)$`).MatchString(text) {
		return nil, false
	}
	return new(big.Int).SetString(text, 10)
}

// sameValue reports whether two values of a feature mean the same.
func sameValue(f chargebee.Feature, a, b string) bool {
	switch f.Type {
	case chargebee.FeatureTypeSwitch:
		return a == b || isOn(a) && isOn(b)
	case chargebee.FeatureTypeQuantity, chargebee.FeatureTypeRange:
		return a == b || isUnlimited(a) && isUnlimited(b)
	}
	return a == b
}

// isOn reports whether a value is one of the two that set a switch.
func isOn(value string) bool {
	return strings.EqualFold(value, chargebee.ValueAvailable) || strings.EqualFold(value, "true")
}
