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
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// Each benchmark stands beside the same call written by hand on net/http, with
// the same duties: the same headers, a deadline for the attempt, a capped read,
// a typed result. Compare the two, not either with another machine's.

func BenchmarkActivatePortalSession(b *testing.B) {
	const answer = `{"portal_session":{"id":"portal_1","token":"tok_answer","access_url":"https://acme-test.chargebeeportal.com/portal/access/tok",` +
		`"status":"activated","created_at":1790000000,"expires_at":1790003600,"object":"portal_session","customer_id":"cus_1",` +
		`"linked_customers":[{"object":"linked_customer","customer_id":"cus_1","email":"zoe@example.com","has_billing_address":true,"has_payment_method":true,"has_active_subscription":true}]}}`
	transport := answering(answer)

	b.Run("library", func(b *testing.B) {
		client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithHTTPClient(&http.Client{Transport: transport}))
		require.NoError(b, err)
		ctx := chargebee.ContextWithHeaders(b.Context(), chargebee.Headers{OriginIP: "203.0.113.7", OriginDevice: "Android"})
		b.ReportAllocs()
		for b.Loop() {
			resp, err := client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: "tok_secret"})
			if err != nil || resp.PortalSession.CustomerID != "cus_1" {
				b.Fatal(resp, err)
			}
		}
	})
	b.Run("by hand", func(b *testing.B) {
		httpClient := &http.Client{Transport: transport}
		b.ReportAllocs()
		for b.Loop() {
			var result struct {
				PortalSession chargebee.PortalSession `json:"portal_session"`
			}
			err := activateByHand(b.Context(), httpClient, &result)
			if err != nil || result.PortalSession.CustomerID != "cus_1" {
				b.Fatal(result, err)
			}
		}
	})
}

// Allocations, unlike times, are the same on every machine.
func TestAnActivationAllocatesLittleMoreThanByHand(t *testing.T) {
	transport := answering(activated)
	client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)
	ctx := chargebee.ContextWithHeaders(t.Context(), chargebee.Headers{OriginIP: "203.0.113.7", OriginDevice: "Android"})
	library := testing.AllocsPerRun(100, func() {
		_, err = client.PortalSessions.ActivatePortalSession(ctx, "portal_1", chargebee.ActivatePortalSessionParams{Token: "tok_secret"})
		require.NoError(t, err)
	})
	byHand := testing.AllocsPerRun(100, func() {
		var result struct {
			PortalSession chargebee.PortalSession `json:"portal_session"`
		}
		require.NoError(t, activateByHand(t.Context(), &http.Client{Transport: transport}, &result))
	})
	require.LessOrEqual(t, library, 1.3*byHand)
}

func BenchmarkUpsertItemEntitlements(b *testing.B) {
	for _, entries := range []int{100, 1_000, 10_000} {
		params := chargebee.UpsertOrRemoveItemEntitlementsParams{Action: chargebee.ActionUpsert}
		var answer strings.Builder
		for i := range entries {
			item := fmt.Sprintf("plan-%05d", i)
			params.ItemEntitlements = append(params.ItemEntitlements, chargebee.ItemEntitlementParams{
				ItemID: item, ItemType: chargebee.ItemTypePlan, Value: strconv.Itoa(i),
			})
			fmt.Fprintf(&answer, `,{"item_entitlement":{"id":"ent-%05d","item_id":%q,"item_type":"plan","feature_id":"seats",`+
				`"feature_name":"Seats","value":"%d","name":"%d users","object":"item_entitlement"}}`, i, item, i, i)
		}
		transport := answering(`{"list":[` + answer.String()[1:] + `]}`)

		b.Run(fmt.Sprintf("entries=%d/library", entries), func(b *testing.B) {
			client, err := chargebee.NewClient("acme-test", "test_key", chargebee.WithHTTPClient(&http.Client{Transport: transport}))
			require.NoError(b, err)
			ctx := chargebee.ContextWithHeaders(b.Context(), chargebee.Headers{OriginIP: "203.0.113.7", OriginDevice: "Android"})
			b.ReportAllocs()
			for b.Loop() {
				resp, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", params)
				if err != nil || len(resp.ItemEntitlements) != entries {
					b.Fatal(resp, err)
				}
			}
		})
		b.Run(fmt.Sprintf("entries=%d/by hand", entries), func(b *testing.B) {
			httpClient := &http.Client{Transport: transport}
			b.ReportAllocs()
			for b.Loop() {
				var result struct {
					List []struct {
						ItemEntitlement chargebee.ItemEntitlement `json:"item_entitlement"`
					} `json:"list"`
				}
				var body bytes.Buffer
				body.WriteString("action=" + string(params.Action))
				for i, entry := range params.ItemEntitlements {
					index := strconv.Itoa(i)
					body.WriteString("&item_entitlements%5Bitem_id%5D%5B" + index + "%5D=" + url.QueryEscape(entry.ItemID))
					body.WriteString("&item_entitlements%5Bitem_type%5D%5B" + index + "%5D=" + url.QueryEscape(string(entry.ItemType)))
					body.WriteString("&item_entitlements%5Bvalue%5D%5B" + index + "%5D=" + url.QueryEscape(entry.Value))
				}
				target := "https://acme-test.chargebee.com/api/v2/features/" + url.PathEscape("seats") + "/item_entitlements"
				err := postByHand(b.Context(), httpClient, target, body.Bytes(), &result)
				if err != nil || len(result.List) != entries {
					b.Fatal(err)
				}
			}
		})
	}
}

func activateByHand(ctx context.Context, httpClient *http.Client, result any) error {
	target := "https://acme-test.chargebee.com/api/v2/portal_sessions/" + url.PathEscape("portal_1") + "/activate"
	return postByHand(ctx, httpClient, target, []byte("token="+url.QueryEscape("tok_secret")), result)
}

// postByHand is what a careful engineer writes for one call.
func postByHand(ctx context.Context, httpClient *http.Client, target string, body []byte, result any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
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
	resp, err := httpClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(io.LimitReader(resp.Body, 32<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %s", resp.StatusCode, read)
	}
	return json.Unmarshal(read, result)
}

// answering is a transport that reads every request and answers at once.
func answering(body string) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
		return &http.Response{
			StatusCode: http.StatusOK,
			Header:     http.Header{"Content-Type": {"application/json"}},
			Body:       io.NopCloser(strings.NewReader(body)),
			Request:    req,
		}, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
