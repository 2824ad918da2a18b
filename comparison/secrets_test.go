package comparison_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

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
		measured("session ID in the error of a failed connection", inBubble(inConnectionError)),
		measured("key in `%+v` of the configuration", each(
			func(m measurement) string {
				client, err := chargebee.NewClient(site, apiKey)
				require.NoError(m, err)
				return shown(fmt.Sprintf("%+v %+v", client, *client), apiKey)
			},
			func(measurement) string {
				return shown(fmt.Sprintf("%+v", cb3.Environment{Key: apiKey, SiteName: site}), apiKey)
			},
			func(measurement) string {
				return shown(fmt.Sprintf("%+v", cb4.NewClientConfig(site, apiKey)), apiKey)
			},
		)),
		measured("token in `%+v` of the parameters", each(
			func(measurement) string {
				return shown(fmt.Sprintf("%+v", chargebee.ActivatePortalSessionParams{Token: token}), token)
			},
			func(measurement) string {
				return shown(fmt.Sprintf("%+v", portalsession.ActivateRequestParams{Token: token}), token)
			},
			func(measurement) string {
				return shown(fmt.Sprintf("%+v", cb4.PortalSessionActivateRequest{Token: token}), token)
			},
		)),
		measured("access URL in `%+v` of a portal session", func(m measurement) string {
			body := `{"portal_session":{"id":"portal_1","customer_id":"cus_1","access_url":"` + accessURL + `"}}`
			got, err := activate(m.Context(), m.client(respond(http.StatusOK, body)))
			require.NoError(m, err)
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

func inEchoedError(m measurement) string {
	authorization := "Basic " + base64.StdEncoding.EncodeToString([]byte(apiKey+":"))
	body := `{"message":"` + authorization + " " + apiKey + " " + token + `","api_error_code":"param_wrong_value","type":"invalid_request","http_status_code":400}`
	_, err := activate(m.Context(), m.client(respond(http.StatusBadRequest, body)))
	require.Error(m, err)
	return shown(fmt.Sprintf("%v %+v", err, err), apiKey, token, authorization)
}

func inConnectionError(m measurement) string {
	_, err := activate(m.Context(), m.client(refuseConnection()))
	require.Error(m, err)
	return shown(err.Error(), sessionID)
}

func hostOfMaliciousSite(m measurement) string {
	transport := record(activated())
	client, err := m.lib.newClient(settings{site: "attacker.example/", transport: transport})
	if err != nil {
		return "nobody: " + describe(err)
	}
	_, _ = activate(m.Context(), client)
	require.NotEmpty(m, transport.requests[0].Header.Get("Authorization"))
	return transport.requests[0].URL.Host
}

func plainHTTPOfOurs(measurement) string {
	if _, err := chargebee.NewClient(site, apiKey, chargebee.WithBaseURL("http://gateway.example/api/v2")); err != nil {
		return "`ParamError`, unless `WithInsecureHTTP` is set"
	}
	return "accepted"
}

func plainHTTPOfV3(m measurement) string {
	transport := record(activated())
	client := newV3(settings{transport: transport}).(v3Client)
	client.env = cb3.Environment{Key: apiKey, SiteName: site, Protocol: "http", ChargebeeDomain: "gateway.example"}
	return schemeOf(m, client, transport)
}

func plainHTTPOfV4(m measurement) string {
	transport := record(activated())
	config := v4Config(settings{site: site, apiKey: apiKey, transport: transport})
	config.Protocol, config.ChargebeeDomain = "http", "gateway.example"
	return schemeOf(m, v4Client{cb4.NewClient(config)}, transport)
}

func schemeOf(m measurement, c client, transport *recorder) string {
	_, err := activate(m.Context(), c)
	require.NoError(m, err)
	require.Equal(m, "http", transport.requests[0].URL.Scheme)
	return "accepted: the key is sent unencrypted"
}
