package form

import (
	"cmp"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-querystring/query"
)

// kind is how a field is encoded.
type kind int

const (
	unsupported kind = iota
	scalar           // a string, boolean or number, a type that encodes itself, or a pointer to one
	list             // a slice of strings, booleans or integers
	nested           // a struct of singles, or a pointer to one
	group            // a slice of such structs, for Chargebee's indexed form
)

// field is a field of a params struct, as its url tag has it.
type field struct {
	index     []int // more than one: of an embedded struct
	name      string
	kind      kind
	fields    []field // of a nested or a group: each is single or unsupported
	encoder   bool
	required  bool
	omitEmpty bool
	asNumber  bool // a boolean, as 0 or 1
}

// fieldsOf lists the fields of a struct type, those of embedded structs in their
// place. Inside of another field (inner), only singles can be encoded.
func fieldsOf(t reflect.Type, inner bool) []field {
	fields := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get("url")
		if tag == "-" || !sf.IsExported() && !sf.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if embedded := embeddedFields(sf, name, inner); len(embedded) > 0 {
			fields = append(fields, embedded...)
			continue
		}
		f := field{index: sf.Index, name: cmp.Or(name, sf.Name), encoder: isEncoder(sf.Type)}
		for option := range strings.SplitSeq(options, ",") {
			f.required = f.required || option == "required"
			f.omitEmpty = f.omitEmpty || option == "omitempty"
			f.asNumber = f.asNumber || option == "int"
		}
		switch {
		case sf.Anonymous, f.encoder && !isEncoder(indirect(sf.Type)): // a method that needs a pointer would be called on nil
		case f.encoder, isValue(indirect(sf.Type)):
			f.kind = scalar
		case !inner:
			f.kind, f.fields = compound(sf.Type)
		}
		fields = append(fields, f)
	}
	return fields
}

func embeddedFields(sf reflect.StructField, name string, inner bool) []field {
	if !sf.Anonymous || name != "" || sf.Type.Kind() != reflect.Struct || isEncoder(sf.Type) {
		return nil
	}
	fields := fieldsOf(sf.Type, inner)
	for i := range fields {
		fields[i].index = append(slices.Clone(sf.Index), fields[i].index...)
	}
	return fields
}

// compound is the kind of a field that is no single.
func compound(t reflect.Type) (kind, []field) {
	k := nested
	if t.Kind() == reflect.Slice {
		k, t = group, t.Elem()
		if isValue(t) && !isEncoder(t) && !isFloat(t) && t.Kind() != reflect.Uint8 {
			return list, nil
		}
	}
	t = indirect(t)
	if t.Kind() != reflect.Struct || isEncoder(t) {
		return unsupported, nil
	}
	fields := fieldsOf(t, true)
	if len(fields) == 0 { // time.Time, for one: nothing of it would be sent
		return unsupported, nil
	}
	return k, fields
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

func isEncoder(t reflect.Type) bool {
	return t.Kind() != reflect.Interface && t.Implements(reflect.TypeFor[query.Encoder]())
}

func isFloat(t reflect.Type) bool { return t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64 }

func isValue(t reflect.Type) bool {
	k := t.Kind()
	return k == reflect.String || reflect.Bool <= k && k <= reflect.Float64 && k != reflect.Uintptr
}

// encode returns the text of a single, whether it is sent at all, and what is
// wrong with it.
func (f field) encode(v reflect.Value) (text string, sent bool, problem string) {
	switch {
	case f.kind != scalar:
		return "", false, reasonType
	case v.IsZero() && f.required:
		return "", false, ReasonEmpty
	case v.IsZero() && (f.omitEmpty || v.Kind() == reflect.Pointer):
		return "", false, ""
	case f.encoder:
		return f.callEncoder(v.Interface().(query.Encoder))
	}
	v = reflect.Indirect(v)
	switch {
	case v.Kind() == reflect.String:
		return v.String(), true, ""
	case v.Kind() == reflect.Bool && f.asNumber:
		return map[bool]string{false: "0", true: "1"}[v.Bool()], true, ""
	case !v.CanFloat():
		return fmt.Sprint(v.Interface()), true, ""
	case math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0):
		return "", false, "must be a finite number"
	}
	return strconv.FormatFloat(v.Float(), 'f', -1, v.Type().Bits()), true, ""
}

func (f field) callEncoder(encoder query.Encoder) (text string, sent bool, problem string) {
	values := make(url.Values)
	if err := encoder.EncodeValues(f.name, &values); err != nil {
		return "", false, "cannot be encoded: " + err.Error()
	}
	switch texts := values[f.name]; {
	case len(values) == 0 && f.required:
		return "", false, ReasonEmpty
	case len(values) == 0:
		return "", false, ""
	case len(values) == 1 && len(texts) == 1:
		return texts[0], true, ""
	}
	return "", false, "must encode itself as one value under its name"
}

// checkNested returns what is wrong with a single in a nested struct. There
// go-querystring would send a nil pointer as an empty value, and a million as
// 1e+06.
func (f field) checkNested(v reflect.Value) (problem string) {
	text, _, problem := f.encode(v)
	switch {
	case problem != "" || f.omitEmpty && v.IsZero():
		return problem
	case v.Kind() == reflect.Pointer && v.IsNil():
		return "must not be nil, or must be tagged omitempty"
	case !f.encoder && reflect.Indirect(v).CanFloat() && text != fmt.Sprint(reflect.Indirect(v).Interface()):
		return "must be a string to be sent without an exponent"
	}
	return ""
}
