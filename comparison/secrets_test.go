package comparison_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	cb3 "github.com/chargebee/chargebee-go/v3"
	"github.com/chargebee/chargebee-go/v3/models/portalsession"
	cb4 "github.com/chargebee/chargebee-go/v4"
	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

func secrets() table {
	const accessURL = "https://acme-test.chargebeeportal.com/portal/access/secret_of_access"
	return table{"secrets", []row{
		measured("key and token in an error, if the server echoes them", inEchoedError),
		measured("session ID in the error of a failed connection", inConnectionError),
		measured("key in `%+v` of the configuration", each(
			func(t *testing.T) string {
				client, err := chargebee.NewClient(site, apiKey)
				require.NoError(t, err)
				return shown(fmt.Sprintf("%+v %+v", client, *client), apiKey)
			},
			func(*testing.T) string {
				return shown(fmt.Sprintf("%+v", cb3.Environment{Key: apiKey, SiteName: site}), apiKey)
			},
			func(*testing.T) string {
				return shown(fmt.Sprintf("%+v", cb4.NewClientConfig(site, apiKey)), apiKey)
			},
		)),
		measured("token in `%+v` of the parameters", each(
			func(*testing.T) string {
				return shown(fmt.Sprintf("%+v", chargebee.ActivatePortalSessionParams{Token: token}), token)
			},
			func(*testing.T) string {
				return shown(fmt.Sprintf("%+v", portalsession.ActivateRequestParams{Token: token}), token)
			},
			func(*testing.T) string {
				return shown(fmt.Sprintf("%+v", cb4.PortalSessionActivateRequest{Token: token}), token)
			},
		)),
		measured("access URL in `%+v` of a portal session", func(t *testing.T, lib library) string {
			body := `{"portal_session":{"id":"portal_1","customer_id":"cus_1","access_url":"` + accessURL + `"}}`
			got, err := activate(t.Context(), lib.mustClient(t, respond(http.StatusOK, body)))
			require.NoError(t, err)
			return shown(fmt.Sprintf("%+v", got.value), "secret_of_access")
		}),
		measured("site `attacker.example/`: the key is sent to", hostOfMaliciousSite),
		measured("http instead of https for a remote host", each(plainHTTPOfOurs, plainHTTPOfV3, plainHTTPOfV4)),
	}}
}

func shown(text string, secrets ...string) string {
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			return "shown"
		}
	}
	return "not shown"
}

func inEchoedError(t *testing.T, lib library) string {
	authorization := "Basic " + base64.StdEncoding.EncodeToString([]byte(apiKey+":"))
	body := `{"message":"` + authorization + " " + apiKey + " " + token + `","api_error_code":"param_wrong_value","type":"invalid_request","http_status_code":400}`
	_, err := activate(t.Context(), lib.mustClient(t, respond(http.StatusBadRequest, body)))
	require.Error(t, err)
	return shown(fmt.Sprintf("%v %+v", err, err), apiKey, token, authorization)
}

func inConnectionError(t *testing.T, lib library) string {
	return inBubble(func(ctx context.Context, t *testing.T, lib library) string {
		_, err := activate(ctx, lib.mustClient(t, refuseConnection()))
		require.Error(t, err)
		return shown(err.Error(), sessionID)
	})(t, lib)
}

func hostOfMaliciousSite(t *testing.T, lib library) string {
	transport := record(activated())
	client, err := lib.newClient(settings{site: "attacker.example/", transport: transport})
	if err != nil {
		return "nobody: " + describe(err)
	}
	_, _ = activate(t.Context(), client)
	require.NotEmpty(t, transport.requests[0].Header.Get("Authorization"))
	return transport.requests[0].URL.Host
}

func plainHTTPOfOurs(*testing.T) string {
	if _, err := chargebee.NewClient(site, apiKey, chargebee.WithBaseURL("http://gateway.example/api/v2")); err != nil {
		return "`ParamError`, unless `WithInsecureHTTP` is set"
	}
	return "accepted"
}

func plainHTTPOfV3(t *testing.T) string {
	transport := record(activated())
	client := newV3(settings{transport: transport}).(v3Client)
	client.env = cb3.Environment{Key: apiKey, SiteName: site, Protocol: "http", ChargebeeDomain: "gateway.example"}
	return schemeOf(t, client, transport)
}

func plainHTTPOfV4(t *testing.T) string {
	transport := record(activated())
	config := v4Config(settings{site: site, apiKey: apiKey, transport: transport})
	config.Protocol, config.ChargebeeDomain = "http", "gateway.example"
	return schemeOf(t, v4Client{cb4.NewClient(config)}, transport)
}

func schemeOf(t *testing.T, c client, transport *recorder) string {
	t.Helper()
	_, err := activate(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, "http", transport.requests[0].URL.Scheme)
	return "accepted: the key is sent unencrypted"
}
