package program

import (
	"fmt"
	"log/slog"
	"net/url"

	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
	"github.com/typedbee/chargebee-go/internal/redact"
)

// Environment explains the variables that OpenSite reads, as a part of a usage text.
const Environment = `Environment variables:
  CHARGEBEE_SITE
    	name of a real site, such as acme-test (default: the embedded emulator)
  CHARGEBEE_API_KEY
    	API key of the site
  CHARGEBEE_BASE_URL
    	base URL of its API, if not https://SITE.chargebee.com/api/v2
  CHARGEBEE_INSECURE_HTTP
    	if not empty, the base URL can use http on any host, such as in a
    	container network; the API key is then sent unencrypted
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY
    	proxy for the requests to a real site
`

// Site is the Chargebee site that a program calls: a real one or an emulator.
type Site struct {
	Name, APIKey, BaseURL string                // BaseURL may be empty for a real site
	InsecureHTTP          bool                  // whether BaseURL may have http on any host
	Emulator              *chargebeetest.Server // nil for a real site
}

// OpenSite returns the site that the environment names, or starts an emulator if the
// environment names none. The options configure the emulator.
func OpenSite(getenv func(string) string, opts ...chargebeetest.Option) (*Site, error) {
	site := Site{Name: getenv("CHARGEBEE_SITE"), APIKey: getenv("CHARGEBEE_API_KEY"), BaseURL: getenv("CHARGEBEE_BASE_URL")}
	switch {
	case site == Site{}:
		server := chargebeetest.NewServer(opts...)
		return &Site{Name: server.Site, APIKey: server.APIKey, BaseURL: server.URL, Emulator: server}, nil
	case site.Name == "" || site.APIKey == "":
		return nil, &UsageError{"a real site needs both CHARGEBEE_SITE and CHARGEBEE_API_KEY"}
	}
	site.InsecureHTTP = getenv("CHARGEBEE_INSECURE_HTTP") != ""
	return &site, nil
}

// NewClient returns a client of the site.
func (s *Site) NewClient(opts ...chargebee.ClientOption) (*chargebee.Client, error) {
	if s.Emulator != nil {
		return s.Emulator.NewClient(opts...)
	}
	if s.BaseURL != "" {
		opts = append(opts, chargebee.WithBaseURL(s.BaseURL))
	}
	if s.InsecureHTTP {
		opts = append(opts, chargebee.WithInsecureHTTP())
	}
	return chargebee.NewClient(s.Name, s.APIKey, opts...)
}

// String returns the name of the site, with the host of BaseURL if there is one, because
// that may be another site. For the emulator, it returns how to use a real site.
func (s *Site) String() string {
	if s.Emulator != nil {
		return "the embedded emulator. Set CHARGEBEE_SITE and CHARGEBEE_API_KEY to use a real site."
	}
	if u, err := url.Parse(s.BaseURL); err == nil && u.Host != "" {
		return s.Name + " at " + u.Host
	}
	return s.Name
}

// Format implements fmt.Formatter for all verbs, so that none prints the API key.
func (s Site) Format(w fmt.State, verb rune) { redact.Format(w, verb, s.String()) }

// LogValue returns what String returns, so that no log has the API key.
func (s Site) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Close stops the emulator, if there is one.
func (s *Site) Close() {
	if s.Emulator != nil {
		s.Emulator.Close()
	}
}
