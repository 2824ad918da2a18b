package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// addMixedCatalog adds entitlements in an order other than that of an export.
func addMixedCatalog(t *testing.T, server *chargebeetest.Server) {
	t.Helper()
	setEntitlement(t, server, chargebee.ActionUpsert, "sso", "team", "true")
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "team", "20")
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", `a, "b"`, "unlimited")
	setEntitlement(t, server, chargebee.ActionUpsert, "projects", "größe", "1")
}

const mixedExport = header + `projects,größe,plan,1
seats,"a, ""b""",plan,unlimited
seats,team,plan,20
sso,team,plan,true
`

func TestAnExportIsSortedAndDescribesTheSite(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	addMixedCatalog(t, server)
	exported, _, err := runProgram(t, environment(server), nil, "export")
	require.NoError(t, err)
	require.Equal(t, mixedExport, exported)

	file := filepath.Join(t.TempDir(), "catalog.csv")
	out, _, err := runProgram(t, environment(server), nil, "export", file)
	require.NoError(t, err)
	require.Empty(t, out)
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, mixedExport, string(written))

	out, _, err = runProgram(t, environment(server), nil, "plan", "-prune", file)
	require.NoError(t, err)
	require.Equal(t, "No changes: emulator-test matches the file. Unchanged: 4.\n", out)
}

func TestAnExportOfOneSiteIsAppliedToAnother(t *testing.T) {
	t.Parallel()
	testSite, liveSite := newServer(t), newServer(t)
	addMixedCatalog(t, testSite)
	setEntitlement(t, liveSite, chargebee.ActionUpsert, "seats", "old", "1")
	file := filepath.Join(t.TempDir(), "catalog.csv")
	_, _, err := runProgram(t, environment(testSite), nil, "export", file)
	require.NoError(t, err)
	_, _, err = runProgram(t, environment(liveSite), nil, "apply", "-prune", "-yes", file)
	require.NoError(t, err)
	exported, _, err := runProgram(t, environment(liveSite), nil, "export")
	require.NoError(t, err)
	require.Equal(t, mixedExport, exported)
}

func TestItemEntitlementsAreExported(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "team", "20")
	setEntitlement(t, server, chargebee.ActionUpsert, "sso", "solo", "true")
	exported, _, err := runProgram(t, environment(server), nil, "export", "-item-entitlements")
	require.NoError(t, err)
	require.Equal(t, header+"seats,team,plan,20\nsso,solo,plan,true\n", exported)
}

func TestAnExportOfWhatTheFileCannotStateFails(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "team", "20")
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", " solo", "20")
	file := filepath.Join(t.TempDir(), "catalog.csv")
	require.NoError(t, os.WriteFile(file, []byte("of last week\n"), 0o600))
	for _, args := range [][]string{{"export"}, {"export", file}} {
		_, _, err := runProgram(t, environment(server), nil, args...)
		require.EqualError(t, err, "the file cannot state all entitlements: problems: 1\n"+
			`feature "seats", entity " solo": entity_id begins or ends with a space`)
	}
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "of last week\n", string(kept))
}

func TestAFailedExportKeepsTheFile(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for i := range 150 {
		setEntitlement(t, server, chargebee.ActionUpsert, "seats", "plan-"+string(rune('a'+i%26))+string(rune('a'+i/26)), "1")
	}
	server.Inject(chargebeetest.Fault{Route: "/features"}, chargebeetest.Fault{Route: "/entitlements"}, // the first page
		chargebeetest.Fault{Route: "/entitlements", Status: 403, Body: `{"api_error_code":"api_authorization_failed"}`})
	file := filepath.Join(t.TempDir(), "catalog.csv")
	require.NoError(t, os.WriteFile(file, []byte("of last week\n"), 0o600))
	_, _, err := runProgram(t, environment(server), nil, "export", "-rate", "0", file)
	require.ErrorIs(t, err, chargebee.ErrAPIAuthorizationFailed)
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "of last week\n", string(kept))
	entries, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no draft is left")
}

func TestAnExportThatCannotBeWrittenFails(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	addMixedCatalog(t, server)
	client, err := server.NewClient()
	require.NoError(t, err)
	err = exportFeatures(t.Context(), failingWriter{}, newAPI("acme-test", client, false), []string{"seats"}, silent{})
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

func TestAFailedExportPrintsNothing(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for i := range chunkSize { // more than a buffer full
		feature := fmt.Sprintf("a%02d", i)
		require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: feature, Type: chargebeetest.FeatureTypeCustom}))
		for j := range 2 {
			setEntitlement(t, server, chargebee.ActionUpsert, feature, strings.Repeat("x", 99)+fmt.Sprint(j), "1")
		}
	}
	server.Inject(chargebeetest.Fault{Route: "/features"}, chargebeetest.Fault{Route: "/entitlements"}, // the first 25 features
		chargebeetest.Fault{Route: "/entitlements", Status: 403, Body: `{"api_error_code":"api_authorization_failed"}`})
	out, _, err := runProgram(t, environment(server), nil, "export")
	require.ErrorIs(t, err, chargebee.ErrAPIAuthorizationFailed)
	require.Empty(t, out)
}

func TestAnEmptySiteIsExportedAsAHeader(t *testing.T) {
	t.Parallel()
	server := chargebeetest.NewServer()
	t.Cleanup(server.Close)
	exported, _, err := runProgram(t, environment(server), nil, "export")
	require.NoError(t, err)
	require.Equal(t, header, exported)
}

func TestAnExportReplacesOnlyRegularFiles(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	addMixedCatalog(t, server)
	file := filepath.Join(t.TempDir(), "catalog.csv")
	require.NoError(t, os.WriteFile(file, []byte("of last week\n"), 0o600))
	link := filepath.Join(t.TempDir(), "link.csv")
	require.NoError(t, os.Symlink(file, link))
	_, _, err := runProgram(t, environment(server), nil, "export", link)
	require.EqualError(t, err, "replace "+link+": not a regular file")
	target, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, file, target)
	require.Equal(t, "of last week\n", readFile(t, file))
}

func TestAFeatureThatIsListedTwiceIsExportedOnce(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	var list strings.Builder // the two are in two requests for entitlements
	for i := range chunkSize - 1 {
		fmt.Fprintf(&list, `{"feature":{"id":"a%02d"}},`, i)
	}
	server.Inject(chargebeetest.Fault{Route: "/features", Status: 200,
		Body: `{"list":[` + list.String() + `{"feature":{"id":"seats"}},{"feature":{"id":"seats"}}]}`})
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "team", "20")
	exported, _, err := runProgram(t, environment(server), nil, "export")
	require.NoError(t, err)
	require.Equal(t, header+"seats,team,plan,20\n", exported)
}

func TestAnExportOfTheEmulatorDoesNotReplaceAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "catalog.csv")
	_, _, err := runProgram(t, noEnvironment, nil, "export", file)
	require.EqualError(t, err, "an export to a file needs a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY; see -help")
	require.NoFileExists(t, file)
	out, _, err := runProgram(t, noEnvironment, nil, "export")
	require.NoError(t, err)
	require.Contains(t, out, "seats,old,plan,3\n")
}
