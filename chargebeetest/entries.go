package chargebeetest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	chargebee "github.com/typedbee/chargebee-go"
)

// entryGroup names the parameters group[field][index] of an operation that changes
// entitlements.
type entryGroup struct {
	name               string
	idField, typeField string
	otherFields        []string
	types              []string // of the entities
	onlyItems          bool     // of the server
}

func itemEntries() *entryGroup {
	return &entryGroup{"item_entitlements", "item_id", "item_type", []string{"value"}, itemTypes(), true}
}

func entitlementEntries() *entryGroup {
	return &entryGroup{"entitlements", "entity_id", "entity_type", []string{"value", "feature_id", "apply_grandfathering"}, entityTypes(), false}
}

func entityTypes() []string {
	return []string{
		string(chargebee.EntityTypePlan), string(chargebee.EntityTypeAddon), string(chargebee.EntityTypeCharge),
		string(chargebee.EntityTypePlanPrice), string(chargebee.EntityTypeAddonPrice),
	}
}

// entry holds the parameters of a request under one index.
type entry struct {
	group               *entryGroup
	index               int
	feature             *feature
	featureID           string // if the entry names the feature
	entityID            string
	entityType          string // in lower case
	value               string
	applyGrandfathering string
}

func (e entry) param(field string) string {
	return fmt.Sprintf("%s[%s][%d]", e.group.name, field, e.index)
}

// set sets a field, and reports whether the group has it.
func (e *entry) set(field, value string) bool {
	switch {
	case field == e.group.idField:
		e.entityID = value
	case field == e.group.typeField:
		e.entityType = strings.ToLower(value)
	case !slices.Contains(e.group.otherFields, field):
		return false
	case field == "value":
		e.value = value
	case field == "feature_id":
		e.featureID = value
	case field == "apply_grandfathering":
		e.applyGrandfathering = value
	}
	return true
}

// parseAction returns the action, which may be in any case.
func parseAction(params url.Values) (chargebee.Action, *apiError) {
	action := chargebee.Action(strings.ToLower(params.Get("action")))
	if action != chargebee.ActionUpsert && action != chargebee.ActionRemove {
		return "", invalidParam("action", "must be upsert or remove")
	}
	return action, nil
}

// parseEntries collects the parameters group[field][index] and sorts the entries by
// index. The indexes may have gaps. The feature is nil if each entry names its own.
func parseEntries(form url.Values, group *entryGroup, f *feature) ([]entry, *apiError) {
	byIndex := make(map[int]entry)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		indexed, ok := strings.CutPrefix(name, group.name+"[")
		if !ok {
			continue
		}
		field, rest, _ := strings.Cut(indexed, "][")
		digits, isClosed := strings.CutSuffix(rest, "]")
		index, err := strconv.Atoi(digits)
		if err != nil || index < 0 || !isClosed || digits != strconv.Itoa(index) {
			short := name[:min(len(name), 100)]
			return nil, newAPIError(http.StatusBadRequest, chargebee.ErrInvalidRequest, short,
				short+": is not of the form "+group.name+"[field][index]")
		}
		e, isFound := byIndex[index]
		if !isFound {
			e = entry{group: group, index: index, feature: f}
		}
		if e.set(field, form.Get(name)) {
			byIndex[index] = e
		}
	}
	return slices.SortedFunc(maps.Values(byIndex), func(a, b entry) int { return cmp.Compare(a.index, b.index) }), nil
}

// applyEntries validates all entries before it applies any. It returns the list of
// the entitlements that were upserted or removed.
func (s *Server) applyEntries(action chargebee.Action, entries []entry, body func(*entitlement) any) (any, *apiError) {
	for i := range entries {
		if apiErr := s.validateEntry(&entries[i], action); apiErr != nil {
			return nil, apiErr
		}
	}
	result := page{List: []any{}}
	for _, e := range entries {
		change := s.catalog.upsert
		if action == chargebee.ActionRemove {
			change = s.catalog.remove
		}
		if changed := change(e); changed != nil {
			result.List = append(result.List, body(changed))
		}
	}
	return result, nil
}

// validateEntry validates an entry for an action, which may be none, and sets its feature.
func (s *Server) validateEntry(e *entry, action chargebee.Action) *apiError {
	if apiErr := s.validateEntity(e); apiErr != nil {
		return apiErr
	}
	if apiErr := s.resolveFeature(e); apiErr != nil {
		return apiErr
	}
	if apiErr := validateLength(e.param("value"), e.value, 50); apiErr != nil {
		return apiErr
	}
	isBool := strings.EqualFold(e.applyGrandfathering, "true") || strings.EqualFold(e.applyGrandfathering, "false")
	switch {
	case e.applyGrandfathering != "" && !isBool:
		return invalidParam(e.param("apply_grandfathering"), "must be true or false")
	case action == chargebee.ActionUpsert:
		return s.validateUpsert(e)
	}
	return nil
}

// validateEntity validates the ID and the type of the entity.
func (s *Server) validateEntity(e *entry) *apiError {
	item, isItem := s.items[e.entityID]
	idParam, typeParam := e.param(e.group.idField), e.param(e.group.typeField)
	switch {
	case e.entityID == "":
		return invalidParam(idParam, "cannot be blank")
	case isLonger(e.entityID, 100):
		return invalidParam(idParam, "is too long")
	case e.group.onlyItems && !isItem:
		return newAPIError(http.StatusNotFound, chargebee.ErrResourceNotFound, idParam, "The item is not present")
	case e.entityType != "" && !slices.Contains(e.group.types, e.entityType):
		return invalidParam(typeParam, "must be one of "+strings.Join(e.group.types, ", "))
	case e.entityType != "" && isItem && e.entityType != string(item.Type):
		return invalidParam(typeParam, "is not the type of the item")
	case isItem && !slices.Contains(e.group.types, string(item.Type)):
		return invalidParam(idParam, "is an item of type "+string(item.Type)+", which has only item entitlements")
	}
	return nil
}

// resolveFeature finds the feature that the entry names.
func (s *Server) resolveFeature(e *entry) *apiError {
	if e.feature != nil {
		return nil
	}
	param := e.param("feature_id")
	e.feature = s.features[e.featureID]
	switch {
	case e.featureID == "":
		return invalidParam(param, "cannot be blank")
	case isLonger(e.featureID, 50):
		return invalidParam(param, "is too long")
	case e.feature == nil:
		return featureNotFound(param)
	}
	return nil
}

// validateUpsert rejects an invalid value, and a new entitlement to an archived
// feature.
func (s *Server) validateUpsert(e *entry) *apiError {
	if e.feature.Status == FeatureStatusArchived && s.catalog.find(*e) == nil {
		return newAPIError(http.StatusConflict, chargebee.ErrInvalidStateForRequest, e.param(e.group.idField),
			"The feature is archived and accepts no new entitlements")
	}
	return e.validateValue()
}

// validateValue rejects a value that is not valid for the feature.
func (e *entry) validateValue() *apiError {
	if _, ok := e.feature.normalize(e.value); !ok {
		return invalidParam(e.param("value"), e.feature.valueRule())
	}
	return nil
}

// set upserts an entitlement, also to an archived feature.
func (s *Server) set(e entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	apiErr := s.validateEntry(&e, "")
	if apiErr == nil {
		apiErr = e.validateValue()
	}
	if apiErr != nil {
		field, _, _ := strings.Cut(strings.TrimPrefix(apiErr.param, e.group.name+"["), "]")
		reason := strings.TrimPrefix(apiErr.message, apiErr.param+": ")
		return fmt.Errorf("chargebeetest: entitlement of %q to %q: %s: %s", e.entityID, e.featureID, field, reason)
	}
	s.catalog.upsert(e)
	return nil
}
