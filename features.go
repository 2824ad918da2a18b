package chargebee

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"strings"

	"github.com/typedbee/chargebee-go/internal/decode"
	"github.com/typedbee/chargebee-go/internal/form"
	"github.com/typedbee/chargebee-go/internal/redact"
)

// FeaturesService has the operations on features and their item entitlements.
//
// See https://apidocs.chargebee.com/docs/api/features.
type FeaturesService service

// UpsertOrRemoveItemEntitlements sets or deletes the entitlements of items to the
// feature featureID. Either all entries are applied or, if one fails, none; the error
// is then that of the first entry that fails. Chargebee documents no error for removing
// an entitlement that does not exist.
//
// Chargebee has deprecated this operation in favor of
// [EntitlementsService.ManageEntitlements], and refuses it on sites where grandfathering
// is enabled, with an undocumented error. Also undocumented: how many entries a call may
// have, and how Chargebee handles an empty list, duplicate entries, or a missing value.
//
// The errors are those of [Client.Do]. A response without a list, or with an
// entitlement that has no ID, is a [*DecodeError]. A response with an empty list is
// valid.
//
// See https://apidocs.chargebee.com/docs/api/item_entitlements/upsert-or-remove-item-entitlements-for-a-feature.
func (s *FeaturesService) UpsertOrRemoveItemEntitlements(ctx context.Context, featureID string, params UpsertOrRemoveItemEntitlementsParams, opts ...CallOption) (*UpsertOrRemoveItemEntitlementsResponse, error) {
	return do(ctx, (*service)(s), Request{
		Method:     http.MethodPost,
		Path:       "/features/{feature-id}/item_entitlements",
		PathValues: []string{featureID},
		Params:     params,
	}, opts, maxList, func(ctx context.Context, resp *Response) (*UpsertOrRemoveItemEntitlementsResponse, error) {
		entitlements, _, err := decodeItemEntitlements(ctx, resp, "")
		if errors.Is(err, decode.ErrNoList) && len(resp.Body) <= maxResource { // as in Chargebee's older documents and SDKs
			var single struct {
				ItemEntitlement ItemEntitlement `json:"item_entitlement"`
			}
			if json.Unmarshal(resp.Body, &single) == nil && single.ItemEntitlement.ID != "" {
				entitlements, err = []ItemEntitlement{single.ItemEntitlement}, nil
			}
		}
		return &UpsertOrRemoveItemEntitlementsResponse{entitlements, *resp}, err
	})
}

// RetrieveFeature returns a feature. A response with another one is a [*DecodeError]. The
// errors are those of [Client.Do].
//
// See https://apidocs.chargebee.com/docs/api/features/retrieve-a-feature.
func (s *FeaturesService) RetrieveFeature(ctx context.Context, featureID string, opts ...CallOption) (*FeatureResponse, error) {
	return do(ctx, (*service)(s), Request{
		Method:     http.MethodGet,
		Path:       "/features/{feature-id}",
		PathValues: []string{featureID},
	}, opts, maxResource, func(_ context.Context, resp *Response) (*FeatureResponse, error) {
		if err := resp.checkValues(maxLevels); err != nil {
			return nil, err
		}
		result := &FeatureResponse{Response: *resp}
		body := struct {
			Feature *Feature         `json:"feature"`
			Code    *json.RawMessage `json:"api_error_code"`
		}{Feature: &result.Feature}
		if err := resp.decodeJSON(&body); err != nil {
			return nil, err
		}
		switch {
		case body.Code != nil:
			return nil, decode.ErrIsError
		case !strings.EqualFold(result.Feature.ID, featureID): // whether case matters is undocumented
			return nil, errors.New("feature.id is not that of the request")
		}
		return result, nil
	})
}

// ListFeatures returns one page of the features that params select.
// [FeaturesService.AllFeatures] ranges over all pages. The errors are those of
// [Client.Do].
//
// See https://apidocs.chargebee.com/docs/api/features/list-features.
func (s *FeaturesService) ListFeatures(ctx context.Context, params ListFeaturesParams, opts ...CallOption) (*ListFeaturesResponse, error) {
	return do(ctx, (*service)(s), Request{Method: http.MethodGet, Path: "/features", Params: params}, opts, maxList,
		func(ctx context.Context, resp *Response) (*ListFeaturesResponse, error) {
			if err := resp.checkValues(maxLevels); err != nil {
				return nil, err
			}
			features, nextOffset, err := decodeList(ctx, resp, "feature", params.Offset,
				func(entry *struct {
					Feature Feature `json:"feature"`
				}) (*Feature, string) {
					return &entry.Feature, entry.Feature.ID
				})
			return &ListFeaturesResponse{features, nextOffset, *resp}, err
		})
}

const maxLevels = 200_000 // values in a hundred features that have five hundred levels each

// AllFeatures ranges over the features that params select, page by page as [All].
func (s *FeaturesService) AllFeatures(ctx context.Context, params ListFeaturesParams, opts ...CallOption) iter.Seq2[Feature, error] {
	return pages(params.Offset, func(offset string) ([]Feature, string, error) {
		pageParams := params
		pageParams.Offset = offset
		page, err := s.ListFeatures(ctx, pageParams, opts...)
		if err != nil {
			return nil, "", err
		}
		return page.Features, page.NextOffset, nil
	})
}

// ListItemEntitlements returns one page of the entitlements of items to a feature.
// [FeaturesService.AllItemEntitlements] ranges over all pages. Chargebee has deprecated
// the operation in favor of [EntitlementsService.ListEntitlements]. The errors are those
// of [Client.Do].
//
// See https://apidocs.chargebee.com/docs/api/item_entitlements/list-item-entitlements-for-a-feature.
func (s *FeaturesService) ListItemEntitlements(ctx context.Context, featureID string, params ListItemEntitlementsParams, opts ...CallOption) (*ListItemEntitlementsResponse, error) {
	return do(ctx, (*service)(s), Request{
		Method:     http.MethodGet,
		Path:       "/features/{feature-id}/item_entitlements",
		PathValues: []string{featureID},
		Params:     params,
	}, opts, maxList, func(ctx context.Context, resp *Response) (*ListItemEntitlementsResponse, error) {
		entitlements, nextOffset, err := decodeItemEntitlements(ctx, resp, params.Offset)
		return &ListItemEntitlementsResponse{entitlements, nextOffset, *resp}, err
	})
}

// AllItemEntitlements ranges over the entitlements of items to a feature, page by page as
// [All].
func (s *FeaturesService) AllItemEntitlements(ctx context.Context, featureID string, params ListItemEntitlementsParams, opts ...CallOption) iter.Seq2[ItemEntitlement, error] {
	return pages(params.Offset, func(offset string) ([]ItemEntitlement, string, error) {
		pageParams := params
		pageParams.Offset = offset
		page, err := s.ListItemEntitlements(ctx, featureID, pageParams, opts...)
		if err != nil {
			return nil, "", err
		}
		return page.ItemEntitlements, page.NextOffset, nil
	})
}

// UpsertOrRemoveItemEntitlementsParams are the parameters of
// [FeaturesService.UpsertOrRemoveItemEntitlements].
type UpsertOrRemoveItemEntitlementsParams struct {
	Action           Action                  `url:"action"`
	ItemEntitlements []ItemEntitlementParams `url:"item_entitlements"` // may be empty
}

func (p UpsertOrRemoveItemEntitlementsParams) encodeForm(f *form.Form) {
	f.Encoded.Grow(180 * len(p.ItemEntitlements)) // about what an entry with all fields takes
	f.AddRequired("action", string(p.Action))
	list := f.List("item_entitlements")
	for _, entry := range p.ItemEntitlements {
		list.NextEntry()
		list.AddRequired("item_id", entry.ItemID)
		list.AddOptional("item_type", string(entry.ItemType))
		list.AddOptional("value", entry.Value)
	}
}

// Action says what to do with the entries. Unknown values are sent unchanged.
type Action string

// The actions that Chargebee documents.
const (
	ActionUpsert Action = "upsert" // create, or update the value
	ActionRemove Action = "remove" // delete if it exists
)

// ItemEntitlementParams is an entry of [UpsertOrRemoveItemEntitlementsParams]. An empty
// optional field is not sent.
type ItemEntitlementParams struct {
	ItemID   string   `url:"item_id"`             // Chargebee takes at most 100 characters
	ItemType ItemType `url:"item_type,omitempty"` // optional
	Value    string   `url:"value,omitempty"`     // optional; Chargebee takes at most 50 characters, and what the type of the feature allows
}

// Special values.
const (
	ValueAvailable = "available" // turns a switch on; in Chargebee's examples, responses then have "true"
	ValueUnlimited = "unlimited" // of a quantity or range with an unlimited level
)

// ItemType is the kind of an item. Unknown values are kept, in both directions.
type ItemType string

// The item types that Chargebee documents.
const (
	ItemTypePlan         ItemType = "plan"
	ItemTypeAddon        ItemType = "addon"
	ItemTypeCharge       ItemType = "charge"
	ItemTypeSubscription ItemType = "subscription"
	ItemTypeItem         ItemType = "item"
)

// UpsertOrRemoveItemEntitlementsResponse has the entitlements that were set or
// deleted. Encoding it as JSON does not give Chargebee's JSON, which is in
// [Response.Body].
type UpsertOrRemoveItemEntitlementsResponse struct {
	ItemEntitlements []ItemEntitlement `json:"item_entitlements"`
	Response         `json:"-"`
}

// LogValue returns the entitlements and the metadata of the response.
func (r UpsertOrRemoveItemEntitlementsResponse) LogValue() slog.Value {
	return r.logValue("item_entitlements", r.ItemEntitlements)
}

// Format implements fmt.Formatter; it omits the body and is truncated to 300 characters.
func (r UpsertOrRemoveItemEntitlementsResponse) Format(w fmt.State, verb rune) {
	redact.FormatValue(w, verb, r)
}

// ItemEntitlement is the entitlement of an item to a feature.
//
// See https://apidocs.chargebee.com/docs/api/item_entitlements.
type ItemEntitlement struct {
	ID          string   `json:"id,omitempty"`
	ItemID      string   `json:"item_id,omitempty"`
	ItemType    ItemType `json:"item_type,omitempty"`
	FeatureID   string   `json:"feature_id,omitempty"`
	FeatureName string   `json:"feature_name,omitempty"`
	Value       string   `json:"value,omitempty"` // always text, such as "20"; for a switch "true", "false" or [ValueAvailable]
	Name        string   `json:"name,omitempty"`  // for display, such as "20 users"
}

func decodeItemEntitlements(ctx context.Context, resp *Response, offset string) ([]ItemEntitlement, string, error) {
	return decodeList(ctx, resp, "item_entitlement", offset,
		func(entry *struct {
			ItemEntitlement ItemEntitlement `json:"item_entitlement"`
		}) (*ItemEntitlement, string) {
			return &entry.ItemEntitlement, entry.ItemEntitlement.ID
		})
}

// ListItemEntitlementsParams select a page of item entitlements.
type ListItemEntitlementsParams struct {
	Limit  int    `url:"limit,omitempty"`  // of a page: 1 to 100; 0 means Chargebee's 10
	Offset string `url:"offset,omitempty"` // NextOffset of the page before
}

// ListItemEntitlementsResponse is one page of item entitlements.
type ListItemEntitlementsResponse struct {
	ItemEntitlements []ItemEntitlement `json:"item_entitlements"`
	NextOffset       string            `json:"next_offset,omitempty"` // empty on the last page; opaque
	Response         `json:"-"`
}

// LogValue returns the entitlements and the metadata of the response.
func (r ListItemEntitlementsResponse) LogValue() slog.Value {
	return r.logValue("item_entitlements", r.ItemEntitlements)
}

// Format implements fmt.Formatter; it omits the body.
func (r ListItemEntitlementsResponse) Format(w fmt.State, verb rune) { redact.FormatValue(w, verb, r) }

// Feature is something that items can be entitled to. Custom fields are only in
// [Response.Body].
//
// See https://apidocs.chargebee.com/docs/api/features.
type Feature struct {
	ID              string         `json:"id,omitempty"`
	Name            string         `json:"name,omitempty"`
	Description     string         `json:"description,omitempty"`
	Status          FeatureStatus  `json:"status,omitempty"`
	Type            FeatureType    `json:"type,omitempty"`
	Unit            string         `json:"unit,omitempty"`             // of a quantity or range, in the singular, such as "user"
	ResourceVersion int64          `json:"resource_version,omitempty"` // in milliseconds
	CreatedAt       Timestamp      `json:"created_at,omitzero"`
	UpdatedAt       Timestamp      `json:"updated_at,omitzero"`
	Metered         bool           `json:"metered"`
	Levels          []FeatureLevel `json:"levels,omitzero"` // none for a switch
}

// FeatureLevel is one of the values of a quantity or a custom feature, or one end of a
// range.
type FeatureLevel struct {
	Name        string `json:"name,omitempty"`
	Value       string `json:"value,omitempty"` // empty at the end of an unlimited range
	Level       int    `json:"level"`
	IsUnlimited bool   `json:"is_unlimited"`
}

// FeatureStatus is the state of a feature. Unknown values are kept, in both directions.
type FeatureStatus string

// The states that Chargebee documents.
const (
	FeatureStatusActive   FeatureStatus = "active"
	FeatureStatusArchived FeatureStatus = "archived" // takes no new entitlements
	FeatureStatusDraft    FeatureStatus = "draft"    // its entitlements have no effect yet
)

// FeatureType determines the values of entitlements to a feature. Unknown values are
// kept, in both directions.
type FeatureType string

// The types that Chargebee documents.
const (
	FeatureTypeSwitch   FeatureType = "switch"
	FeatureTypeCustom   FeatureType = "custom"
	FeatureTypeQuantity FeatureType = "quantity"
	FeatureTypeRange    FeatureType = "range"
)

// FeatureResponse has a feature.
type FeatureResponse struct {
	Feature  Feature `json:"feature"`
	Response `json:"-"`
}

// LogValue returns the feature and the metadata of the response.
func (r FeatureResponse) LogValue() slog.Value { return r.logValue("feature", r.Feature) }

// Format implements fmt.Formatter; it omits the body.
func (r FeatureResponse) Format(w fmt.State, verb rune) { redact.FormatValue(w, verb, r) }

// ListFeaturesParams select features.
type ListFeaturesParams struct {
	Limit   int                 `url:"limit,omitempty"`  // of a page: 1 to 100; 0 means Chargebee's 10
	Offset  string              `url:"offset,omitempty"` // NextOffset of the page before
	ID      StringFilter        `url:"id"`
	Name    StringFilter        `url:"name"`
	Status  FeatureStatusFilter `url:"status"`
	Type    FeatureTypeFilter   `url:"type"`
	Metered *bool               `url:"metered[is],omitempty"` // nil means no filter
}

// FeatureStatusFilter limits a list as [StringFilter] does.
type FeatureStatusFilter struct {
	Is    FeatureStatus   `url:"is,omitempty"`
	IsNot FeatureStatus   `url:"is_not,omitempty"`
	In    []FeatureStatus `url:"in"`
	NotIn []FeatureStatus `url:"not_in"`
}

// FeatureTypeFilter limits a list as [StringFilter] does.
type FeatureTypeFilter struct {
	Is    FeatureType   `url:"is,omitempty"`
	IsNot FeatureType   `url:"is_not,omitempty"`
	In    []FeatureType `url:"in"`
	NotIn []FeatureType `url:"not_in"`
}

// ListFeaturesResponse is one page of features.
type ListFeaturesResponse struct {
	Features   []Feature `json:"features"`
	NextOffset string    `json:"next_offset,omitempty"` // empty on the last page; opaque
	Response   `json:"-"`
}

// LogValue returns the features and the metadata of the response.
func (r ListFeaturesResponse) LogValue() slog.Value { return r.logValue("features", r.Features) }

// Format implements fmt.Formatter; it omits the body.
func (r ListFeaturesResponse) Format(w fmt.State, verb rune) { redact.FormatValue(w, verb, r) }
