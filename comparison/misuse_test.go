package comparison_test

import (
	"net/http"

	cb3 "github.com/chargebee/chargebee-go/v3"
	sessionaction "github.com/chargebee/chargebee-go/v3/actions/portalsession"
	cb4 "github.com/chargebee/chargebee-go/v4"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func misuse() table {
	return table{"misuse", []row{
		measured("empty site or key", orPanic(each(
			func(measurement) string {
				_, err := chargebee.NewClient("", "")
				return describe(err) + " for each"
			},
			func(measurement) string {
				cb3.Configure("", "")
				return "accepted"
			},
			func(measurement) string {
				cb4.NewClientConfig("", "")
				return "accepted"
			},
		))),
		measured("site with a space", orPanic(withSite("acme test"))),
		measured("client that was not configured", orPanic(each(
			func(m measurement) string {
				_, err := activate(m.Context(), oursClient{&chargebee.Client{}})
				return describe(err)
			},
			func(m measurement) string {
				_, err := sessionaction.Logout(sessionID).Contexts(m.Context()).Request()
				return describe(err)
			},
			func(m measurement) string {
				_, err := activate(m.Context(), v4Client{&cb4.Client{}})
				return describe(err)
			},
		))),
		measured("nil parameters", orPanic(each(
			func(measurement) string { return "do not compile" },
			func(m measurement) string {
				transport := record(activated())
				cb3.WithHTTPClient(&http.Client{Transport: transport})
				_, err := sessionaction.Activate(sessionID, nil).RequestWithEnv(cb3.Environment{Key: apiKey, SiteName: site})
				require.NoError(m, err)
				require.Empty(m, transport.requests[0].body)
				return "sent, without a body"
			},
			func(measurement) string {
				config := v4Config(settings{site: site, apiKey: apiKey, transport: activated()})
				_, err := cb4.NewClient(config).PortalSession.Activate(sessionID, nil)
				return describe(err)
			},
		))),
		measured("nil context", orPanic(nilContext)),
		measured("empty ID", pathOf("")),
		measured("ID `..`", pathOf("..")),
		measured("ID `a/b`", pathOf("a/b")),
	}}
}

func withSite(site string) observation {
	return func(m measurement) string {
		c, err := m.lib.newClient(settings{site: site, transport: activated()})
		if err == nil {
			_, err = activate(m.Context(), c)
		}
		return describe(err)
	}
}

func nilContext(m measurement) string {
	transport := record(activated())
	_, err := activate(nil, m.client(transport)) //nolint:staticcheck // this is what is measured
	if len(transport.requests) > 0 {
		return "sent"
	}
	return describe(err)
}

// pathOf says where an activation with an ID is sent.
func pathOf(id string) observation {
	return func(m measurement) string {
		transport := record(activated())
		_, err := m.client(transport).activate(m.Context(), id, token, "")
		if len(transport.requests) == 0 {
			return describe(err)
		}
		return "sent to `" + transport.requests[0].URL.EscapedPath() + "`"
	}
}
