package chargebeetest

import (
	"fmt"
	"slices"

	chargebee "github.com/typedbee/chargebee-go"
)

// Item is an item that can have entitlements: a plan, an addon, a charge, or
// another of Chargebee's item types.
type Item struct {
	ID   string             `json:"id"` // at most 100 characters
	Type chargebee.ItemType `json:"type"`
}

// AddItem adds an item. It returns an error if the ID is already taken, empty or
// longer than 100 characters, or if the type is not one of Chargebee's.
func (s *Server) AddItem(i Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var reason string
	switch {
	case i.ID == "" || isLonger(i.ID, 100):
		reason = "must have an ID of 1 to 100 characters"
	case s.items[i.ID] != (Item{}):
		reason = "already exists"
	case !slices.Contains(itemTypes(), string(i.Type)):
		reason = fmt.Sprintf("is of the unknown type %q", i.Type)
	}
	if reason != "" {
		return fmt.Errorf("chargebeetest: item %q %s", i.ID, reason)
	}
	s.items[i.ID] = i
	return nil
}

func itemTypes() []string {
	return []string{
		string(chargebee.ItemTypePlan), string(chargebee.ItemTypeAddon), string(chargebee.ItemTypeCharge),
		string(chargebee.ItemTypeSubscription), string(chargebee.ItemTypeItem),
	}
}
