package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	chargebee "github.com/typedbee/chargebee-go"
	"golang.org/x/sync/errgroup"
)

// change is a difference between the file and the site.
type change struct {
	key
	line          int    // 0 for a removal
	before, after string // empty before an addition and after a removal

	outcome outcome
	reason  string
}

// kind says what a change does.
type kind string

const (
	added   kind = "add"
	changed kind = "change"
	removed kind = "remove"
)

func (c *change) kind() kind {
	switch "" {
	case c.after:
		return removed
	case c.before:
		return added
	}
	return changed
}

func (c *change) action() chargebee.Action {
	if c.kind() == removed {
		return chargebee.ActionRemove
	}
	return chargebee.ActionUpsert
}

// plan is the difference between the file and the site, by feature.
type plan struct {
	features []featurePlan
	changes  []*change // of all features
}

type featurePlan struct {
	id string
	counts
	changes []*change
}

// counts are numbers of entitlements.
type counts struct {
	Add       int `json:"add"`
	Change    int `json:"change"`
	Remove    int `json:"remove"`
	Unchanged int `json:"unchanged"`
}

// counts returns the sums of all features.
func (p *plan) counts() counts {
	var sum counts
	for _, f := range p.features {
		sum.Add += f.Add
		sum.Change += f.Change
		sum.Remove += f.Remove
		sum.Unchanged += f.Unchanged
	}
	return sum
}

// newPlan compares the file with the site. The error lists the lines that the site does
// not accept.
func newPlan(ctx context.Context, api api, catalog *catalog, s settings, progress progress) (*plan, error) {
	defer progress.end()
	chunks := catalog.chunks()
	comparisons := make([]comparison, len(chunks))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.concurrency)
	for i, features := range chunks {
		group.Go(func() error {
			state, err := readState(ctx, api, catalog, features, s.prune, progress)
			if err == nil {
				comparisons[i] = compare(api, catalog, features, state)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("reading the site: %w", err)
	}
	var all comparison
	for _, c := range comparisons {
		all.features = append(all.features, c.features...)
		all.problems = append(all.problems, c.problems...)
	}
	plan := &plan{features: all.features}
	for _, f := range plan.features {
		plan.changes = append(plan.changes, f.changes...)
	}
	return plan, all.err()
}

// comparison is the part of a plan that concerns some features, with the problems of their
// lines.
type comparison struct {
	features []featurePlan
	problems []problem
}

type problem struct {
	line   int
	reason string
}

// err returns an error with the problems in the order of the file, or nil.
func (c comparison) err() error {
	slices.SortStableFunc(c.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	var problems problems
	for _, p := range c.problems {
		problems.addLine(p.line, "%s", p.reason)
	}
	return problems.err()
}

// compare compares the lines of features with what the site has.
func compare(api api, catalog *catalog, features []string, state *state) comparison {
	var c comparison
	for _, id := range features {
		keys := catalog.lines[id]
		feature, exists := state.features[id]
		if !exists {
			reason := fmt.Sprintf("the site has no feature %s (lines that name it: %d)", id, len(keys))
			c.problems = append(c.problems, problem{catalog.rows[keys[0]].line, reason})
			continue
		}
		plan := featurePlan{id: id}
		for _, k := range keys {
			r := catalog.rows[k]
			before, exists := state.values[id][k]
			if exists && sameValue(feature, before, r.value) {
				plan.Unchanged++
			} else if reason := notAccepted(api, feature, r, exists, state.otherTypes[k]); reason != "" {
				c.problems = append(c.problems, problem{r.line, reason})
			} else {
				plan.add(&change{key: k, line: r.line, before: before, after: r.value})
			}
		}
		for _, k := range slices.SortedFunc(maps.Keys(state.values[id]), compareKeys) {
			if _, isInFile := catalog.rows[k]; !isInFile {
				plan.add(&change{key: k, before: state.values[id][k]})
			}
		}
		c.features = append(c.features, plan)
	}
	return c
}

func (f *featurePlan) add(c *change) {
	f.changes = append(f.changes, c)
	switch c.kind() {
	case added:
		f.Add++
	case changed:
		f.Change++
	case removed:
		f.Remove++
	}
}

// notAccepted returns why the site does not accept a line, or why the line might replace
// an entitlement of otherType, or "".
func notAccepted(api api, feature chargebee.Feature, r row, exists bool, otherType string) string {
	switch {
	case !slices.Contains(api.entityTypes(), r.entityType):
		return fmt.Sprintf("entity_type must be one of %s, not %s", strings.Join(api.entityTypes(), ", "), r.entityType)
	case !exists && feature.Status == chargebee.FeatureStatusArchived:
		return fmt.Sprintf("the feature %s is archived and takes no new entitlements", r.feature)
	case !exists && otherType != "":
		return fmt.Sprintf("entity_type is %s, but on the site %s; -prune replaces the entitlement", r.entityType, quote(otherType))
	}
	return invalidValue(feature, r.value)
}

func compareKeys(a, b key) int {
	return cmp.Or(strings.Compare(a.feature, b.feature), strings.Compare(a.entity, b.entity), strings.Compare(a.entityType, b.entityType))
}
