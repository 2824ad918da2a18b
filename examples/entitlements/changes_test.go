package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func TestCommonFileFormatsAreRead(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"header":               "feature_id,item_id,item_type,value\nseats,team,plan,20\n",
		"no header":            "\nseats,team,plan,20\n",
		"no final newline":     "\nseats,team,plan,20",
		"Windows line endings": "feature_id,item_id,item_type,value\r\nseats,team,plan,20\r\n",
		"byte order mark":      "\xef\xbb\xbffeature_id,item_id,item_type,value\nseats,team,plan,20\n",
		"quoted fields":        "\n\"seats\",\"team\",\"plan\",\"20\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := readChanges(iotest.OneByteReader(strings.NewReader(text)))
			require.NoError(t, err)
			require.Len(t, all, 1)
			require.Equal(t, change{
				line: 2, feature: "seats", item: "team", itemType: chargebee.ItemTypePlan, value: "20",
				outcome: "unknown", reason: "the run has not finished",
			}, *all[0])
		})
	}
}

func TestInvalidFilesAreRejected(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"an empty file":                    {"", "the file has no lines"},
		"only a header":                    {"feature_id,item_id,item_type,value\n", "the file has no lines"},
		"a header in another case":         {"Feature_ID,Item_ID,Item_Type,Value\na,b,,1", "the header must be feature_id,item_id,item_type,value"},
		"a header in another order":        {"feature_id,item_id,value,item_type\na,b,1,", "the header must be feature_id,item_id,item_type,value"},
		"a feature of one dot":             {".,b,,1", "line 1: feature_id must not be a dot segment"},
		"too many fields":                  {"a,b,,1,x", "line 1: has 5 fields instead of feature_id,item_id,item_type,value"},
		"no feature":                       {",b,,1", "line 1: feature_id must not be empty"},
		"no item":                          {"a,,plan,1", "line 1: item_id must not be empty"},
		"a feature of two dots":            {"..,b,,1", "line 1: feature_id must not be a dot segment"},
		"invalid UTF-8":                    {"a,b\xff,,1", "line 1: item_id must be valid UTF-8"},
		"a blank value":                    {"a,b,, ", "line 1: value must not begin or end with a space"},
		"a no-break space":                 {"a\u00a0,b,,1", "line 1: feature_id must not begin or end with a space"},
		"a value of two lines":             {"a,b,,\"1\n2\"\n,b,,1", "line 1: value must not contain control characters\nline 3: feature_id must not be empty"},
		"an unterminated quote":            {"a,b,,1\na,\"c,,1\na,d,,1", "line 2: extraneous or missing \" in quoted-field"},
		"an item twice, with another type": {"a,b,plan,1\nc,b,plan,1\na,b,addon,1", "line 3: same feature and item as line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := readChanges(strings.NewReader(test.text))
			require.EqualError(t, err, test.want)
			require.Empty(t, all)
		})
	}
}

func TestALaterHeaderIsAnOrdinaryLine(t *testing.T) {
	t.Parallel()
	all, err := readChanges(strings.NewReader("a,b,,1\nfeature_id,item_id,item_type,value\n"))
	require.NoError(t, err)
	require.Len(t, all, 2)
}

func TestReadingStopsAfterTenThousandInvalidLines(t *testing.T) {
	t.Parallel()
	_, err := readChanges(strings.NewReader(strings.Repeat("x\n", 10_000)))
	require.Equal(t, 10_000, strings.Count(err.Error(), "has 1 fields"))
	require.NotContains(t, err.Error(), "was not read") // there is no rest
	_, err = readChanges(strings.NewReader(strings.Repeat("x\n", 20_000)))
	require.Equal(t, 10_000, strings.Count(err.Error(), "has 1 fields"))
	require.True(t, strings.HasSuffix(err.Error(), "\ntoo many errors: the rest of the file was not read"))
}

func TestReadErrorsAreReturned(t *testing.T) {
	t.Parallel()
	_, err := readChanges(io.MultiReader(strings.NewReader("a,b,,1\n"), iotest.ErrReader(io.ErrClosedPipe)))
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

func TestAFileIsReadUpTo16MiB(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for i := range 16 { // of a MiB each
		fmt.Fprintf(&lines, "%02d,%s,,1\n", i, strings.Repeat("b", 1<<20-7))
	}
	all, err := readChanges(strings.NewReader(lines.String()))
	require.NoError(t, err)
	require.Len(t, all, 16)
	_, err = readChanges(strings.NewReader(lines.String() + "\n"))
	require.EqualError(t, err, "longer than 16 MiB: split the file")
}
