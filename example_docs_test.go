package chargebee_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"

	chargebee "github.com/typedbee/chargebee-go"
)

// This file has the functions of docs/*.md, line by line.

const loginCookie = "__Host-login-" // followed by the state

func loginHandler(portalHost string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		state := rand.Text() // of crypto/rand
		loginURL, err := chargebee.HostedLoginURL(portalHost,
			"https://app.example.com/return/"+state, "https://app.example.com/")
		if err != nil {
			slog.ErrorContext(r.Context(), "login page", "error", err)
			http.Error(w, "Please try again later.", http.StatusInternalServerError)
			return
		}
		http.SetCookie(w, &http.Cookie{
			Name: loginCookie + state, Value: "1", Path: "/", MaxAge: 600,
			Secure: true, HttpOnly: true,
			SameSite: http.SameSiteLaxMode, // the redirect of the portal is from another site
		})
		http.Redirect(w, r, loginURL, http.StatusSeeOther)
	}
}

// requireState wraps the handler of "GET /return/{state}".
func requireState(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := loginCookie + r.PathValue("state")
		if _, err := r.Cookie(name); err != nil || r.Method != http.MethodGet {
			http.Error(w, "Please log in again.", http.StatusForbidden)
			return
		}
		http.SetCookie(w, &http.Cookie{
			Name: name, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true,
		})
		next.ServeHTTP(w, r)
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
