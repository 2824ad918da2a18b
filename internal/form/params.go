package form

import (
	"cmp"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/go-querystring/query"
	"github.com/typedbee/chargebee-go/internal/validate"
)

const reasonType = "is of a type that cannot be encoded"

// AddStruct adds the fields of a struct as go-querystring encodes them, sorted by name.
// After them come its slices of structs, which go-querystring cannot encode, as
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
		f.addGroup(group, v.FieldByIndex(group.Index))
	}
}

// addGroup adds a slice of structs. Each parameter of an entry gets the name of the
// group before it and the index of the entry after it.
func (f *Form) addGroup(group reflect.StructField, entries reflect.Value) {
	name := paramName(group)
	for i := range entries.Len() {
		entry := entries.Index(i)
		if !reflect.Indirect(entry).IsValid() {
			f.Reject(fmt.Sprintf("%s[%d]", name, i), validate.ReasonNil)
			continue
		}
		indexed := make(url.Values)
		for field, values := range f.encodeEntry(name, entry) {
			indexed[fmt.Sprintf("%s[%d]", field, i)] = values
		}
		f.AddValues(indexed)
	}
}

// encodeEntry returns the parameters of an entry of a group.
func (f *Form) encodeEntry(group string, entry reflect.Value) url.Values {
	values := make(url.Values)
	if encoder, ok := entry.Interface().(query.Encoder); ok {
		return f.try(func() (url.Values, error) { return values, encoder.EncodeValues(group, &values) })
	}
	for name, value := range f.encode(entry) {
		field, rest, isNested := strings.Cut(name, "[")
		if isNested {
			rest = "[" + rest
		}
		values[group+"["+field+"]"+rest] = value
	}
	return values
}

// encode calls go-querystring, which calls the EncodeValues methods of the caller's
// types.
func (f *Form) encode(v reflect.Value) url.Values {
	return f.try(func() (url.Values, error) { return query.Values(v.Interface()) })
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
		case field.Anonymous && field.Type.Kind() == reflect.Struct && field.Tag.Get("url") == "" && !isEncoder(field.Type):
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

func isEncoder(t reflect.Type) bool { return t.Implements(reflect.TypeFor[query.Encoder]()) }

func paramName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("url"), ",")
	return cmp.Or(name, field.Name)
}
