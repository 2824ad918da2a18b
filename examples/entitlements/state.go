package main

import (
	"context"
	"slices"

	chargebee "github.com/typedbee/chargebee-go"
)

// state is what the site has of some features.
type state struct {
	features   map[string]chargebee.Feature
	values     map[string]map[key]string // of each feature: what the file names, with prune all
	otherTypes map[key]string            // without prune: on the site, if the file has another type of the entity
}

// readState reads features and their entitlements.
func readState(ctx context.Context, api api, catalog *catalog, ids []string, prune bool, progress progress) (*state, error) {
	s := &state{make(map[string]chargebee.Feature), make(map[string]map[key]string), make(map[key]string)}
	for f, err := range api.features(ctx, ids) {
		if err != nil {
			return nil, err
		}
		if slices.Contains(ids, f.ID) {
			s.features[f.ID] = f
			s.values[f.ID] = make(map[key]string)
		}
	}
	if len(s.features) == 0 {
		return s, nil
	}
	existing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return s.values[id] == nil })
	for e, err := range api.list(ctx, existing) {
		if err != nil {
			return nil, err
		}
		progress.add(1)
		if slices.Contains(existing, e.feature) {
			s.add(api, catalog, e, prune)
		}
	}
	return s, nil
}

func (s *state) add(api api, catalog *catalog, e entitlement, prune bool) {
	if _, isInFile := catalog.rows[e.key]; isInFile || prune {
		s.values[e.feature][e.key] = e.value
		return
	}
	for _, entityType := range api.entityTypes() {
		k := key{e.feature, e.entity, entityType}
		if _, isInFile := catalog.rows[k]; isInFile {
			s.otherTypes[k] = e.entityType
		}
	}
}
