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

// entry is what a request has under one index of item_entitlements.
type entry struct {
	index    int
	itemID   string
	itemType chargebee.ItemType
	value    string
}

func (e entry) param(field string) string {
	return fmt.Sprintf("item_entitlements[%s][%d]", field, e.index)
}

// readEntries collects the parameters item_entitlements[field][index], in the
// order of the index, which may have gaps.
func readEntries(form url.Values) ([]entry, *refusal) {
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
			return nil, refuse(http.StatusBadRequest, chargebee.ErrInvalidRequest, short, short+": is not of the form item_entitlements[field][index]")
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

// checkEntry refuses what no feature would take.
func (s *Server) checkEntry(e entry) *refusal {
	item, known := s.items[e.itemID]
	switch {
	case e.itemID == "":
		return wrong(e.param("item_id"), "cannot be blank")
	case isLonger(e.itemID, 100):
		return wrong(e.param("item_id"), "is too long")
	case !known:
		return refuse(http.StatusNotFound, chargebee.ErrResourceNotFound, e.param("item_id"), "The item is not present")
	case e.itemType != "" && !isItemType(e.itemType):
		return wrong(e.param("item_type"), "must be plan, addon, charge, subscription or item")
	case e.itemType != "" && e.itemType != item.Type:
		return wrong(e.param("item_type"), "is not the type of the item")
	}
	return checkLength(e.param("value"), e.value, 50)
}

// checkUpsert refuses a value that the feature does not take, and a new
// entitlement to an archived feature.
func (f *feature) checkUpsert(e entry) *refusal {
	_, exists := f.entitlements[e.itemID]
	if f.Status == FeatureStatusArchived && !exists {
		return refuse(http.StatusConflict, chargebee.ErrInvalidStateForRequest, e.param("item_id"), "The feature is archived, and takes no new entitlements")
	}
	if _, ok := f.normalize(e.value); !ok {
		return wrong(e.param("value"), f.expectation())
	}
	return nil
}

// upsert sets the value of the item's entitlement, and creates it if need be.
func (f *feature) upsert(e entry, itemType chargebee.ItemType) chargebee.ItemEntitlement {
	touched, exists := f.entitlements[e.itemID]
	if !exists {
		f.created++
		touched.number = f.created
		touched.ItemEntitlement = chargebee.ItemEntitlement{
			ID:          "item-ent-" + strings.ToLower(rand.Text()),
			ItemID:      e.itemID,
			ItemType:    itemType,
			FeatureID:   f.ID,
			FeatureName: f.Name,
		}
	}
	touched.Value, _ = f.normalize(e.value)
	touched.Name = f.displayName(touched.Value)
	f.entitlements[e.itemID] = touched
	return touched.ItemEntitlement
}

// remove deletes the item's entitlement and returns it, if there was one.
func (f *feature) remove(e entry) (chargebee.ItemEntitlement, bool) {
	touched, existed := f.entitlements[e.itemID]
	delete(f.entitlements, e.itemID)
	return touched.ItemEntitlement, existed
}
