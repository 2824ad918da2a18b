package parity_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	v3 "github.com/chargebee/chargebee-go/v3"
	"github.com/chargebee/chargebee-go/v3/actions/entitlement"
	"github.com/chargebee/chargebee-go/v3/actions/feature"
	"github.com/chargebee/chargebee-go/v3/actions/itementitlement"
	"github.com/chargebee/chargebee-go/v3/actions/portalsession"
	v4 "github.com/chargebee/chargebee-go/v4"
	"github.com/stretchr/testify/require"
)

func inspectV3(t *testing.T) sdk {
	t.Helper()
	server := &fakeServer{contract: readContract(t)}
	v3.WithHTTPClient(&http.Client{Transport: server})
	env := v3.Environment{SiteName: "acme-test", Key: "key"}
	send := func(request any) (any, error) {
		if list, ok := request.(v3.ListRequest); ok {
			return list.ListRequestWithEnv(env)
		}
		return request.(v3.Request).RequestWithEnv(env)
	}
	return newInspector(t, "github.com/chargebee/chargebee-go/v3").inspect(server, send, map[string]any{
		"CreatePortalSession":            portalsession.Create,
		"RetrievePortalSession":          portalsession.Retrieve,
		"ActivatePortalSession":          portalsession.Activate,
		"LogoutPortalSession":            portalsession.Logout,
		"ListFeatures":                   feature.List,
		"RetrieveFeature":                feature.Retrieve,
		"ListItemEntitlements":           itementitlement.ItemEntitlementsForFeature,
		"UpsertOrRemoveItemEntitlements": itementitlement.AddItemEntitlements,
		"ListEntitlements":               entitlement.List,
		"ManageEntitlements":             entitlement.Create,
	})
}

func inspectV4(t *testing.T) sdk {
	t.Helper()
	server := &fakeServer{contract: readContract(t)}
	config := v4.NewClientConfig("acme-test", "key")
	config.HTTPClient = &http.Client{Transport: server}
	client := v4.NewClient(config)
	return newInspector(t, "github.com/chargebee/chargebee-go/v4").inspect(server, nil, map[string]any{
		"CreatePortalSession":            client.PortalSession.Create,
		"RetrievePortalSession":          client.PortalSession.Retrieve,
		"ActivatePortalSession":          client.PortalSession.Activate,
		"LogoutPortalSession":            client.PortalSession.Logout,
		"ListFeatures":                   client.Feature.List,
		"RetrieveFeature":                client.Feature.Retrieve,
		"ListItemEntitlements":           client.ItemEntitlement.ItemEntitlementsForFeature,
		"UpsertOrRemoveItemEntitlements": client.ItemEntitlement.AddItemEntitlements,
		"ListEntitlements":               client.Entitlement.List,
		"ManageEntitlements":             client.Entitlement.Create,
	})
}

func TestGoSDKsSendOtherParametersUntyped(t *testing.T) {
	server := &fakeServer{contract: readContract(t)}
	v3.WithHTTPClient(&http.Client{Transport: server})
	_, err := portalsession.Create(nil).AddParams("new_param", "1").RequestWithEnv(v3.Environment{SiteName: "acme-test", Key: "key"})
	require.NoError(t, err)
	require.Equal(t, "new_param=1", server.params)

	config := v4.NewClientConfig("acme-test", "key")
	config.HTTPClient = &http.Client{Transport: server}
	request := &v4.PortalSessionCreateRequest{}
	request.AddParam("new_param", "2")
	_, err = v4.NewClient(config).PortalSession.Create(request)
	require.NoError(t, err)
	require.Equal(t, "new_param=2", server.params)
}

// fakeServer is a transport that responds with every attribute that Chargebee documents.
type fakeServer struct {
	contract contract
	fails    bool // responds with an error

	request, params string // of the last request: its method and path, and its query or body
}

func (s *fakeServer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.request, s.params = r.Method+" "+r.URL.Path, r.URL.RawQuery
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		s.params += string(body)
	}
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}}
	body, ok := s.contract.responseTo(s.request)
	switch {
	case !ok:
		return nil, errors.New("the contract has no " + s.request)
	case s.fails:
		resp.StatusCode, body = http.StatusBadRequest, s.contract.errorResponse()
	}
	resp.Body = io.NopCloser(strings.NewReader(body))
	return resp, nil
}
