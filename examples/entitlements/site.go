package main

import (
	"cmp"
	"errors"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"golang.org/x/time/rate"
)

// site is the Chargebee that is changed.
type site struct {
	name   string
	client *chargebee.Client
	close  func()
}

// options are patient: nobody waits at a screen.
func options(perMinute int) []chargebee.ClientOption {
	return []chargebee.ClientOption{
		chargebee.WithLimiter(limiter(perMinute)),
		chargebee.WithRetry(chargebee.Retry{MaxAttempts: 6}),
	}
}

// limiter lets perMinute calls through in any minute; 0 is no limit.
func limiter(perMinute int) *rate.Limiter {
	if perMinute == 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(perMinute)/60, 1)
}

func connect(getenv func(string) string, s settings, changes changes) (site, error) {
	opts := options(s.rate)
	name, apiKey := getenv("CHARGEBEE_SITE"), getenv("CHARGEBEE_API_KEY")
	switch {
	case name == "" && apiKey == "":
		return embedded(changes, opts)
	case name == "" || apiKey == "":
		return site{}, errors.New("a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY")
	case s.file == "":
		return site{}, errors.New("a real site needs a file; see -help")
	}
	if baseURL := getenv("CHARGEBEE_BASE_URL"); baseURL != "" {
		opts = append(opts, chargebee.WithBaseURL(baseURL))
	}
	client, err := chargebee.NewClient(name, apiKey, opts...)
	return site{name: name, client: client, close: func() {}}, err
}

// embedded is an emulator that has each feature of the changes, and each item
// with the type that it has first.
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
		name:   "the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY for a real one.",
		client: client,
		close:  server.Close,
	}, err
}
