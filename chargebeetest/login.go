package chargebeetest

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	chargebee "github.com/typedbee/chargebee-go"
)

const loginPath = "/portal/login"

// AddCustomer adds a customer who can log in at LoginURL. An ID that is taken,
// empty or longer than 50 characters is an error.
func (s *Server) AddCustomer(customerID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case customerID == "" || isLonger(customerID, 50):
		return fmt.Errorf("chargebeetest: customer %q must have an ID of 1 to 50 characters", customerID)
	case slices.Contains(s.customers, customerID):
		return fmt.Errorf("chargebeetest: customer %q is there already", customerID)
	}
	s.customers = append(s.customers, customerID)
	return nil
}

func (s *Server) allCustomers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.customers)
}

// visit is what a browser brings to the login page.
type visit struct {
	Site, ReturnURL, CancelURL string
	Customers                  []string
}

const loginPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Log in to {{.Site}}</title>
<style>
	body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 15vh auto; padding: 0 1rem; color: #222 }
	button { font: inherit; display: block; width: 100%; padding: .6rem 1rem; margin: .6rem 0; text-align: left; cursor: pointer;
		background: #fff; border: 1px solid #999; border-radius: .4rem }
	button.cancel { border-color: transparent; text-decoration: underline }
</style>
<h1>Log in to {{.Site}}</h1>
<p>This is chargebeetest in the place of Chargebee's hosted portal. Who are you?</p>
<form method="post">
	<input type="hidden" name="return_url" value="{{.ReturnURL}}">
	<input type="hidden" name="cancel_url" value="{{.CancelURL}}">
	{{- range .Customers}}
	<button name="customer_id" value="{{.}}">{{.}}</button>
	{{- else}}
	<p>Nobody has been added with AddCustomer.</p>
	{{- end}}
	{{- if .CancelURL}}
	<button class="cancel" name="cancel" value="yes">Cancel</button>
	{{- end}}
</form>
</html>
`

// serveLogin is the hosted login page. GET shows the customers; POST logs one
// in, or cancels, and sends the browser back to the URL for that.
func (s *Server) serveLogin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	v := visit{s.Site, r.FormValue("return_url"), r.FormValue("cancel_url"), s.allCustomers()}
	customer := r.PostFormValue("customer_id")
	switch {
	case !isWebURL(v.ReturnURL) || v.CancelURL != "" && !isWebURL(v.CancelURL):
		http.Error(w, "return_url must be an absolute http or https URL, and so must cancel_url, if there is one", http.StatusBadRequest)
	case r.Method != http.MethodPost:
		showLogin(w, v)
	case r.PostFormValue("cancel") != "" && v.CancelURL != "":
		http.Redirect(w, r, v.CancelURL, http.StatusSeeOther)
	case slices.Contains(v.Customers, customer):
		http.Redirect(w, r, withSession(v.ReturnURL, s.AddPortalSession(customer)), http.StatusSeeOther)
	default:
		http.Error(w, "There is no such customer", http.StatusBadRequest)
	}
}

func showLogin(w http.ResponseWriter, v visit) {
	page := template.Must(template.New("login").Parse(loginPage))
	_ = page.Execute(w, v) // a browser that has gone needs no page
}

func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// withSession appends what Chargebee appends to a return URL.
func withSession(returnURL string, login chargebee.PortalReturn) string {
	u, err := url.Parse(returnURL)
	if err != nil {
		return returnURL
	}
	appended := url.Values{"auth_session_id": {login.SessionID}, "auth_session_token": {login.Token}}.Encode()
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+appended, "&")
	return u.String()
}
