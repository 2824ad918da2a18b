package parity_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/url"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// inspector inspects one of the Go SDKs.
type inspector struct {
	*testing.T
	module, version, folder string
	enums                   map[reflect.Type]string // as describeType returns them
}

func newInspector(t *testing.T, module string) inspector {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", module).Output()
	require.NoError(t, err)
	version, folder, _ := strings.Cut(strings.TrimSpace(string(output)), " ")
	return inspector{t, module, version, folder, make(map[reflect.Type]string)}
}

// inspect calls the method of the SDK for each operation, with every field set. send
// sends what a method returns, and is nil if the methods send.
func (i inspector) inspect(server *fakeServer, send func(any) (any, error), methods map[string]any) sdk {
	result := sdk{Version: i.version, Operations: make(map[string]sdkOperation), Error: make(map[string]string)}
	for name, method := range methods {
		call := func() (response any, params map[string]string, err error) {
			args, params := i.arguments(reflect.TypeOf(method))
			returned := reflect.ValueOf(method).Call(args)
			if send != nil {
				response, err = send(returned[0].Interface())
				return response, params, err
			}
			err, _ = returned[1].Interface().(error)
			return returned[0].Interface(), params, err
		}
		server.fails = false
		response, params, err := call()
		require.NoError(i, err, name)
		requireSent(i.T, params, server.params)
		operation := sdkOperation{methodName(method), server.request, params, make(map[string]string)}
		i.addAttributes(operation.Response, "", reflect.ValueOf(response))
		result.Operations[name] = operation

		server.fails = true
		_, _, err = call()
		require.Error(i, err, name)
		i.addAttributes(result.Error, "", reflect.ValueOf(err))
	}
	return result
}

// methodName returns package.Function or Service.Method.
func methodName(method any) string {
	name := filepath.Base(runtime.FuncForPC(reflect.ValueOf(method).Pointer()).Name())
	return regexp.MustCompile(`^v4\.\(\*(\w+)Service\)\.(\w+)-fm$`).ReplaceAllString(name, "$1.$2")
}

// arguments returns the arguments of a method with every field set, and the names and
// types of the parameters. The id in a path is "{id}".
func (i inspector) arguments(method reflect.Type) ([]reflect.Value, map[string]string) {
	var args []reflect.Value
	params := make(map[string]string)
	for n := range method.NumIn() {
		arg := reflect.New(method.In(n)).Elem()
		if arg.Kind() == reflect.String {
			arg.SetString("{id}")
		} else {
			i.fill(params, "", arg)
		}
		args = append(args, arg)
	}
	return args, params
}

// fill sets a value and everything in it, and adds the names and types of its fields to params.
func (i inspector) fill(params map[string]string, name string, v reflect.Value) {
	set := func(value any) {
		v.Set(reflect.ValueOf(value).Convert(v.Type()))
		if params[name] == "" { // otherwise it is an element of a list, or what a pointer points to
			params[name] = i.describeType(v.Type())
		}
	}
	switch kind := v.Kind(); {
	case kind == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct:
		v.Set(reflect.New(v.Type().Elem()))
		i.fill(params, name, v.Elem())
	case kind == reflect.Struct:
		for n := range v.NumField() {
			switch field := jsonName(v.Type().Field(n)); {
			case field == "":
			case name == "":
				i.fill(params, field, v.Field(n))
			default:
				i.fill(params, name+"["+field+"]", v.Field(n))
			}
		}
	case kind == reflect.Slice && v.Type().Elem().Kind() == reflect.Pointer:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		i.fill(params, name, v.Index(0))
	case kind == reflect.Slice:
		set(reflect.MakeSlice(v.Type(), 1, 1).Interface())
		i.fill(params, name, v.Index(0))
	case kind == reflect.Pointer:
		set(reflect.New(v.Type().Elem()).Interface())
		i.fill(params, name, v.Elem())
	case kind == reflect.Bool:
		set(true)
	case kind == reflect.Int32:
		set(1)
	default: // a string, or any
		set("text")
	}
}

// requireSent fails the test unless exactly these parameters were sent.
func requireSent(t *testing.T, params map[string]string, form string) {
	t.Helper()
	values, err := url.ParseQuery(form)
	require.NoError(t, err)
	index := regexp.MustCompile(`\[\d+\]$`)
	sent := make(map[string]bool)
	for name := range values {
		sent[index.ReplaceAllString(name, "")] = true
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(params)), slices.Collect(maps.Keys(sent)))
}

// addAttributes adds the names and types of the fields that a decoded response has set.
func (i inspector) addAttributes(attributes map[string]string, name string, v reflect.Value) {
	switch {
	case v.IsZero():
	case v.Kind() == reflect.Pointer && v.Elem().Kind() != reflect.Map:
		i.addAttributes(attributes, name, v.Elem())
	case v.Kind() == reflect.Slice:
		i.addAttributes(attributes, name+"[]", v.Index(0))
	case v.Kind() == reflect.Struct:
		for n := range v.NumField() {
			if field := jsonName(v.Type().Field(n)); field != "" {
				i.addAttributes(attributes, strings.TrimPrefix(name+"."+field, "."), v.Field(n))
			}
		}
	default:
		attributes[name] = i.describeType(v.Type())
	}
}

// jsonName returns the attribute of a field: "cf_*" if it has the custom fields, and "" if it has none.
func jsonName(field reflect.StructField) string {
	typ := field.Type
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	switch {
	case !field.IsExported() || name == "_":
		return ""
	case typ.Kind() == reflect.Map && strings.HasPrefix(field.Name, "CustomField"):
		return "cf_*"
	case name == "-":
		return ""
	}
	return name
}

// describeType returns a type, or the values of an enum.
func (i inspector) describeType(typ reflect.Type) string {
	if typ.Kind() != reflect.String || typ.PkgPath() == "" {
		return typ.String()
	}
	if i.enums[typ] == "" {
		i.enums[typ] = "enum " + strings.Join(i.constants(typ), " ")
	}
	return i.enums[typ]
}

// constants returns the values of the constants of a type, which are in the source of its package.
func (i inspector) constants(typ reflect.Type) []string {
	files, err := filepath.Glob(filepath.Join(i.folder, strings.TrimPrefix(typ.PkgPath(), i.module), "*.go"))
	require.NoError(i, err)
	var values []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(i, err)
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if ident, ok := spec.Type.(*ast.Ident); ok && ident.Name == typ.Name() {
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				require.NoError(i, err)
				values = append(values, value)
			}
			return true
		})
	}
	require.NotEmpty(i, values, typ.String())
	return values
}
