package chargebeetest_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestSiteAndAPIKeyAreThoseOfTheOptions(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, chargebeetest.WithSite("acme-test"), chargebeetest.WithAPIKey("test_acme"))
	require.Equal(t, "acme-test", server.Site)
	require.Equal(t, "test_acme", server.APIKey)
	_, err := activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
	session, _ := server.PortalSession(server.AddPortalSession("zoe").SessionID)
	require.Equal(t, "https://acme-test.chargebeeportal.com/portal/login", session.RedirectURL)
	w := serve(server, "GET", "/api/v2/features", nil, "Authorization", basicAuth("test_another:"))
	require.Equal(t, 401, w.Code)
}

func TestEmptySiteAndAPIKeyMeanTheDefaults(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t, chargebeetest.WithSite(""), chargebeetest.WithAPIKey(""))
	require.Equal(t, "emulator-test", server.Site)
	require.Regexp(t, "^test_[A-Z2-7]{26}$", server.APIKey)
}

func TestNewClientReportsInvalidSiteAndAPIKey(t *testing.T) {
	t.Parallel()
	for field, option := range map[string]chargebeetest.Option{
		"site": chargebeetest.WithSite("acme.test"), "apiKey": chargebeetest.WithAPIKey("a key"),
	} {
		server := chargebeetest.NewServer(option)
		t.Cleanup(server.Close)
		_, err := server.NewClient()
		var paramErr *chargebee.ParamError
		require.ErrorAs(t, err, &paramErr)
		require.Equal(t, field, paramErr.Field)
	}
}

func TestURLsBeginWithThePublicURL(t *testing.T) {
	t.Parallel()
	for given, root := range map[string]string{
		"http://chargebee:8080":                  "http://chargebee:8080",
		"http://chargebee:8080/":                 "http://chargebee:8080",
		"http://chargebee:8080/api/v2/":          "http://chargebee:8080",
		"https://acme-test.chargebee.example":    "https://acme-test.chargebee.example",
		"https://acme-test.chargebee.com/api/v2": "https://acme-test.chargebee.com",
		"http://[2001:db8::7]:8080":              "http://[2001:db8::7]:8080",
		"https://dev.example.com/chargebee":      "https://dev.example.com/chargebee",
	} {
		server, client := newServer(t, chargebeetest.WithPublicURL(given))
		require.Equal(t, root+"/api/v2", server.URL)
		require.Equal(t, root+"/portal/login", server.LoginURL)
		created, err := client.PortalSessions.CreatePortalSession(t.Context(), chargebee.CreatePortalSessionParams{CustomerID: "zoe"})
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(created.PortalSession.AccessURL, root+"/portal/access/"), given)
	}
}

func TestPublicURLThatIsNotAWebURLHasNoEffect(t *testing.T) {
	t.Parallel()
	for _, given := range []string{
		"", "/", "chargebee:8080", "ftp://chargebee", "http://", "http://user:password@chargebee", "http://chargebee?", "http://chargebee/#a", "http://a b",
	} {
		server, _ := newServer(t, chargebeetest.WithPublicURL(given))
		require.Regexp(t, `^http://127\.0\.0\.1:\d+/api/v2$`, server.URL, given)
	}
}

func TestClientOfAServerWithAPublicURLTrustsItsCertificate(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, chargebeetest.WithPublicURL("https://chargebee.example"), chargebeetest.WithTLS())
	_, err := activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
}

func TestServerWithoutAListenerServesInMemory(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, chargebeetest.WithoutListener())
	require.Equal(t, "http://127.0.0.1:0/api/v2", server.URL)
	_, err := activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
	server.Close()
	_, err = activate(t, client, server.AddPortalSession("zoe"))
	require.ErrorContains(t, err, "the server is closed")
}

func TestTheLaterOfListenerAndWithoutListenerApplies(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t, chargebeetest.WithoutListener(), chargebeetest.WithListener(nil))
	require.NotEqual(t, "http://127.0.0.1:0/api/v2", server.URL)
	server, _ = newServer(t, chargebeetest.WithListener(nil), chargebeetest.WithoutListener())
	require.Equal(t, "http://127.0.0.1:0/api/v2", server.URL)
}

// An HTTP server of one's own sends what the connections of the server send.
func TestHandlerOfAnotherHTTPServerBehavesLikeTheServer(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t, chargebeetest.WithoutListener())
	own := httptest.NewServer(server)
	defer own.Close()
	for _, wanted := range []struct{ present, absent string }{
		{absent: "\r\nchargebee-idempotency-replayed: "},
		{present: "\r\nchargebee-idempotency-replayed: true\r\n", absent: "Chargebee-Idempotency-Replayed"},
	} {
		received := exchange(t, own.URL, server.APIKey)
		require.Contains(t, received, "HTTP/1.1 200 OK\r\n")
		require.Contains(t, received, wanted.present)
		require.NotContains(t, received, wanted.absent)
	}
	server.Inject(chargebeetest.Fault{Cut: chargebeetest.CutAfter})
	require.Empty(t, exchange(t, own.URL, server.APIKey))
}

func TestHTTPServerWithTheTLSConfigHasTheCertificate(t *testing.T) {
	t.Parallel()
	server, client := newServer(t, chargebeetest.WithTLS())
	own := httptest.NewUnstartedServer(server)
	own.TLS = server.TLSConfig.Clone()
	own.StartTLS()
	defer own.Close()
	require.Equal(t, server.TLSConfig.Certificates[0].Certificate[0], own.Certificate().Raw)
	_, err := activate(t, client, server.AddPortalSession("zoe"))
	require.NoError(t, err)
	plain, _ := newServer(t)
	require.Nil(t, plain.TLSConfig)
}

func TestOnlyTheLastRequestsAreStored(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		maximum int
		paths   []string
	}{
		{-1, nil},
		{0, nil},
		{1, []string{"/api/v2/4"}},
		{3, []string{"/api/v2/2", "/api/v2/3", "/api/v2/4"}},
		{9, []string{"/api/v2/0", "/api/v2/1", "/api/v2/2", "/api/v2/3", "/api/v2/4"}},
	} {
		server, _ := newServer(t, chargebeetest.WithRecentRequests(test.maximum))
		for i := range 5 {
			serve(server, http.MethodGet, "/api/v2/"+strconv.Itoa(i), nil)
		}
		require.Equal(t, test.maximum <= 0, server.Requests() == nil)
		var paths []string
		for _, r := range server.Requests() {
			paths = append(paths, r.Path)
		}
		require.Equal(t, test.paths, paths)
		server.ClearRequests()
		require.Empty(t, server.Requests())
	}
}
