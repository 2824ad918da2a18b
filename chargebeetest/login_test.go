package chargebeetest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

const returnURL, cancelURL = "https://app.example.com/return/state-1?lang=de;x&b=%zz", "https://app.example.com/cancelled"

func visitLogin(t *testing.T, server *chargebeetest.Server, returnURL, cancelURL string) string {
	t.Helper()
	resp, err := http.Get(server.LoginURL + "?" + url.Values{"return_url": {returnURL}, "cancel_url": {cancelURL}}.Encode())
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(page)
}

func submitLogin(server *chargebeetest.Server, form url.Values) *http.Response {
	r := httptest.NewRequest(http.MethodPost, server.LoginURL, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	return w.Result()
}

func TestACustomerLogsInAndIsSentBackWithASession(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	require.NoError(t, server.AddCustomer("zoe"))
	require.NoError(t, server.AddCustomer(`<b>"max"`))
	page := visitLogin(t, server, returnURL, cancelURL)
	require.Contains(t, page, `<button name="customer_id" value="zoe">zoe</button>`)
	require.Contains(t, page, `value="&lt;b&gt;&#34;max&#34;">&lt;b&gt;&#34;max&#34;</button>`)
	require.Contains(t, page, `<input type="hidden" name="return_url" value="https://app.example.com/return/state-1?lang=de;x&amp;b=%zz">`)
	require.Contains(t, page, "Cancel</button>")

	resp := submitLogin(server, url.Values{"return_url": {returnURL}, "cancel_url": {cancelURL}, "customer_id": {"zoe"}})
	require.Equal(t, 303, resp.StatusCode)
	back, err := resp.Location()
	require.NoError(t, err)
	require.Equal(t, "https://app.example.com/return/state-1", strings.TrimSuffix(back.String(), "?"+back.RawQuery))
	require.Equal(t, "lang=de;x&b=%zz&auth_session_id=", back.RawQuery[:len("lang=de;x&b=%zz&auth_session_id=")])
	login, err := chargebee.ParseReturnURL(back)
	require.NoError(t, err)
	activated, err := activate(t, client, login)
	require.NoError(t, err)
	require.Equal(t, "zoe", activated.PortalSession.CustomerID)
	require.Len(t, server.Requests(), 1) // of the API, that is
}

func TestACancelledLoginGoesBackWithoutASession(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	resp := submitLogin(server, url.Values{"return_url": {returnURL}, "cancel_url": {cancelURL}, "cancel": {"yes"}})
	require.Equal(t, 303, resp.StatusCode)
	require.Equal(t, cancelURL, resp.Header.Get("Location"))

	page := visitLogin(t, server, returnURL, "")
	require.Contains(t, page, "There are no customers. Add one with AddCustomer.")
	require.NotContains(t, page, "Cancel</button>")
}

func TestTheLoginPageRefuses(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	require.NoError(t, server.AddCustomer("zoe"))
	for name, form := range map[string]url.Values{
		"no return_url":               {"customer_id": {"zoe"}},
		"a return_url that is none":   {"customer_id": {"zoe"}, "return_url": {"/return"}},
		"a return_url without a host": {"customer_id": {"zoe"}, "return_url": {"https:///return"}},
		"a script as return_url":      {"customer_id": {"zoe"}, "return_url": {"javascript:alert(1)"}},
		"a cancel_url that is none":   {"cancel": {"yes"}, "return_url": {returnURL}, "cancel_url": {"//example.com"}},
		"a cancel without its URL":    {"cancel": {"yes"}, "return_url": {returnURL}},
		"an unknown customer":         {"customer_id": {"max"}, "return_url": {returnURL}},
	} {
		resp := submitLogin(server, form)
		require.Equal(t, 400, resp.StatusCode, name)
		require.Empty(t, resp.Header.Get("Location"), name)
	}
}

func TestACustomerIsAddedOnce(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	require.NoError(t, server.AddCustomer("zoe"))
	require.EqualError(t, server.AddCustomer("zoe"), `chargebeetest: customer "zoe" already exists`)
	require.EqualError(t, server.AddCustomer(""), `chargebeetest: customer "" must have an ID of 1 to 50 characters`)
}
