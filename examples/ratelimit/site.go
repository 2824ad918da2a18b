package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// site is a Chargebee site, or an emulator of one.
type site struct {
	name, apiKey, baseURL string
	emulator              *chargebeetest.Server // nil for a real site
}

func (s site) newClient(opts ...chargebee.ClientOption) (*chargebee.Client, error) {
	if s.emulator != nil {
		return s.emulator.NewClient(opts...)
	}
	if s.baseURL != "" {
		opts = append(opts, chargebee.WithBaseURL(s.baseURL))
	}
	return chargebee.NewClient(s.name, s.apiKey, opts...)
}

// environment tells a process which site to call.
func (s site) environment() []string {
	return []string{"CHARGEBEE_SITE=" + s.name, "CHARGEBEE_API_KEY=" + s.apiKey, "CHARGEBEE_BASE_URL=" + s.baseURL}
}

// runEmbedded makes the calls against an emulator, and prints how many requests
// arrived there within a minute.
func runEmbedded(ctx context.Context, s settings, out io.Writer) error {
	server := chargebeetest.NewServer(chargebeetest.WithRateLimit(s.perMinute))
	defer server.Close()
	s.feature, s.item, s.value = "seats", "team", "20"
	err := errors.Join(
		server.AddFeature(chargebeetest.Feature{ID: s.feature, Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity}),
		server.AddItem(chargebeetest.Item{ID: s.item, Type: chargebee.ItemTypePlan}),
	)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "Site: the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY for a real one.")
	err = start(ctx, s, site{server.Site, server.APIKey, server.URL, server}, out)
	requests := server.Requests()
	fmt.Fprintf(out, "At most %d requests arrived within 60 seconds; the limit is %d.\n", maxInWindow(requests, time.Minute), s.perMinute)
	if s.duration < time.Minute {
		fmt.Fprintln(out, "Only a run of more than a minute, such as -for 90s, reaches the limit.")
	}
	return err
}

// maxInWindow returns the largest number of requests that arrived within any half-open
// interval of the given length. The requests are in order of arrival.
func maxInWindow(requests []chargebeetest.Request, window time.Duration) int {
	count, first := 0, 0
	for i, r := range requests {
		for r.At.Sub(requests[first].At) >= window {
			first++
		}
		count = max(count, i-first+1)
	}
	return count
}
