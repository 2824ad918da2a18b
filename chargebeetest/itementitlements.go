package chargebeetest

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	chargebee "github.com/typedbee/chargebee-go"
)

// ItemEntitlements returns the current entitlements of items to a feature, in the
// order in which they were created. It returns nil for an unknown feature.
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

func itemEntitlementOperations() []operation {
	return []operation{
		{http.MethodPost, "/features/{feature-id}/item_entitlements", 50, (*Server).upsertOrRemoveItemEntitlements},
	}
}

// upsertOrRemoveItemEntitlements validates all entries before it applies any.
func (s *Server) upsertOrRemoveItemEntitlements(c call) (any, *apiError) {
	action := chargebee.Action(c.params.Get("action"))
	f := s.features[c.id]
	switch {
	case s.grandfathering:
		return nil, newAPIError(http.StatusBadRequest, chargebee.ErrConfigurationIncompatible, "",
			"This operation is not supported when grandfathering is enabled")
	case action != chargebee.ActionUpsert && action != chargebee.ActionRemove:
		return nil, invalidParam("action", "must be upsert or remove")
	case f == nil:
		return nil, newAPIError(http.StatusNotFound, chargebee.ErrResourceNotFound, "", "The feature is not present")
	}
	entries, apiErr := parseEntries(c.params)
	if apiErr != nil {
		return nil, apiErr
	}
	for _, e := range entries {
		apiErr := s.validateEntry(e)
		if apiErr == nil && action == chargebee.ActionUpsert {
			apiErr = f.validateUpsert(e)
		}
		if apiErr != nil {
			return nil, apiErr
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

// entry holds the parameters of a request under one index of item_entitlements.
type entry struct {
	index    int
	itemID   string
	itemType chargebee.ItemType
	value    string
}

func (e entry) param(field string) string {
	return fmt.Sprintf("item_entitlements[%s][%d]", field, e.index)
}

// parseEntries collects the parameters item_entitlements[field][index] and sorts
// the entries by index. The indexes may have gaps.
func parseEntries(form url.Values) ([]entry, *apiError) {
	byIndex := make(map[int]entry)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		indexed, ok := strings.CutPrefix(name, "item_entitlements[")
		if !ok {
			continue
		}
		field, rest, _ := strings.Cut(indexed, "][")
		digits, closed := strings.CutSuffix(rest, "]")
		index, err := strconv.Atoi(digits)
		if err != nil || index < 0 || !closed || digits != strconv.Itoa(index) {
			short := name[:min(len(name), 100)]
			return nil, newAPIError(http.StatusBadRequest, chargebee.ErrInvalidRequest, short,
				short+": is not of the form item_entitlements[field][index]")
		}
		e := byIndex[index]
		e.index = index
		switch field {
		case "item_id":
			e.itemID = form.Get(name)
		case "item_type":
			e.itemType = chargebee.ItemType(form.Get(name))
		case "value":
			e.value = form.Get(name)
		default:
			continue
		}
		byIndex[index] = e
	}
	return slices.SortedFunc(maps.Values(byIndex), func(a, b entry) int { return cmp.Compare(a.index, b.index) }), nil
}

// validateEntry validates an entry independently of the feature.
func (s *Server) validateEntry(e entry) *apiError {
	item, exists := s.items[e.itemID]
	switch {
	case e.itemID == "":
		return invalidParam(e.param("item_id"), "cannot be blank")
	case isLonger(e.itemID, 100):
		return invalidParam(e.param("item_id"), "is too long")
	case !exists:
		return newAPIError(http.StatusNotFound, chargebee.ErrResourceNotFound, e.param("item_id"), "The item is not present")
	case e.itemType != "" && !isItemType(e.itemType):
		return invalidParam(e.param("item_type"), "must be plan, addon, charge, subscription or item")
	case e.itemType != "" && e.itemType != item.Type:
		return invalidParam(e.param("item_type"), "is not the type of the item")
	}
	return validateLength(e.param("value"), e.value, 50)
}

// validateUpsert rejects an invalid value, and a new entitlement to an archived
// feature.
func (f *feature) validateUpsert(e entry) *apiError {
	_, exists := f.entitlements[e.itemID]
	if f.Status == FeatureStatusArchived && !exists {
		return newAPIError(http.StatusConflict, chargebee.ErrInvalidStateForRequest, e.param("item_id"),
			"The feature is archived and accepts no new entitlements")
	}
	if _, ok := f.normalize(e.value); !ok {
		return invalidParam(e.param("value"), f.valueRule())
	}
	return nil
}

// upsert sets the value of the item's entitlement, which it creates if there is none.
func (f *feature) upsert(e entry, itemType chargebee.ItemType) chargebee.ItemEntitlement {
	upserted, exists := f.entitlements[e.itemID]
	if !exists {
		f.created++
		upserted.number = f.created
		upserted.ItemEntitlement = chargebee.ItemEntitlement{
			ID:          "item-ent-" + strings.ToLower(rand.Text()),
			ItemID:      e.itemID,
			ItemType:    itemType,
			FeatureID:   f.ID,
			FeatureName: f.Name,
		}
	}
	upserted.Value, _ = f.normalize(e.value)
	upserted.Name = f.displayName(upserted.Value)
	f.entitlements[e.itemID] = upserted
	return upserted.ItemEntitlement
}

// remove deletes and returns the item's entitlement, and reports whether there was one.
func (f *feature) remove(e entry) (chargebee.ItemEntitlement, bool) {
	removed, existed := f.entitlements[e.itemID]
	delete(f.entitlements, e.itemID)
	return removed.ItemEntitlement, existed
}

// listEntry is the JSON form of an entitlement in a response. It includes the
// object attribute that every resource of the API has.
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
