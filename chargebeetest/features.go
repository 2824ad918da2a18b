package chargebeetest

import (
	"errors"
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
	ID, Name, Unit string // Unit in the singular, such as "user"
	Type           FeatureType
	Status         FeatureStatus
	Levels         []Level
}

// Level is one value of a feature, or an end of its range.
type Level struct {
	Name, Value string
	Unlimited   bool
}

// Item is a plan, addon or charge.
type Item struct {
	ID   string
	Type chargebee.ItemType
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

// AddFeature adds a feature. It needs an ID of its own and a type.
func (s *Server) AddFeature(f Feature) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := []FeatureType{FeatureTypeSwitch, FeatureTypeCustom, FeatureTypeQuantity, FeatureTypeRange}
	switch {
	case f.ID == "":
		return errors.New("chargebeetest: a feature must have an ID")
	case s.features[f.ID] != nil:
		return fmt.Errorf("chargebeetest: there is a feature %q already", f.ID)
	case !slices.Contains(known, f.Type):
		return fmt.Errorf("chargebeetest: feature %q is of the unknown type %q", f.ID, f.Type)
	}
	f.Levels = slices.Clone(f.Levels)
	s.features[f.ID] = &feature{Feature: f, entitlements: make(map[string]entitlement)}
	return nil
}

// AddItem adds an item. It needs an ID of its own and a type.
func (s *Server) AddItem(i Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case i.ID == "" || i.Type == "":
		return errors.New("chargebeetest: an item must have an ID and a type")
	case s.items[i.ID] != (Item{}):
		return fmt.Errorf("chargebeetest: there is an item %q already", i.ID)
	}
	s.items[i.ID] = i
	return nil
}

// ItemEntitlements returns what items are entitled to of a feature now, in the
// order in which the entitlements were created.
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
	if action != chargebee.ActionUpsert && action != chargebee.ActionRemove {
		return nil, refuse(http.StatusBadRequest, chargebee.ErrParamWrongValue, "action", "action: must be upsert or remove")
	}
	f := s.features[featureID]
	if f == nil {
		return nil, refuse(http.StatusNotFound, chargebee.ErrResourceNotFound, "", "The feature is not present")
	}
	entries, refused := readEntries(form)
	if refused != nil {
		return nil, refused
	}
	for _, e := range entries {
		if refused := s.check(e); refused != nil {
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
