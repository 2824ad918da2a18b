package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// addSampleData adds the feature and the plan of the settings to the emulator.
func addSampleData(server *chargebeetest.Server, s settings) error {
	return errors.Join(
		server.AddFeature(chargebeetest.Feature{ID: s.feature, Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity}),
		server.AddItem(chargebeetest.Item{ID: s.item, Type: chargebee.ItemTypePlan}),
	)
}

// printFullestMinute prints how many requests arrived at the emulator within a minute.
func printFullestMinute(stdout io.Writer, requests []chargebeetest.Request, s settings) {
	fmt.Fprintf(stdout, "At most %d requests arrived within 60 seconds; the limit is %d.\n", maxInWindow(requests, time.Minute), s.perMinute)
	if s.duration < time.Minute {
		fmt.Fprintln(stdout, "Only a run of more than a minute, such as -for 90s, reaches the limit.")
	}
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
