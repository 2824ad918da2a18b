package chargebee_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// TestLiveSiteReturnsAPIErrors sends requests about resources that do not exist, and lists, so
// nothing is changed, and logs the responses, which Chargebee does not document.
func TestLiveSiteReturnsAPIErrors(t *testing.T) {
	t.Parallel()
	site, apiKey := os.Getenv("CHARGEBEE_SITE"), os.Getenv("CHARGEBEE_API_KEY")
	if site == "" || apiKey == "" {
		t.Skip("set CHARGEBEE_SITE and CHARGEBEE_API_KEY to run this test against a real site")
	}
	var opts []chargebee.ClientOption
	if baseURL := os.Getenv("CHARGEBEE_BASE_URL"); baseURL != "" { // such as that of examples/emulator
		opts = append(opts, chargebee.WithBaseURL(baseURL))
	}
	client, err := chargebee.NewClient(site, apiKey, opts...)
	require.NoError(t, err)

	_, activateErr := client.PortalSessions.ActivatePortalSession(t.Context(), "no_such_session",
		chargebee.ActivatePortalSessionParams{Token: "no_such_token"})
	_, removeErr := client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "no_such_feature", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action: chargebee.ActionRemove, ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "no_such_item"}},
	})
	_, retrieveErr := client.PortalSessions.RetrievePortalSession(t.Context(), "no_such_session")
	_, logoutErr := client.PortalSessions.LogoutPortalSession(t.Context(), "no_such_session")
	_, featureErr := client.Features.RetrieveFeature(t.Context(), "no_such_feature")
	for _, err := range []error{activateErr, removeErr, retrieveErr, logoutErr, featureErr} {
		t.Log(err)
		var apiErr *chargebee.APIError
		require.ErrorAs(t, err, &apiErr)
		require.NotEmpty(t, apiErr.Code)
		require.NotContains(t, []int{401, 403}, apiErr.StatusCode, "Chargebee rejects the API key")
	}

	features, err := client.Features.ListFeatures(t.Context(), chargebee.ListFeaturesParams{Limit: 1})
	require.NoError(t, err)
	entitlements, err := client.Entitlements.ListEntitlements(t.Context(), chargebee.ListEntitlementsParams{Limit: 1})
	require.NoError(t, err)
	t.Log(features, entitlements)
}
