package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
)

// plan is the batches of each feature. Those of one feature are sent one after
// the other, because Chargebee knows a 429 lock_timeout for concurrent requests
// to one resource.
type plan []batches

type batches []batch

// batch is what one call does: all of it, or nothing.
type batch struct {
	feature string
	action  chargebee.Action
	changes changes
}

// newPlan depends on the changes and the size alone, so that a run that is
// started again makes the same calls.
func newPlan(all changes, size int) plan {
	type group struct {
		feature string
		action  chargebee.Action
	}
	var features []string
	groups := make(map[group]changes)
	for _, c := range all {
		upserts, removes := group{c.feature, chargebee.ActionUpsert}, group{c.feature, chargebee.ActionRemove}
		if len(groups[upserts])+len(groups[removes]) == 0 {
			features = append(features, c.feature)
		}
		g := group{c.feature, c.action()}
		groups[g] = append(groups[g], c)
	}
	plan := make(plan, len(features))
	for i, feature := range features {
		for _, action := range []chargebee.Action{chargebee.ActionUpsert, chargebee.ActionRemove} {
			for chunk := range slices.Chunk(groups[group{feature, action}], size) {
				plan[i] = append(plan[i], batch{feature, action, chunk})
			}
		}
	}
	return plan
}

func (b batch) params() chargebee.UpsertOrRemoveItemEntitlementsParams {
	entries := make([]chargebee.ItemEntitlementParams, len(b.changes))
	for i, c := range b.changes {
		entries[i] = chargebee.ItemEntitlementParams{ItemID: c.item, ItemType: c.itemType, Value: c.value}
	}
	return chargebee.UpsertOrRemoveItemEntitlementsParams{Action: b.action, ItemEntitlements: entries}
}

// key is the same for the same call of the same run, on any machine.
func (b batch) key(runID string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", runID, b.feature, b.params()))
	return hex.EncodeToString(sum[:])
}

// fits refuses a plan that would take longer than its keys can be counted on, so
// that a run which breaks at its end could not be started again.
func (p plan) fits(perMinute int) error {
	calls := p.calls()
	if perMinute == 0 || calls <= perMinute*int(window/time.Minute) {
		return nil
	}
	return fmt.Errorf("%d calls at %d a minute would take %d minutes, and a run may take %d: split the file, or change -batch or -rate",
		calls, perMinute, (calls+perMinute-1)/perMinute, window/time.Minute)
}

func (p plan) calls() int {
	calls := 0
	for _, feature := range p {
		calls += len(feature)
	}
	return calls
}

// describe says what would be sent.
func (p plan) describe(out io.Writer) error {
	lines := 0
	for _, feature := range p {
		for _, b := range feature {
			lines += len(b.changes)
			if _, err := fmt.Fprintf(out, "%s: %s %d\n", b.feature, b.action, len(b.changes)); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(out, "%d lines in %d calls. Nothing was sent.\n", lines, p.calls())
	return err
}
