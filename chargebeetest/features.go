package chargebeetest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	chargebee "github.com/typedbee/chargebee-go"
)

// FeatureType determines which values an entitlement to the feature may have.
type FeatureType = chargebee.FeatureType

// The types that Chargebee documents.
const (
	FeatureTypeSwitch   FeatureType = chargebee.FeatureTypeSwitch
	FeatureTypeCustom   FeatureType = chargebee.FeatureTypeCustom
	FeatureTypeQuantity FeatureType = chargebee.FeatureTypeQuantity
	FeatureTypeRange    FeatureType = chargebee.FeatureTypeRange
)

// FeatureStatus is the status of a feature. The zero value means active.
type FeatureStatus = chargebee.FeatureStatus

// The statuses that Chargebee documents.
const (
	FeatureStatusActive   FeatureStatus = chargebee.FeatureStatusActive
	FeatureStatusDraft    FeatureStatus = chargebee.FeatureStatusDraft
	FeatureStatusArchived FeatureStatus = chargebee.FeatureStatusArchived
)

// Feature is a feature that items can be entitled to. Its JSON is that of the API, so
// that a feature of a real site can be decoded into it. Custom fields are ignored.
type Feature struct {
	ID          string        `json:"id"`                    // at most 50 characters, like Name and Unit; no slash, backslash or dot segment
	Name        string        `json:"name,omitempty"`        // unique, if not empty
	Description string        `json:"description,omitempty"` // at most 500 characters
	Unit        string        `json:"unit,omitempty"`        // of a quantity or range, in the singular, such as "user"
	Type        FeatureType   `json:"type"`
	Status      FeatureStatus `json:"status,omitempty"` // "" means active
	Metered     bool          `json:"metered,omitempty"`

	// The zero CreatedAt means now, also for UpdatedAt and ResourceVersion if they
	// are zero.
	CreatedAt       chargebee.Timestamp `json:"created_at,omitzero"`
	UpdatedAt       chargebee.Timestamp `json:"updated_at,omitzero"`
	ResourceVersion int64               `json:"resource_version,omitempty"` // in milliseconds

	// Levels determine which values an entitlement may have. A switch has none. A
	// range has two, its lower and upper end. Every feature but a switch may also
	// have none, unlike at Chargebee: values are then stored without validation.
	Levels []Level `json:"levels,omitempty"`
}

// Level is one allowed value of a feature, or one end of a range.
type Level struct {
	Name      string `json:"name,omitempty"`         // at most 50 characters
	Value     string `json:"value,omitempty"`        // at most 50 characters; of a range, a whole number
	Level     int    `json:"level,omitempty"`        // if 0 in all levels, the position in Levels, from 0
	Unlimited bool   `json:"is_unlimited,omitempty"` // of a quantity or range: allows the value "unlimited"
}

type feature struct {
	Feature
	number int // position in the order of creation, from 1
}

func (f *feature) creationNumber() int { return f.number }

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
	s.setDefaults(&f)
	added := &feature{Feature: f, number: len(s.orderedFeatures) + 1}
	s.features[f.ID] = added
	s.orderedFeatures = append(s.orderedFeatures, added)
	return nil
}

// setDefaults sets what the feature leaves open. It copies the levels.
func (s *Server) setDefaults(f *Feature) {
	f.Status = cmp.Or(f.Status, FeatureStatusActive)
	if f.CreatedAt.IsZero() {
		f.CreatedAt = s.timestamp()
		if f.UpdatedAt.IsZero() {
			f.UpdatedAt = f.CreatedAt
		}
		f.ResourceVersion = cmp.Or(f.ResourceVersion, s.now().UnixMilli())
	}
	f.Levels = slices.Clone(f.Levels)
	if slices.ContainsFunc(f.Levels, func(l Level) bool { return l.Level != 0 }) {
		return
	}
	for i := range f.Levels {
		f.Levels[i].Level = i
	}
}

func (s *Server) hasFeatureName(name string) bool {
	return name != "" && slices.ContainsFunc(s.orderedFeatures, func(f *feature) bool { return f.Name == name })
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
	case !isFeatureStatus(status):
		return fmt.Errorf("chargebeetest: feature %q cannot have the status %q", featureID, status)
	}
	f.Status = cmp.Or(status, FeatureStatusActive)
	f.UpdatedAt = s.timestamp()
	f.ResourceVersion = s.now().UnixMilli()
	return nil
}

func featureOperations() []operation {
	return []operation{
		{http.MethodGet, "/features", 0, (*Server).listFeatures},
		{http.MethodGet, "/features/{feature-id}", 50, (*Server).retrieveFeature},
	}
}

func (s *Server) retrieveFeature(c call) (any, *apiError) {
	f := s.features[c.id]
	if f == nil {
		return nil, featureNotFound("")
	}
	return newFeatureBody(f), nil
}

func (s *Server) listFeatures(c call) (any, *apiError) {
	matches, apiErr := parseFilters(c.params, featureFilters())
	if apiErr != nil {
		return nil, apiErr
	}
	return newPage(c.params, s.orderedFeatures, len(s.orderedFeatures), matches, func(f *feature) any { return newFeatureBody(f) })
}

func featureFilters() []filterField[*feature] {
	ofText := []string{"is", "is_not", "starts_with", "in", "not_in"}
	ofEnum := []string{"is", "is_not", "in", "not_in"}
	return []filterField[*feature]{
		{"id", ofText, nil, func(f *feature) string { return f.ID }},
		{"name", ofText, nil, func(f *feature) string { return f.Name }},
		{"status", ofEnum, featureStatuses(), func(f *feature) string { return string(f.Status) }},
		{"type", ofEnum, featureTypes(), func(f *feature) string { return string(f.Type) }},
		{"metered", []string{"is"}, []string{"true", "false"}, func(f *feature) string { return strconv.FormatBool(f.Metered) }},
	}
}

func featureNotFound(param string) *apiError {
	return newAPIError(http.StatusNotFound, chargebee.ErrResourceNotFound, param, "The feature is not present")
}

// featureBody is the JSON form of a feature in a response. It includes the object
// attribute that every resource of the API has.
type featureBody struct {
	Feature struct {
		chargebee.Feature
		Object string `json:"object"`
	} `json:"feature"`
}

func newFeatureBody(f *feature) featureBody {
	var body featureBody
	body.Feature.Feature = chargebee.Feature{
		ID: f.ID, Name: f.Name, Description: f.Description, Status: f.Status, Type: f.Type, Unit: f.Unit,
		ResourceVersion: f.ResourceVersion, CreatedAt: f.CreatedAt, UpdatedAt: f.UpdatedAt, Metered: f.Metered,
	}
	for _, l := range f.Levels {
		body.Feature.Levels = append(body.Feature.Levels, chargebee.FeatureLevel{
			Name: l.Name, Value: l.Value, Level: l.Level, IsUnlimited: l.Unlimited,
		})
	}
	body.Feature.Object = "feature"
	return body
}
