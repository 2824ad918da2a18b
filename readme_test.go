package chargebee_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// What README.md and docs/*.md say about the functions that they show.

func TestWaitsOfSeatsJobTakeAboutAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := newFakeTransport(respond(503, "<html>"))
		start := time.Now()
		runAgain, err := runSeatsJob(t.Context(), newClient(t, transport), "job-17")
		require.ErrorContains(t, err, "503")
		require.True(t, runAgain)
		require.Len(t, transport.requests, 12)
		require.GreaterOrEqual(t, time.Since(start), 31*time.Second+750*time.Millisecond)
		require.LessOrEqual(t, time.Since(start), 63*time.Second+500*time.Millisecond)
	})
}

func TestSeatsJobThatRunsAgainIsAppliedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := chargebeetest.RunT(t)
		require.NoError(t, server.AddFeature(chargebeetest.Feature{ID: "seats", Type: chargebeetest.FeatureTypeQuantity}))
		server.Inject(chargebeetest.Fault{Cut: chargebeetest.CutAfter})
		for range 11 {
			server.Inject(chargebeetest.Fault{Status: 503, Body: `{"message":"m"}`})
		}
		runAgain, err := runSeatsJob(t.Context(), client, "job-17")
		require.ErrorContains(t, err, "outcome unknown, idempotency key job-17")
		require.True(t, runAgain)
		require.NoError(t, server.SetEntitlement(seatsOfTeam("30"))) // by someone else

		runAgain, err = runSeatsJob(t.Context(), client, "job-17") // within 30 minutes: a replay
		require.NoError(t, err)
		require.False(t, runAgain)
		require.Equal(t, "30", server.Entitlements("seats")[0].Value)

		time.Sleep(31 * time.Minute) // the key has expired: a new change
		_, err = runSeatsJob(t.Context(), client, "job-17")
		require.NoError(t, err)
		require.Equal(t, "20", server.Entitlements("seats")[0].Value)
	})
}

func TestReturnIsAdmittedOnlyInTheBrowserThatBeganTheLogin(t *testing.T) {
	t.Parallel()
	began := httptest.NewRecorder()
	loginHandler("acme-test.chargebeeportal.com")(began, httptest.NewRequest(http.MethodGet, "/login", nil))
	require.Equal(t, http.StatusSeeOther, began.Code)
	loginURL, err := url.Parse(began.Header().Get("Location"))
	require.NoError(t, err)
	require.Equal(t, "https://acme-test.chargebeeportal.com/portal/login", loginURL.Scheme+"://"+loginURL.Host+loginURL.Path)
	returnURL := loginURL.Query().Get("return_url")
	require.Regexp(t, `^https://app\.example\.com/return/[A-Z2-7]{26}$`, returnURL)
	cookie := began.Result().Cookies()[0]
	require.Equal(t, "__Host-login-"+path.Base(returnURL)+"=1; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax", cookie.String())

	mux := http.NewServeMux()
	mux.HandleFunc("GET /return/{state}", requireState(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})))
	visit := func(method, target string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, nil)
		for _, cookie := range cookies {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	require.Equal(t, http.StatusForbidden, visit(http.MethodGet, returnURL).Code)
	require.Equal(t, http.StatusForbidden, visit(http.MethodGet, "/return/another", cookie).Code)
	require.Equal(t, http.StatusForbidden, visit(http.MethodHead, returnURL, cookie).Code)
	admitted := visit(http.MethodGet, returnURL, cookie)
	require.Equal(t, http.StatusNoContent, admitted.Code)
	require.Equal(t, cookie.Name+"=; Path=/; Max-Age=0; HttpOnly; Secure", admitted.Result().Cookies()[0].String())
}

func TestLoginHandlerRespondsWithTryAgainLaterForAnInvalidHost(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	loginHandler("https://acme")(w, httptest.NewRequest(http.MethodGet, "/login", nil))
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Empty(t, w.Result().Cookies())
}

func TestPortalHandlerRespondsWithTryAgainLaterWhenChargebeeFails(t *testing.T) {
	t.Parallel()
	handler := portalHandler(newClient(t, newFakeTransport(respond(404, `{}`))), func(*http.Request) string { return "zoe" })
	w := httptest.NewRecorder()
	handler(w, httptest.NewRequest(http.MethodPost, "/portal", nil))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
}

func TestFunctionsOfDocsSetEntitlements(t *testing.T) {
	t.Parallel()
	server, client := newSite()
	defer server.Close()
	require.NoError(t, setTeamPlan(t.Context(), client))
	require.Equal(t, "20", server.Entitlements("seats")[0].Value)
	require.Equal(t, "true", server.Entitlements("sso")[0].Value)

	require.NoError(t, server.SetEntitlement(seatsOfTeam("1")))
	require.NoError(t, setSeatsByItemEntitlement(t.Context(), client))
	require.Equal(t, "20", server.Entitlements("seats")[0].Value)

	require.NoError(t, server.SetEntitlement(seatsOfTeam("1")))
	require.NoError(t, setSeatsByEntitlement(t.Context(), client))
	require.Equal(t, "20", server.Entitlements("seats")[0].Value)
}

func seatsOfTeam(value string) chargebee.Entitlement {
	return chargebee.Entitlement{FeatureID: "seats", EntityID: "team", EntityType: chargebee.EntityTypePlan, Value: value}
}
