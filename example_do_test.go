package chargebee_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// The examples of this file call operations that have no typed method. The emulator does not know them either: Handle serves them.

// serve makes a server respond to requests for a pattern with a body.
func serve(server *chargebeetest.Server, pattern, body string) {
	server.Handle(pattern, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
}

// Do calls any operation with your own structs.
func ExampleClient_Do() {
	server, client := newSite()
	defer server.Close()
	serve(server, "POST /customers/{id}", `{"customer":{"id":"zoe","company":"Acme","created_at":1790000000}}`)

	var result struct {
		Customer struct {
			ID        string              `json:"id"`
			Company   string              `json:"company"`
			CreatedAt chargebee.Timestamp `json:"created_at"`
		} `json:"customer"`
	}
	resp, err := client.Do(context.Background(), chargebee.Request{
		Method:     http.MethodPost,
		Path:       "/customers/{customer-id}",
		PathValues: []string{"zoe"},
		Params: struct {
			Company string `url:"company"`
			Phone   string `url:"phone,omitempty"` // an empty one is not sent
		}{Company: "Acme"},
	}, &result)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, result.Customer.Company, result.Customer.CreatedAt)
	fmt.Println(server.Requests()[0].Form.Encode())
	// Output:
	// 200 Acme 2026-09-21 14:13:20 +0000 UTC
	// company=Acme
}

// A custom field is a field like any other. Those that you do not know before are in the
// body.
func ExampleClient_Do_customFields() {
	server, client := newSite()
	defer server.Close()
	serve(server, "POST /customers/{id}", `{"customer":{"id":"zoe","cf_region":"north","cf_since":"2019"}}`)

	var result struct {
		Customer struct {
			Region string `json:"cf_region"`
		} `json:"customer"`
	}
	resp, err := client.Do(context.Background(), chargebee.Request{
		Method:     http.MethodPost,
		Path:       "/customers/{customer-id}",
		PathValues: []string{"zoe"},
		Params: struct {
			Region string `url:"cf_region"`
		}{"north"},
	}, &result)
	if err != nil {
		log.Fatal(err)
	}
	var all struct {
		Customer map[string]any `json:"customer"`
	}
	if err := json.Unmarshal(resp.Body, &all); err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Customer.Region, all.Customer["cf_since"])
	// Output:
	// north 2019
}

// customerResult is a result of Client.Do that checks itself.
type customerResult struct {
	ID string
}

func (c *customerResult) UnmarshalJSON(data []byte) error {
	var body struct {
		Customer struct {
			ID string `json:"id"`
		} `json:"customer"`
	}
	if err := json.Unmarshal(data, &body); err != nil {
		return err
	}
	if body.Customer.ID == "" {
		return errors.New("customer.id is missing")
	}
	c.ID = body.Customer.ID
	return nil
}

// An error of UnmarshalJSON is a DecodeError, whose outcome is unknown. So a response
// about something else is not taken for a success.
func ExampleClient_Do_check() {
	server, client := newSite()
	defer server.Close()
	serve(server, "GET /customers/{id}", `{"subscription":{"id":"sub_1"}}`)

	var result customerResult
	_, err := client.Do(context.Background(), chargebee.Request{
		Method: http.MethodGet, Path: "/customers/{customer-id}", PathValues: []string{"zoe"},
	}, &result)
	fmt.Println(err)
	// Output:
	// chargebee: GET /customers/{customer-id}: 200, but the body is not what was expected: customer.id is missing
}

// Lists and filters are sent as Chargebee's own clients send them.
func ExampleRequest() {
	server, client := newSite()
	defer server.Close()
	serve(server, "POST /customers/{id}/subscription_for_items", `{"subscription":{"id":"sub_1"}}`)
	serve(server, "GET /subscriptions", `{"list":[]}`)
	ctx := context.Background()

	_, err := client.Do(ctx, chargebee.Request{
		Method:     http.MethodPost,
		Path:       "/customers/{customer-id}/subscription_for_items",
		PathValues: []string{"zoe"},
		Params: struct {
			CouponIDs []string `url:"coupon_ids"`
		}{[]string{"spring", "loyal"}},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Do(ctx, chargebee.Request{
		Method: http.MethodGet,
		Path:   "/subscriptions",
		Params: struct {
			Status    chargebee.StringFilter `url:"status"`
			CreatedAt []int64                `url:"created_at[between]"`
		}{chargebee.StringFilter{In: []string{"active", "in_trial"}}, []int64{1790000000, 1790086400}},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}

	requests := server.Requests()
	fmt.Println(requests[0].Form["coupon_ids[0]"], requests[0].Form["coupon_ids[1]"])
	fmt.Println(requests[1].Query["status[in]"], requests[1].Query["created_at[between]"])
	// Output:
	// [spring] [loyal]
	// [["active","in_trial"]] [[1790000000,1790086400]]
}

// All ranges over the pages of any list.
func ExampleAll() {
	server, client := newSite()
	defer server.Close()
	server.Handle("GET /customers", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := map[string]string{
			"":  `{"list":[{"customer":{"id":"zoe"}},{"customer":{"id":"ada"}}],"next_offset":"2"}`,
			"2": `{"list":[{"customer":{"id":"max"}}]}`,
		}
		_, _ = io.WriteString(w, page[r.FormValue("offset")])
	}))

	type listed struct { // an entry of the list, as it is in the JSON
		Customer struct {
			ID string `json:"id"`
		} `json:"customer"`
	}
	type listCustomers struct {
		Limit int                    `url:"limit,omitempty"`
		Email chargebee.StringFilter `url:"email"`
	}
	for entry, err := range chargebee.All[listed](context.Background(), client, chargebee.Request{
		Method: http.MethodGet,
		Path:   "/customers",
		Params: listCustomers{Limit: 2, Email: chargebee.StringFilter{StartsWith: "billing@"}},
	}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(entry.Customer.ID)
	}
	// Output:
	// zoe
	// ada
	// max
}
