package chargebee_test

import (
	"cmp"
	"encoding/json"
	"go/ast"
	"go/doc"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// contract is what Chargebee documents about the typed operations: the parts of an OpenAPI document that the tests read.
type contract struct {
	Paths map[string]map[string]struct {
		Parameters  []parameter `json:"parameters"`
		RequestBody struct {
			Content map[string]struct {
				Schema schema `json:"schema"`
			} `json:"content"`
		} `json:"requestBody"`
	} `json:"paths"`
	Components struct {
		Parameters map[string]parameter `json:"parameters"`
		Schemas    map[string]schema    `json:"schemas"`
	} `json:"components"`
	Elsewhere struct { // not in Chargebee's OpenAPI document
		Headers []string `json:"headers"`
		Error   []string `json:"error"`
		Value   []string `json:"Value"`
	} `json:"x-elsewhere"`
}

type parameter struct {
	Ref    string `json:"$ref"`
	Name   string `json:"name"`
	In     string `json:"in"`
	Schema schema `json:"schema"`
}

type schema struct {
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
	Enum       []string          `json:"enum"`
}

func readContract(t *testing.T) contract {
	t.Helper()
	var documented contract
	require.NoError(t, json.Unmarshal([]byte(readFile(t, "testdata/contract.json")), &documented))
	return documented
}

func TestTheContractHasExactlyTheTypedOperations(t *testing.T) {
	t.Parallel()
	var documented, typed []string
	for path, methods := range readContract(t).Paths {
		for method := range methods {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	for _, op := range operations() {
		typed = append(typed, op.method+" "+op.path)
	}
	require.ElementsMatch(t, documented, typed)
}

func TestAllOperationsSendTheDocumentedParameters(t *testing.T) {
	t.Parallel()
	documented := readContract(t)
	index := regexp.MustCompile(`\[\d+\]$`)
	for name, op := range operations() {
		transport := newFakeTransport(respond(200, op.body()))
		_, _, err := op.call(t.Context(), newClient(t, transport))
		require.NoError(t, err)
		request := transport.onlyRequest(t)
		params, err := url.ParseQuery(request.URL.RawQuery + request.body)
		require.NoError(t, err)
		sent := make(map[string]bool)
		for param := range params {
			sent[index.ReplaceAllString(param, "")] = true
		}
		require.ElementsMatch(t, documented.paramNames(op), slices.Collect(maps.Keys(sent)), name)
	}
}

// paramNames returns the parameters of an operation in the query and the body, those of a group as group[field].
func (c contract) paramNames(op operation) []string {
	documented := c.Paths[op.path][strings.ToLower(op.method)]
	params := maps.Clone(documented.RequestBody.Content["application/x-www-form-urlencoded"].Schema.Properties)
	if params == nil {
		params = make(map[string]schema)
	}
	for _, param := range documented.Parameters {
		if param.In == "query" {
			params[param.Name] = param.Schema
		}
	}
	var names []string
	for name, param := range params {
		if len(param.Properties) == 0 {
			names = append(names, name)
		}
		for field := range param.Properties {
			names = append(names, name+"["+field+"]")
		}
	}
	return names
}

func TestAllOperationsSendTheDocumentedHeaders(t *testing.T) {
	t.Parallel()
	documented := readContract(t)
	for name, op := range operations() {
		var want []string
		for _, param := range documented.Paths[op.path][strings.ToLower(op.method)].Parameters {
			if component, ok := strings.CutPrefix(param.Ref, "#/components/parameters/"); ok && documented.Components.Parameters[component].In == "header" {
				want = append(want, documented.Components.Parameters[component].Name)
			}
		}
		if op.method == "POST" {
			want = append(want, documented.Elsewhere.Headers...)
		}
		transport := newFakeTransport(respond(200, op.body()))
		for _, headers := range []chargebee.Headers{{OriginUser: "zoe@example.com"}, {OriginUserEncoded: "em9lQGV4YW1wbGUuY29t"}} {
			headers.OriginDevice, headers.OriginIP, headers.BusinessEntityID = "Android", "203.0.113.7", "acme-eu"
			headers.EventActions, headers.EventEmail, headers.EventWebhook = "all-disabled", "all-disabled", "all-disabled"
			_, _, err := op.call(t.Context(), newClient(t, transport), chargebee.WithHeaders(headers))
			require.NoError(t, err)
		}
		sent := make(map[string]bool)
		for _, request := range transport.requests {
			for header := range request.Header {
				if header := strings.ToLower(header); strings.HasPrefix(header, "chargebee-") {
					sent[header] = true
				}
			}
		}
		require.ElementsMatch(t, want, slices.Collect(maps.Keys(sent)), name)
	}
}

func TestDocumentedErrorAttributesAreRead(t *testing.T) {
	t.Parallel()
	documented := readContract(t)
	attributes := make(map[string]string)
	for name := range documented.Components.Schemas["Error"].Properties {
		attributes[name] = "the " + name
	}
	for _, name := range documented.Elsewhere.Error {
		attributes[name] = "the " + name
	}
	body, err := json.Marshal(attributes)
	require.NoError(t, err)
	_, err = activate(t.Context(), newClient(t, newFakeTransport(respond(400, string(body)))))
	var apiErr *chargebee.APIError
	require.ErrorAs(t, err, &apiErr)
	require.ElementsMatch(t, slices.Collect(maps.Values(attributes)),
		[]string{apiErr.Message, string(apiErr.Type), string(apiErr.Code), apiErr.Param, apiErr.CauseID})
}

func TestResourcesHaveTheDocumentedAttributes(t *testing.T) {
	t.Parallel()
	documented := readContract(t).Components.Schemas
	for name, resource := range map[string]struct {
		typ  reflect.Type
		full string // all operations decode it whole
	}{
		"PortalSession":   {reflect.TypeFor[chargebee.PortalSession](), fullSession},
		"Feature":         {reflect.TypeFor[chargebee.Feature](), featureJSON},
		"ItemEntitlement": {reflect.TypeFor[chargebee.ItemEntitlement](), fullItemEntitlement},
		"Entitlement":     {reflect.TypeFor[chargebee.Entitlement](), fullEntitlement},
	} {
		requireAttributes(t, documented[name], resource.typ)
		var full map[string]any
		require.NoError(t, json.Unmarshal([]byte(resource.full), &full))
		require.ElementsMatch(t, slices.Collect(maps.Keys(documented[name].Properties)), slices.Collect(maps.Keys(full)), name)
	}
}

// requireAttributes compares the JSON names of a type with those of a schema, also in lists.
func requireAttributes(t *testing.T, documented schema, typ reflect.Type) {
	t.Helper()
	var names []string
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
		if items := documented.Properties[name].Items; items != nil {
			requireAttributes(t, *items, field.Type.Elem())
		}
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(documented.Properties)), names, typ.Name())
}

func TestDocumentedEnumValuesHaveConstants(t *testing.T) {
	t.Parallel()
	documented := readContract(t)
	schemas := documented.Components.Schemas
	form := documented.Paths["/entitlements"]["post"].RequestBody.Content["application/x-www-form-urlencoded"].Schema
	enums := map[string][]string{
		"Action":              form.Properties["action"].Enum,
		"EntityType":          schemas["Entitlement"].Properties["entity_type"].Enum,
		"ErrorCode":           schemas["Error"].Properties["api_error_code"].Enum,
		"ErrorType":           schemas["Error"].Properties["type"].Enum,
		"EventSetting":        documented.Components.Parameters["chargebee-event-email"].Schema.Enum,
		"FeatureStatus":       schemas["Feature"].Properties["status"].Enum,
		"FeatureType":         schemas["Feature"].Properties["type"].Enum,
		"ItemType":            schemas["ItemEntitlement"].Properties["item_type"].Enum,
		"PortalSessionStatus": schemas["PortalSession"].Properties["status"].Enum,
		"Value":               documented.Elsewhere.Value,
	}
	constants := make(map[string]string)
	for _, declaration := range exportedConstants(t) {
		for _, spec := range declaration.Decl.Specs {
			constant := spec.(*ast.ValueSpec)
			value, err := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			constants[strings.ToLower(constant.Names[0].Name)] = value
		}
	}
	shortPrefixes := map[string]string{"ErrorCode": "Err", "ErrorType": "ErrType", "EventSetting": "Event"} // otherwise the type
	for enum, values := range enums {
		require.NotEmpty(t, values, enum)
		for _, value := range values {
			name := strings.ToLower(cmp.Or(shortPrefixes[enum], enum) + strings.NewReplacer("_", "", "-", "").Replace(value))
			require.Equal(t, value, constants[name], "%s of %s", value, enum)
			delete(constants, name)
		}
	}
	require.Empty(t, constants, "constants that are not documented")
}

func exportedConstants(t *testing.T) []*doc.Value {
	t.Helper()
	pkg := parsePackage(t, ".")
	constants := pkg.Consts
	for _, typ := range pkg.Types {
		constants = append(constants, typ.Consts...)
	}
	return constants
}
