package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// TestMain lets the tests run the program as a separate process.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_ENTITLEMENTS") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// newServer returns a server with two quantity features, a switch, two plans and an addon.
func newServer(t *testing.T, opts ...chargebeetest.Option) *chargebeetest.Server {
	t.Helper()
	server := chargebeetest.NewServer(opts...)
	t.Cleanup(server.Close)
	levels := []chargebeetest.Level{{Value: "1"}, {Value: "5"}, {Value: "20"}}
	for _, f := range []chargebeetest.Feature{
		{ID: "seats", Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity, Levels: levels},
		{ID: "projects", Name: "Projects", Unit: "project", Type: chargebeetest.FeatureTypeQuantity, Levels: levels},
		{ID: "sso", Name: "SSO", Type: chargebeetest.FeatureTypeSwitch},
	} {
		require.NoError(t, server.AddFeature(f))
	}
	for id, kind := range map[string]chargebee.ItemType{
		"team": chargebee.ItemTypePlan, "solo": chargebee.ItemTypePlan, "extra": chargebee.ItemTypeAddon,
	} {
		require.NoError(t, server.AddItem(chargebeetest.Item{ID: id, Type: kind}))
	}
	return server
}

// environment returns the environment for the site of a server.
func environment(server *chargebeetest.Server) func(string) string {
	return func(name string) string {
		return map[string]string{
			"CHARGEBEE_SITE":     server.Site,
			"CHARGEBEE_API_KEY":  server.APIKey,
			"CHARGEBEE_BASE_URL": server.URL,
		}[name]
	}
}

// environmentAt returns the environment for a proxy of a server.
func environmentAt(url string, server *chargebeetest.Server) func(string) string {
	return func(name string) string {
		if name == "CHARGEBEE_BASE_URL" {
			return url + "/api/v2"
		}
		return environment(server)(name)
	}
}

func noEnvironment(string) string { return "" }

func file(t *testing.T, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "changes.csv")
	require.NoError(t, os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return name
}

func TestTheSampleIsAppliedToTheEmbeddedEmulator(t *testing.T) {
	t.Parallel()
	var out, progress bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-run-id", "sample", "-concurrency", "1", "-rate", "0"}, noEnvironment, &out, &progress))
	require.Equal(t, `line,feature_id,item_id,item_type,value,outcome,reason
2,seats,solo,plan,1,applied,
3,seats,team,plan,20,applied,
4,seats,enterprise,plan,unlimited,applied,
5,seats,extra-seats,addon,5,applied,
6,sso,enterprise,plan,available,applied,
7,sso,team,plan,,applied,
8,support,solo,plan,email,applied,
9,support,team,plan,chat,applied,
10,support,enterprise,plan,phone,applied,
11,support,team-onboarding,charge,phone,applied,
12,audit-log,enterprise,plan,available,applied,
`, out.String())
	require.Equal(t, `Site: the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY for a real one.
Run: sample
4 of 11 lines
5 of 11 lines
6 of 11 lines
10 of 11 lines
11 of 11 lines
11 lines: 11 applied, 0 rejected, 0 unknown, 0 not processed, on the embedded emulator
`, progress.String())
}

func TestLinesAreSentInBatchesOfOneFeatureAndAction(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	changes := file(t, "seats,team,plan,20", "sso,solo,plan,", "seats,solo,plan,1", "seats,extra,addon,5", "sso,team,,available")
	require.NoError(t, run(t.Context(), []string{"-batch", "2", "-concurrency", "1", "-rate", "0", changes}, environment(server), io.Discard, io.Discard))

	var sent []string
	for _, r := range server.Requests() {
		body, err := url.QueryUnescape(string(r.Body))
		require.NoError(t, err)
		sent = append(sent, strings.TrimPrefix(r.Path, "/api/v2/features/")+" "+body)
	}
	require.Equal(t, []string{
		"seats/item_entitlements action=upsert" +
			"&item_entitlements[item_id][0]=team&item_entitlements[item_type][0]=plan&item_entitlements[value][0]=20" +
			"&item_entitlements[item_id][1]=solo&item_entitlements[item_type][1]=plan&item_entitlements[value][1]=1",
		"seats/item_entitlements action=upsert" +
			"&item_entitlements[item_id][0]=extra&item_entitlements[item_type][0]=addon&item_entitlements[value][0]=5",
		"sso/item_entitlements action=upsert" +
			"&item_entitlements[item_id][0]=team&item_entitlements[value][0]=available",
		"sso/item_entitlements action=remove" +
			"&item_entitlements[item_id][0]=solo&item_entitlements[item_type][0]=plan",
	}, sent)
}

func TestTheRateFlagIsObeyed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		require.NoError(t, run(t.Context(), []string{"-rate", "60"}, noEnvironment, io.Discard, io.Discard)) // five calls
		require.Equal(t, 4*time.Second, time.Since(start))
	})
}

func TestADryRunSendsNothingAndNeedsNoSite(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	changes := file(t, "seats,team,plan,20", "seats,solo,plan,1", "seats,extra,addon,5", "sso,solo,plan,")
	for _, getenv := range []func(string) string{environment(server), noEnvironment} {
		var out bytes.Buffer
		report := filepath.Join(t.TempDir(), "report.csv")
		require.NoError(t, run(t.Context(), []string{"-dry-run", "-batch", "2", "-report", report, changes}, getenv, &out, io.Discard))
		require.NoFileExists(t, report)
		require.Equal(t, "seats: upsert 2\nseats: upsert 1\nsso: remove 1\n4 lines in 3 calls. Nothing was sent.\n", out.String())
	}
	require.Empty(t, server.Requests())
}

func TestAllInvalidLinesAreReportedAndNothingIsSent(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	changes := file(t,
		"feature_id,item_id,item_type,value",
		"seats,team,plan,20",
		",team,plan,20",
		"seats,team,,",
		"seats,solo,plan",
		`seats,so"lo,plan,1`,
		"seats,solo,plan, 1")
	err := run(t.Context(), []string{changes}, environment(server), io.Discard, io.Discard)
	require.EqualError(t, err, changes+`: nothing was sent:
line 3: feature_id must not be empty
line 4: same feature and item as line 2
line 5: has 3 fields instead of feature_id,item_id,item_type,value
line 6: bare " in non-quoted-field
line 7: value must not begin or end with a space`)
	require.Empty(t, server.Requests())
}

func TestRejectedLinesAreReportedAndTheRestIsApplied(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	changes := file(t,
		"seats,team,plan,20",
		"seats,unknown,plan,5",
		"seats,solo,plan,7",
		"seats,extra,addon,5",
		"nowhere,team,plan,1",
		"nowhere,solo,plan,1",
		"sso,team,plan,available")
	var out bytes.Buffer
	err := run(t.Context(), []string{"-rate", "0", changes}, environment(server), &out, io.Discard)
	require.EqualError(t, err, "not known to be applied: 4 of 7 lines")
	const call = "chargebee: POST /features/{feature-id}/item_entitlements: "
	require.Equal(t, "line,feature_id,item_id,item_type,value,outcome,reason\n"+
		"1,seats,team,plan,20,applied,\n"+
		"2,seats,unknown,plan,5,rejected,"+call+"404 resource_not_found: The item is not present (param item_entitlements[item_id][1])\n"+
		"3,seats,solo,plan,7,rejected,\""+call+"400 param_wrong_value: item_entitlements[value][1]: must be one of 1, 5, 20 (param item_entitlements[value][1])\"\n"+
		"4,seats,extra,addon,5,applied,\n"+
		"5,nowhere,team,plan,1,rejected,"+call+"404 resource_not_found: The feature is not present\n"+
		"6,nowhere,solo,plan,1,rejected,"+call+"404 resource_not_found: The feature is not present\n"+
		"7,sso,team,plan,available,applied,\n", out.String())
	require.Len(t, server.ItemEntitlements("seats"), 2)
	require.Len(t, server.ItemEntitlements("sso"), 1)
}

func TestAWrongKeyStopsTheRun(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	getenv := func(name string) string {
		if name == "CHARGEBEE_API_KEY" {
			return "another_key"
		}
		return environment(server)(name)
	}
	var out bytes.Buffer
	err := run(t.Context(), []string{"-concurrency", "1", file(t, "seats,team,plan,20", "sso,team,plan,available")}, getenv, &out, io.Discard)
	require.ErrorIs(t, err, chargebee.ErrAPIAuthenticationFailed)
	require.Len(t, server.Requests(), 1)
	require.Contains(t, out.String(), "\n1,seats,team,plan,20,not processed,")
	require.Contains(t, out.String(), "\n2,sso,team,plan,available,not processed,the run was stopped\n")
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

func TestAnUnwritableReportFailsBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	report := filepath.Join(t.TempDir(), "no folder", "report.csv")
	err := run(t.Context(), []string{"-report", report, file(t, "seats,team,plan,20")}, environment(server), io.Discard, io.Discard)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "-report "+report+": ")
	require.Empty(t, server.Requests())
}

func TestEveryOutcomeIsUnknownDuringTheRun(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	report := filepath.Join(t.TempDir(), "report.csv")
	seen := ""
	observed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = read(t, report)
		server.ServeHTTP(w, r)
	}))
	defer observed.Close()
	require.NoError(t, run(t.Context(), []string{"-report", report, file(t, "seats,team,plan,20")}, environmentAt(observed.URL, server), io.Discard, io.Discard))
	require.Equal(t, "line,feature_id,item_id,item_type,value,outcome,reason\n1,seats,team,plan,20,unknown,the run has not finished\n", seen)
	require.Equal(t, "line,feature_id,item_id,item_type,value,outcome,reason\n1,seats,team,plan,20,applied,\n", read(t, report))
	left, err := os.ReadDir(filepath.Dir(report))
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func TestInvalidArgumentsAreRejected(t *testing.T) {
	t.Parallel()
	changes := file(t, "seats,team,plan,20")
	site := func(name string) string {
		return map[string]string{"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "key"}[name]
	}
	long := file(t, strings.Split(strings.TrimSpace(manyLines(26)), "\n")...)
	baseURLOnly := func(name string) string {
		return map[string]string{"CHARGEBEE_BASE_URL": "http://127.0.0.1:1/api/v2"}[name]
	}
	noAPIKey := func(name string) string { return map[string]string{"CHARGEBEE_SITE": "acme-test"}[name] }
	for name, test := range map[string]struct {
		args   []string
		getenv func(string) string
		want   string
	}{
		"an empty file name":         {[]string{""}, noEnvironment, "the name of the file is empty"},
		"an empty run id":            {[]string{"-run-id", "", changes}, noEnvironment, `invalid value "" for flag -run-id: must not be empty`},
		"a base URL without a site":  {[]string{changes}, baseURLOnly, "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY"},
		"a run that takes too long":  {[]string{"-batch", "1", "-rate", "1", long}, noEnvironment, "26 calls at 1 a minute would take 26 minutes, but a run may take at most 25: split the file, or change -batch or -rate"},
		"two files":                  {[]string{changes, "another.csv"}, noEnvironment, "unknown argument: another.csv; flags come before the file"},
		"a batch of zero":            {[]string{"-batch", "0", changes}, noEnvironment, "-batch and -concurrency must be at least 1"},
		"a concurrency of zero":      {[]string{"-concurrency", "0", changes}, noEnvironment, "-batch and -concurrency must be at least 1"},
		"a negative rate":            {[]string{"-rate", "-1", changes}, noEnvironment, "-rate must not be negative"},
		"a site without its key":     {[]string{changes}, noAPIKey, "a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY"},
		"a real site without a file": {nil, site, "a real site needs a file; see -help"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, run(t.Context(), test.args, test.getenv, io.Discard, io.Discard), test.want)
		})
	}
	require.ErrorIs(t, run(t.Context(), []string{"no such file.csv"}, noEnvironment, io.Discard, io.Discard), os.ErrNotExist)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	defaults, err := parse(nil)
	require.NoError(t, err)
	another, err := parse(nil)
	require.NoError(t, err)
	require.NotEqual(t, defaults.runID, another.runID)
	require.GreaterOrEqual(t, len(defaults.runID), 26) // 128 random bits
	defaults.runID = ""
	require.Equal(t, settings{batch: 100, concurrency: 4, rate: 150}, defaults)

	given, err := parse([]string{"-run-id", "monday", "-report", "r.csv", "-batch", "7", "-concurrency", "3", "-rate", "20", "-dry-run", "changes.csv"})
	require.NoError(t, err)
	require.Equal(t, settings{
		file: "changes.csv", runID: "monday", resumed: true, report: "r.csv", batch: 7, concurrency: 3, rate: 20, dryRun: true,
	}, given)
}

func TestAPlanMustFinishWhileItsKeysAreValid(t *testing.T) {
	t.Parallel()
	all, err := readChanges(strings.NewReader(manyLines(50)))
	require.NoError(t, err)
	plan := newPlan(all, 1)
	require.NoError(t, plan.checkDuration(2))
	require.NoError(t, plan.checkDuration(0))
	require.EqualError(t, newPlan(all[:26], 1).checkDuration(1), "26 calls at 1 a minute would take 26 minutes, but a run may take at most 25: split the file, or change -batch or -rate")
}

func TestTheReportOverwritesNeitherTheInputNorSpecialFiles(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	changes := file(t, "seats,team,plan,20")
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(changes, link))
	for path, want := range map[string]string{
		changes:     "-report " + changes + ": this is the input file",
		link:        "-report " + link + ": not a regular file",
		t.TempDir(): "not a regular file",
	} {
		require.ErrorContains(t, run(t.Context(), []string{"-report", path, changes}, environment(server), io.Discard, io.Discard), want)
	}
	require.Equal(t, "seats,team,plan,20\n", read(t, changes))
	require.Empty(t, server.Requests())
}

// failingWriter fails every write.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAFailureToWriteTheReportIsAnError(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	err := run(t.Context(), []string{file(t, "seats,team,plan,20")}, environment(server), failingWriter{}, io.Discard)
	require.ErrorIs(t, err, io.ErrClosedPipe)

	folder := t.TempDir()
	observed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = os.RemoveAll(folder)
		server.ServeHTTP(w, r)
	}))
	defer observed.Close()
	err = run(t.Context(), []string{"-report", filepath.Join(folder, "report.csv"), file(t, "seats,team,plan,20")}, environmentAt(observed.URL, server), io.Discard, io.Discard)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAReportKeepsThePermissionsOfTheFileItReplaces(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	report := filepath.Join(t.TempDir(), "report.csv")
	require.NoError(t, os.WriteFile(report, nil, 0o640))
	require.NoError(t, run(t.Context(), []string{"-report", report, file(t, "seats,team,plan,20")}, environment(server), io.Discard, io.Discard))
	info, err := os.Stat(report)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode())
}

func TestTheEmbeddedEmulatorHasTheFeaturesAndItemsOfTheFile(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	changes := file(t, "größe,a,addon,7", "größe,b,,x", "other,a,plan,1")
	require.Error(t, run(t.Context(), []string{"-rate", "0", changes}, noEnvironment, &out, io.Discard))
	require.Contains(t, out.String(), "\n1,größe,a,addon,7,applied,\n2,größe,b,,x,applied,\n3,other,a,plan,1,rejected,")

	err := run(t.Context(), []string{file(t, strings.Repeat("f", 51)+",a,plan,1")}, noEnvironment, io.Discard, io.Discard)
	require.ErrorContains(t, err, "must have an ID of 1 to 50 characters")
}

func TestARunInterruptedBeforeItStartsSendsNothing(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, progress bytes.Buffer
	err := run(ctx, []string{"-run-id", "monday", file(t, "seats,team,plan,20")}, environment(server), &out, &progress)
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, strings.HasSuffix(progress.String(),
		"\nTo resume, use the same file and -batch, and -run-id monday, within 30 minutes of its first run.\n"), progress.String())
	require.Contains(t, out.String(), "\n1,seats,team,plan,20,unknown,\"not processed by this run, but possibly by an earlier one: the run was stopped\"\n")
	require.Empty(t, server.Requests())
}
