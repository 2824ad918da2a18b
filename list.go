package chargebee

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/typedbee/chargebee-go/internal/decode"
)

// StringFilter selects the entries of a list by an attribute that is text. Each field
// that is set is sent as one operator of the filter, and In and NotIn as one JSON array.
// An empty list that is not nil is rejected: without the filter, the call would return
// everything. The zero StringFilter is no filter.
type StringFilter struct {
	Is         string   `url:"is,omitempty"`
	IsNot      string   `url:"is_not,omitempty"`
	StartsWith string   `url:"starts_with,omitempty"`
	In         []string `url:"in"`
	NotIn      []string `url:"not_in"`
}

// All ranges over the entries of any list of the API, page by page:
//
//	for entry, err := range chargebee.All[customerEntry](ctx, client, chargebee.Request{…})
//
// E is the type of an entry. In Chargebee's JSON, an entry is an object that has the
// resource under its type, as in {"customer":{…}}. An error is yielded last, and is one
// of those of [Client.Do]. Each page is a call of its own, to which opts, the retries and
// the limiter apply. All adds the offset to the parameters of req, which must not have
// one, and keeps one page in memory.
func All[E any](ctx context.Context, client *Client, req Request, opts ...CallOption) iter.Seq2[E, error] {
	return pages("", func(offset string) ([]E, string, error) {
		pageOpts := opts
		if offset != "" {
			pageOpts = slices.Concat(opts, []CallOption{WithParam("offset", offset)})
		}
		page, err := do(ctx, &service{client}, req, pageOpts, maxList, func(ctx context.Context, resp *Response) (*page[E], error) {
			entries, next, err := decodeEntries(ctx, resp, offset, func(int, *E) error { return nil })
			return &page[E]{entries, next}, err
		})
		if err != nil {
			return nil, "", err
		}
		return page.entries, page.nextOffset, nil
	})
}

type page[E any] struct {
	entries    []E
	nextOffset string
}

// pages ranges over the pages of a list, from first on.
func pages[R any](first string, list func(offset string) (page []R, nextOffset string, err error)) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for offset, more := first, true; more; more = offset != "" {
			page, nextOffset, err := list(offset)
			if err != nil {
				var none R
				yield(none, err)
				return
			}
			for _, resource := range page {
				if !yield(resource, nil) {
					return
				}
			}
			offset = nextOffset
		}
	}
}

// decodeList decodes the page of a list at offset. Each of its entries E has a resource
// R, under name, that must have an id.
func decodeList[E, R any](ctx context.Context, resp *Response, name, offset string, resource func(*E) (r *R, id string)) ([]R, string, error) {
	entries, nextOffset, err := decodeEntries(ctx, resp, offset, func(i int, e *E) error {
		if _, id := resource(e); id == "" {
			return fmt.Errorf("%s.id of entry %d is missing", name, i)
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	resources := make([]R, len(entries))
	for i := range entries {
		r, _ := resource(&entries[i])
		resources[i] = *r
	}
	return resources, nextOffset, nil
}

// decodeEntries rejects a page that names itself as the next one, which would never end.
func decodeEntries[E any](ctx context.Context, resp *Response, offset string, check func(int, *E) error) ([]E, string, error) {
	entries, nextOffset, err := decode.List(ctx, resp.Body, check)
	if nextOffset != "" && nextOffset == offset {
		err = errors.New("next_offset is the offset of this page")
	}
	return entries, nextOffset, err
}
