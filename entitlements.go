package chargebee

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"

	"github.com/typedbee/chargebee-go/internal/form"
	"github.com/typedbee/chargebee-go/internal/redact"
)

// EntitlementsService has the operations on entitlements, the successors of those on
// item entitlements (see [FeaturesService]).
//
// See https://apidocs.chargebee.com/docs/api/entitlements.
type EntitlementsService service

// ManageEntitlements sets or deletes the entitlements of plans, addons, charges and their
// prices. Each entry names its feature, so one call may change several. Either all
// entries are applied or, if one fails, none. Chargebee documents no error for removing
// an entitlement that does not exist.
//
// Chargebee does not validate the EntityID of an entitlement that it creates: a
// misspelled ID gives an entitlement of nothing, and no error. Undocumented are: how
// many entries a call may have, and how Chargebee handles an empty list, duplicate
// entries, or a missing value.
//
// The errors are those of [Client.Do]. A response without a list, or with an entitlement
// that has no ID, is a [*DecodeError].
//
// See https://apidocs.chargebee.com/docs/api/entitlements/upsert-or-remove-entitlements-for-a-feature.
func (s *EntitlementsService) ManageEntitlements(ctx context.Context, params ManageEntitlementsParams, opts ...CallOption) (*ManageEntitlementsResponse, error) {
	return do(ctx, (*service)(s), Request{Method: http.MethodPost, Path: "/entitlements", Params: params}, opts, maxList,
		func(ctx context.Context, resp *Response) (*ManageEntitlementsResponse, error) {
			entitlements, _, err := decodeEntitlements(ctx, resp, "")
			return &ManageEntitlementsResponse{entitlements, *resp}, err
		})
}

// ListEntitlements returns one page of the entitlements that params select, in an order
// that is undocumented. [EntitlementsService.AllEntitlements] ranges over all pages. The
// errors are those of [Client.Do].
//
// See https://apidocs.chargebee.com/docs/api/entitlements/list-all-entitlements.
func (s *EntitlementsService) ListEntitlements(ctx context.Context, params ListEntitlementsParams, opts ...CallOption) (*ListEntitlementsResponse, error) {
	return do(ctx, (*service)(s), Request{Method: http.MethodGet, Path: "/entitlements", Params: params}, opts, maxList,
		func(ctx context.Context, resp *Response) (*ListEntitlementsResponse, error) {
			entitlements, nextOffset, err := decodeEntitlements(ctx, resp, params.Offset)
			return &ListEntitlementsResponse{entitlements, nextOffset, *resp}, err
		})
}

// AllEntitlements ranges over the entitlements that params select, page by page as [All].
func (s *EntitlementsService) AllEntitlements(ctx context.Context, params ListEntitlementsParams, opts ...CallOption) iter.Seq2[Entitlement, error] {
	return pages(params.Offset, func(offset string) ([]Entitlement, string, error) {
		pageParams := params
		pageParams.Offset = offset
		page, err := s.ListEntitlements(ctx, pageParams, opts...)
		if err != nil {
			return nil, "", err
		}
		return page.Entitlements, page.NextOffset, nil
	})
}

// ManageEntitlementsParams are the parameters of [EntitlementsService.ManageEntitlements].
type ManageEntitlementsParams struct {
	Action       Action              `url:"action"`
	ChangeReason string              `url:"change_reason,omitempty"` // optional; Chargebee takes at most 100 characters
	Entitlements []EntitlementParams `url:"entitlements"`            // may be empty
}

// EntitlementParams is an entry of [ManageEntitlementsParams]. An empty optional field is
// not sent.
type EntitlementParams struct {
	EntityID            string     `url:"entity_id"`                      // Chargebee takes at most 100 characters
	EntityType          EntityType `url:"entity_type,omitempty"`          // optional
	FeatureID           string     `url:"feature_id"`                     // Chargebee takes at most 50 characters
	Value               string     `url:"value,omitempty"`                // optional; as in [ItemEntitlementParams]
	ApplyGrandfathering bool       `url:"apply_grandfathering,omitempty"` // early access; false is not sent, and means false
}

func (p ManageEntitlementsParams) encodeForm(f *form.Form) {
	f.Encoded.Grow(200 * len(p.Entitlements)) // about what an entry with all fields takes
	f.AddRequired("action", string(p.Action))
	f.AddOptional("change_reason", p.ChangeReason)
	list := f.List("entitlements")
	for _, entry := range p.Entitlements {
		list.NextEntry()
		list.AddRequired("entity_id", entry.EntityID)
		list.AddOptional("entity_type", string(entry.EntityType))
		list.AddRequired("feature_id", entry.FeatureID)
		list.AddOptional("value", entry.Value)
		if entry.ApplyGrandfathering {
			list.AddOptional("apply_grandfathering", "true")
		}
	}
}

// EntityType is the kind of an entity. Unknown values are kept, in both directions.
type EntityType string

// The entity types that Chargebee documents.
const (
	EntityTypePlan       EntityType = "plan"
	EntityTypeAddon      EntityType = "addon"
	EntityTypeCharge     EntityType = "charge"
	EntityTypePlanPrice  EntityType = "plan_price"
	EntityTypeAddonPrice EntityType = "addon_price"
)

// ManageEntitlementsResponse has the entitlements that were set or deleted.
type ManageEntitlementsResponse struct {
	Entitlements []Entitlement `json:"entitlements"`
	Response     `json:"-"`
}

// LogValue returns the entitlements and the metadata of the response.
func (r ManageEntitlementsResponse) LogValue() slog.Value {
	return r.logValue("entitlements", r.Entitlements)
}

// Format implements fmt.Formatter; it omits the body.
func (r ManageEntitlementsResponse) Format(w fmt.State, verb rune) { redact.FormatValue(w, verb, r) }

// Entitlement is what an entity, such as a plan, is entitled to of a feature.
//
// See https://apidocs.chargebee.com/docs/api/entitlements.
type Entitlement struct {
	ID          string     `json:"id,omitempty"`
	EntityID    string     `json:"entity_id,omitempty"`
	EntityType  EntityType `json:"entity_type,omitempty"`
	FeatureID   string     `json:"feature_id,omitempty"`
	FeatureName string     `json:"feature_name,omitempty"`
	Value       string     `json:"value,omitempty"` // always text, such as "20"; for a switch "true", "false" or [ValueAvailable]
	Name        string     `json:"name,omitempty"`  // for display, such as "20 users"
}

// ListEntitlementsParams select entitlements. Of the filters, Chargebee's specification
// has the operators Is and In alone.
type ListEntitlementsParams struct {
	Limit      int              `url:"limit,omitempty"`  // of a page: 1 to 100; 0 means Chargebee's 10
	Offset     string           `url:"offset,omitempty"` // NextOffset of the page before
	FeatureID  StringFilter     `url:"feature_id"`
	EntityID   StringFilter     `url:"entity_id"`
	EntityType EntityTypeFilter `url:"entity_type"`
}

// EntityTypeFilter limits a list as [StringFilter] does.
type EntityTypeFilter struct {
	Is EntityType   `url:"is,omitempty"`
	In []EntityType `url:"in"`
}

// ListEntitlementsResponse is one page of entitlements.
type ListEntitlementsResponse struct {
	Entitlements []Entitlement `json:"entitlements"`
	NextOffset   string        `json:"next_offset,omitempty"` // empty on the last page; opaque
	Response     `json:"-"`
}

// LogValue returns the entitlements and the metadata of the response.
func (r ListEntitlementsResponse) LogValue() slog.Value {
	return r.logValue("entitlements", r.Entitlements)
}

// Format implements fmt.Formatter; it omits the body.
func (r ListEntitlementsResponse) Format(w fmt.State, verb rune) { redact.FormatValue(w, verb, r) }

func decodeEntitlements(ctx context.Context, resp *Response, offset string) ([]Entitlement, string, error) {
	return decodeList(ctx, resp, "entitlement", offset,
		func(entry *struct {
			Entitlement Entitlement `json:"entitlement"`
		}) (*Entitlement, string) {
			return &entry.Entitlement, entry.Entitlement.ID
		})
}
