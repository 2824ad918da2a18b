package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

//go:embed site.json
var defaultSeed []byte

// seed is the data of a site. Its resources are in the JSON of the API.
type seed struct {
	Features         []resource[chargebeetest.Feature]     `json:"features"`
	Items            []resource[chargebeetest.Item]        `json:"items"`
	Customers        []resource[customer]                  `json:"customers"`
	Entitlements     []resource[chargebee.Entitlement]     `json:"entitlements"`
	ItemEntitlements []resource[chargebee.ItemEntitlement] `json:"item_entitlements"`
}

// emptySeed returns a seed with empty lists, which are not null in JSON.
func emptySeed() seed {
	return seed{
		[]resource[chargebeetest.Feature]{}, []resource[chargebeetest.Item]{}, []resource[customer]{},
		[]resource[chargebee.Entitlement]{}, []resource[chargebee.ItemEntitlement]{},
	}
}

type customer struct {
	ID    string `json:"id"`
	Email string `json:"email,omitempty"`
}

// resource is a resource of the API. Attributes that the emulator does not know are ignored, while an unknown name
// elsewhere in the seed is an error.
type resource[T any] struct{ of T }

func (r *resource[T]) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &r.of) }

func (r resource[T]) MarshalJSON() ([]byte, error) { return json.Marshal(r.of) }

// seedDocument is a JSON document with a seed, or with a page of a list of the API.
type seedDocument struct {
	seed
	List       []resource[listEntry] `json:"list"`
	NextOffset string                `json:"next_offset"`
}

// listEntry is an entry of a list of the API, which has one of the fields.
type listEntry struct {
	Feature         *resource[chargebeetest.Feature]     `json:"feature"`
	Item            *resource[chargebeetest.Item]        `json:"item"`
	Customer        *resource[customer]                  `json:"customer"`
	Entitlement     *resource[chargebee.Entitlement]     `json:"entitlement"`
	ItemEntitlement *resource[chargebee.ItemEntitlement] `json:"item_entitlement"`
}

// readSeeds returns the data of all files, or of the default seed if there are none.
func readSeeds(files []string) (seed, error) {
	if len(files) == 0 {
		return parseSeed(defaultSeed)
	}
	all := emptySeed()
	for _, file := range files {
		content, err := os.ReadFile(file) //nolint:gosec // the path comes from the user
		if err != nil {
			return seed{}, err
		}
		data, err := parseSeed(content)
		if err != nil {
			return seed{}, fmt.Errorf("%s: %w", file, err)
		}
		all.add(data)
	}
	return all, nil
}

func parseSeed(content []byte) (seed, error) {
	document := seedDocument{seed: emptySeed()}
	if err := decodeStrictly(content, &document); err != nil {
		return seed{}, err
	}
	for i, entry := range document.List {
		if !document.addEntry(entry.of) {
			return seed{}, fmt.Errorf("list entry %d has no feature, item, customer, entitlement or item_entitlement", i)
		}
	}
	return document.seed, nil
}

// decodeStrictly decodes a single JSON value without unknown names.
func decodeStrictly(content []byte, value any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(value)
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("there is no JSON value")
	case err != nil:
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

func (s *seed) add(more seed) {
	s.Features = append(s.Features, more.Features...)
	s.Items = append(s.Items, more.Items...)
	s.Customers = append(s.Customers, more.Customers...)
	s.Entitlements = append(s.Entitlements, more.Entitlements...)
	s.ItemEntitlements = append(s.ItemEntitlements, more.ItemEntitlements...)
}

// addEntry adds the resource of an entry, and reports whether there is one.
func (s *seed) addEntry(e listEntry) bool {
	switch {
	case e.Feature != nil:
		s.Features = append(s.Features, *e.Feature)
	case e.Item != nil:
		s.Items = append(s.Items, *e.Item)
	case e.Customer != nil:
		s.Customers = append(s.Customers, *e.Customer)
	case e.Entitlement != nil:
		s.Entitlements = append(s.Entitlements, *e.Entitlement)
	case e.ItemEntitlement != nil:
		s.ItemEntitlements = append(s.ItemEntitlements, *e.ItemEntitlement)
	default:
		return false
	}
	return true
}

// addTo adds the data to server. The error joins those of all invalid resources.
func (s seed) addTo(server *chargebeetest.Server) error {
	var errs []error
	addError := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	for _, f := range s.Features {
		addError(server.AddFeature(f.of))
	}
	for _, i := range s.Items {
		addError(server.AddItem(i.of))
	}
	for _, c := range s.Customers {
		self := chargebee.LinkedCustomer{CustomerID: c.of.ID, Email: c.of.Email}
		addError(server.AddCustomer(c.of.ID))
		addError(server.SetLinkedCustomers(c.of.ID, self))
	}
	for _, e := range s.Entitlements {
		addError(server.SetEntitlement(e.of))
	}
	for _, e := range s.ItemEntitlements {
		addError(server.SetItemEntitlement(e.of))
	}
	return errors.Join(errs...)
}

// withEntitlementsOf returns the seed with the current entitlements of server in place of its own.
func (s seed) withEntitlementsOf(server *chargebeetest.Server) seed {
	s.Entitlements, s.ItemEntitlements = emptySeed().Entitlements, emptySeed().ItemEntitlements
	for _, f := range s.Features {
		for _, e := range server.Entitlements(f.of.ID) {
			s.Entitlements = append(s.Entitlements, resource[chargebee.Entitlement]{e})
		}
		for _, e := range server.ItemEntitlements(f.of.ID) {
			s.ItemEntitlements = append(s.ItemEntitlements, resource[chargebee.ItemEntitlement]{e})
		}
	}
	return s
}
