package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

const header = "feature_id,entity_id,entity_type,value\n"

func TestCommonFileFormatsAreRead(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a plain file":                      header + "seats,team,plan,20\n",
		"the columns in another order":      "value,entity_type,feature_id,entity_id\n20,plan,seats,team\n",
		"the names of item entitlements":    "feature_id,item_id,item_type,value\nseats,team,plan,20\n",
		"names in capitals, with spaces":    "Feature_ID, Entity_ID ,ENTITY_TYPE,value\nseats,team,plan,20\n",
		"a byte order mark":                 "\ufeff" + header + "seats,team,plan,20\n",
		"lines that end as on Windows":      strings.ReplaceAll(header, "\n", "\r\n") + "seats,team,plan,20\r\n",
		"semicolons":                        "feature_id;entity_id;entity_type;value\nseats;team;plan;20\n",
		"tabs":                              "feature_id\tentity_id\tentity_type\tvalue\nseats\tteam\tplan\t20\n",
		"quotes":                            "\"feature_id\",\"entity_id\",\"entity_type\",\"value\"\n\"seats\",\"team\",\"plan\",\"20\"\n",
		"empty lines":                       "\n" + header + "\nseats,team,plan,20\n\n",
		"an empty line before semicolons":   "\r\nfeature_id;entity_id;entity_type;value\r\nseats;team;plan;20\r\n",
		"empty rows of a spreadsheet":       header + "seats,team,plan,20\n,,,\n,,,\n",
		"empty columns of a spreadsheet":    "feature_id,entity_id,entity_type,value,,\nseats,team,plan,20,,\n",
		"empty columns in the header alone": "feature_id,entity_id,entity_type,value,,\nseats,team,plan,20\n",
	} {
		catalog, err := parseCatalog([]byte(text))
		require.NoError(t, err, name)
		require.Equal(t, []string{"seats"}, catalog.features, name)
		require.Len(t, catalog.rows, 1, name)
		require.Equal(t, "20", catalog.rows[key{"seats", "team", "plan"}].value, name)
	}
}

func TestTextOfAnyKindIsRead(t *testing.T) {
	t.Parallel()
	catalog, err := parseCatalog([]byte(header + "größe,\"a, \"\"b\"\";c\",plan,½ 東京\nsso,team,plan_price,available\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"größe", "sso"}, catalog.features)
	require.Equal(t, row{key{"größe", `a, "b";c`, "plan"}, "½ 東京", 2}, catalog.rows[key{"größe", `a, "b";c`, "plan"}])
	require.Equal(t, row{key{"sso", "team", "plan_price"}, "available", 3}, catalog.rows[key{"sso", "team", "plan_price"}])
}

func TestInvalidFilesAreRejected(t *testing.T) {
	t.Parallel()
	for text, message := range map[string]string{
		"":                                                  "the file is empty",
		"\n\r\n\n":                                          "the file has only empty lines",
		header:                                              "there are no lines after the header",
		"\xff\xfef\x00e\x00":                                "the file looks like UTF-16: save it as UTF-8",
		"\xfe\xff\x00f\x00e":                                "the file looks like UTF-16: save it as UTF-8",
		"f\x00e\x00":                                        "the file looks like UTF-16: save it as UTF-8",
		"PK\x03\x04xl/workbook.xml\n":                       "the file looks like a spreadsheet: save it as CSV",
		"feature_id\rseats\r":                               "the lines end in carriage returns: save the file with line feeds",
		header + "seats,team,plan,20":                       "the last line has no line break, so the file may be cut off: if it is complete, add one",
		header + "seats,team,plan,2":                        "the last line has no line break, so the file may be cut off: if it is complete, add one",
		"seats,team,plan,20\n":                              `line 1 must name only the columns feature_id, entity_id, entity_type, value, in any order, but has "seats"`,
		"\n\r\nseats,team,plan,20\n":                        `line 3 must name only the columns feature_id, entity_id, entity_type, value, in any order, but has "seats"`,
		"\nentity_id,item_id,value\n":                       "line 2: there are two columns entity_id",
		"\nfeature_id,entity_id,value\n":                    "line 2: there is no column entity_type",
		"feature_id|entity_id\n":                            `line 1 must name only the columns feature_id, entity_id, entity_type, value, in any order, but has "feature_id|entity_id"`,
		"feature_id,,entity_id\n":                           `line 1 must name only the columns feature_id, entity_id, entity_type, value, in any order, but has ""`,
		"feature_id,entity_id,value\n":                      "line 1: there is no column entity_type",
		"entity_id,item_id,value\n":                         "line 1: there are two columns entity_id",
		"\"feature_id\n":                                    `the names of the columns: parse error on line 1, column 13: extraneous or missing " in quoted-field`,
		header + "seats,team,plan,\n":                       "problems: 1\nline 2: value is empty",
		header + "seats,team,,20\n":                         "problems: 1\nline 2: entity_type is empty",
		header + "seats,,plan,20\n":                         "problems: 1\nline 2: entity_id is empty",
		header + ",team,plan,20\n":                          "problems: 1\nline 2: feature_id is empty",
		header + "seats,team,plan\n":                        "problems: 1\nline 2: the number of fields is 3 instead of 4",
		header + "seats,team,plan,20,x\n":                   "problems: 1\nline 2: the number of fields is 5 instead of 4",
		header + "seats, team,plan,20\n":                    "problems: 1\nline 2: entity_id begins or ends with a space",
		header + "seats,team,plan,20 \n":                    "problems: 1\nline 2: value begins or ends with a space",
		header + "seats,te\u200bam,plan,20\n":               "problems: 1\nline 2: entity_id has an invisible character, U+200B, at position 3",
		header + "seats,gr\u00adö,plan,20\n":                "problems: 1\nline 2: entity_id has an invisible character, U+00AD, at position 3",
		header + "seats,a\u00a0b,plan,20\n":                 "problems: 1\nline 2: entity_id has an invisible character, U+00A0, at position 2",
		header + "seats,\ufeffteam,plan,20\n":               "problems: 1\nline 2: entity_id has an invisible character, U+FEFF, at position 1",
		header + "seats,te\x01am,plan,20\n":                 "problems: 1\nline 2: entity_id has an invisible character, U+0001, at position 3",
		header + "seats,\"te\nam\",plan,20\n":               "problems: 1\nline 2: entity_id has an invisible character, U+000A, at position 3",
		header + "seats,gr\xf6\xdfe,plan,20\n":              "problems: 1\nline 2: entity_id is not valid UTF-8",
		header + "seats,te\"am,plan,20\n":                   "problems: 1\nline 2: bare \" in non-quoted-field",
		header + "seats,\"team,plan,20\n":                   "problems: 1\nline 2: extraneous or missing \" in quoted-field",
		header + "seats,team,plan,1\n\nseats,team,plan,5\n": "problems: 1\nline 4: same feature, entity and type as line 2",
	} {
		_, err := parseCatalog([]byte(text))
		require.EqualError(t, err, message)
	}
}

func TestAFieldIsAsLongAsChargebeeAccepts(t *testing.T) {
	t.Parallel()
	umlauts := func(length int) string { return strings.Repeat("ü", length) }
	catalog, err := parseCatalog([]byte(header + umlauts(50) + "," + umlauts(100) + ",plan," + umlauts(50) + "\n"))
	require.NoError(t, err)
	require.Len(t, catalog.rows, 1)

	_, err = parseCatalog([]byte(header + umlauts(51) + ",team,plan,20\nseats," + umlauts(101) + ",plan,20\nseats,team,plan," + umlauts(51) + "\n"))
	require.EqualError(t, err, `problems: 3
line 2: feature_id is longer than 50 characters
line 3: entity_id is longer than 100 characters
line 4: value is longer than 50 characters`)
}

func TestAnEntityMayOccurWithTwoTypes(t *testing.T) {
	t.Parallel()
	catalog, err := parseCatalog([]byte(header + "seats,team,plan,20\nseats,team,plan_price,5\n"))
	require.NoError(t, err)
	require.Len(t, catalog.rows, 2)
}

func TestAtMostTwentyProblemsAreShown(t *testing.T) {
	t.Parallel()
	_, err := parseCatalog([]byte(header + strings.Repeat("seats,team,plan,\n", 1000)))
	var want strings.Builder
	want.WriteString("problems: 1000\n")
	for line := 2; line <= 21; line++ {
		fmt.Fprintf(&want, "line %d: value is empty\n", line)
	}
	want.WriteString("and 980 more")
	require.EqualError(t, err, want.String())
}

func TestReadErrorsAreReturned(t *testing.T) {
	t.Parallel()
	_, err := readAll("catalog.csv", iotest.ErrReader(errors.New("disk failure")))
	require.EqualError(t, err, "catalog.csv: disk failure")
}

func TestAFileIsReadUpTo16MiB(t *testing.T) {
	t.Parallel()
	blank := strings.Repeat("\n", 16<<20-len(header)-len("seats,team,plan,20\n"))
	catalog, err := readAll("catalog.csv", strings.NewReader(header+"seats,team,plan,20\n"+blank))
	require.NoError(t, err)
	require.Len(t, catalog.rows, 1)
	_, err = readAll("catalog.csv", strings.NewReader(header+"seats,team,plan,20\n\n"+blank))
	require.EqualError(t, err, "catalog.csv: longer than 16 MiB: split the file by feature")
}
