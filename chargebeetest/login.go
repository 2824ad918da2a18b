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

// AddCustomer adds a customer who can log in at LoginURL. It returns an error if
// the ID is already taken, empty or longer than 50 characters.
func (s *Server) AddCustomer(customerID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case customerID == "" || isLonger(customerID, 50):
		return fmt.Errorf("chargebeetest: customer %q must have an ID of 1 to 50 characters", customerID)
	case slices.Contains(s.customers, customerID):
		return fmt.Errorf("chargebeetest: customer %q already exists", customerID)
	}
	s.customers = append(s.customers, customerID)
	return nil
}

func (s *Server) customerIDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.customers)
}

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
<style>
	body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 15vh auto; padding: 0 1rem; color: #222 }
	button { font: inherit; display: block; width: 100%; padding: .6rem 1rem; margin: .6rem 0; text-align: left; cursor: pointer;
		background: #fff; border: 1px solid #999; border-radius: .4rem }
	button.cancel { border-color: transparent; text-decoration: underline }
</style>
<h1>Log in to {{.Site}}</h1>
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
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
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
		http.Redirect(w, r, withSession(data.ReturnURL, s.AddPortalSession(customer)), http.StatusSeeOther)
	default:
		http.Error(w, "The customer does not exist", http.StatusBadRequest)
	}
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
	u, err := url.Parse(returnURL)
	if err != nil {
		return returnURL
	}
	appended := url.Values{"auth_session_id": {login.SessionID}, "auth_session_token": {login.Token}}.Encode()
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+appended, "&")
	return u.String()
}
