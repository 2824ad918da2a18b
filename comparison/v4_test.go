package comparison_test

import (
	"context"
	"net/http"
	"strings"

	cb4 "github.com/chargebee/chargebee-go/v4"
)

type v4Client struct{ client *cb4.Client }

func newV4(s settings) client { return v4Client{cb4.NewClient(v4Config(s))} }

func v4Config(s settings) *cb4.ClientConfig {
	config := cb4.NewClientConfig(s.site, s.apiKey)
	if s.retries == byDefaultLiteral {
		config = &cb4.ClientConfig{SiteName: s.site, ApiKey: s.apiKey}
	}
	if s.transport != nil {
		config.HTTPClient = &http.Client{Transport: s.transport, Timeout: cb4.ConfigHTTPTimeout}
	}
	if s.loopback != "" {
		config.Protocol = "http"
		config.SiteName, config.ChargebeeDomain, _ = strings.Cut(s.loopback, ".") // which v4 joins again
	}
	if s.retries == documented || s.retries == fiveAttempts {
		config.RetryConfig.RetryOn = []int{429, 500, 502, 503, 504}
	}
	if s.retries == fiveAttempts {
		config.RetryConfig.MaxRetries = 4
	}
	return config
}

func (c v4Client) activate(ctx context.Context, sessionID, token, idempotencyKey string) (*session, error) {
	req := &cb4.PortalSessionActivateRequest{Token: token}
	req.SetContext(ctx)
	if idempotencyKey != "" {
		req.SetIdempotencyKey(idempotencyKey)
	}
	resp, err := c.client.PortalSession.Activate(sessionID, req)
	if err != nil || resp.PortalSession == nil {
		return nil, err
	}
	return &session{resp.PortalSession.Id, resp.PortalSession.CustomerId, resp.PortalSession}, nil
}

func (c v4Client) upsert(ctx context.Context) (int, error) {
	req := &cb4.ItemEntitlementAddItemEntitlementsRequest{
		Action: cb4.ActionUpsert,
		ItemEntitlements: []*cb4.ItemEntitlementAddItemEntitlementsItemEntitlement{
			{ItemId: "team", ItemType: cb4.ItemEntitlementItemTypePlan, Value: "20"},
		},
	}
	req.SetContext(ctx)
	resp, err := c.client.ItemEntitlement.AddItemEntitlements("seats", req)
	if err != nil {
		return 0, err
	}
	return len(resp.List), nil
}
