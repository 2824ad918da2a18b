// Command races makes calls on 64 goroutines, with the library that its argument names.
// Built with the race detector, it shows the data races of the library.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"

	cb3 "github.com/chargebee/chargebee-go/v3"
	sessionaction "github.com/chargebee/chargebee-go/v3/actions/portalsession"
	"github.com/chargebee/chargebee-go/v3/models/portalsession"
	cb4 "github.com/chargebee/chargebee-go/v4"
	chargebee "github.com/typedbee/chargebee-go"
)

const site, apiKey, sessionID, token = "acme-test", "test_key_of_acme", "portal_1", "token_of_portal_1"

type transport struct{}

func (transport) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: req,
		Body: io.NopCloser(strings.NewReader(`{"portal_session":{"id":"portal_1","customer_id":"cus_1"}}`)),
	}, nil
}

func main() {
	const clients = 10 // because some races are only in the first call of a client
	for range clients {
		callConcurrently(newCall(os.Args[1]))
	}
	fmt.Println("all calls succeeded")
}

func callConcurrently(activate func() error) {
	const callers, calls = 64, 20
	begin := make(chan struct{})
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			<-begin
			for range calls {
				if err := activate(); err != nil {
					log.Fatal(err)
				}
			}
		})
	}
	close(begin)
	group.Wait()
}

func newCall(scenario string) func() error {
	httpClient := &http.Client{Transport: transport{}}
	switch scenario {
	case "v3", "v3-configure":
		cb3.WithHTTPClient(httpClient)
		cb3.Configure(apiKey, site)
		return func() error {
			if scenario == "v3-configure" {
				cb3.Configure(apiKey, site)
			}
			_, err := sessionaction.Activate(sessionID, &portalsession.ActivateRequestParams{Token: token}).Request()
			return err
		}
	case "v4", "v4-protocol":
		config := cb4.NewClientConfig(site, apiKey)
		config.HTTPClient = httpClient
		if scenario == "v4-protocol" {
			config.Protocol = "https"
		}
		client := cb4.NewClient(config)
		return func() error {
			_, err := client.PortalSession.Activate(sessionID, &cb4.PortalSessionActivateRequest{Token: token})
			return err
		}
	}
	client, err := chargebee.NewClient(site, apiKey, chargebee.WithHTTPClient(httpClient))
	if err != nil {
		log.Fatal(err)
	}
	return func() error {
		_, err := client.PortalSessions.ActivatePortalSession(context.Background(), sessionID, chargebee.ActivatePortalSessionParams{Token: token})
		return err
	}
}
