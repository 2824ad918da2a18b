package chargebee_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
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
	client        *http.Client
	root          string
	authorization string
}

func newBaseline(transport http.RoundTripper, root string) baseline {
	return baseline{&http.Client{Transport: transport}, root, "Basic dGVzdF9rZXk6"} // test_key
}

// The types have what the API returns and nothing else: no validation, no time.Time.
type (
	baselineSession struct {
		ID              string `json:"id,omitempty"`
		Token           string `json:"token,omitempty"`
		AccessURL       string `json:"access_url,omitempty"`
		RedirectURL     string `json:"redirect_url,omitempty"`
		Status          string `json:"status,omitempty"`
		CreatedAt       int64  `json:"created_at,omitempty"`
		ExpiresAt       int64  `json:"expires_at,omitempty"`
		CustomerID      string `json:"customer_id,omitempty"`
		LoginAt         int64  `json:"login_at,omitempty"`
		LogoutAt        int64  `json:"logout_at,omitempty"`
		LoginIPAddress  string `json:"login_ipaddress,omitempty"`
		LogoutIPAddress string `json:"logout_ipaddress,omitempty"`
		LinkedCustomers []struct {
			CustomerID            string `json:"customer_id"`
			Email                 string `json:"email"`
			HasBillingAddress     bool   `json:"has_billing_address"`
			HasPaymentMethod      bool   `json:"has_payment_method"`
			HasActiveSubscription bool   `json:"has_active_subscription"`
		} `json:"linked_customers"`
	}

	baselineFeature struct {
		ID              string `json:"id"`
		Name            string `json:"name"`
		Description     string `json:"description"`
		Status          string `json:"status"`
		Type            string `json:"type"`
		Unit            string `json:"unit"`
		ResourceVersion int64  `json:"resource_version"`
		CreatedAt       int64  `json:"created_at"`
		UpdatedAt       int64  `json:"updated_at"`
		Metered         bool   `json:"metered"`
		Levels          []struct {
			Name        string `json:"name,omitempty"`
			Value       string `json:"value,omitempty"`
			Level       int    `json:"level"`
			IsUnlimited bool   `json:"is_unlimited"`
		} `json:"levels"`
	}

	baselineItemEntitlement struct {
		ID          string `json:"id"`
		ItemID      string `json:"item_id"`
		ItemType    string `json:"item_type"`
		FeatureID   string `json:"feature_id"`
		FeatureName string `json:"feature_name"`
		Value       string `json:"value"`
		Name        string `json:"name"`
	}

	baselineEntitlement struct {
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

// The results of the calls.
type (
	baselineSessionResult struct {
		PortalSession baselineSession `json:"portal_session"`
	}

	baselineFeatureResult struct {
		Feature baselineFeature `json:"feature"`
	}

	baselineFeatures struct {
		Features   []baselineFeature `json:"features"`
		NextOffset string            `json:"next_offset,omitempty"`
	}

	baselineItemEntitlements struct {
		ItemEntitlements []baselineItemEntitlement `json:"item_entitlements"`
		NextOffset       string                    `json:"next_offset,omitempty"`
	}

	baselineEntitlements struct {
		Entitlements []baselineEntitlement `json:"entitlements"`
		NextOffset   string                `json:"next_offset,omitempty"`
	}
)

func (b baseline) createSession(ctx context.Context, params chargebee.CreatePortalSessionParams) (*baselineSessionResult, error) {
	var form strings.Builder
	form.WriteString("redirect_url=")
	form.WriteString(url.QueryEscape(params.RedirectURL))
	form.WriteString("&forward_url=")
	form.WriteString(url.QueryEscape(params.ForwardURL))
	form.WriteString("&customer%5Bid%5D=")
	form.WriteString(url.QueryEscape(params.CustomerID))
	result := new(baselineSessionResult)
	return result, b.post(ctx, "/portal_sessions", form.String(), result)
}

func (b baseline) retrieveSession(ctx context.Context, id string) (*baselineSessionResult, error) {
	result := new(baselineSessionResult)
	return result, b.get(ctx, "/portal_sessions/"+url.PathEscape(id), result)
}

func (b baseline) activateSession(ctx context.Context, id, token string) (*baselineSessionResult, error) {
	result := new(baselineSessionResult)
	return result, b.post(ctx, "/portal_sessions/"+url.PathEscape(id)+"/activate", "token="+url.QueryEscape(token), result)
}

func (b baseline) logoutSession(ctx context.Context, id string) (*baselineSessionResult, error) {
	result := new(baselineSessionResult)
	return result, b.post(ctx, "/portal_sessions/"+url.PathEscape(id)+"/logout", "", result)
}

func (b baseline) upsertItemEntitlements(ctx context.Context, featureID string, params chargebee.UpsertOrRemoveItemEntitlementsParams) (*baselineItemEntitlements, error) {
	var form strings.Builder
	form.Grow(180 * len(params.ItemEntitlements))
	form.WriteString("action=")
	form.WriteString(url.QueryEscape(string(params.Action)))
	for i, entry := range params.ItemEntitlements {
		index := strconv.Itoa(i)
		writeBaselineField(&form, "&item_entitlements%5Bitem_id%5D%5B", index, entry.ItemID)
		writeBaselineField(&form, "&item_entitlements%5Bitem_type%5D%5B", index, string(entry.ItemType))
		writeBaselineField(&form, "&item_entitlements%5Bvalue%5D%5B", index, entry.Value)
	}
	var page baselineItemEntitlementPage
	if err := b.post(ctx, "/features/"+url.PathEscape(featureID)+"/item_entitlements", form.String(), &page); err != nil {
		return nil, err
	}
	return page.result(), nil
}

func (b baseline) listItemEntitlements(ctx context.Context, featureID string, limit int) (*baselineItemEntitlements, error) {
	var page baselineItemEntitlementPage
	if err := b.get(ctx, "/features/"+url.PathEscape(featureID)+"/item_entitlements?limit="+strconv.Itoa(limit), &page); err != nil {
		return nil, err
	}
	return page.result(), nil
}

func (b baseline) retrieveFeature(ctx context.Context, id string) (*baselineFeatureResult, error) {
	result := new(baselineFeatureResult)
	return result, b.get(ctx, "/features/"+url.PathEscape(id), result)
}

func (b baseline) listFeatures(ctx context.Context, status string, limit int) (*baselineFeatures, error) {
	var page struct {
		List []struct {
			Feature baselineFeature `json:"feature"`
		} `json:"list"`
		NextOffset string `json:"next_offset"`
	}
	if err := b.get(ctx, "/features?limit="+strconv.Itoa(limit)+"&status%5Bis%5D="+url.QueryEscape(status), &page); err != nil {
		return nil, err
	}
	result := &baselineFeatures{make([]baselineFeature, len(page.List)), page.NextOffset}
	for i := range page.List {
		result.Features[i] = page.List[i].Feature
	}
	return result, nil
}

func (b baseline) manageEntitlements(ctx context.Context, params chargebee.ManageEntitlementsParams) (*baselineEntitlements, error) {
	var form strings.Builder
	form.Grow(200 * len(params.Entitlements))
	form.WriteString("action=")
	form.WriteString(url.QueryEscape(string(params.Action)))
	for i, entry := range params.Entitlements {
		index := strconv.Itoa(i)
		writeBaselineField(&form, "&entitlements%5Bentity_id%5D%5B", index, entry.EntityID)
		writeBaselineField(&form, "&entitlements%5Bentity_type%5D%5B", index, string(entry.EntityType))
		writeBaselineField(&form, "&entitlements%5Bfeature_id%5D%5B", index, entry.FeatureID)
		writeBaselineField(&form, "&entitlements%5Bvalue%5D%5B", index, entry.Value)
	}
	var page baselineEntitlementPage
	if err := b.post(ctx, "/entitlements", form.String(), &page); err != nil {
		return nil, err
	}
	return page.result(), nil
}

func (b baseline) listEntitlements(ctx context.Context, featureID string, limit int, offset string) (*baselineEntitlements, error) {
	query := "?feature_id%5Bis%5D=" + url.QueryEscape(featureID) + "&limit=" + strconv.Itoa(limit)
	if offset != "" {
		query += "&offset=" + url.QueryEscape(offset)
	}
	var page baselineEntitlementPage
	if err := b.get(ctx, "/entitlements"+query, &page); err != nil {
		return nil, err
	}
	return page.result(), nil
}

// countEntitlements reads all pages.
func (b baseline) countEntitlements(ctx context.Context, featureID string, limit int) (count int, err error) {
	for offset := ""; ; {
		page, err := b.listEntitlements(ctx, featureID, limit, offset)
		if err != nil {
			return count, err
		}
		for range page.Entitlements {
			count++
		}
		if offset = page.NextOffset; offset == "" {
			return count, nil
		}
	}
}

func writeBaselineField(form *strings.Builder, name, index, value string) {
	form.WriteString(name)
	form.WriteString(index)
	form.WriteString("%5D=")
	form.WriteString(url.QueryEscape(value))
}

// The pages as the API returns them.
type (
	baselineItemEntitlementPage struct {
		List []struct {
			ItemEntitlement baselineItemEntitlement `json:"item_entitlement"`
		} `json:"list"`
		NextOffset string `json:"next_offset"`
	}

	baselineEntitlementPage struct {
		List []struct {
			Entitlement baselineEntitlement `json:"entitlement"`
		} `json:"list"`
		NextOffset string `json:"next_offset"`
	}
)

func (p *baselineItemEntitlementPage) result() *baselineItemEntitlements {
	result := &baselineItemEntitlements{make([]baselineItemEntitlement, len(p.List)), p.NextOffset}
	for i := range p.List {
		result.ItemEntitlements[i] = p.List[i].ItemEntitlement
	}
	return result
}

func (p *baselineEntitlementPage) result() *baselineEntitlements {
	result := &baselineEntitlements{make([]baselineEntitlement, len(p.List)), p.NextOffset}
	for i := range p.List {
		result.Entitlements[i] = p.List[i].Entitlement
	}
	return result
}

func (b baseline) get(ctx context.Context, path string, result any) error {
	return b.send(ctx, http.MethodGet, path, "", "", result)
}

func (b baseline) post(ctx context.Context, path, form string, result any) error {
	return b.send(ctx, http.MethodPost, path, form, rand.Text(), result)
}

// activateSessionWithRetry retries a 503, with an exponential backoff and the same
// idempotency key.
func (b baseline) activateSessionWithRetry(ctx context.Context, id, token string) (*baselineSessionResult, error) {
	path, form, key := "/portal_sessions/"+url.PathEscape(id)+"/activate", "token="+url.QueryEscape(token), rand.Text()
	backoff := time.Duration(1)
	for attempt := 1; ; attempt++ {
		result := new(baselineSessionResult)
		err := b.send(ctx, http.MethodPost, path, form, key, result)
		var apiErr *baselineError
		if attempt == 5 || !errors.As(err, &apiErr) || apiErr.Status != http.StatusServiceUnavailable {
			return result, err
		}
		select {
		case <-time.After(backoff/2 + mathrand.N(backoff/2+1)):
			backoff *= 2
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (b baseline) send(ctx context.Context, method, path, form, idempotencyKey string, result any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var reqBody io.Reader = http.NoBody
	if form != "" {
		reqBody = strings.NewReader(form)
	}
	req, err := http.NewRequestWithContext(ctx, method, b.root+path, reqBody)
	if err != nil {
		return err
	}
	req.Header["Authorization"] = []string{b.authorization}
	req.Header["Accept"] = []string{"application/json"}
	req.Header["User-Agent"] = []string{"baseline/1.0"}
	req.Header["Chargebee-Request-Origin-Ip"] = []string{"203.0.113.7"}
	req.Header["Chargebee-Request-Origin-Device"] = []string{"Android"}
	if method == http.MethodPost {
		req.Header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
		req.Header["Chargebee-Idempotency-Key"] = []string{idempotencyKey}
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := readBaselineBody(resp)
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

// readBaselineBody reads a body into a buffer that is as long as the response says.
func readBaselineBody(resp *http.Response) ([]byte, error) {
	const limit = 16 << 20
	var body bytes.Buffer
	body.Grow(int(min(max(resp.ContentLength, 0), limit)) + bytes.MinRead)
	_, err := body.ReadFrom(io.LimitReader(resp.Body, limit))
	return body.Bytes(), err
}
