package main

import (
	"context"
	"errors"
	"slices"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// addSample adds the features of the sample to an emulator, and entitlements that differ
// from the sample.
func addSample(ctx context.Context, server *chargebeetest.Server) error {
	err := errors.Join(
		server.AddFeature(chargebeetest.Feature{
			ID: "seats", Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity,
			Levels: []chargebeetest.Level{{Value: "1"}, {Value: "3"}, {Value: "5"}, {Value: "20"}, {Unlimited: true}},
		}),
		server.AddFeature(chargebeetest.Feature{
			ID: "support", Name: "Support", Type: chargebeetest.FeatureTypeCustom,
			Levels: []chargebeetest.Level{{Value: "email"}, {Value: "chat"}, {Value: "phone"}},
		}),
		server.AddFeature(chargebeetest.Feature{ID: "sso", Name: "Single sign-on", Type: chargebeetest.FeatureTypeSwitch}),
	)
	if err != nil {
		return err
	}
	client, err := server.NewClient()
	if err != nil {
		return err
	}
	plan := chargebee.EntityTypePlan
	_, err = client.Entitlements.ManageEntitlements(ctx, chargebee.ManageEntitlementsParams{
		Action: chargebee.ActionUpsert,
		Entitlements: []chargebee.EntitlementParams{
			{FeatureID: "seats", EntityID: "solo", EntityType: plan, Value: "1"},
			{FeatureID: "seats", EntityID: "old", EntityType: plan, Value: "3"},
			{FeatureID: "seats", EntityID: "enterprise", EntityType: plan, Value: chargebee.ValueUnlimited},
			{FeatureID: "seats", EntityID: "extra-seats", EntityType: chargebee.EntityTypeAddon, Value: "5"},
			{FeatureID: "support", EntityID: "team", EntityType: plan, Value: "email"},
			{FeatureID: "sso", EntityID: "enterprise", EntityType: plan, Value: chargebee.ValueAvailable},
		},
	})
	return err
}

// addFeatures adds the features of a file that are not in the sample. They take any value.
func addFeatures(server *chargebeetest.Server, catalog *catalog) error {
	var errs error
	for _, id := range catalog.features {
		if server.Entitlements(id) == nil {
			errs = errors.Join(errs, server.AddFeature(chargebeetest.Feature{ID: id, Name: id, Type: chargebeetest.FeatureTypeCustom}))
		}
	}
	return errs
}

// addItems adds the items of the sample and of a file, which item entitlements need.
func addItems(server *chargebeetest.Server, catalog *catalog) error {
	types := map[string]string{"solo": "plan", "team": "plan", "old": "plan", "enterprise": "plan", "extra-seats": "addon"}
	for k := range catalog.rows {
		if types[k.entity] == "" && slices.Contains(ofItems{}.entityTypes(), k.entityType) {
			types[k.entity] = k.entityType
		}
	}
	var errs error
	for id, itemType := range types {
		errs = errors.Join(errs, server.AddItem(chargebeetest.Item{ID: id, Type: chargebee.ItemType(itemType)}))
	}
	return errs
}
