package chargebee_test

import (
	"cmp"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// contract is what Chargebee documents of the operations of this library.
type contract struct {
	Headers []string            `json:"headers"`
	Fields  map[string][]string `json:"fields"`
	Error   []string            `json:"error"`
	Enums   map[string][]string `json:"enums"`
}

func readContract(t *testing.T) contract {
	t.Helper()
	file, err := os.ReadFile("testdata/contract.json")
	require.NoError(t, err)
	var facts contract
	require.NoError(t, json.Unmarshal(file, &facts))
	return facts
}

func TestEveryHeaderOfTheContractCanBeSent(t *testing.T) {
	t.Parallel()
	m := newMock(t, http.StatusOK, activated)
	for _, user := range []chargebee.Headers{{OriginUser: "zoe@example.com"}, {OriginUserEncoded: "em/Dqw=="}} {
		user.OriginDevice, user.OriginIP, user.BusinessEntityID = "Android", "203.0.113.7", "acme-eu"
		user.EventActions, user.EventEmail, user.EventWebhook = chargebee.EventAllDisabled, chargebee.EventAllDisabled, chargebee.EventAllDisabled
		_, err := activate(t, m.client(t), chargebee.WithHeaders(user))
		require.NoError(t, err)
	}
	sent := map[string]bool{}
	for _, request := range m.sent {
		for name := range request.Header {
			if name := strings.ToLower(name); strings.HasPrefix(name, "chargebee-") {
				sent[name] = true
			}
		}
	}
	for _, name := range readContract(t).Headers {
		require.Contains(t, sent, name)
		delete(sent, name)
	}
	require.Empty(t, sent)
}

func TestEveryFieldOfTheContractHasAPlace(t *testing.T) {
	t.Parallel()
	fields := map[string][]string{}
	eachDeclaration(t, func(declared ast.Spec) {
		named, ok := declared.(*ast.TypeSpec)
		if !ok || strings.HasSuffix(named.Name.Name, "Response") { // what holds a result, and not part of it
			return
		}
		structure, ok := named.Type.(*ast.StructType)
		if !ok {
			return
		}
		for _, field := range structure.Fields.List {
			if name := wireName(t, field); name != "" {
				fields[named.Name.Name] = append(fields[named.Name.Name], name)
			}
		}
	})
	require.Equal(t, readContract(t).Fields, fields)
}

func TestEveryAttributeOfAnErrorIsRead(t *testing.T) {
	t.Parallel()
	facts := readContract(t)
	body := map[string]string{}
	for _, attribute := range facts.Error {
		body[attribute] = "the " + attribute
	}
	answer, err := json.Marshal(body)
	require.NoError(t, err)
	_, err = activate(t, newMock(t, http.StatusBadRequest, string(answer)).client(t))
	var apiErr *chargebee.APIError
	require.ErrorAs(t, err, &apiErr)
	require.ElementsMatch(t, facts.Error, []string{
		strings.TrimPrefix(apiErr.Message, "the "),
		strings.TrimPrefix(string(apiErr.Type), "the "),
		strings.TrimPrefix(string(apiErr.Code), "the "),
		strings.TrimPrefix(apiErr.Param, "the "),
		strings.TrimPrefix(apiErr.CauseID, "the "),
	})
}

func TestEveryWordOfTheContractHasAConstant(t *testing.T) {
	t.Parallel()
	prefixes := map[string]string{"ErrorCode": "Err", "ErrorType": "ErrType", "EventSetting": "Event"} // otherwise the type
	constants := map[string]string{}
	eachDeclaration(t, func(declared ast.Spec) {
		constant, ok := declared.(*ast.ValueSpec)
		if !ok || !constant.Names[0].IsExported() {
			return
		}
		word, err := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		constants[strings.ToLower(constant.Names[0].Name)] = word
	})
	for group, words := range readContract(t).Enums {
		prefix, shortened := prefixes[group]
		if !shortened {
			prefix = group
		}
		for _, word := range words {
			name := strings.ToLower(prefix + strings.NewReplacer("_", "", "-", "").Replace(word))
			require.Equal(t, word, constants[name], "%s of %s", word, group)
			delete(constants, name)
		}
	}
	require.Empty(t, constants, "not in the contract")
}

// eachDeclaration goes through the types, constants and variables of the package.
func eachDeclaration(t *testing.T, do func(ast.Spec)) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declaration := range file.Decls {
			if group, ok := declaration.(*ast.GenDecl); ok {
				for _, declared := range group.Specs {
					do(declared)
				}
			}
		}
	}
}

// wireName is the name of a field in a form or in JSON, or "".
func wireName(t *testing.T, field *ast.Field) string {
	t.Helper()
	if field.Tag == nil {
		return ""
	}
	text, err := strconv.Unquote(field.Tag.Value)
	require.NoError(t, err)
	tag := reflect.StructTag(text)
	inForm, _, _ := strings.Cut(tag.Get("url"), ",")
	inJSON, _, _ := strings.Cut(tag.Get("json"), ",")
	return strings.Trim(cmp.Or(inForm, inJSON), "-")
}
