package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/examples/internal/stoppable"
	"golang.org/x/time/rate"
)

// site is the Chargebee site that is changed.
type site struct {
	name   string
	hint   string
	client *chargebee.Client
	close  func()
}

func connect(ctx context.Context, getenv func(string) string, s settings, changes changes) (site, error) {
	opts := options(ctx, s.rate)
	name, apiKey, baseURL := getenv("CHARGEBEE_SITE"), getenv("CHARGEBEE_API_KEY"), getenv("CHARGEBEE_BASE_URL")
	switch {
	case name == "" && apiKey == "" && baseURL == "":
		return embedded(changes, opts)
	case name == "" || apiKey == "":
		return site{}, errors.New("a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY")
	case s.file == "":
		return site{}, errors.New("a real site needs a file; see -help")
	}
	if baseURL != "" {
		opts = append(opts, chargebee.WithBaseURL(baseURL))
	}
	client, err := chargebee.NewClient(name, apiKey, opts...)
	return site{name: name, client: client, close: func() {}}, err
}

// options allow long waits and many retries, because no user is waiting for a response.
func options(run context.Context, perMinute int) []chargebee.ClientOption {
	limit := rate.Inf
	if perMinute > 0 {
		limit = rate.Limit(perMinute) / 60
	}
	return []chargebee.ClientOption{
		chargebee.WithLimiter(stoppable.NewLimiter(run, rate.NewLimiter(limit, 1))),
		chargebee.WithRetry(chargebee.Retry{MaxAttempts: 6, MaxRetryAfter: 2 * time.Minute}),
	}
}

// embedded returns an emulator that has every feature and item of the changes. The
// type of an item is that of its first line.
func embedded(changes changes, opts []chargebee.ClientOption) (site, error) {
	server := chargebeetest.NewServer(chargebeetest.WithoutRequests())
	client, err := server.NewClient(opts...)
	features, items := make(map[string]bool), make(map[string]bool)
	for _, c := range changes {
		if !features[c.feature] {
			features[c.feature] = true
			err = errors.Join(err, server.AddFeature(chargebeetest.Feature{ID: c.feature, Name: c.feature, Type: chargebeetest.FeatureTypeCustom}))
		}
		if !items[c.item] {
			items[c.item] = true
			err = errors.Join(err, server.AddItem(chargebeetest.Item{ID: c.item, Type: cmp.Or(c.itemType, chargebee.ItemTypePlan)}))
		}
	}
	if err != nil {
		server.Close()
	}
	return site{
		name:   "the embedded emulator",
		hint:   ". Set CHARGEBEE_SITE and CHARGEBEE_API_KEY for a real one.",
		client: client,
		close:  server.Close,
	}, err
}
