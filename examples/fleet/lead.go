package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/alicebob/miniredis/v2"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

// lead has the processes work, and says what came of it.
func lead(ctx context.Context, s settings, getenv func(string) string, out io.Writer) error {
	if s.redis == "" {
		embedded, err := miniredis.Run()
		if err != nil {
			return err
		}
		defer embedded.Close()
		s.redis = embedded.Addr()
	}
	site, apiKey, baseURL := getenv("CHARGEBEE_SITE"), getenv("CHARGEBEE_API_KEY"), getenv("CHARGEBEE_BASE_URL")
	switch {
	case site == "" && apiKey == "" && baseURL == "":
		return leadEmbedded(ctx, s, out)
	case site == "" || apiKey == "":
		return errors.New("a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY")
	case s.feature == "" || s.item == "" || s.value == "":
		return errors.New("a real site needs -feature, -item and -value; see -help")
	}
	fmt.Fprintln(out, "Site:", site)
	fleet := startFleet(ctx, s, environment(site, apiKey, baseURL))
	return await(fleet, out, func() {})
}

func leadEmbedded(ctx context.Context, s settings, out io.Writer) error {
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
	fleet := startFleet(ctx, s, environment(server.Site, server.APIKey, server.URL))
	err = await(fleet, out, func() {
		fmt.Fprintln(out, len(server.Requests()), "requests arrived so far")
	})
	requests := server.Requests()
	fmt.Fprintf(out, "In any 60 seconds at most %d requests arrived, of %d allowed.\n", most(requests, time.Minute), s.perMinute)
	if len(requests) == 0 || time.Since(requests[0].At) < time.Minute {
		fmt.Fprintln(out, "It was too short for the limit to show.")
	}
	return err
}

// await waits for all processes, and calls progress every ten seconds.
func await(ended <-chan process, out io.Writer, progress func()) error {
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	var problems error
	for {
		select {
		case <-ticker.C:
			progress()
		case p, more := <-ended:
			if !more {
				return problems
			}
			fmt.Fprintf(out, "Process %d: %s\n", p.number, p.said)
			if p.err != nil {
				problems = errors.Join(problems, fmt.Errorf("process %d: %w", p.number, p.err))
			}
		}
	}
}

// most is how many of the requests, which are in order, arrived within any
// window of time, of which one end counts and the other does not.
func most(requests []chargebeetest.Request, window time.Duration) int {
	count, first := 0, 0
	for i, r := range requests {
		for r.At.Sub(requests[first].At) >= window {
			first++
		}
		count = max(count, i-first+1)
	}
	return count
}
