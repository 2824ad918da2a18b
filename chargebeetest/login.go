package chargebeetest

import (
	"html/template"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	chargebee "github.com/typedbee/chargebee-go"
)

const loginPath = "/portal/login"

// pageStyle is the style of the pages for browsers, light or dark as the browser prefers.
const pageStyle = `<meta name="color-scheme" content="light dark">
<style>
	:root { color-scheme: light dark; --page: #fff; --text: #222; --border: #767676 }
	@media (prefers-color-scheme: dark) { :root { --page: #16181c; --text: #e6e6e6; --border: #8e918f } }
	body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 15vh auto; padding: 0 1rem;
		background: var(--page); color: var(--text); overflow-wrap: anywhere }
	h1 { line-height: 1.2 }
	button { font: inherit; display: block; box-sizing: border-box; width: 100%; padding: .6rem 1rem; margin: .6rem 0;
		text-align: left; overflow-wrap: anywhere; cursor: pointer;
		background: var(--page); color: var(--text); border: 1px solid var(--border); border-radius: .4rem }
	button.cancel { border-color: transparent; text-decoration: underline }
	:focus-visible { outline: 3px solid var(--text); outline-offset: 2px }
</style>
`

// loginData is the data of the login page.
type loginData struct {
	Site, ReturnURL, CancelURL string
	Customers                  []string
}

const loginTemplate = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Log in to {{.Site}}</title>
` + pageStyle + `<h1>Log in to {{.Site}}</h1>
<p>chargebeetest emulates Chargebee's hosted login page. Choose a customer to log in.</p>
<form method="post">
	<input type="hidden" name="return_url" value="{{.ReturnURL}}">
	<input type="hidden" name="cancel_url" value="{{.CancelURL}}">
	{{- range .Customers}}
	<button name="customer_id" value="{{.}}">{{.}}</button>
	{{- else}}
	<p>There are no customers. Add one with AddCustomer.</p>
	{{- end}}
	{{- if .CancelURL}}
	<button class="cancel" name="cancel" value="yes">Cancel</button>
	{{- end}}
</form>
</html>
`

// serveLogin serves the login page. GET lists the customers. POST logs a customer
// in and redirects to return_url, or cancels and redirects to cancel_url.
func (s *Server) serveLogin(w http.ResponseWriter, r *http.Request) {
	setPageHeaders(w.Header())
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	data := loginData{s.Site, r.FormValue("return_url"), r.FormValue("cancel_url"), s.customerIDs()}
	customer := r.PostFormValue("customer_id")
	switch {
	case !isWebURL(data.ReturnURL) || data.CancelURL != "" && !isWebURL(data.CancelURL):
		http.Error(w, "return_url and, if present, cancel_url must be absolute http or https URLs", http.StatusBadRequest)
	case r.Method != http.MethodPost:
		writeLoginPage(w, data)
	case r.PostFormValue("cancel") != "" && data.CancelURL != "":
		http.Redirect(w, r, data.CancelURL, http.StatusSeeOther)
	case slices.Contains(data.Customers, customer):
		http.Redirect(w, r, withSession(data.ReturnURL, s.addHostedLogin(customer, remoteIP(r))), http.StatusSeeOther)
	default:
		http.Error(w, "The customer does not exist", http.StatusBadRequest)
	}
}

// setPageHeaders keeps a page that may have a token in its address or its form out
// of caches and of Referer headers.
func setPageHeaders(header http.Header) {
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
}

// remoteIP returns the IP address of the browser.
func remoteIP(r *http.Request) string {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return ip
}

func writeLoginPage(w http.ResponseWriter, data loginData) {
	page := template.Must(template.New("login").Parse(loginTemplate))
	_ = page.Execute(w, data) // fails only if the browser has disconnected
}

// isWebURL reports whether the text is an absolute http or https URL.
func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// withSession appends the parameters that Chargebee appends to a return URL.
func withSession(returnURL string, login chargebee.PortalReturn) string {
	u, _ := url.Parse(returnURL) // cannot fail after isWebURL
	appended := url.Values{"auth_session_id": {login.SessionID}, "auth_session_token": {login.Token}}.Encode()
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+appended, "&")
	return u.String()
}
