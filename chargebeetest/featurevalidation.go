package chargebeetest

import (
	"fmt"
	"slices"

	"github.com/typedbee/chargebee-go/internal/validate"
)

// invalidReason returns why Chargebee would not allow the feature, or "".
func (f *Feature) invalidReason() string {
	countable := f.Type == FeatureTypeQuantity || f.Type == FeatureTypeRange
	switch {
	case f.ID == "" || isLonger(f.ID, 50):
		return "must have an ID of 1 to 50 characters"
	case validate.PathValue(f.ID) != "": // no client can send it
		return "has an ID that " + validate.PathValue(f.ID)
	case isLonger(f.Name, 50) || isLonger(f.Unit, 50):
		return "must have a name and a unit of at most 50 characters"
	case isLonger(f.Description, 500):
		return "must have a description of at most 500 characters"
	case !slices.Contains(featureTypes(), string(f.Type)):
		return fmt.Sprintf("is of the unknown type %q", f.Type)
	case !isFeatureStatus(f.Status):
		return fmt.Sprintf("cannot have the status %q", f.Status)
	case f.Type == FeatureTypeSwitch && len(f.Levels) > 0:
		return "is a switch and cannot have levels"
	case !countable && (f.Unit != "" || f.isUnlimited()):
		return fmt.Sprintf("is of type %s and cannot have a unit or an unlimited level", f.Type)
	}
	return f.invalidLevelReason()
}

func (f *Feature) invalidLevelReason() string {
	for i, l := range f.Levels {
		_, isWhole := parseWholeNumber(l.Value)
		switch {
		case isLonger(l.Name, 50) || isLonger(l.Value, 50):
			return fmt.Sprintf("must have a name and a value of at most 50 characters in level %d", i)
		case l.Value == "" && !l.Unlimited:
			return fmt.Sprintf("must have a value in level %d", i)
		case f.Type == FeatureTypeRange && !isWhole && (i == 0 || !l.Unlimited):
			return fmt.Sprintf("is a range and must have a whole number in level %d", i)
		}
	}
	switch {
	case f.Type != FeatureTypeRange || f.isUnlimited() || len(f.Levels) == 0:
		return ""
	case len(f.Levels) != 2:
		return "is a range and must have two levels"
	case !f.inRange(f.Levels[1].Value):
		return "is a range and must not end before it starts"
	}
	return ""
}

func featureTypes() []string {
	return []string{string(FeatureTypeSwitch), string(FeatureTypeCustom), string(FeatureTypeQuantity), string(FeatureTypeRange)}
}

func featureStatuses() []string {
	return []string{string(FeatureStatusActive), string(FeatureStatusArchived), string(FeatureStatusDraft)}
}

func isFeatureStatus(status FeatureStatus) bool {
	return status == "" || slices.Contains(featureStatuses(), string(status))
}
