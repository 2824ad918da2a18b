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

// plan holds the batches of each feature. Those of one feature are sent one after
// the other, because Chargebee may answer concurrent requests to one resource with
// 429 lock_timeout.
type plan []batches

type batches []batch

// batch holds the changes of one call, which applies all of them or none.
type batch struct {
	feature string
	action  chargebee.Action
	changes changes
}

// newPlan returns the calls that make the changes. They depend only on the changes and
// the size, so that a resumed run makes the same calls.
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

// key returns the idempotency key, which is the same for the same call of the same run.
func (b batch) key(runID string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", runID, b.feature, b.params()))
	return hex.EncodeToString(sum[:])
}

// checkDuration returns an error if the plan takes longer than keyWindow, because a run
// that is interrupted near its end could then not be resumed.
func (p plan) checkDuration(perMinute int) error {
	calls := p.calls()
	if perMinute == 0 || calls <= perMinute*int(keyWindow/time.Minute) {
		return nil
	}
	return fmt.Errorf("%d calls at %d a minute would take %d minutes, but a run may take at most %d: split the file, or change -batch or -rate",
		calls, perMinute, (calls+perMinute-1)/perMinute, keyWindow/time.Minute)
}

func (p plan) calls() int {
	calls := 0
	for _, feature := range p {
		calls += len(feature)
	}
	return calls
}

// describe prints what would be sent.
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
