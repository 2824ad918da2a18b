package main

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	chargebee "github.com/typedbee/chargebee-go"
)

// pageSize is the size of a page of a list, the largest that Chargebee has.
const pageSize = 100

// api reads and changes the entitlements of a site.
type api struct {
	site string // its name
	*chargebee.Client
	entitlements
}

// entitlements has the operations on one of the two kinds of entitlements. Whether both
// kinds are the same is undocumented, so a run reads and changes only one.
type entitlements interface {
	// list ranges over the entitlements to features.
	list(ctx context.Context, features []string) iter.Seq2[entitlement, error]
	// change makes all of the changes or none. They all need the given action.
	change(ctx context.Context, action chargebee.Action, changes []*change) error
	// oneFeature reports whether the changes of a call must be of one feature.
	oneFeature() bool
	entityTypes() []string
}

// entitlement is an entitlement that the site has.
type entitlement struct {
	key
	value string
}

// validate returns an error if a field of the entitlement with this ID is missing. The
// documentation requires only the ID.
func (k key) validate(id string) error {
	for i, field := range []string{k.feature, k.entity, k.entityType} {
		if field == "" {
			return fmt.Errorf("the entitlement %s has no %s", quote(id), columnNames()[i])
		}
	}
	return nil
}

// features ranges over the features of the site, or over those with the given IDs.
func (a api) features(ctx context.Context, ids []string) iter.Seq2[chargebee.Feature, error] {
	return a.Features.AllFeatures(ctx, chargebee.ListFeaturesParams{Limit: pageSize, ID: chargebee.StringFilter{In: ids}})
}

// managed are the entitlements that Manage entitlements changes.
type managed struct{ client *chargebee.Client }

func (managed) oneFeature() bool { return false }

func (managed) entityTypes() []string {
	return []string{"plan", "addon", "charge", "plan_price", "addon_price"}
}

func (m managed) list(ctx context.Context, features []string) iter.Seq2[entitlement, error] {
	params := chargebee.ListEntitlementsParams{Limit: pageSize, FeatureID: chargebee.StringFilter{In: features}}
	return func(yield func(entitlement, error) bool) {
		for e, err := range m.client.Entitlements.AllEntitlements(ctx, params) {
			k := key{e.FeatureID, e.EntityID, string(e.EntityType)}
			if !yield(entitlement{k, e.Value}, cmp.Or(err, k.validate(e.ID))) {
				return
			}
		}
	}
}

func (m managed) change(ctx context.Context, action chargebee.Action, changes []*change) error {
	entries := make([]chargebee.EntitlementParams, len(changes))
	for i, c := range changes {
		entries[i] = chargebee.EntitlementParams{
			FeatureID: c.feature, EntityID: c.entity, EntityType: chargebee.EntityType(c.entityType), Value: c.after,
		}
	}
	_, err := m.client.Entitlements.ManageEntitlements(ctx, chargebee.ManageEntitlementsParams{Action: action, Entitlements: entries})
	return err
}

// ofItems are the item entitlements.
type ofItems struct{ client *chargebee.Client }

func (ofItems) oneFeature() bool { return true }

func (ofItems) entityTypes() []string {
	return []string{"plan", "addon", "charge", "subscription", "item"}
}

func (o ofItems) list(ctx context.Context, features []string) iter.Seq2[entitlement, error] {
	return func(yield func(entitlement, error) bool) {
		for _, feature := range features {
			for e, err := range o.client.Features.AllItemEntitlements(ctx, feature, chargebee.ListItemEntitlementsParams{Limit: pageSize}) {
				k := key{feature, e.ItemID, string(e.ItemType)}
				if !yield(entitlement{k, e.Value}, cmp.Or(err, k.validate(e.ID))) {
					return
				}
			}
		}
	}
}

func (o ofItems) change(ctx context.Context, action chargebee.Action, changes []*change) error {
	entries := make([]chargebee.ItemEntitlementParams, len(changes))
	for i, c := range changes {
		entries[i] = chargebee.ItemEntitlementParams{ItemID: c.entity, ItemType: chargebee.ItemType(c.entityType), Value: c.after}
	}
	_, err := o.client.Features.UpsertOrRemoveItemEntitlements(ctx, changes[0].feature,
		chargebee.UpsertOrRemoveItemEntitlementsParams{Action: action, ItemEntitlements: entries})
	return err
}
