package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
)

// export writes the entitlements of the site as a file for plan and apply. The lines are
// sorted, so that two exports differ only if the site does.
func export(ctx context.Context, std streams, s settings, api api) error {
	reading := newCounter(std.err, "Reading the site")
	defer reading.end()
	var ids []string
	for f, err := range api.features(ctx, nil) {
		if err != nil {
			return fmt.Errorf("reading the site: %w", err)
		}
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids) // a list that changes while it is read may have a feature twice
	write := func(out io.Writer) error { return exportFeatures(ctx, out, api, ids, reading) }
	if s.file == "-" {
		var text bytes.Buffer // an incomplete export might look complete
		if err := write(&text); err != nil {
			return err
		}
		_, err := text.WriteTo(std.out)
		return err
	}
	return replaceFile(s.file, write)
}

// exportFeatures writes the entitlements to the features, whose IDs are sorted.
func exportFeatures(ctx context.Context, out io.Writer, api api, ids []string, reading progress) error {
	lines := csv.NewWriter(out)
	_ = lines.Write(columnNames()) // see Error below
	var problems problems
	for chunk := range slices.Chunk(ids, chunkSize) {
		var found []entitlement
		for e, err := range api.list(ctx, chunk) {
			if err != nil {
				return fmt.Errorf("reading the site: %w", err)
			}
			reading.add(1)
			if slices.Contains(chunk, e.feature) {
				found = append(found, e)
			}
		}
		slices.SortStableFunc(found, func(a, b entitlement) int { return compareKeys(a.key, b.key) })
		found = slices.CompactFunc(found, func(a, b entitlement) bool { return a.key == b.key })
		for _, e := range found {
			record := []string{e.feature, e.entity, e.entityType, e.value}
			for i, field := range record {
				if reason := invalidField(field); reason != "" {
					problems.add(fmt.Sprintf("feature %q, entity %q: %s %s", e.feature, e.entity, columnNames()[i], reason))
				}
			}
			_ = lines.Write(record)
		}
	}
	lines.Flush()
	if err := lines.Error(); err != nil {
		return err
	}
	if err := problems.err(); err != nil {
		return fmt.Errorf("the file cannot state all entitlements: %w", err)
	}
	return nil
}
