package main

import (
	"context"
	"errors"
	"fmt"
)

// apply changes the site to match the catalog, reads it again, and reports the result.
func apply(ctx context.Context, std streams, s settings, api api, catalog *catalog) error {
	plan, err := prepare(ctx, std, s, api, catalog)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	if len(plan.changes) == 0 {
		return nil
	}
	changes := plan.changes
	sendErr := sendChanges(ctx, api, s, plan, newProgress(std.err, len(changes)))
	var verifyErr error
	if ctx.Err() == nil {
		changes, verifyErr = verify(ctx, std, s, api, catalog, changes)
	}
	return errors.Join(sendErr, verifyErr, report{s.report, s.file}.write(changes), printResult(std.out, changes, api.site))
}

// prepare makes the plan, shows it, and makes sure that it may be applied and reported.
func prepare(ctx context.Context, std streams, s settings, api api, catalog *catalog) (*plan, error) {
	plan, err := newPlan(ctx, api, catalog, s, newCounter(std.err, "Reading the site"))
	if err != nil {
		return nil, err
	}
	if err := plan.print(std.out, api.site, std.colored); err != nil {
		return nil, err
	}
	if err := confirmRemovals(ctx, std, s, plan); err != nil {
		return nil, err
	}
	return plan, report{s.report, s.file}.begin(plan.changes)
}

// verify reads the site again, and returns the changes with their outcomes. It adds the
// changes that are needed because somebody else changed the site during the run.
func verify(ctx context.Context, std streams, s settings, api api, catalog *catalog, changes []*change) ([]*change, error) {
	left, err := newPlan(ctx, api, catalog, s, newCounter(std.err, "Verifying"))
	if err != nil {
		return changes, fmt.Errorf("the changes are not verified: %w", err)
	}
	remaining := make(map[key]*change)
	for _, c := range left.changes {
		remaining[c.key] = c
	}
	for _, c := range changes {
		c.verify(remaining[c.key])
		delete(remaining, c.key)
	}
	for _, c := range left.changes {
		if remaining[c.key] != nil {
			c.outcome, c.reason = notApplied, "not part of the plan: the site has changed since"
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// verify sets the outcome. remaining is the change that the site still needs, or nil.
func (c *change) verify(remaining *change) {
	switch {
	case remaining == nil:
		c.outcome, c.reason = applied, ""
		return
	case c.outcome == accepted && remaining.before == "":
		c.reason = "accepted, but the site does not show it"
	case c.outcome == accepted:
		c.reason = "accepted, but the site shows " + quote(remaining.before)
	}
	c.outcome = notApplied
}
