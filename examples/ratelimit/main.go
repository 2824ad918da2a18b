// Ratelimit changes ten entitlements under the limit of a Chargebee test site,
// 150 requests a minute, with golang.org/x/time/rate. Retries count too: every
// attempt waits for its turn. It runs against the embedded emulator:
//
//	go run -C examples/ratelimit .
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"golang.org/x/time/rate"
)

// A minute never has more than 150: a full burst, and the rest evenly.
const (
	perMinute = 150
	burst     = 5
	every     = time.Minute / (perMinute - burst)
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, rate.NewLimiter(rate.Every(every), burst))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ratelimit:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, limiter *rate.Limiter) error {
	server := chargebeetest.NewServer()
	defer server.Close()
	err := errors.Join(
		server.AddFeature(chargebeetest.Feature{ID: "seats", Name: "Seats", Unit: "seat", Type: chargebeetest.FeatureTypeQuantity}),
		server.AddItem(chargebeetest.Item{ID: "team", Type: chargebee.ItemTypePlan}),
	)
	if err != nil {
		return err
	}
	client, err := server.NewClient(chargebee.WithLimiter(limiter))
	if err != nil {
		return err
	}
	start := time.Now()
	for seats := range 10 {
		_, err := client.Features.UpsertOrRemoveItemEntitlements(ctx, "seats", chargebee.UpsertOrRemoveItemEntitlementsParams{
			Action:           chargebee.ActionUpsert,
			ItemEntitlements: []chargebee.ItemEntitlementParams{{ItemID: "team", Value: strconv.Itoa(seats)}},
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%4.1f s: %d seats\n", time.Since(start).Seconds(), seats)
	}
	return nil
}
