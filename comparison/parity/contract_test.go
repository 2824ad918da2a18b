package parity_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// contract is what Chargebee documents about the responses to the operations.
type contract struct {
	Paths map[string]map[string]struct {
		Responses map[string]struct {
			Content map[string]struct {
				Schema schema `json:"schema"`
			} `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
	Elsewhere struct {
		Error []string `json:"error"`
	} `json:"x-elsewhere"`
}

type schema struct {
	Ref             string            `json:"$ref"`
	Type            string            `json:"type"`
	Properties      map[string]schema `json:"properties"`
	Items           *schema           `json:"items"`
	Enum            []string          `json:"enum"`
	HasCustomFields bool              `json:"additionalProperties"`
}

func readContract(t *testing.T) contract {
	t.Helper()
	content, err := os.ReadFile("../../testdata/contract.json")
	require.NoError(t, err)
	var documented contract
	require.NoError(t, json.Unmarshal(content, &documented))
	return documented
}

var pathParameter = regexp.MustCompile(`{[^}]+}`)

// responseTo returns a response with every attribute, if the contract has the operation.
func (c contract) responseTo(request string) (body string, ok bool) {
	for path, methods := range c.Paths {
		for method, operation := range methods {
			if request == strings.ToUpper(method)+" /api/v2"+pathParameter.ReplaceAllString(path, "{id}") {
				return c.encode(operation.Responses["200"].Content["application/json"].Schema), true
			}
		}
	}
	return "", false
}

func (c contract) errorResponse() string {
	documented := c.Components.Schemas["Error"]
	for _, name := range c.Elsewhere.Error {
		documented.Properties[name] = schema{Type: "string"}
	}
	return c.encode(documented)
}

// encode returns JSON of a schema in which no value is zero. Each object has also the
// attribute that the API adds to all resources, and a custom field where it may have one.
func (c contract) encode(s schema) string {
	encoded, err := json.Marshal(c.example(s))
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

func (c contract) example(s schema) any {
	switch {
	case s.Ref != "":
		return c.example(c.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")])
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Items != nil:
		return []any{c.example(*s.Items)}
	case s.Type == "object":
		object := map[string]any{"object": "the type of the resource"}
		for name, property := range s.Properties {
			object[name] = c.example(property)
		}
		if s.HasCustomFields {
			object["cf_color"] = "red"
		}
		return object
	}
	return map[string]any{"string": "text", "integer": 1, "boolean": true}[s.Type]
}
