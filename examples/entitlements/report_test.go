package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

func TestTheReportHasTheOutcomeOfEachChange(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"report.csv": `line,action,feature_id,entity_id,entity_type,before,after,outcome,reason
2,add,seats,team,plan,,20,not applied,chargebee: POST /entitlements: 400 param_wrong_value: not today (param entitlements[value][0])
3,change,seats,solo,plan,1,5,applied,
,remove,seats,old,plan,5,,applied,
`,
		"report.json": `[
  {
    "action": "add",
    "line": 2,
    "feature_id": "seats",
    "entity_id": "team",
    "entity_type": "plan",
    "after": "20",
    "outcome": "not applied",
    "reason": "chargebee: POST /entitlements: 400 param_wrong_value: not today (param entitlements[value][0])"
  },
  {
    "action": "change",
    "line": 3,
    "feature_id": "seats",
    "entity_id": "solo",
    "entity_type": "plan",
    "before": "1",
    "after": "5",
    "outcome": "applied"
  },
  {
    "action": "remove",
    "feature_id": "seats",
    "entity_id": "old",
    "entity_type": "plan",
    "before": "5",
    "outcome": "applied"
  }
]
`,
	} {
		server := newServer(t)
		setEntitlement(t, server, chargebee.ActionUpsert, "seats", "solo", "1")
		setEntitlement(t, server, chargebee.ActionUpsert, "seats", "old", "5")
		server.Inject(chargebeetest.Fault{Route: "/entitlements"}, chargebeetest.Fault{Route: "/entitlements"}) // the reading and the removal
		server.Inject(chargebeetest.Fault{Route: "/entitlements", Status: 400,
			Body: `{"message":"not today","api_error_code":"param_wrong_value","param":"entitlements[value][0]"}`})
		report := filepath.Join(t.TempDir(), name)
		_, _, err := runProgram(t, environment(server), nil, "apply", "-prune", "-yes", "-concurrency", "1", "-report", report,
			writeFile(t, "seats,team,plan,20", "seats,solo,plan,5"))
		require.ErrorContains(t, err, "not verified: 1 of 3 changes")
		require.Equal(t, want, readFile(t, report))
	}
}

func TestAReportOfNoChangesIsEmpty(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	setEntitlement(t, server, chargebee.ActionUpsert, "seats", "team", "20")
	for name, want := range map[string]string{
		"report.csv":  "line,action,feature_id,entity_id,entity_type,before,after,outcome,reason\n",
		"report.JSON": "[]\n",
	} {
		report := filepath.Join(t.TempDir(), name)
		_, _, err := runProgram(t, environment(server), nil, "apply", "-report", report, writeFile(t, "seats,team,plan,20"))
		require.NoError(t, err)
		require.Equal(t, want, readFile(t, report))
	}
}

func TestEveryOutcomeIsUnknownDuringTheRun(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	report := filepath.Join(t.TempDir(), "report.csv")
	var during string
	observed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			text, _ := os.ReadFile(report)
			during = string(text)
		}
		server.ServeHTTP(w, r)
	}))
	defer observed.Close()
	getenv := func(name string) string {
		if name == "CHARGEBEE_BASE_URL" {
			return observed.URL + "/api/v2"
		}
		return environment(server)(name)
	}
	_, _, err := runProgram(t, getenv, nil, "apply", "-report", report, writeFile(t, "seats,team,plan,20"))
	require.NoError(t, err)
	require.Equal(t, `line,action,feature_id,entity_id,entity_type,before,after,outcome,reason
2,add,seats,team,plan,,20,unknown,the run has not finished
`, during)
	require.Contains(t, readFile(t, report), "2,add,seats,team,plan,,20,applied,\n")
}

func TestAnUnwritableReportFailsBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	catalog := writeFile(t, "seats,team,plan,20")
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(catalog, link))
	for path, want := range map[string]string{
		catalog:     "-report " + catalog + " is the input file",
		link:        "-report " + link + ": replace " + link + ": not a regular file",
		t.TempDir(): "not a regular file",
		filepath.Join(t.TempDir(), "missing", "report.csv"): "no such file or directory",
	} {
		_, _, err := runProgram(t, environment(server), nil, "apply", "-report", path, catalog)
		require.ErrorContains(t, err, "nothing was changed: -report ")
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, header+"seats,team,plan,20\n", readFile(t, catalog))
	require.Empty(t, posts(t, server))
}

func TestAReportDoesNotReplaceTheFileOnStandardInput(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	catalog := writeFile(t, "seats,team,plan,20")
	input, err := os.Open(catalog)
	require.NoError(t, err)
	defer input.Close()
	process := newProcess(t, server, "apply", "-report", catalog, "-")
	process.Stdin = input
	output, err := process.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(output), "nothing was changed: -report "+catalog+" is the input file\n")
	require.Equal(t, header+"seats,team,plan,20\n", readFile(t, catalog))
	require.Empty(t, posts(t, server))
}

func TestAReportKeepsThePermissionsOfTheFileItReplaces(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	report := filepath.Join(t.TempDir(), "report.csv")
	require.NoError(t, os.WriteFile(report, nil, 0o640))
	_, _, err := runProgram(t, environment(server), nil, "apply", "-report", report, writeFile(t, "seats,team,plan,20"))
	require.NoError(t, err)
	info, err := os.Stat(report)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode())
}

func TestAReportThatCannotBeWrittenAtTheEndIsAnError(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	folder := filepath.Join(t.TempDir(), "reports")
	require.NoError(t, os.Mkdir(folder, 0o700))
	client, err := server.NewClient(append(options(context.WithoutCancel(t.Context()), 0),
		chargebee.WithObserver(func(_ context.Context, a chargebee.Attempt) {
			if a.Method == http.MethodPost {
				_ = os.RemoveAll(folder)
			}
		}))...)
	require.NoError(t, err)
	catalog, err := parseCatalog([]byte(header + "seats,team,plan,20\n"))
	require.NoError(t, err)
	r := newTestRun(server)
	r.settings.report = filepath.Join(folder, "report.csv")
	err = apply(t.Context(), streams{nil, &r.out, &r.err, false}, r.settings, newAPI("acme-test", client, false), catalog)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Contains(t, r.out.String(), "Verified: acme-test matches the file. Changes: 1.\n")
}

func TestTheReportOfARunThatIsNotVerifiedSaysWhatWasAccepted(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.Inject(chargebeetest.Fault{Route: "/features"}, // the first reading
		chargebeetest.Fault{Route: "/features", Status: 403, Body: `{"api_error_code":"api_authorization_failed"}`})
	report := filepath.Join(t.TempDir(), "report.csv")
	_, _, err := runProgram(t, environment(server), nil, "apply", "-report", report, writeFile(t, "seats,team,plan,20"))
	require.ErrorIs(t, err, chargebee.ErrAPIAuthorizationFailed)
	require.Contains(t, readFile(t, report), "2,add,seats,team,plan,,20,accepted,\n")
}
