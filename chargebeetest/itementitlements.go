package chargebeetest

import (
	"net/http"

	chargebee "github.com/typedbee/chargebee-go"
)

// ItemEntitlements returns the current entitlements of items to a feature, in the
// order in which they were created. It returns nil for an unknown feature.
func (s *Server) ItemEntitlements(featureID string) []chargebee.ItemEntitlement {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.features[featureID] == nil {
		return nil
	}
	return listOf(s, featureID, itemEntries(), s.itemEntitlementOf)
}

// SetItemEntitlement sets the entitlement of an item to a feature, as an upsert of
// UpsertOrRemoveItemEntitlements does, but without a request. The feature may be archived.
// ID, FeatureName and Name are ignored, because the server sets them. It returns an error
// if the feature or the item does not exist, or if the type or the value is invalid.
func (s *Server) SetItemEntitlement(e chargebee.ItemEntitlement) error {
	return s.set(entry{
		group: itemEntries(), featureID: e.FeatureID,
		entityID: e.ItemID, entityType: string(e.ItemType), value: e.Value,
	})
}

func itemEntitlementOperations() []operation {
	const route = "/features/{feature-id}/item_entitlements"
	return []operation{
		{http.MethodPost, route, 50, (*Server).upsertOrRemoveItemEntitlements},
		{http.MethodGet, route, 50, (*Server).listItemEntitlements},
	}
}

func (s *Server) upsertOrRemoveItemEntitlements(c call) (any, *apiError) {
	if s.grandfathering {
		return nil, newAPIError(http.StatusBadRequest, chargebee.ErrConfigurationIncompatible, "",
			"This operation is not supported when grandfathering is enabled")
	}
	action, apiErr := parseAction(c.params)
	if apiErr != nil {
		return nil, apiErr
	}
	f := s.features[c.id]
	if f == nil {
		return nil, featureNotFound("")
	}
	entries, apiErr := parseEntries(c.params, itemEntries(), f)
	if apiErr != nil {
		return nil, apiErr
	}
	return s.applyEntries(action, entries, s.newItemEntitlementBody)
}

func (s *Server) listItemEntitlements(c call) (any, *apiError) {
	f := s.features[c.id]
	if f == nil {
		return nil, featureNotFound("")
	}
	group := itemEntries()
	return newPage(c.params, s.catalog.ordered, s.catalog.created,
		func(e *entitlement) bool { return e.feature == f && s.isShown(e, group) }, s.newItemEntitlementBody)
}

func (s *Server) itemEntitlementOf(e *entitlement) chargebee.ItemEntitlement {
	return chargebee.ItemEntitlement{
		ID:          "item-ent-" + e.id,
		ItemID:      e.entityID,
		ItemType:    chargebee.ItemType(s.typeOf(e)),
		FeatureID:   e.feature.ID,
		FeatureName: e.feature.Name,
		Value:       e.value,
		Name:        e.feature.displayName(e.value),
	}
}

// itemEntitlementBody is the JSON form of an item entitlement in a response. It
// includes the object attribute that every resource of the API has.
type itemEntitlementBody struct {
	ItemEntitlement struct {
		chargebee.ItemEntitlement
		Object string `json:"object"`
	} `json:"item_entitlement"`
}

func (s *Server) newItemEntitlementBody(e *entitlement) any {
	var body itemEntitlementBody
	body.ItemEntitlement.ItemEntitlement = s.itemEntitlementOf(e)
	body.ItemEntitlement.Object = "item_entitlement"
	return body
}
