package chargebee_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

// byHand makes both calls as a careful engineer would without the library. It
// has the same duties for one attempt: the same headers, a deadline, a capped
// read, a typed result or a typed error.
type byHand struct {
	client *http.Client
	root   string
}

type byHandError struct {
	Status  int
	Message string `json:"message"`
	Type    string `json:"type"`
	Code    string `json:"api_error_code"`
	Param   string `json:"param"`
}

func (e *byHandError) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

func (c byHand) activate(ctx context.Context, id, token string) (*chargebee.PortalSession, error) {
	var result struct {
		PortalSession chargebee.PortalSession `json:"portal_session"`
	}
	err := c.post(ctx, "/portal_sessions/"+url.PathEscape(id)+"/activate", []byte("token="+url.QueryEscape(token)), &result)
	if err != nil {
		return nil, err
	}
	return &result.PortalSession, nil
}

func (c byHand) upsert(ctx context.Context, featureID string, params chargebee.UpsertOrRemoveItemEntitlementsParams) ([]chargebee.ItemEntitlement, error) {
	var result struct {
		List []struct {
			ItemEntitlement chargebee.ItemEntitlement `json:"item_entitlement"`
		} `json:"list"`
	}
	err := c.post(ctx, "/features/"+url.PathEscape(featureID)+"/item_entitlements", encodeByHand(params), &result)
	if err != nil {
		return nil, err
	}
	entitlements := make([]chargebee.ItemEntitlement, len(result.List))
	for i, entry := range result.List {
		entitlements[i] = entry.ItemEntitlement
	}
	return entitlements, nil
}

func encodeByHand(params chargebee.UpsertOrRemoveItemEntitlementsParams) []byte {
	var body bytes.Buffer
	body.WriteString("action=" + url.QueryEscape(string(params.Action)))
	for i, entry := range params.ItemEntitlements {
		index := strconv.Itoa(i)
		body.WriteString("&item_entitlements%5Bitem_id%5D%5B" + index + "%5D=" + url.QueryEscape(entry.ItemID))
		body.WriteString("&item_entitlements%5Bitem_type%5D%5B" + index + "%5D=" + url.QueryEscape(string(entry.ItemType)))
		body.WriteString("&item_entitlements%5Bvalue%5D%5B" + index + "%5D=" + url.QueryEscape(entry.Value))
	}
	return body.Bytes()
}

func (c byHand) post(ctx context.Context, path string, body []byte, result any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.root+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth("test_key", "")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "by-hand/1.0")
	req.Header.Set("chargebee-idempotency-key", rand.Text())
	req.Header.Set("chargebee-request-origin-ip", "203.0.113.7")
	req.Header.Set("chargebee-request-origin-device", "Android")
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		refusal := &byHandError{Status: resp.StatusCode}
		if err := json.Unmarshal(answer, refusal); err != nil {
			return err
		}
		return refusal
	}
	return json.Unmarshal(answer, result)
}
