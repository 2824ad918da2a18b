// Package form encodes parameters as Chargebee takes them, and refuses what would
// come out as garbage.
package form

import (
	"bytes"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/google/go-querystring/query"
)

// What can be wrong with a parameter, for any package that refuses some.
const (
	ReasonNil   = "must not be nil"
	ReasonEmpty = "must not be empty"
	ReasonUTF8  = "must be valid UTF-8"
	reasonType  = "is of a type that cannot be encoded"
)

// Encoder writes parameters as application/x-www-form-urlencoded.
//
// Single values and groups, all that the typed operations have, are written
// straight to the form: through a url.Values an activation would cost a tenth
// more, and a thousand entries many times as much. Lists and nested structs
// are left to go-querystring. The order is stable: single values, then those,
// by name, then the groups, entry by entry.
type Encoder struct {
	Encoded []byte
	Refuse  func(name, problem string) // hears what is wrong with a parameter
	OnValue func(name, text string)    // hears each parameter that is in no group

	refused bool
}

func (e *Encoder) refuse(name, problem string) {
	e.refused = true
	e.Refuse(name, problem)
}

// AddParams adds the fields of a struct, or url.Values; nil has none.
func (e *Encoder) AddParams(params any) {
	if values, ok := params.(url.Values); ok {
		e.addValues(values)
		return
	}
	switch v := reflect.Indirect(reflect.ValueOf(params)); {
	case params == nil:
	case !v.IsValid():
		e.refuse("Params", ReasonNil)
	case v.Kind() != reflect.Struct:
		e.refuse("Params", "must be nil, a struct or url.Values")
	default:
		e.addStruct(v)
	}
}

func (e *Encoder) addStruct(v reflect.Value) {
	fields := fieldsOf(v.Type(), false)
	if len(fields) == 0 && v.NumField() > 0 {
		e.refuse("Params", reasonType)
	}
	others := false
	for _, f := range fields {
		switch f.kind {
		case scalar:
			e.addSingle(f, v.FieldByIndex(f.index))
		case list, nested:
			others = true
		case unsupported:
			e.refuse(f.name, reasonType)
		}
	}
	if others {
		e.addRest(v, fields)
	}
	for _, f := range fields {
		if f.kind == group {
			e.addGroup(f, v.FieldByIndex(f.index))
		}
	}
}

func (e *Encoder) addSingle(f field, v reflect.Value) {
	text, sent, problem := f.encode(v)
	if problem != "" {
		e.refuse(f.name, problem)
	}
	if sent {
		e.Add(f.name, text)
	}
}

// addOthers takes from go-querystring what addStruct does not write itself.
func (e *Encoder) addRest(v reflect.Value, fields []field) {
	withoutGroups := reflect.New(v.Type()).Elem()
	withoutGroups.Set(v)
	var notToSend []string
	for _, f := range fields {
		value := withoutGroups.FieldByIndex(f.index)
		switch {
		case f.kind == group:
			value.SetZero()
		case f.kind == scalar, value.Kind() == reflect.Pointer && value.IsNil():
			notToSend = append(notToSend, f.name)
		case f.kind == nested:
			e.checkNested(f, reflect.Indirect(value))
		}
	}
	if e.refused { // go-querystring might panic
		return
	}
	values, err := query.Values(withoutGroups.Interface())
	if err != nil {
		e.refuse("Params", reasonType)
	}
	for _, name := range notToSend {
		values.Del(name)
	}
	e.addValues(values)
}

func (e *Encoder) checkNested(f field, v reflect.Value) {
	for _, inner := range f.fields {
		if problem := inner.checkNested(v.FieldByIndex(inner.index)); problem != "" {
			e.refuse(f.name+"["+inner.name+"]", problem)
		}
	}
}

func (e *Encoder) addValues(values url.Values) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, text := range values[name] {
			e.Add(name, text)
		}
	}
}

// Has reports whether there is a parameter of this name.
func (e *Encoder) Has(name string) bool {
	pair := []byte(url.QueryEscape(name) + "=")
	return bytes.HasPrefix(e.Encoded, pair) || bytes.Contains(e.Encoded, append([]byte{'&'}, pair...))
}

// Add adds one parameter.
func (e *Encoder) Add(name, text string) {
	if !utf8.ValidString(name) || !utf8.ValidString(text) {
		e.refuse(name, ReasonUTF8)
	}
	e.OnValue(name, text)
	e.next()
	e.Encoded = append(e.Encoded, url.QueryEscape(name)...)
	e.Encoded = append(e.Encoded, '=')
	e.Encoded = append(e.Encoded, url.QueryEscape(text)...)
}

// next separates what follows from what stands there.
func (e *Encoder) next() {
	if len(e.Encoded) > 0 {
		e.Encoded = append(e.Encoded, '&')
	}
}

// addGroup writes each entry under its index. What is not sent leaves a hole
// there.
func (e *Encoder) addGroup(f field, entries reflect.Value) {
	keys := make([]string, len(f.fields))
	size := 0 // of an entry, about
	for k, inner := range f.fields {
		keys[k] = url.QueryEscape(f.name + "[" + inner.name + "][")
		size += len(keys[k]) + len("&10000%5D=a-usual-value")
	}
	e.Encoded = slices.Grow(e.Encoded, size*entries.Len())
	for i := range entries.Len() {
		entry := reflect.Indirect(entries.Index(i))
		if !entry.IsValid() {
			e.refuse(fmt.Sprintf("%s[%d]", f.name, i), ReasonNil)
			continue
		}
		for k, inner := range f.fields {
			text, sent, problem := inner.encode(entry.FieldByIndex(inner.index))
			if !utf8.ValidString(text) {
				problem = ReasonUTF8
			}
			if problem != "" {
				e.refuse(fmt.Sprintf("%s[%s][%d]", f.name, inner.name, i), problem)
			}
			if sent {
				e.next()
				e.Encoded = append(e.Encoded, keys[k]...)
				e.Encoded = strconv.AppendInt(e.Encoded, int64(i), 10)
				e.Encoded = append(e.Encoded, "%5D="...)
				e.Encoded = append(e.Encoded, url.QueryEscape(text)...)
			}
		}
	}
}
