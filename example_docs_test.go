package chargebee_test

import (
	"context"
	"log/slog"
	"net/http"

	chargebee "github.com/typedbee/chargebee-go"
)

// This file has the functions of docs/*.md, line by line.

func loginHandler(portalHost string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		loginURL, err := chargebee.HostedLoginURL(portalHost,
			"https://app.example.com/return", "https://app.example.com/")
		if err != nil {
			slog.ErrorContext(r.Context(), "login page", "error", err)
			http.Error(w, "Please try again later.", http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, loginURL, http.StatusSeeOther)
	}
}

func portalHandler(client *chargebee.Client,
	customerID func(*http.Request) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		created, err := client.PortalSessions.CreatePortalSession(r.Context(),
			chargebee.CreatePortalSessionParams{
				CustomerID:  customerID(r),
				RedirectURL: "https://app.example.com/account", // after a logout in the portal
			})
		if err != nil {
			slog.WarnContext(r.Context(), "portal session", "error", err)
			http.Error(w, "Please try again later.", http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, created.PortalSession.AccessURL, http.StatusSeeOther)
	}
}

func setTeamPlan(ctx context.Context, client *chargebee.Client) error {
	_, err := client.Entitlements.ManageEntitlements(ctx, chargebee.ManageEntitlementsParams{
		Action:       chargebee.ActionUpsert,
		ChangeReason: "price list of 2027",
		Entitlements: []chargebee.EntitlementParams{
			{
				FeatureID: "seats", EntityID: "team", EntityType: chargebee.EntityTypePlan,
				Value: "20",
			},
			{
				FeatureID: "sso", EntityID: "team", EntityType: chargebee.EntityTypePlan,
				Value: chargebee.ValueAvailable,
			},
		},
	})
	return err
}

func setSeatsByItemEntitlement(ctx context.Context, client *chargebee.Client) error {
	_, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats",
		chargebee.UpsertOrRemoveItemEntitlementsParams{
			Action: chargebee.ActionUpsert,
			ItemEntitlements: []chargebee.ItemEntitlementParams{
				{ItemID: "team", ItemType: chargebee.ItemTypePlan, Value: "20"},
			},
		})
	return err
}

func setSeatsByEntitlement(ctx context.Context, client *chargebee.Client) error {
	_, err := client.Entitlements.ManageEntitlements(ctx,
		chargebee.ManageEntitlementsParams{
			Action: chargebee.ActionUpsert,
			Entitlements: []chargebee.EntitlementParams{{
				FeatureID: "seats", EntityID: "team", EntityType: chargebee.EntityTypePlan,
				Value: "20",
			}},
		})
	return err
}
