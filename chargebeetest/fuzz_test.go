package chargebeetest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// site is a server with every kind of resource.
type site struct {
	*chargebeetest.Server
	login  chargebee.PortalReturn  // of a session that is not yet activated
	portal chargebee.PortalSession // of a session that has an access URL
}

func newFullSite(t *testing.T) *site {
	t.Helper()
	server, client := newServer(t, chargebeetest.WithoutListener(), chargebeetest.WithoutRequests())
	addFeatures(t, server,
		chargebeetest.Feature{ID: "sso", Type: chargebeetest.FeatureTypeSwitch},
		chargebeetest.Feature{ID: "old", Type: chargebeetest.FeatureTypeCustom, Status: chargebeetest.FeatureStatusArchived},
		chargebeetest.Feature{ID: "api", Type: chargebeetest.FeatureTypeRange, Levels: []chargebeetest.Level{{Value: "1"}, {Value: "50"}}})
	require.NoError(t, server.SetItemEntitlement(chargebee.ItemEntitlement{FeatureID: "seats", ItemID: "team", Value: "20"}))
	require.NoError(t, server.SetEntitlement(chargebee.Entitlement{FeatureID: "api", EntityID: "team-EUR", EntityType: "plan_price", Value: "7"}))
	portal := create(t, client, chargebee.CreatePortalSessionParams{})
	return &site{server, server.AddPortalSession("zoe"), portal}
}

// send sends a request to the server, or returns false if it is not one of HTTP. SESSION, TOKEN
// and ACCESS stand for what is random.
func (s *site) send(method, target, body string, header ...string) (*httptest.ResponseRecorder, bool) {
	secrets := strings.NewReplacer("SESSION", s.login.SessionID, "TOKEN", s.login.Token, "ACCESS", s.portal.Token)
	r, err := http.NewRequest(method, secrets.Replace(target), strings.NewReader(secrets.Replace(body)))
	if err != nil || !strings.HasPrefix(target, "/") {
		return nil, false
	}
	r.Header.Set("Authorization", basicAuth(s.APIKey+":"))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w, true
}

// state returns everything that a request can change.
func (s *site) state(t *testing.T) string {
	t.Helper()
	session, _ := s.PortalSession(s.login.SessionID)
	portal, _ := s.PortalSession(s.portal.ID)
	state := []any{session, portal, s.StoredKeys()}
	for _, feature := range []string{"seats", "sso", "old", "api"} {
		state = append(state, s.Entitlements(feature), s.ItemEntitlements(feature))
	}
	encoded, err := json.Marshal(state)
	require.NoError(t, err)
	pages := string(encoded)
	for _, target := range []string{"/api/v2/features?limit=100", "/portal/login?return_url=https://example.com/"} { // the latter lists the customers
		w, _ := s.send("GET", target, "")
		require.Equal(t, 200, w.Code)
		pages += w.Body.String()
	}
	return pages
}

// FuzzServer checks that the server responds to any request with JSON and without an internal
// error, that a request which it rejects changes nothing, and that a repeated one has no
// further effect.
func FuzzServer(f *testing.F) {
	const form = "application/x-www-form-urlencoded"
	for _, request := range []struct{ method, target, body string }{
		{"POST", "/api/v2/portal_sessions", "customer[id]=mia&redirect_url=https://example.com"},
		{"POST", "/api/v2/portal_sessions/SESSION/activate", "token=TOKEN"},
		{"POST", "/api/v2/portal_sessions/SESSION/activate", "token=wrong"},
		{"POST", "/api/v2/portal_sessions/SESSION/logout", ""},
		{"GET", "/api/v2/portal_sessions/SESSION", ""},
		{"GET", "/api/v2/features?limit=1&offset=%5B%221%22%5D&id[in]=%5B%22seats%22%5D&name[starts_with]=S&type[is]=switch", ""},
		{"GET", "/api/v2/features/seats", ""},
		{"GET", "/api/v2/features/seats/item_entitlements?limit=100", ""},
		{"POST", "/api/v2/features/seats/item_entitlements", "action=upsert&item_entitlements[item_id][0]=solo&item_entitlements[value][0]=5"},
		{"POST", "/api/v2/features/seats/item_entitlements", "action=remove&item_entitlements[item_id][7]=team&item_entitlements[item_id][8]=none"},
		{"POST", "/api/v2/features/seats/item_entitlements", "action=remove&item_entitlements[item_id][0]=team"},
		{"POST", "/api/v2/entitlements", "action=upsert&entitlements[entity_id][0]=a&entitlements[feature_id][0]=sso&entitlements[value][0]=true&entitlements[entity_type][0]=PLAN"},
		{"POST", "/api/v2/entitlements", "action=remove&entitlements[entity_id][00]=a&entitlements[feature_id][-1]=sso"},
		{"POST", "/api/v2/entitlements", "action=upsert&entitlements[entity_id][0]=team&entitlements[feature_id][0]=api&entitlements[value][0]=50&entitlements[entity_id][1]=team&entitlements[feature_id][1]=api&entitlements[value][1]=51"},
		{"GET", "/api/v2/entitlements?entity_type[in]=[plan,addon]&feature_id[is]=seats&limit=0", ""},
		{"POST", "/portal/login", "return_url=https://example.com&customer_id=zoe"},
		{"GET", "/portal/login?return_url=%zz", ""},
		{"GET", "/portal/access/TOKEN", ""},
		{"GET", "/portal/access/ACCESS", ""},
		{"POST", "/portal/access/ACCESS", ""},
		{"PUT", "/api/v2/features/seats%2F", "%"},
		{"HEAD", "/api/v2/customers?%zz=%", "\xff"},
		{"", "//api/v2//features", "a=1&a=2"},
	} {
		f.Add(request.method, request.target, request.body, form, "key-1")
		f.Add(request.method, request.target, request.body, "text/plain;", "")
	}
	f.Fuzz(func(t *testing.T, method, target, body, contentType, key string) {
		s := newFullSite(t)
		before := s.state(t)
		header := []string{"Content-Type", contentType, "Chargebee-Idempotency-Key", key}
		w, isHTTP := s.send(method, target, body, header...)
		if !isHTTP {
			return
		}
		require.True(t, w.Code >= 200 && w.Code < 500 || w.Code == http.StatusNotImplemented, w.Code)
		after := s.state(t)
		isPage := strings.HasPrefix(w.Header().Get("Content-Type"), "text/") || w.Header().Get("Referrer-Policy") != ""
		if w.Code >= 400 || method != http.MethodPost && !isPage {
			require.Equal(t, before, after)
		}
		if isPage {
			return
		}
		require.True(t, json.Valid(w.Body.Bytes()), w.Body)
		require.Equal(t, "application/json;charset=utf-8", w.Header().Get("Content-Type"))
		if w.Code >= 400 {
			require.Contains(t, w.Body.String(), `"message":"`)
			return
		}
		require.Equal(t, 200, w.Code)
		if method == http.MethodPost && key != "" {
			again, _ := s.send(method, target, body, header...)
			require.Equal(t, w.Body.String(), again.Body.String())
			require.Equal(t, "true", again.Header().Get("Chargebee-Idempotency-Replayed"))
			require.Equal(t, after, s.state(t))
		}
	})
}
