package main

import (
	"bytes"
	"context"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// rowsSite is a site with the entitlements of a catalog, in the order of the file.
type rowsSite struct{ *catalog }

func (s rowsSite) list(_ context.Context, features []string) iter.Seq2[entitlement, error] {
	return func(yield func(entitlement, error) bool) {
		for _, feature := range slices.Backward(features) {
			for _, k := range slices.Backward(s.lines[feature]) {
				if !yield(entitlement{k, s.rows[k].value}, nil) {
					return
				}
			}
		}
	}
}

func (rowsSite) change(context.Context, chargebee.Action, []*change) error { return nil }
func (rowsSite) oneFeature() bool                                          { return false }
func (rowsSite) entityTypes() []string                                     { return nil }

// exported returns the file that an export of a site with the rows of a catalog writes.
func exported(t *testing.T, c *catalog) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, exportFeatures(t.Context(), &out, api{entitlements: rowsSite{c}}, slices.Sorted(slices.Values(c.features)), silent{}))
	return out.String()
}

// entitlementsOf returns the rows of a catalog without their lines.
func entitlementsOf(c *catalog) map[key]string {
	values := make(map[key]string)
	for k, r := range c.rows {
		values[k] = r.value
	}
	return values
}

// FuzzCatalog checks that any file is either read or rejected with the lines at fault, and
// that an export of what was read is read as the same.
func FuzzCatalog(f *testing.F) {
	for _, text := range []string{
		"", "\n", header, header + "seats,team,plan,20\n", header + "seats,team,plan,20\nseats,team,plan,21\n", mixedExport,
		"\ufeffvalue;item_type;item_id;feature_id;;\r\n20;plan;team;seats;;\r\n;;;;;\r\n", "feature_id\tentity_id\tentity_type\tvalue\nseats\tteam\tplan\t20\n",
		header + "seats,\"te\nam\",plan,20\nseats,\"team,plan,20\n", header + "\"\\.\",\"#\",\" plan\",\"=1\"\n", "\n\n" + header + "a,b,c,d\n",
		"\"feature_id\n\",entity_id,entity_type,value\nseats,team,plan,20\n", header + "a,b,c\n,,,\na,b,c,\xff\na,b,c,\u200b\n", header + "a,b,c,\ufffd\n",
		header + strings.Repeat("a,b,c,\n", 30), header + "a,b,c,\"d\"\"\"\n", header + "a,b,c,d\re\n", header + "a,b,c,d\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	lineAtFault := regexp.MustCompile(`^line ([0-9]+)`) // of the names of the columns
	linesAtFault := regexp.MustCompile(`^problems: ([0-9]+)((?:\nline [0-9]+: [^\n]+)+)(?:\nand ([0-9]+) more)?$`)
	f.Fuzz(func(t *testing.T, text []byte) {
		original := bytes.Clone(text)
		start := time.Now()
		read, err := parseCatalog(text)
		require.Less(t, time.Since(start), 5*time.Second)
		require.Equal(t, original, text)
		if err != nil {
			require.Nil(t, read)
			message := err.Error()
			require.NotContains(t, message, "\r")
			if !strings.HasPrefix(message, "problems: ") {
				require.NotContains(t, message, "\n")
				if parts := lineAtFault.FindStringSubmatch(message); parts != nil {
					line, err := strconv.Atoi(parts[1])
					require.NoError(t, err)
					lines := strings.Split(string(text), "\n")
					require.NotEmpty(t, strings.TrimSuffix(strings.TrimPrefix(lines[line-1], "\ufeff"), "\r"), message)
				}
				return
			}
			parts := linesAtFault.FindStringSubmatch(message)
			require.NotNil(t, parts, message)
			last := 1
			for _, problem := range strings.Split(strings.TrimPrefix(parts[2], "\n"), "\n") {
				line, err := strconv.Atoi(regexp.MustCompile(`[0-9]+`).FindString(problem))
				require.NoError(t, err)
				require.Greater(t, line, last, message)
				require.LessOrEqual(t, line, bytes.Count(text, []byte("\n")), message)
				last = line
			}
			return
		}
		require.NotEmpty(t, read.rows)
		require.ElementsMatch(t, slices.Collect(maps.Keys(read.lines)), read.features)
		first := exported(t, read)
		again, err := parseCatalog([]byte(first))
		require.NoError(t, err, first)
		require.Equal(t, entitlementsOf(read), entitlementsOf(again))
		require.Equal(t, slices.Sorted(slices.Values(read.features)), again.features)
		require.Equal(t, first, exported(t, again))
	})
}

// FuzzExport checks that an export is read as what the site has, or else fails, whatever texts
// a site has.
func FuzzExport(f *testing.F) {
	f.Add("seats", "team", "plan", "20", "solo", "unlimited")
	f.Add("a,b", "\"", "\\.", "#", ";", "\t")
	f.Add("é", " ", "", "\r\n", "\u00a0", "\xff")
	f.Add("=1", "\ufeff", "'", "feature_id", "\ufffd", "PK\x03\x04")
	f.Fuzz(func(t *testing.T, feature, entity, entityType, value, otherEntity, otherValue string) {
		site := &catalog{rows: make(map[key]row), lines: make(map[string][]key)}
		site.add(row{key: key{feature, entity, entityType}, value: value})
		if otherEntity != entity {
			site.add(row{key: key{feature, otherEntity, entityType}, value: otherValue})
		}
		isStatable := true
		for k, r := range site.rows {
			for _, field := range []string{k.feature, k.entity, k.entityType, r.value} {
				isStatable = isStatable && invalidField(field) == ""
			}
			if tooLong("feature_id", k.feature)+tooLong("entity_id", k.entity)+tooLong("value", r.value) != "" {
				return // Chargebee does not accept it
			}
		}
		var out bytes.Buffer
		err := exportFeatures(t.Context(), &out, api{entitlements: rowsSite{site}}, []string{feature}, silent{})
		if !isStatable {
			require.ErrorContains(t, err, "the file cannot state all entitlements: problems: ")
			return
		}
		require.NoError(t, err)
		read, err := parseCatalog(out.Bytes())
		require.NoError(t, err)
		require.Equal(t, entitlementsOf(site), entitlementsOf(read))
	})
}
