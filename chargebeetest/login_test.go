package chargebeetest_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

const (
	returnURL = "https://app.example.com/return/state-1?lang=de;x&b=%zz"
	cancelURL = "https://app.example.com/canceled"
)

// loginPage returns the login page.
func loginPage(t *testing.T, server *chargebeetest.Server, returnURL, cancelURL string) string {
	t.Helper()
	query := url.Values{"return_url": {returnURL}, "cancel_url": {cancelURL}}.Encode()
	w := serve(server, "GET", server.LoginURL+"?"+query, nil)
	require.Equal(t, 200, w.Code)
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
	return w.Body.String()
}

// submitLogin submits the form of the login page.
func submitLogin(server *chargebeetest.Server, form url.Values) *httptest.ResponseRecorder {
	return serve(server, "POST", server.LoginURL, strings.NewReader(form.Encode()))
}

func TestLoginRedirectsToTheReturnURLWithASession(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	require.NoError(t, server.AddCustomer("zoe"))
	require.NoError(t, server.AddCustomer(`<b>"max"`))
	page := loginPage(t, server, returnURL, cancelURL)
	require.Contains(t, page, `<button name="customer_id" value="zoe">zoe</button>`)
	require.Contains(t, page, `value="&lt;b&gt;&#34;max&#34;">&lt;b&gt;&#34;max&#34;</button>`)
	require.Contains(t, page, `<input type="hidden" name="return_url" value="https://app.example.com/return/state-1?lang=de;x&amp;b=%zz">`)
	require.Contains(t, page, "Cancel</button>")

	w := submitLogin(server, url.Values{"return_url": {returnURL}, "cancel_url": {cancelURL}, "customer_id": {"zoe"}})
	require.Equal(t, 303, w.Code)
	require.True(t, strings.HasPrefix(w.Header().Get("Location"), returnURL+"&auth_session_id="), w.Header().Get("Location"))
	location, err := w.Result().Location()
	require.NoError(t, err)
	login, err := chargebee.ParseReturnURL(location)
	require.NoError(t, err)
	activated, err := activate(t, client, login)
	require.NoError(t, err)
	require.Equal(t, "zoe", activated.PortalSession.CustomerID)
	require.Len(t, server.Requests(), 1) // without those of the login page
}

func TestCancelRedirectsToTheCancelURL(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	w := submitLogin(server, url.Values{"return_url": {returnURL}, "cancel_url": {cancelURL}, "cancel": {"yes"}})
	require.Equal(t, 303, w.Code)
	require.Equal(t, cancelURL, w.Header().Get("Location"))

	page := loginPage(t, server, returnURL, "")
	require.Contains(t, page, "There are no customers. Add one with AddCustomer.")
	require.NotContains(t, page, "Cancel</button>")
}

func TestLoginPageRejectsInvalidForms(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	require.NoError(t, server.AddCustomer("zoe"))
	for name, form := range map[string]url.Values{
		"no return_url":             {"customer_id": {"zoe"}},
		"relative return_url":       {"customer_id": {"zoe"}, "return_url": {"/return"}},
		"return_url without a host": {"customer_id": {"zoe"}, "return_url": {"https:///return"}},
		"script as return_url":      {"customer_id": {"zoe"}, "return_url": {"javascript:alert(1)"}},
		"relative cancel_url":       {"cancel": {"yes"}, "return_url": {returnURL}, "cancel_url": {"//example.com"}},
		"cancel without cancel_url": {"cancel": {"yes"}, "return_url": {returnURL}},
		"form of more than 64 KiB":  {"customer_id": {"zoe"}, "return_url": {returnURL}, "note": {strings.Repeat("a", 64<<10)}},
		"unknown customer":          {"customer_id": {"max"}, "return_url": {returnURL}},
	} {
		w := submitLogin(server, form)
		require.Equal(t, 400, w.Code, name)
		require.Empty(t, w.Header().Get("Location"), name)
	}
}
