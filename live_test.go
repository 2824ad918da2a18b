package chargebee_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// TestARealSiteAnswersAsTheLibraryExpects asks a real site for what does not
// exist, which changes nothing, and logs what Chargebee does not document.
func TestARealSiteAnswersAsTheLibraryExpects(t *testing.T) {
	t.Parallel()
	site, apiKey := os.Getenv("CHARGEBEE_SITE"), os.Getenv("CHARGEBEE_API_KEY")
	if site == "" || apiKey == "" {
		t.Skip("needs a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY")
	}
	var opts []chargebee.ClientOption
	if baseURL := os.Getenv("CHARGEBEE_BASE_URL"); baseURL != "" { // such as that of examples/emulator
		opts = append(opts, chargebee.WithBaseURL(baseURL))
	}
	client, err := chargebee.NewClient(site, apiKey, opts...)
	require.NoError(t, err)

	_, err = client.PortalSessions.ActivatePortalSession(t.Context(), "no_such_session", chargebee.ActivatePortalSessionParams{Token: "no_such_token"})
	requireChargebeesRefusal(t, err)
	_, err = client.Features.UpsertOrRemoveItemEntitlements(t.Context(), "no_such_feature", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action: chargebee.ActionRemove, ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "no_such_item"}},
	})
	requireChargebeesRefusal(t, err)
}

func requireChargebeesRefusal(t *testing.T, err error) {
	t.Helper()
	t.Log(err)
	var apiErr *chargebee.APIError
	require.ErrorAs(t, err, &apiErr)
	require.NotEmpty(t, apiErr.Code)
	require.NotContains(t, []int{401, 403}, apiErr.StatusCode, "the key is not accepted")
}
