package chargebeetest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// newSite returns a server with the feature sso and the plan team, and a function
// that entitles the plan to the feature.
func newSite(opts ...chargebeetest.Option) (server *chargebeetest.Server, entitle func(...chargebee.CallOption) error) {
	server = chargebeetest.NewServer(opts...)
	err := errors.Join(
		server.AddFeature(chargebeetest.Feature{ID: "sso", Name: "SSO", Type: chargebeetest.FeatureTypeSwitch}),
		server.AddItem(chargebeetest.Item{ID: "team", Type: chargebee.ItemTypePlan}))
	if err != nil {
		log.Fatal(err)
	}
	client, err := server.NewClient(chargebee.WithRetry(chargebee.Retry{MaxAttempts: 1}))
	if err != nil {
		log.Fatal(err)
	}
	return server, func(opts ...chargebee.CallOption) error {
		_, err := client.Features.UpsertOrRemoveItemEntitlements(context.Background(), "sso", chargebee.UpsertOrRemoveItemEntitlementsParams{
			Action:           chargebee.ActionUpsert,
			ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "team", Value: chargebee.ValueAvailable}},
		}, opts...)
		return err
	}
}

func ExampleNewServer() {
	server := chargebeetest.NewServer()
	defer server.Close()
	client, err := chargebee.NewClient(server.Site, server.APIKey, chargebee.WithBaseURL(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	login := server.AddPortalSession("zoe")
	activated, err := client.PortalSessions.ActivatePortalSession(context.Background(), login.SessionID,
		chargebee.ActivatePortalSessionParams{Token: login.Token})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(activated.PortalSession.CustomerID)
	// Output:
	// zoe
}

func ExampleServer_NewClient() {
	server := chargebeetest.NewServer()
	defer server.Close()
	client, err := server.NewClient(chargebee.WithUserAgent("acme-billing/1.4")) // the options of chargebee.NewClient
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.PortalSessions.ActivatePortalSession(context.Background(), "unknown", chargebee.ActivatePortalSessionParams{Token: "forged"})
	fmt.Println(errors.Is(err, chargebee.ErrResourceNotFound))
	// Output:
	// true
}

func ExampleServer_AddItem() {
	server := chargebeetest.NewServer()
	defer server.Close()
	fmt.Println(server.AddItem(chargebeetest.Item{ID: "team", Type: chargebee.ItemTypePlan}))
	fmt.Println(server.AddItem(chargebeetest.Item{ID: "team", Type: chargebee.ItemTypeAddon}))
	// Output:
	// <nil>
	// chargebeetest: item "team" already exists
}

func ExampleServer_AddPortalSession() {
	server := chargebeetest.NewServer()
	defer server.Close()
	login := server.AddPortalSession("zoe") // the parameters of the return URL
	session, found := server.PortalSession(login.SessionID)
	fmt.Println(found, session.CustomerID, session.Status)
	// Output:
	// true zoe not_yet_activated
}

func ExampleServer_PortalSession() {
	server := chargebeetest.NewServer()
	defer server.Close()
	_, found := server.PortalSession("unknown")
	fmt.Println(found)
	// Output:
	// false
}

func ExampleServer_ItemEntitlements() {
	server, entitle := newSite()
	defer server.Close()
	fmt.Println(len(server.ItemEntitlements("sso")), entitle())
	for _, e := range server.ItemEntitlements("sso") {
		fmt.Println(e.ItemID, e.Value, e.Name)
	}
	// Output:
	// 0 <nil>
	// team true Available
}

func ExampleServer_SetFeatureStatus() {
	server, entitle := newSite()
	defer server.Close()
	if err := server.SetFeatureStatus("sso", chargebeetest.FeatureStatusArchived); err != nil {
		log.Fatal(err)
	}
	fmt.Println(errors.Is(entitle(), chargebee.ErrInvalidStateForRequest)) // accepts no new entitlements
	// Output:
	// true
}

func ExampleServer_Requests() {
	server, entitle := newSite()
	defer server.Close()
	if err := entitle(chargebee.WithIdempotencyKey("job-17")); err != nil {
		log.Fatal(err)
	}
	for _, r := range server.Requests() {
		fmt.Println(r.Method, r.Path, r.Form.Get("action"), r.Header.Get("chargebee-idempotency-key"))
	}
	// Output:
	// POST /api/v2/features/sso/item_entitlements upsert job-17
}

// The server is the handler of an HTTP server of your own, here one with TLS.
func ExampleServer_ServeHTTP() {
	server := chargebeetest.NewServer()
	defer server.Close()
	secure := httptest.NewTLSServer(server)
	defer secure.Close()
	client, err := server.NewClient(chargebee.WithBaseURL(secure.URL+"/api/v2"), chargebee.WithHTTPClient(secure.Client()))
	if err != nil {
		log.Fatal(err)
	}
	login := server.AddPortalSession("zoe")
	_, err = client.PortalSessions.ActivatePortalSession(context.Background(), login.SessionID, chargebee.ActivatePortalSessionParams{Token: login.Token})
	fmt.Println(err)
	// Output:
	// <nil>
}

func ExampleServer_Close() {
	server, entitle := newSite()
	server.Close()
	fmt.Println(chargebee.Unavailable(entitle())) // nothing is listening
	// Output:
	// true
}

// A login without a browser submits the form of the login page.
func ExampleServer_AddCustomer() {
	server := chargebeetest.NewServer()
	defer server.Close()
	if err := server.AddCustomer("zoe"); err != nil {
		log.Fatal(err)
	}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		login, err := chargebee.ParseReturnURL(r.URL)
		session, _ := server.PortalSession(login.SessionID)
		fmt.Fprint(w, session.CustomerID, " is back, ", err)
	}))
	defer app.Close()

	jar, err := cookiejar.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	resp, err := browser.PostForm(server.LoginURL, url.Values{"return_url": {app.URL + "/return"}, "customer_id": {"zoe"}})
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	fmt.Println(string(page), err)
	// Output:
	// zoe is back, <nil> <nil>
}

func ExampleWithGrandfathering() {
	server, entitle := newSite(chargebeetest.WithGrandfathering())
	defer server.Close()
	fmt.Println(entitle() == nil)
	// Output:
	// false
}

func ExampleWithRateLimit() {
	server, entitle := newSite(chargebeetest.WithRateLimit(1))
	defer server.Close()
	fmt.Println(entitle())
	fmt.Println(errors.Is(entitle(), chargebee.ErrAPIRequestLimitExceeded))
	// Output:
	// <nil>
	// true
}

func ExampleWithClock() {
	now := time.Date(2026, 9, 21, 12, 0, 0, 0, time.UTC)
	server, entitle := newSite(chargebeetest.WithRateLimit(1), chargebeetest.WithClock(func() time.Time { return now }))
	defer server.Close()
	fmt.Println(entitle())
	now = now.Add(time.Minute)
	fmt.Println(entitle())
	// Output:
	// <nil>
	// <nil>
}

// The server listens on an address of your choice.
func ExampleWithListener() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server, entitle := newSite(chargebeetest.WithListener(listener))
	defer server.Close()
	fmt.Println(server.URL == "http://"+listener.Addr().String()+"/api/v2", entitle())
	// Output:
	// true <nil>
}

func ExampleWithoutRequests() {
	server, entitle := newSite(chargebeetest.WithoutRequests())
	defer server.Close()
	fmt.Println(entitle(), len(server.Requests()))
	// Output:
	// <nil> 0
}

// The handler serves an operation that the emulator does not implement.
func ExampleServer_Handle() {
	server := chargebeetest.NewServer()
	defer server.Close()
	server.Handle("GET /customers/{id}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"customer":{"id":%q}}`, r.PathValue("id"))
	}))
	client, err := server.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	var result struct{ Customer struct{ ID string } }
	for _, path := range []string{"/customers/{id}", "/invoices/{id}"} {
		_, err = client.Do(context.Background(), chargebee.Request{Method: http.MethodGet, Path: path, PathValues: []string{"zoe"}}, &result)
		fmt.Println(result.Customer.ID, err)
	}
	// Output:
	// zoe <nil>
	// zoe chargebee: GET /invoices/{id}: 501 Not Implemented: chargebeetest does not emulate GET /invoices/zoe: serve it with Server.Handle
}

// Any client that is told to trust the certificate can use the server.
func ExampleWithTLS() {
	server := chargebeetest.NewServer(chargebeetest.WithTLS("chargebee.internal")) // besides localhost
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(server.CertificatePEM)
	browser := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	resp, err := browser.Get(server.LoginURL + "?return_url=https://app.example.com/return")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Request.URL.Scheme, resp.Status)
	// Output:
	// https 200 OK
}

// All clients of a network of containers can use the same settings, on every start.
func ExampleWithAPIKey() {
	server := chargebeetest.NewServer(chargebeetest.WithSite("acme-test"), chargebeetest.WithAPIKey("test_acme"))
	defer server.Close()
	fmt.Println(server.Site, server.APIKey)
	// Output:
	// acme-test test_acme
}

func ExampleWithSite() {
	server := chargebeetest.NewServer(chargebeetest.WithSite("acme.chargebee.com")) // not a name
	defer server.Close()
	_, err := server.NewClient()
	fmt.Println(err)
	// Output:
	// chargebee: site must be the name alone, such as acme-test: letters, digits and inner hyphens
}

func ExampleWithPublicURL() {
	server := chargebeetest.NewServer(chargebeetest.WithPublicURL("http://chargebee:8080"))
	defer server.Close()
	fmt.Println(server.URL)
	fmt.Println(server.LoginURL)
	// Output:
	// http://chargebee:8080/api/v2
	// http://chargebee:8080/portal/login
}

// The server is part of an HTTP server that also has paths of its own.
func ExampleWithoutListener() {
	server := chargebeetest.NewServer(chargebeetest.WithoutListener())
	defer server.Close()
	mux := http.NewServeMux()
	mux.Handle("/", server)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ready") })
	own := httptest.NewServer(mux)
	defer own.Close()
	for _, path := range []string{"/health", "/api/v2/features"} {
		resp, err := http.Get(own.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(path, resp.StatusCode, resp.Body.Close())
	}
	// Output:
	// /health 200 <nil>
	// /api/v2/features 401 <nil>
}

func ExampleWithRecentRequests() {
	server, entitle := newSite(chargebeetest.WithRecentRequests(2))
	defer server.Close()
	for i := range 5 {
		if err := entitle(chargebee.WithIdempotencyKey(fmt.Sprint("job-", i))); err != nil {
			log.Fatal(err)
		}
	}
	for _, r := range server.Requests() {
		fmt.Println(r.Header.Get("chargebee-idempotency-key"))
	}
	// Output:
	// job-3
	// job-4
}

func ExampleServer_ClearRequests() {
	server, entitle := newSite()
	defer server.Close()
	for range 2 { // two parts of a test
		fmt.Println(entitle(), len(server.Requests()))
		server.ClearRequests()
	}
	// Output:
	// <nil> 1
	// <nil> 1
}

// A test can require that its faults happened.
func ExampleServer_ClearFaults() {
	server, entitle := newSite()
	defer server.Close()
	server.Inject(chargebeetest.Fault{Status: 503}, chargebeetest.Fault{Route: "/misspelled", Status: 503})
	fmt.Println(chargebee.Unavailable(entitle()))
	for _, unused := range server.ClearFaults() {
		fmt.Println("unused:", unused.Route)
	}
	// Output:
	// true
	// unused: /misspelled
}

func ExampleServer_SetEntitlement() {
	server, _ := newSite()
	defer server.Close()
	fmt.Println(server.SetEntitlement(chargebee.Entitlement{FeatureID: "sso", EntityID: "team-EUR", EntityType: chargebee.EntityTypePlanPrice, Value: "true"}))
	fmt.Println(server.SetEntitlement(chargebee.Entitlement{FeatureID: "sso", EntityID: "team-USD", Value: "maybe"}))
	fmt.Println(len(server.Entitlements("sso")))
	// Output:
	// <nil>
	// chargebeetest: entitlement of "team-USD" to "sso": value: must be available or true
	// 1
}

func ExampleServer_SetItemEntitlement() {
	server, _ := newSite()
	defer server.Close()
	fmt.Println(server.SetItemEntitlement(chargebee.ItemEntitlement{FeatureID: "sso", ItemID: "team", Value: "true"}))
	fmt.Println(server.ItemEntitlements("sso")[0].Name)
	// Output:
	// <nil>
	// Available
}
