package main

import (
	"context"
	"errors"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/program"
	"github.com/typedbee/chargebee-go/examples/internal/stoppable"
)

// site is the Chargebee site that a run reads and changes.
type site struct {
	name  string // and how to use another one
	api   api
	close func()
}

// connect returns the site of the environment, or an emulator that has the sample and
// the features and entities of the file. All calls wait for one limiter, which fails when
// ctx is done.
func connect(ctx context.Context, getenv func(string) string, s settings, catalog *catalog) (site, error) {
	opened, err := program.OpenSite(getenv, chargebeetest.WithoutRequests())
	if err != nil {
		return site{}, err
	}
	switch {
	case opened.Emulator == nil && s.file == "":
		return site{}, &program.UsageError{Reason: "a real site needs a command and a file"}
	case opened.Emulator != nil && s.command == commandExport && s.file != "-":
		opened.Close()
		return site{}, &program.UsageError{Reason: "an export to a file needs a real site: set CHARGEBEE_SITE and CHARGEBEE_API_KEY"}
	}
	client, err := opened.NewClient(options(ctx, s.rate)...)
	if opened.Emulator != nil && err == nil {
		err = seed(ctx, opened.Emulator, s, catalog)
	}
	if err != nil {
		opened.Close()
		return site{}, err
	}
	return site{opened.String(), newAPI(shortName(opened), client, s.itemEntitlements), opened.Close}, nil
}

func shortName(site *program.Site) string {
	if site.Emulator != nil {
		return "the embedded emulator"
	}
	return site.Name
}

// seed adds the sample, and what the file names, to an emulator.
func seed(ctx context.Context, server *chargebeetest.Server, s settings, catalog *catalog) error {
	err := addSample(ctx, server)
	if catalog != nil {
		err = errors.Join(err, addFeatures(server, catalog))
	}
	if s.itemEntitlements && catalog != nil {
		err = errors.Join(err, addItems(server, catalog))
	}
	return err
}

func newAPI(site string, client *chargebee.Client, itemEntitlements bool) api {
	if itemEntitlements {
		return api{site, client, ofItems{client}}
	}
	return api{site, client, managed{client}}
}

// maxRetryAfter is the longest pause that a call makes if the site asks for one. With all
// attempts, a call ends before its idempotency key expires.
const maxRetryAfter = 2 * time.Minute

// options allow long waits and many attempts, because no user is waiting for a response.
func options(run context.Context, perMinute int) []chargebee.ClientOption {
	pacer := newPacer(perMinute)
	return []chargebee.ClientOption{
		chargebee.WithLimiter(stoppable.NewLimiter(run, pacer)),
		chargebee.WithObserver(pacer.observe),
		chargebee.WithRetry(chargebee.Retry{MaxAttempts: 8, MaxRetryAfter: maxRetryAfter}),
	}
}
