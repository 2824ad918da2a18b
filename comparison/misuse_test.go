package comparison_test

import (
	"net/http"
	"testing"

	cb3 "github.com/chargebee/chargebee-go/v3"
	sessionaction "github.com/chargebee/chargebee-go/v3/actions/portalsession"
	cb4 "github.com/chargebee/chargebee-go/v4"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func misuse() table {
	return table{"misuse", []row{
		measured("empty site or key", each(
			func(*testing.T) string {
				return panicOr(func() string { _, err := chargebee.NewClient("", ""); return describe(err) + " for each" })
			},
			func(*testing.T) string { return panicOr(func() string { cb3.Configure("", ""); return "accepted" }) },
			func(*testing.T) string { return panicOr(func() string { cb4.NewClientConfig("", ""); return "accepted" }) },
		)),
		measured("site with a space", withSite("acme test")),
		measured("client that was not configured", each(
			func(t *testing.T) string {
				return panicOr(func() string { return activationBy(t, oursClient{&chargebee.Client{}}) })
			},
			func(t *testing.T) string {
				return panicOr(func() string {
					_, err := sessionaction.Logout(sessionID).Contexts(t.Context()).Request()
					return describe(err)
				})
			},
			func(t *testing.T) string {
				return panicOr(func() string { return activationBy(t, v4Client{&cb4.Client{}}) })
			},
		)),
		measured("nil parameters", each(
			func(*testing.T) string { return "do not compile" },
			func(t *testing.T) string {
				transport := record(activated())
				cb3.WithHTTPClient(&http.Client{Transport: transport})
				return panicOr(func() string {
					_, err := sessionaction.Activate(sessionID, nil).RequestWithEnv(cb3.Environment{Key: apiKey, SiteName: site})
					require.NoError(t, err)
					require.Empty(t, transport.requests[0].body)
					return "sent, without a body"
				})
			},
			func(*testing.T) string {
				return panicOr(func() string {
					_, err := cb4.NewClient(v4Config(settings{site: site, apiKey: apiKey, transport: activated()})).PortalSession.Activate(sessionID, nil)
					return describe(err)
				})
			},
		)),
		measured("nil context", func(t *testing.T, lib library) string {
			return panicOr(func() string {
				transport := record(activated())
				_, err := activate(nil, lib.mustClient(t, transport)) //nolint:staticcheck // it is what is measured
				if len(transport.requests) > 0 {
					return "sent"
				}
				return describe(err)
			})
		}),
		measured("empty ID", pathOf("")),
		measured("ID `..`", pathOf("..")),
		measured("ID `a/b`", pathOf("a/b")),
	}}
}

func activationBy(t *testing.T, c client) string {
	t.Helper()
	_, err := activate(t.Context(), c)
	return describe(err)
}

func withSite(site string) observation {
	return func(t *testing.T, lib library) string {
		return panicOr(func() string {
			c, err := lib.newClient(settings{site: site, transport: activated()})
			if err == nil {
				_, err = activate(t.Context(), c)
			}
			return describe(err)
		})
	}
}

// pathOf says where an activation with an ID is sent.
func pathOf(id string) observation {
	return func(t *testing.T, lib library) string {
		transport := record(activated())
		_, err := lib.mustClient(t, transport).activate(t.Context(), id, token, "")
		if len(transport.requests) == 0 {
			return describe(err)
		}
		return "sent to `" + transport.requests[0].URL.EscapedPath() + "`"
	}
}
