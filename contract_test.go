package chargebee_test

import (
	"cmp"
	"encoding/json"
	"go/ast"
	"go/doc"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// contract is what Chargebee documents about the operations of this package.
type contract struct {
	Headers []string            `json:"headers"`
	Fields  map[string][]string `json:"fields"`
	Error   []string            `json:"error"`
	Enums   map[string][]string `json:"enums"`
}

func readContract(t *testing.T) contract {
	t.Helper()
	var documented contract
	require.NoError(t, json.Unmarshal([]byte(readFile(t, "testdata/contract.json")), &documented))
	return documented
}

func TestDocumentedHeadersCanBeSent(t *testing.T) {
	t.Parallel()
	transport := newFakeTransport(respond(200, activatedJSON))
	for _, headers := range []chargebee.Headers{{OriginUser: "zoe@example.com"}, {OriginUserEncoded: "em9lQGV4YW1wbGUuY29t"}} {
		headers.OriginDevice, headers.OriginIP, headers.BusinessEntityID = "Android", "203.0.113.7", "acme-eu"
		headers.EventActions, headers.EventEmail, headers.EventWebhook = "all-disabled", "all-disabled", "all-disabled"
		_, err := activate(t.Context(), newClient(t, transport), chargebee.WithHeaders(headers))
		require.NoError(t, err)
	}
	sent := make(map[string]bool)
	for _, request := range transport.requests {
		for name := range request.Header {
			if name := strings.ToLower(name); strings.HasPrefix(name, "chargebee-") {
				sent[name] = true
			}
		}
	}
	require.ElementsMatch(t, readContract(t).Headers, slices.Collect(maps.Keys(sent)))
}

func TestDocumentedErrorAttributesAreRead(t *testing.T) {
	t.Parallel()
	attributes := make(map[string]string)
	for _, name := range readContract(t).Error {
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

func TestDocumentedFieldsAreInTheTypes(t *testing.T) {
	t.Parallel()
	fields := make(map[string][]string)
	for _, typ := range parsePackage(t, ".").Types {
		structType, isStruct := typ.Decl.Specs[0].(*ast.TypeSpec).Type.(*ast.StructType)
		if !isStruct || strings.HasSuffix(typ.Name, "Response") { // which wraps what is documented
			continue
		}
		for _, field := range structType.Fields.List {
			if name := wireName(t, field); name != "" {
				fields[typ.Name] = append(fields[typ.Name], name)
			}
		}
	}
	require.Equal(t, readContract(t).Fields, fields)
}

func TestDocumentedEnumValuesHaveConstants(t *testing.T) {
	t.Parallel()
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
	for enum, values := range readContract(t).Enums {
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

// wireName returns the name of a field in a form or in JSON, or "".
func wireName(t *testing.T, field *ast.Field) string {
	t.Helper()
	if field.Tag == nil {
		return ""
	}
	text, err := strconv.Unquote(field.Tag.Value)
	require.NoError(t, err)
	tag := reflect.StructTag(text)
	formName, _, _ := strings.Cut(tag.Get("url"), ",")
	jsonName, _, _ := strings.Cut(tag.Get("json"), ",")
	return strings.Trim(cmp.Or(formName, jsonName), "-")
}
