package comparison_test

import (
	"context"
	"net/http"

	chargebee "github.com/typedbee/chargebee-go"
)

type oursClient struct{ client *chargebee.Client }

func newOurs(s settings) (client, error) {
	var opts []chargebee.ClientOption
	if s.transport != nil {
		opts = append(opts, chargebee.WithHTTPClient(&http.Client{Transport: s.transport}))
	}
	if s.loopback != "" {
		opts = append(opts, chargebee.WithBaseURL("http://"+s.loopback+"/api/v2"))
	}
	c, err := chargebee.NewClient(s.site, s.apiKey, opts...)
	return oursClient{c}, err
}

func (c oursClient) activate(ctx context.Context, sessionID, token, idempotencyKey string) (*session, error) {
	var opts []chargebee.CallOption
	if idempotencyKey != "" {
		opts = append(opts, chargebee.WithIdempotencyKey(idempotencyKey))
	}
	resp, err := c.client.PortalSessions.ActivatePortalSession(ctx, sessionID,
		chargebee.ActivatePortalSessionParams{Token: token}, opts...)
	if err != nil {
		return nil, err
	}
	return &session{resp.PortalSession.ID, resp.PortalSession.CustomerID, resp.PortalSession}, nil
}

func (c oursClient) upsert(ctx context.Context) (int, error) {
	resp, err := c.client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{
		Action:           chargebee.ActionUpsert,
		ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "team", ItemType: chargebee.ItemTypePlan, Value: "20"}},
	})
	if err != nil {
		return 0, err
	}
	return len(resp.ItemEntitlements), nil
}
