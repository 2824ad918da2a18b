package chargebee

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/typedbee/chargebee-go/internal/decode"
	"github.com/typedbee/chargebee-go/internal/form"
	"github.com/typedbee/chargebee-go/internal/redact"
)

// FeaturesService has the operations on features.
//
// See https://apidocs.chargebee.com/docs/api/features.
type FeaturesService service

// UpsertOrRemoveItemEntitlements sets or deletes the entitlements of items to the
// feature featureID. Either all entries are applied or, if one fails, none; the error
// is then that of the first entry that fails. Chargebee does not describe removing an
// entitlement that does not exist as an error.
//
// Chargebee has deprecated this operation in favor of Manage entitlements
// (https://apidocs.chargebee.com/docs/api/entitlements/upsert-or-remove-entitlements-for-a-feature),
// and refuses it on sites where grandfathering is enabled, with an undocumented error.
// Also undocumented: how many entries a call may have, and how Chargebee handles an
// empty list, duplicate items, or a missing value.
//
// The errors are those of [Client.Do]. A response without a list, or with an
// entitlement that has no ID, is a [*DecodeError]. An empty list is valid.
//
// See https://apidocs.chargebee.com/docs/api/item_entitlements/upsert-or-remove-item-entitlements-for-a-feature.
func (s *FeaturesService) UpsertOrRemoveItemEntitlements(ctx context.Context, featureID string, params UpsertOrRemoveItemEntitlementsParams, opts ...CallOption) (*UpsertOrRemoveItemEntitlementsResponse, error) {
	return do(ctx, (*service)(s), Request{
		Method:     http.MethodPost,
		Path:       "/features/{feature-id}/item_entitlements",
		PathValues: []string{featureID},
		Params:     params,
	}, opts, maxList, decodeItemEntitlements)
}

// UpsertOrRemoveItemEntitlementsParams are the parameters of
// [FeaturesService.UpsertOrRemoveItemEntitlements].
type UpsertOrRemoveItemEntitlementsParams struct {
	Action           Action                  `url:"action"`
	ItemEntitlements []ItemEntitlementParams `url:"item_entitlements"` // may be empty
}

func (p UpsertOrRemoveItemEntitlementsParams) encodeForm(f *form.Form) {
	f.AddRequired("action", string(p.Action))
	f.Grow(180 * len(p.ItemEntitlements)) // about what an entry with all fields takes
	for i, entry := range p.ItemEntitlements {
		f.AddRequiredIndexed("item_entitlements", "item_id", i, entry.ItemID)
		if entry.ItemType != "" {
			f.AddIndexed("item_entitlements", "item_type", i, string(entry.ItemType))
		}
		if entry.Value != "" {
			f.AddIndexed("item_entitlements", "value", i, entry.Value)
		}
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
	ValueAvailable = "available" // of a switch
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
	return slog.GroupValue(slog.Any("item_entitlements", r.ItemEntitlements), slog.Any("response", r.Response))
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
	Value       string   `json:"value,omitempty"` // always text, such as "true" or "20"
	Name        string   `json:"name,omitempty"`  // for display, such as "20 users"
}

// decodeItemEntitlements accepts the list of Chargebee's specification and the single
// entitlement of its older documents and SDKs.
func decodeItemEntitlements(ctx context.Context, resp *Response) (*UpsertOrRemoveItemEntitlementsResponse, error) {
	type entry struct {
		ItemEntitlement ItemEntitlement `json:"item_entitlement"`
	}
	likely := bytes.Count(resp.Body, []byte(`"item_entitlement":`))
	list, err := decode.List(ctx, resp.Body, likely, func(i int, e entry) error {
		if e.ItemEntitlement.ID == "" {
			return fmt.Errorf("item_entitlement.id of entry %d is missing", i)
		}
		return nil
	})
	if errors.Is(err, decode.ErrNoList) && len(resp.Body) <= maxResource {
		var single entry
		if json.Unmarshal(resp.Body, &single) == nil && single.ItemEntitlement.ID != "" {
			list, err = []entry{single}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	entitlements := make([]ItemEntitlement, len(list))
	for i, e := range list {
		entitlements[i] = e.ItemEntitlement
	}
	return &UpsertOrRemoveItemEntitlementsResponse{ItemEntitlements: entitlements, Response: *resp}, nil
}
