package chargebee_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

// baseline makes the calls as a careful engineer would write them for speed on
// net/http alone. It does what the library does in one attempt: the same headers, a
// deadline, a limited body, a typed result or a typed error.
type baseline struct {
	client *http.Client
	root   string
}

// The types have what the API returns and nothing else: no validation, no time.Time.
type (
	baselineSession struct {
		ID              string `json:"id"`
		Token           string `json:"token"`
		AccessURL       string `json:"access_url"`
		RedirectURL     string `json:"redirect_url"`
		Status          string `json:"status"`
		CreatedAt       int64  `json:"created_at"`
		ExpiresAt       int64  `json:"expires_at"`
		CustomerID      string `json:"customer_id"`
		LoginAt         int64  `json:"login_at"`
		LogoutAt        int64  `json:"logout_at"`
		LoginIPAddress  string `json:"login_ipaddress"`
		LogoutIPAddress string `json:"logout_ipaddress"`
		LinkedCustomers []struct {
			CustomerID            string `json:"customer_id"`
			Email                 string `json:"email"`
			HasBillingAddress     bool   `json:"has_billing_address"`
			HasPaymentMethod      bool   `json:"has_payment_method"`
			HasActiveSubscription bool   `json:"has_active_subscription"`
		} `json:"linked_customers"`
	}

	baselineEntitlement struct {
		ID          string `json:"id"`
		ItemID      string `json:"item_id"`
		ItemType    string `json:"item_type"`
		FeatureID   string `json:"feature_id"`
		FeatureName string `json:"feature_name"`
		Value       string `json:"value"`
		Name        string `json:"name"`
	}

	baselineManaged struct {
		ID          string `json:"id"`
		EntityID    string `json:"entity_id"`
		EntityType  string `json:"entity_type"`
		FeatureID   string `json:"feature_id"`
		FeatureName string `json:"feature_name"`
		Value       string `json:"value"`
		Name        string `json:"name"`
	}

	baselineError struct {
		Status  int
		Message string `json:"message"`
		Type    string `json:"type"`
		Code    string `json:"api_error_code"`
		Param   string `json:"param"`
	}
)

func (e *baselineError) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

func (b baseline) activate(ctx context.Context, id, token string) (*baselineSession, error) {
	return b.postSession(ctx, "/portal_sessions/"+url.PathEscape(id)+"/activate", "token="+url.QueryEscape(token))
}

func (b baseline) create(ctx context.Context, params chargebee.CreatePortalSessionParams) (*baselineSession, error) {
	var form strings.Builder
	form.WriteString("redirect_url=")
	form.WriteString(url.QueryEscape(params.RedirectURL))
	form.WriteString("&forward_url=")
	form.WriteString(url.QueryEscape(params.ForwardURL))
	form.WriteString("&customer%5Bid%5D=")
	form.WriteString(url.QueryEscape(params.CustomerID))
	return b.postSession(ctx, "/portal_sessions", form.String())
}

func (b baseline) logout(ctx context.Context, id string) (*baselineSession, error) {
	return b.postSession(ctx, "/portal_sessions/"+url.PathEscape(id)+"/logout", "")
}

func (b baseline) postSession(ctx context.Context, path, form string) (*baselineSession, error) {
	var result struct {
		PortalSession baselineSession `json:"portal_session"`
	}
	err := b.post(ctx, path, form, &result)
	if err != nil {
		return nil, err
	}
	return &result.PortalSession, nil
}

func (b baseline) manage(ctx context.Context, params chargebee.ManageEntitlementsParams) ([]baselineManaged, error) {
	var form strings.Builder
	form.WriteString("action=")
	form.WriteString(url.QueryEscape(string(params.Action)))
	for i, entry := range params.Entitlements {
		index := strconv.Itoa(i)
		writeBaselineField(&form, "&entitlements%5Bentity_id%5D%5B", index, entry.EntityID)
		writeBaselineField(&form, "&entitlements%5Bentity_type%5D%5B", index, string(entry.EntityType))
		writeBaselineField(&form, "&entitlements%5Bfeature_id%5D%5B", index, entry.FeatureID)
		writeBaselineField(&form, "&entitlements%5Bvalue%5D%5B", index, entry.Value)
	}
	var result struct {
		List []struct {
			Entitlement baselineManaged `json:"entitlement"`
		} `json:"list"`
	}
	err := b.post(ctx, "/entitlements", form.String(), &result)
	if err != nil {
		return nil, err
	}
	entitlements := make([]baselineManaged, len(result.List))
	for i, entry := range result.List {
		entitlements[i] = entry.Entitlement
	}
	return entitlements, nil
}

func (b baseline) upsert(ctx context.Context, featureID string, params chargebee.UpsertOrRemoveItemEntitlementsParams) ([]baselineEntitlement, error) {
	var result struct {
		List []struct {
			ItemEntitlement baselineEntitlement `json:"item_entitlement"`
		} `json:"list"`
	}
	err := b.post(ctx, "/features/"+url.PathEscape(featureID)+"/item_entitlements", baselineForm(params), &result)
	if err != nil {
		return nil, err
	}
	entitlements := make([]baselineEntitlement, len(result.List))
	for i, entry := range result.List {
		entitlements[i] = entry.ItemEntitlement
	}
	return entitlements, nil
}

func baselineForm(params chargebee.UpsertOrRemoveItemEntitlementsParams) string {
	var form strings.Builder
	form.WriteString("action=")
	form.WriteString(url.QueryEscape(string(params.Action)))
	for i, entry := range params.ItemEntitlements {
		index := strconv.Itoa(i)
		writeBaselineField(&form, "&item_entitlements%5Bitem_id%5D%5B", index, entry.ItemID)
		writeBaselineField(&form, "&item_entitlements%5Bitem_type%5D%5B", index, string(entry.ItemType))
		writeBaselineField(&form, "&item_entitlements%5Bvalue%5D%5B", index, entry.Value)
	}
	return form.String()
}

func writeBaselineField(form *strings.Builder, name, index, value string) {
	form.WriteString(name)
	form.WriteString(index)
	form.WriteString("%5D=")
	form.WriteString(url.QueryEscape(value))
}

func (b baseline) post(ctx context.Context, path, form string, result any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.root+path, strings.NewReader(form))
	if err != nil {
		return err
	}
	req.SetBasicAuth("test_key", "")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "baseline/1.0")
	req.Header.Set("chargebee-idempotency-key", rand.Text())
	req.Header.Set("chargebee-request-origin-ip", "203.0.113.7")
	req.Header.Set("chargebee-request-origin-device", "Android")
	resp, err := b.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		apiErr := &baselineError{Status: resp.StatusCode}
		if err := json.Unmarshal(body, apiErr); err != nil {
			return err
		}
		return apiErr
	}
	return json.Unmarshal(body, result)
}
