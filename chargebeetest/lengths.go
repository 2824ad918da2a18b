package chargebeetest

import "unicode/utf8"

// isLonger reports whether the text has more than limit characters. Chargebee's
// limits count characters, not bytes.
func isLonger(text string, limit int) bool { return utf8.RuneCountInString(text) > limit }

// validateLength returns an error if the value has more than limit characters.
func validateLength(param, value string, limit int) *apiError {
	if isLonger(value, limit) {
		return invalidParam(param, "is too long")
	}
	return nil
}
