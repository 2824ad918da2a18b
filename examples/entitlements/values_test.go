package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func levels(values ...string) []chargebee.FeatureLevel {
	list := make([]chargebee.FeatureLevel, len(values))
	for i, value := range values {
		list[i] = chargebee.FeatureLevel{Value: value, Level: i, IsUnlimited: value == ""}
	}
	return list
}

func TestValuesAreCheckedAgainstTheFeature(t *testing.T) {
	t.Parallel()
	const long = "123456789012345678901234567890"
	for name, test := range map[string]struct {
		feature           chargebee.Feature
		accepted, refused []string
		reason            string // of the first that is refused
	}{
		"a switch": {
			chargebee.Feature{ID: "f", Type: chargebee.FeatureTypeSwitch},
			[]string{"available", "true"}, []string{"false", "TRUE", "1", "yes"},
			"the value of the switch f must be available or true, not false",
		},
		"a quantity": {
			chargebee.Feature{ID: "f", Type: chargebee.FeatureTypeQuantity, Levels: levels("1", "5")},
			[]string{"1", "5"}, []string{"2", "05", "unlimited", " 1"},
			"the value of f must be one of its levels, 1, 5, not 2",
		},
		"an unlimited quantity": {
			chargebee.Feature{ID: "f", Type: chargebee.FeatureTypeQuantity, Levels: levels("1", "")},
			[]string{"1", "unlimited", "Unlimited"}, []string{"2", "endless"},
			"the value of f must be one of its levels, 1, unlimited, not 2",
		},
		"a custom feature": {
			chargebee.Feature{ID: "f", Type: chargebee.FeatureTypeCustom, Levels: levels("gold", "silver")},
			[]string{"gold", "silver"}, []string{"Gold", "unlimited"},
			"the value of f must be one of its levels, gold, silver, not Gold",
		},
		"a range": {
			chargebee.Feature{ID: "f", Type: chargebee.FeatureTypeRange, Levels: levels("5", long)},
			[]string{"5", "100", long}, []string{"4", "05", "5.5", "-5", "+5", "unlimited", long + "0"},
			"the value of f must be a whole number from 5 to " + long + ", not 4",
		},
		"a range whose levels are not in order": {
			chargebee.Feature{ID: "f", Type: chargebee.FeatureTypeRange, Levels: []chargebee.FeatureLevel{{Value: "9", Level: 1}, {Value: "5", Level: 0}}},
			[]string{"5", "9"}, []string{"4", "10"},
			"the value of f must be a whole number from 5 to 9, not 4",
		},
		"an unlimited range": {
			chargebee.Feature{ID: "f", Type: chargebee.FeatureTypeRange, Levels: levels("5", "")},
			[]string{"5", long, "unlimited", "UNLIMITED"}, []string{"4", "many"},
			"the value of f must be a whole number from 5, or unlimited, not 4",
		},
		"features without levels, or of an unknown type": {
			chargebee.Feature{ID: "f", Type: chargebee.FeatureTypeRange},
			[]string{"4", "many"}, nil, "",
		},
		"a quantity without levels":    {chargebee.Feature{ID: "f", Type: chargebee.FeatureTypeQuantity}, []string{"4", "many"}, nil, ""},
		"a feature of an unknown type": {chargebee.Feature{ID: "f", Type: "new"}, []string{"4", "many"}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, value := range test.accepted {
				require.Empty(t, invalidValue(test.feature, value), value)
			}
			for i, value := range test.refused {
				reason := invalidValue(test.feature, value)
				require.NotEmpty(t, reason, value)
				if i == 0 {
					require.Equal(t, test.reason, reason)
				}
			}
		})
	}
}

func TestLevelsThatAreNotOneWordAreQuoted(t *testing.T) {
	t.Parallel()
	f := chargebee.Feature{ID: "f", Type: chargebee.FeatureTypeCustom, Levels: levels("24 hours", "\x1b[31m")}
	require.Empty(t, invalidValue(f, "24 hours"))
	require.Equal(t, `the value of f must be one of its levels, "24 hours", "\x1b[31m", not "8 hours"`, invalidValue(f, "8 hours"))
	f.Type = chargebee.FeatureTypeRange
	require.Equal(t, `the value of f must be a whole number from "24 hours" to "\x1b[31m", not x`, invalidValue(f, "x"))
}

func TestAReasonListsAtMostTwentyLevels(t *testing.T) {
	t.Parallel()
	var values []string
	for i := range 500 {
		values = append(values, fmt.Sprint(i))
	}
	reason20 := invalidValue(chargebee.Feature{ID: "f", Type: chargebee.FeatureTypeCustom, Levels: levels(values[:20]...)}, "x")
	require.True(t, strings.HasSuffix(reason20, " 18, 19, not x"), reason20)
	reason := invalidValue(chargebee.Feature{ID: "f", Type: chargebee.FeatureTypeCustom, Levels: levels(values...)}, "x")
	require.True(t, strings.HasSuffix(reason, " 18, 19, and so on, not x"), reason)
}

func TestValuesThatMeanTheSameAreEqual(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		featureType chargebee.FeatureType
		a, b        string
		same        bool
	}{
		{chargebee.FeatureTypeSwitch, "available", "true", true},
		{chargebee.FeatureTypeSwitch, "true", "True", true},
		{chargebee.FeatureTypeSwitch, "false", "false", true},
		{chargebee.FeatureTypeSwitch, "available", "false", false},
		{chargebee.FeatureTypeQuantity, "Unlimited", "unlimited", true},
		{chargebee.FeatureTypeRange, "UNLIMITED", "unlimited", true},
		{chargebee.FeatureTypeRange, "5", "05", false},
		{chargebee.FeatureTypeCustom, "Gold", "gold", false},
		{chargebee.FeatureTypeCustom, "Unlimited", "unlimited", false},
		{chargebee.FeatureTypeCustom, "true", "available", false},
		{"new", "x", "x", true},
	} {
		require.Equal(t, test.same, sameValue(chargebee.Feature{Type: test.featureType}, test.a, test.b), test)
	}
}
