package main

import (
	"cmp"
	"slices"

	chargebee "github.com/typedbee/chargebee-go"
)

// batch holds the changes of one call, which makes all of them or none.
type batch struct {
	action  chargebee.Action
	changes []*change
}

// lanes divides the changes into at most n lists of batches. All changes of a feature
// are in one lane, because Chargebee may answer concurrent requests to one resource with
// 429 lock_timeout. In each lane, removals come first: if only the entity type of an
// entitlement differs, a removal after the addition might remove what was added.
func lanes(p *plan, n, size int, oneFeature bool) [][]batch {
	n = min(n, len(p.features))
	features := slices.Clone(p.features)
	slices.SortStableFunc(features, func(a, b featurePlan) int { return cmp.Compare(len(b.changes), len(a.changes)) })
	assigned := make([][]featurePlan, n)
	loads := make([]int, n)
	for _, f := range features {
		lightest := slices.Index(loads, slices.Min(loads))
		assigned[lightest] = append(assigned[lightest], f)
		loads[lightest] += len(f.changes)
	}
	result := make([][]batch, n)
	for i, lane := range assigned {
		result[i] = slices.Concat(
			batches(lane, chargebee.ActionRemove, size, oneFeature),
			batches(lane, chargebee.ActionUpsert, size, oneFeature))
	}
	return result
}

// batches returns the calls that make the changes with the given action.
func batches(features []featurePlan, action chargebee.Action, size int, oneFeature bool) []batch {
	var all []batch
	for _, f := range features {
		for _, c := range f.changes {
			if c.action() != action {
				continue
			}
			last := len(all) - 1
			if last < 0 || len(all[last].changes) == size || oneFeature && all[last].changes[0].feature != f.id {
				all = append(all, batch{action: action})
				last++
			}
			all[last].changes = append(all[last].changes, c)
		}
	}
	return all
}
