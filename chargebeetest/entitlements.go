package chargebeetest

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	chargebee "github.com/typedbee/chargebee-go"
)

// entitlement is an entitlement to a feature. The API shows it as an entitlement, as
// an item entitlement, or as both, depending on its type.
type entitlement struct {
	id         string // without the prefix
	number     int    // position in the order of creation, from 1
	feature    *feature
	entityID   string
	entityType string // of an entity that is no item of the server
	value      string
	isRemoved  bool
}

func (e *entitlement) creationNumber() int { return e.number }

// entitlementKey identifies an entitlement. At most one has the same key.
type entitlementKey struct{ featureID, entityID string }

// catalog holds the entitlements in the order of their creation.
type catalog struct {
	byKey   map[entitlementKey]*entitlement
	ordered []*entitlement // includes removed ones, until they are the majority
	removed int            // number of removed ones in ordered
	created int            // number of entitlements ever created
}

func (c *catalog) find(e entry) *entitlement {
	return c.byKey[entitlementKey{e.feature.ID, e.entityID}]
}

// upsert sets the value and the type of an entitlement, which it creates if there is none.
func (c *catalog) upsert(e entry) *entitlement {
	upserted := c.find(e)
	if upserted == nil {
		c.created++
		upserted = &entitlement{
			id: strings.ToLower(rand.Text()), number: c.created,
			feature: e.feature, entityID: e.entityID, entityType: string(chargebee.EntityTypePlan),
		}
		c.byKey[entitlementKey{e.feature.ID, e.entityID}] = upserted
		c.ordered = append(c.ordered, upserted)
	}
	if e.entityType != "" {
		upserted.entityType = e.entityType
	}
	upserted.value, _ = e.feature.normalize(e.value)
	return upserted
}

// remove deletes an entitlement and returns it. It returns nil if there is none.
func (c *catalog) remove(e entry) *entitlement {
	removed := c.find(e)
	if removed == nil {
		return nil
	}
	delete(c.byKey, entitlementKey{e.feature.ID, e.entityID})
	removed.isRemoved = true
	c.removed++
	if c.removed > len(c.ordered)/2 {
		c.ordered = slices.DeleteFunc(c.ordered, func(e *entitlement) bool { return e.isRemoved })
		c.removed = 0
	}
	return removed
}

// typeOf returns the type of the entity, which is that of the item if there is one.
func (s *Server) typeOf(e *entitlement) string {
	if item, isItem := s.items[e.entityID]; isItem {
		return string(item.Type)
	}
	return e.entityType
}

// Entitlements returns the current entitlements of plans, addons, charges and their
// prices to a feature, in the order in which they were created. It returns nil for an
// unknown feature.
func (s *Server) Entitlements(featureID string) []chargebee.Entitlement {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.features[featureID] == nil {
		return nil
	}
	return listOf(s, featureID, entitlementEntries(), s.entitlementOf)
}

// SetEntitlement sets the entitlement of an entity to a feature, as an upsert of
// ManageEntitlements does, but without a request. The feature may be archived. ID,
// FeatureName and Name are ignored, because the server sets them. It returns an error if
// the feature does not exist, or if the entity or the value is invalid.
func (s *Server) SetEntitlement(e chargebee.Entitlement) error {
	return s.set(entry{
		group: entitlementEntries(), featureID: e.FeatureID,
		entityID: e.EntityID, entityType: string(e.EntityType), value: e.Value,
	})
}

// listOf returns the entitlements to a feature that are of a type of the group.
func listOf[R any](s *Server, featureID string, group *entryGroup, resource func(*entitlement) R) []R {
	list := []R{}
	for _, e := range s.catalog.ordered {
		if e.feature.ID == featureID && s.isShown(e, group) {
			list = append(list, resource(e))
		}
	}
	return list
}

// isShown reports whether an entitlement exists and is of a type of the group.
func (s *Server) isShown(e *entitlement, group *entryGroup) bool {
	return !e.isRemoved && slices.Contains(group.types, s.typeOf(e))
}

func entitlementOperations() []operation {
	return []operation{
		{http.MethodPost, "/entitlements", 0, (*Server).manageEntitlements},
		{http.MethodGet, "/entitlements", 0, (*Server).listEntitlements},
	}
}

func (s *Server) manageEntitlements(c call) (any, *apiError) {
	action, apiErr := parseAction(c.params)
	if apiErr != nil {
		return nil, apiErr
	}
	if apiErr := validateLength("change_reason", c.params.Get("change_reason"), 100); apiErr != nil {
		return nil, apiErr
	}
	entries, apiErr := parseEntries(c.params, entitlementEntries(), nil)
	if apiErr != nil {
		return nil, apiErr
	}
	return s.applyEntries(action, entries, s.newEntitlementBody)
}

func (s *Server) listEntitlements(c call) (any, *apiError) {
	matches, apiErr := parseFilters(c.params, s.entitlementFilters())
	if apiErr != nil {
		return nil, apiErr
	}
	group := entitlementEntries()
	return newPage(c.params, s.catalog.ordered, s.catalog.created,
		func(e *entitlement) bool { return s.isShown(e, group) && matches(e) }, s.newEntitlementBody)
}

func (s *Server) entitlementFilters() []filterField[*entitlement] {
	operators := []string{"is", "in"}
	return []filterField[*entitlement]{
		{"feature_id", operators, nil, func(e *entitlement) string { return e.feature.ID }},
		{"entity_id", operators, nil, func(e *entitlement) string { return e.entityID }},
		{"entity_type", operators, entitlementEntries().types, s.typeOf},
	}
}

func (s *Server) entitlementOf(e *entitlement) chargebee.Entitlement {
	return chargebee.Entitlement{
		ID:          "ent-" + e.id,
		EntityID:    e.entityID,
		EntityType:  chargebee.EntityType(s.typeOf(e)),
		FeatureID:   e.feature.ID,
		FeatureName: e.feature.Name,
		Value:       e.value,
		Name:        e.feature.displayName(e.value),
	}
}

// entitlementBody is the JSON form of an entitlement in a response. It includes the
// object attribute that every resource of the API has.
type entitlementBody struct {
	Entitlement struct {
		chargebee.Entitlement
		Object string `json:"object"`
	} `json:"entitlement"`
}

func (s *Server) newEntitlementBody(e *entitlement) any {
	var body entitlementBody
	body.Entitlement.Entitlement = s.entitlementOf(e)
	body.Entitlement.Object = "entitlement"
	return body
}
