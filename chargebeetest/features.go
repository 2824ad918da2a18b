package chargebeetest

import (
	"fmt"
	"slices"

	chargebee "github.com/typedbee/chargebee-go"
)

// FeatureType determines which values an entitlement to the feature may have.
type FeatureType string

// The types that Chargebee documents.
const (
	FeatureTypeSwitch   FeatureType = "switch"
	FeatureTypeCustom   FeatureType = "custom"
	FeatureTypeQuantity FeatureType = "quantity"
	FeatureTypeRange    FeatureType = "range"
)

// FeatureStatus is the status of a feature. The zero value means active.
type FeatureStatus string

// The statuses that Chargebee documents.
const (
	FeatureStatusActive   FeatureStatus = "active"
	FeatureStatusDraft    FeatureStatus = "draft"
	FeatureStatusArchived FeatureStatus = "archived"
)

// Feature is a feature that items can be entitled to.
type Feature struct {
	ID     string        `json:"id"`             // at most 50 characters, like Name and Unit
	Name   string        `json:"name,omitempty"` // unique, if not empty
	Unit   string        `json:"unit,omitempty"` // of a quantity or range, in the singular, such as "user"
	Type   FeatureType   `json:"type"`
	Status FeatureStatus `json:"status,omitempty"` // "" means active

	// Levels determine which values an entitlement may have. A switch has none. A
	// range has two, its lower and upper end. Every feature but a switch may also
	// have none, unlike at Chargebee: values are then stored without validation.
	Levels []Level `json:"levels,omitempty"`
}

// Level is one allowed value of a feature, or one end of a range.
type Level struct {
	Name      string `json:"name,omitempty"`         // at most 50 characters
	Value     string `json:"value,omitempty"`        // at most 50 characters; of a range, a whole number
	Unlimited bool   `json:"is_unlimited,omitempty"` // of a quantity or range: allows the value "unlimited"
}

func featureOperations() []operation { return nil }

type feature struct {
	Feature
	entitlements map[string]entitlement // by item ID
	created      int                    // number of entitlements ever created
}

type entitlement struct {
	chargebee.ItemEntitlement
	number int // position in the order of creation
}

// AddFeature adds a feature. It returns an error if the ID or the name is already
// taken, or if Chargebee would not allow the feature.
func (s *Server) AddFeature(f Feature) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	reason := f.invalidReason()
	switch {
	case s.features[f.ID] != nil:
		reason = "already exists"
	case s.hasFeatureName(f.Name):
		reason = "has the name of another feature"
	}
	if reason != "" {
		return fmt.Errorf("chargebeetest: feature %q %s", f.ID, reason)
	}
	f.Levels = slices.Clone(f.Levels)
	s.features[f.ID] = &feature{Feature: f, entitlements: make(map[string]entitlement)}
	return nil
}

func (s *Server) hasFeatureName(name string) bool {
	for _, f := range s.features {
		if name != "" && f.Name == name {
			return true
		}
	}
	return false
}

// SetFeatureStatus sets the status of a feature; "" means active. It returns an
// error if the feature or the status is unknown.
func (s *Server) SetFeatureStatus(featureID string, status FeatureStatus) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.features[featureID]
	switch {
	case f == nil:
		return fmt.Errorf("chargebeetest: feature %q does not exist", featureID)
	case !status.isKnown():
		return fmt.Errorf("chargebeetest: feature %q cannot have the status %q", featureID, status)
	}
	f.Status = status
	return nil
}
