package form

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/go-querystring/query"
	"github.com/typedbee/chargebee-go/internal/validate"
)

const reasonType = "is of a type that cannot be encoded"

// AddStruct adds the fields of a struct as go-querystring encodes them, sorted by name,
// except that a list is sent as Chargebee's own clients send it (see encodeLists). After
// them come its slices of structs, which go-querystring cannot encode, as
// name[field][index].
func (f *Form) AddStruct(v reflect.Value) {
	groups := f.checkFields(v.Type())
	if len(f.Invalid) > 0 {
		return
	}
	rest := reflect.New(v.Type()).Elem()
	rest.Set(v)
	for _, group := range groups {
		rest.FieldByIndex(group.Index).SetZero()
	}
	f.AddValues(f.encode(rest))
	for _, group := range groups {
		f.addGroup(paramName(group), v.FieldByIndex(group.Index))
	}
}

// addGroup adds a slice of structs.
func (f *Form) addGroup(name string, entries reflect.Value) {
	f.rejectEmptyFilter(name, entries)
	var list []string
	for i := range entries.Len() {
		entry := entries.Index(i)
		if !reflect.Indirect(entry).IsValid() {
			f.Reject(fmt.Sprintf("%s[%d]", name, i), validate.ReasonNil)
			continue
		}
		values := f.encodeEntry(name, entry, i)
		if takesArray(name) {
			list = append(list, values[indexed(name, i)]...)
			continue
		}
		f.AddValues(values)
	}
	if len(list) > 0 {
		f.Add(name, jsonArray(list, reflect.Struct))
	}
}

// encodeEntry returns the parameters of an entry of a group: those of its own method, or
// its fields.
func (f *Form) encodeEntry(group string, entry reflect.Value, index int) url.Values {
	values := make(url.Values)
	if encoder, ok := entry.Interface().(query.Encoder); ok {
		own := make(url.Values)
		f.try(func() (url.Values, error) { return nil, encoder.EncodeValues(group, &own) })
		for name, value := range own {
			values[indexed(name, index)] = value
		}
		return values
	}
	for name, value := range f.encode(entry) {
		field, rest, isNested := strings.Cut(name, "[")
		if isNested {
			rest = "[" + rest
		}
		values[indexed(group+"["+field+"]", index)+rest] = value
	}
	return values
}

// encode calls go-querystring, which calls the EncodeValues methods of the caller's
// types.
func (f *Form) encode(v reflect.Value) url.Values {
	values := f.try(func() (url.Values, error) { return query.Values(v.Interface()) })
	f.encodeLists(values, v, "")
	return values
}

// encodeLists changes the lists in values, which go-querystring repeats under one name:
// to name[index], or to one JSON array if the parameter is a filter with an operator that
// takes one. A list with a separator in its tag stays as it is.
func (f *Form) encodeLists(values url.Values, v reflect.Value, scope string) {
	v = indirectAll(v)
	for _, field := range sentFields(v.Type()) {
		value := indirectAll(v.FieldByIndex(field.Index))
		name, options, _ := strings.Cut(field.Tag.Get("url"), ",")
		isEmbedded := field.Anonymous && name == ""
		name = cmp.Or(name, field.Name)
		if scope != "" {
			name = scope + "[" + name + "]"
		}
		switch {
		case !value.IsValid() || isEncoder(field.Type) || hasSeparator(options) || field.Tag.Get("del") != "":
		case isStruct(value.Type()) && isEmbedded:
			f.encodeLists(values, value, scope)
		case isStruct(value.Type()):
			f.encodeLists(values, value, name)
		case value.Kind() == reflect.Slice || value.Kind() == reflect.Array:
			f.encodeList(values, name, value)
		}
	}
}

func (f *Form) encodeList(values url.Values, name string, list reflect.Value) {
	f.rejectEmptyFilter(name, list)
	repeated := values[name]
	switch {
	case len(repeated) == 0:
	case takesArray(name):
		if slices.ContainsFunc(repeated, func(value string) bool { return !utf8.ValidString(value) }) {
			f.Reject(name, validate.ReasonUTF8)
		}
		values.Set(name, jsonArray(repeated, indirect(list.Type().Elem()).Kind()))
	default:
		delete(values, name)
		for i, value := range repeated {
			values.Set(indexed(name, i), value)
		}
	}
}

// rejectEmptyFilter rejects a filter by an empty list. Without it, the call would return
// everything.
func (f *Form) rejectEmptyFilter(name string, list reflect.Value) {
	if takesArray(name) && list.Kind() == reflect.Slice && !list.IsNil() && list.Len() == 0 {
		f.Reject(name, "must not be an empty list; nil means no filter")
	}
}

// takesArray reports whether a parameter is a filter whose operator takes a list.
func takesArray(name string) bool {
	return strings.HasSuffix(name, "[in]") || strings.HasSuffix(name, "[not_in]") || strings.HasSuffix(name, "[between]")
}

// jsonArray returns a list as JSON. Only strings are in quotation marks.
func jsonArray(list []string, kind reflect.Kind) string {
	elements := make([]any, len(list))
	for i, value := range list {
		elements[i] = value
		if kind != reflect.String && json.Valid([]byte(value)) {
			elements[i] = json.RawMessage(value)
		}
	}
	var array strings.Builder
	encoder := json.NewEncoder(&array)
	encoder.SetEscapeHTML(false) // nor does JavaScript
	_ = encoder.Encode(elements) // strings and valid JSON can be encoded
	return strings.TrimSpace(array.String())
}

func indexed(name string, index int) string { return name + "[" + strconv.Itoa(index) + "]" }

// hasSeparator reports whether the options of a tag join a list to one value.
func hasSeparator(options string) bool {
	return slices.ContainsFunc(strings.Split(options, ","), func(option string) bool {
		return option == "comma" || option == "space" || option == "semicolon"
	})
}

// try calls encode, which may fail or panic.
func (f *Form) try(encode func() (url.Values, error)) url.Values {
	defer func() {
		if p := recover(); p != nil {
			f.Reject("Params", fmt.Sprint("cannot be encoded: ", p))
		}
	}()
	values, err := encode()
	if err != nil {
		f.Reject("Params", "cannot be encoded: "+err.Error())
	}
	return values
}

// checkFields rejects the fields that go-querystring would print as Go values, and
// returns those that are slices of structs.
func (f *Form) checkFields(t reflect.Type) (groups []reflect.StructField) {
	fields := sentFields(t)
	if len(fields) == 0 && t.NumField() > 0 {
		f.Reject("Params", reasonType)
	}
	for _, field := range fields {
		switch {
		case field.Anonymous && field.Type.Kind() == reflect.Struct && field.Tag.Get("url") == "":
			for _, group := range f.checkFields(field.Type) {
				group.Index = slices.Concat(field.Index, group.Index)
				groups = append(groups, group)
			}
		case field.Type.Kind() == reflect.Slice && isStruct(field.Type.Elem()) && isEncodable(field.Type.Elem()):
			groups = append(groups, field)
		case !isEncodable(field.Type, t):
			f.Reject(paramName(field), reasonType)
		}
	}
	return groups
}

// sentFields returns the fields that go-querystring sends.
func sentFields(t reflect.Type) (fields []reflect.StructField) {
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Tag.Get("url") != "-" && (field.IsExported() || field.Anonymous) {
			fields = append(fields, field)
		}
	}
	return fields
}

// isEncodable reports whether go-querystring encodes a type, as opposed to printing it.
// A type that contains itself, which is in outer, is not encodable.
func isEncodable(t reflect.Type, outer ...reflect.Type) bool {
	switch k := t.Kind(); {
	case k == reflect.Interface || slices.Contains(outer, t):
		return false
	case isScalar(t) || isEncoder(t):
		return true
	case k == reflect.Pointer:
		return isEncodable(t.Elem(), append(outer, t)...)
	case k == reflect.Slice || k == reflect.Array:
		return isScalar(t.Elem())
	case k != reflect.Struct:
		return false
	}
	fields := sentFields(t)
	return len(fields) > 0 && !slices.ContainsFunc(fields, func(field reflect.StructField) bool {
		return !isEncodable(field.Type, append(slices.Clip(outer), t)...)
	})
}

// isScalar reports whether a type, or what it points to, is a string, a boolean, a
// number or a time.
func isScalar(t reflect.Type) bool {
	k := indirect(t).Kind()
	return k == reflect.String || reflect.Bool <= k && k <= reflect.Float64 || indirect(t) == reflect.TypeFor[time.Time]()
}

func isStruct(t reflect.Type) bool { return indirect(t).Kind() == reflect.Struct && !isScalar(t) }

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// indirectAll returns what a pointer, or a pointer to a pointer, points to.
func indirectAll(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return v
}

func isEncoder(t reflect.Type) bool { return t.Implements(reflect.TypeFor[query.Encoder]()) }

func paramName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("url"), ",")
	return cmp.Or(name, field.Name)
}
