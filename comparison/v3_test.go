package comparison_test

import (
	"context"
	"net/http"
	"strings"

	cb3 "github.com/chargebee/chargebee-go/v3"
	entitlementaction "github.com/chargebee/chargebee-go/v3/actions/itementitlement"
	sessionaction "github.com/chargebee/chargebee-go/v3/actions/portalsession"
	"github.com/chargebee/chargebee-go/v3/enum"
	"github.com/chargebee/chargebee-go/v3/models/itementitlement"
	itementitlementenum "github.com/chargebee/chargebee-go/v3/models/itementitlement/enum"
	"github.com/chargebee/chargebee-go/v3/models/portalsession"
)

type v3Client struct{ env cb3.Environment }

// newV3 sets the HTTP client of the process, because v3 has no other. So measurements run
// one after another.
func newV3(s settings) client {
	cb3.WithHTTPClient(&http.Client{Transport: s.transport})
	env := cb3.Environment{Key: s.apiKey, SiteName: s.site}
	if s.loopback != "" {
		env.Protocol = "http"
		env.SiteName, env.ChargebeeDomain, _ = strings.Cut(s.loopback, ".") // which v3 joins again
	}
	if s.retries == documented || s.retries == fiveAttempts {
		env.RetryConfig = &cb3.RetryConfig{
			Enabled: true, MaxRetries: 3, DelayMs: 500,
			RetryOn: map[int]struct{}{429: {}, 500: {}, 502: {}, 503: {}, 504: {}},
		}
	}
	if s.retries == fiveAttempts {
		env.RetryConfig.MaxRetries = 4
	}
	return v3Client{env}
}

func (c v3Client) activate(ctx context.Context, sessionID, token, idempotencyKey string) (*session, error) {
	req := sessionaction.Activate(sessionID, &portalsession.ActivateRequestParams{Token: token}).Contexts(ctx)
	if idempotencyKey != "" {
		req = req.SetIdempotencyKey(idempotencyKey)
	}
	result, err := req.RequestWithEnv(c.env)
	if err != nil || result.PortalSession == nil {
		return nil, err
	}
	return &session{result.PortalSession.Id, result.PortalSession.CustomerId, result.PortalSession}, nil
}

func (c v3Client) upsert(ctx context.Context) (int, error) {
	result, err := c.upsertResult(ctx)
	if err != nil || result.ItemEntitlement == nil {
		return 0, err
	}
	return 1, nil
}

func (c v3Client) upsertResult(ctx context.Context) (*cb3.Result, error) {
	return entitlementaction.AddItemEntitlements("seats", &itementitlement.AddItemEntitlementsRequestParams{
		Action: enum.ActionUpsert,
		ItemEntitlements: []*itementitlement.AddItemEntitlementsItemEntitlementParams{
			{ItemId: "team", ItemType: itementitlementenum.ItemTypePlan, Value: "20"},
		},
	}).Contexts(ctx).RequestWithEnv(c.env)
}
