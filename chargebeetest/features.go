package chargebeetest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	chargebee "github.com/typedbee/chargebee-go"
)

// FeatureType decides what values an entitlement of the feature may have.
type FeatureType string

// The types that Chargebee documents.
const (
	FeatureTypeSwitch   FeatureType = "switch"
	FeatureTypeCustom   FeatureType = "custom"
	FeatureTypeQuantity FeatureType = "quantity"
	FeatureTypeRange    FeatureType = "range"
)

// FeatureStatus is the state of a feature. The zero value is active.
type FeatureStatus string

// The states that Chargebee documents.
const (
	FeatureStatusActive   FeatureStatus = "active"
	FeatureStatusDraft    FeatureStatus = "draft"
	FeatureStatusArchived FeatureStatus = "archived"
)

// Feature is something that items can be entitled to.
type Feature struct {
	ID     string        `json:"id"`             // at most 50 characters, like Name and Unit
	Name   string        `json:"name,omitempty"` // unique, if not empty
	Unit   string        `json:"unit,omitempty"` // of a quantity or range, in the singular, such as "user"
	Type   FeatureType   `json:"type"`
	Status FeatureStatus `json:"status,omitempty"` // "" is active

	// Levels decide what values an entitlement may have. A switch has none. A
	// range has its two ends. Without levels, which Chargebee does not know,
	// values of a feature that is no switch are kept as they are sent, unchecked.
	Levels []Level `json:"levels,omitempty"`
}

// Level is one value of a feature, or an end of its range.
type Level struct {
	Name      string `json:"name,omitempty"`         // at most 50 characters
	Value     string `json:"value,omitempty"`        // at most 50 characters; of a range, a whole number
	Unlimited bool   `json:"is_unlimited,omitempty"` // of a quantity or range, which then may be "unlimited"
}

// Item is what can be entitled: a plan, addon or charge, or of another of
// Chargebee's item types.
type Item struct {
	ID   string             `json:"id"` // at most 100 characters
	Type chargebee.ItemType `json:"type"`
}

type feature struct {
	Feature
	entitlements map[string]entitlement // by item
	created      int
}

type entitlement struct {
	chargebee.ItemEntitlement
	number int // in the order of creation
}

// AddFeature adds a feature. It is an error if the ID or the name is taken, or if
// Chargebee's contract does not allow such a feature.
func (s *Server) AddFeature(f Feature) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	problem := f.problem()
	switch {
	case s.features[f.ID] != nil:
		problem = "is there already"
	case s.hasFeatureName(f.Name):
		problem = "has the name of another"
	}
	if problem != "" {
		return fmt.Errorf("chargebeetest: feature %q %s", f.ID, problem)
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

// SetFeatureStatus archives, activates or drafts a feature; "" activates it.
// The error is that there is no such feature or status.
func (s *Server) SetFeatureStatus(featureID string, status FeatureStatus) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.features[featureID]
	switch {
	case f == nil:
		return fmt.Errorf("chargebeetest: there is no feature %q", featureID)
	case !status.isKnown():
		return fmt.Errorf("chargebeetest: feature %q cannot have the status %q", featureID, status)
	}
	f.Status = status
	return nil
}

// AddItem adds an item. It is an error unless the ID is new and of 1 to 100
// characters, and the type is one of Chargebee's.
func (s *Server) AddItem(i Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var problem string
	switch {
	case i.ID == "" || isLonger(i.ID, 100):
		problem = "must have an ID of 1 to 100 characters"
	case s.items[i.ID] != (Item{}):
		problem = "is there already"
	case !isItemType(i.Type):
		problem = fmt.Sprintf("is of the unknown type %q", i.Type)
	}
	if problem != "" {
		return fmt.Errorf("chargebeetest: item %q %s", i.ID, problem)
	}
	s.items[i.ID] = i
	return nil
}

func isItemType(t chargebee.ItemType) bool {
	return slices.Contains([]chargebee.ItemType{
		chargebee.ItemTypePlan, chargebee.ItemTypeAddon, chargebee.ItemTypeCharge, chargebee.ItemTypeSubscription, chargebee.ItemTypeItem,
	}, t)
}

// ItemEntitlements returns the entitlements of items to a feature, as they are
// now, in the order in which they were created.
func (s *Server) ItemEntitlements(featureID string) []chargebee.ItemEntitlement {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.features[featureID]
	if f == nil {
		return nil
	}
	ordered := slices.SortedFunc(maps.Values(f.entitlements), func(a, b entitlement) int { return a.number - b.number })
	list := make([]chargebee.ItemEntitlement, len(ordered))
	for i, e := range ordered {
		list[i] = e.ItemEntitlement
	}
	return list
}

// upsertOrRemoveItemEntitlements checks every entry before it applies any.
func (s *Server) upsertOrRemoveItemEntitlements(featureID string, form url.Values) (any, *refusal) {
	action := chargebee.Action(form.Get("action"))
	f := s.features[featureID]
	switch {
	case s.grandfathering:
		return nil, refuse(http.StatusBadRequest, chargebee.ErrConfigurationIncompatible, "", "This operation is not supported when grandfathering is enabled")
	case action != chargebee.ActionUpsert && action != chargebee.ActionRemove:
		return nil, wrong("action", "must be upsert or remove")
	case f == nil:
		return nil, refuse(http.StatusNotFound, chargebee.ErrResourceNotFound, "", "The feature is not present")
	}
	entries, refused := readEntries(form)
	if refused != nil {
		return nil, refused
	}
	for _, e := range entries {
		refused := s.checkEntry(e)
		if refused == nil && action == chargebee.ActionUpsert {
			refused = f.checkUpsert(e)
		}
		if refused != nil {
			return nil, refused
		}
	}
	list := []listEntry{}
	for _, e := range entries {
		if action == chargebee.ActionUpsert {
			list = append(list, newListEntry(f.upsert(e, s.items[e.itemID].Type)))
		} else if removed, existed := f.remove(e); existed {
			list = append(list, newListEntry(removed))
		}
	}
	return map[string]any{"list": list}, nil
}

// listEntry is an entitlement as an answer has it, with the discriminator that
// every object of the API carries.
type listEntry struct {
	ItemEntitlement struct {
		chargebee.ItemEntitlement
		Object string `json:"object"`
	} `json:"item_entitlement"`
}

func newListEntry(e chargebee.ItemEntitlement) listEntry {
	var entry listEntry
	entry.ItemEntitlement.ItemEntitlement = e
	entry.ItemEntitlement.Object = "item_entitlement"
	return entry
}
