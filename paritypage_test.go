package chargebee_test

import (
	"fmt"
	"go/ast"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
)

// paritySection is a table of docs/parity.md.
type paritySection struct {
	title string
	rows  []parityRow
}

// parityRow compares a method, a parameter, an attribute or a value of an enum.
type parityRow struct {
	label        string
	isDocumented bool
	ours         goField
	cells        []string // of v3, v4 and Node
}

// goField is a field, or a constant if it has no type. The zero goField is none.
type goField struct{ name, typ string }

// parityPage generates docs/parity.md.
type parityPage struct {
	*testing.T
	contract contract
	vendors  []vendorSDK // v3, v4 and Node
}

func (p parityPage) generate() string {
	sections := slices.Concat(p.operationSections(), p.resourceSections(), []paritySection{p.errorSection()}, p.enumSections())
	page := fmt.Sprintf("\nThe versions are %s, %s and Node.js %s.\n", p.vendors[0].Version, p.vendors[1].Version, p.vendors[2].Version)
	page += "\n## What this library lacks\n\nNone of it is in the schemas.\n\n" +
		listRows(sections, func(row parityRow, cell string) bool { return row.ours == goField{} && cell != "no" })
	page += "\n## What Chargebee's SDKs lack\n\n" +
		listRows(sections, func(row parityRow, cell string) bool { return row.ours != goField{} && cell == "no" })
	page += "\nThese are untyped:\n\n" +
		listRows(sections, func(row parityRow, cell string) bool { return row.ours != goField{} && cell == "untyped" })
	for _, section := range sections {
		page += "\n## " + section.title + "\n\n| | this library | v3 | v4 | Node |\n| --- | --- | --- | --- | --- |\n"
		for _, row := range section.rows {
			label, ours := row.label, "no"
			if !row.isDocumented {
				label += ", undocumented"
			}
			if row.ours != (goField{}) {
				ours = "`" + strings.TrimSpace(row.ours.name+" "+row.ours.typ) + "`"
			}
			page += "| " + label + " | " + ours + " | " + strings.Join(row.cells, " | ") + " |\n"
		}
	}
	return page
}

// listRows lists the rows of each section, by the vendors for whose cell isListed is true.
func listRows(sections []paritySection, isListed func(row parityRow, cell string) bool) string {
	list := ""
	for _, section := range sections {
		labels := make(map[string][]string)
		for _, row := range section.rows {
			var vendors []string
			for i, cell := range row.cells {
				if isListed(row, cell) {
					vendors = append(vendors, []string{"v3", "v4", "Node"}[i])
				}
			}
			key := strings.Join(vendors, ", ")
			labels[key] = append(labels[key], row.label)
		}
		for _, vendors := range slices.Sorted(maps.Keys(labels)) {
			names := strings.Join(labels[vendors], ", ")
			if len(labels[vendors]) == len(section.rows) {
				names = "all"
			}
			if vendors != "" {
				list += "- " + section.title + ": " + names + " (" + vendors + ")\n"
			}
		}
	}
	return list
}

// rows compares our fields with those of the vendors, of which fields returns the types.
func (p parityPage) rows(documented []string, ours map[string]goField, fields func(vendorSDK) map[string]string) []parityRow {
	names := slices.AppendSeq(slices.Clone(documented), maps.Keys(ours))
	for _, vendor := range p.vendors {
		names = slices.AppendSeq(names, maps.Keys(fields(vendor)))
	}
	slices.Sort(names)
	var rows []parityRow
	for _, name := range slices.Compact(names) {
		row := parityRow{label: "`" + name + "`", isDocumented: slices.Contains(documented, name), ours: ours[name]}
		require.False(p, row.isDocumented && row.ours == goField{}, "%s is documented, and this library lacks it", name)
		for _, vendor := range p.vendors {
			row.cells = append(row.cells, compareType(row.ours.typ, fields(vendor)[name]))
		}
		rows = append(rows, row)
	}
	return rows
}

// compareType returns what the page says about a vendor's field. theirs is empty if there is none.
func compareType(ours, theirs string) string {
	switch {
	case theirs == "":
		return "no"
	case strings.HasPrefix(theirs, "map") || strings.HasSuffix(theirs, "customFields"):
		return "map"
	case regexp.MustCompile(`^(\[\])?(any|unknown|interface {})(\[\])?$`).MatchString(theirs):
		return "untyped"
	case ours == "Timestamp":
		return "number"
	case theirs == "string" && ours != "string" && ours != "":
		return "string"
	}
	return "yes"
}

func (p parityPage) operationSections() []paritySection {
	var sections []paritySection
	for _, service := range reflect.VisibleFields(reflect.TypeFor[chargebee.Client]()) {
		for name, op := range operations() {
			if method, ok := service.Type.MethodByName(name); ok {
				sections = append(sections, paritySection{name, p.operationRows(service, method, op)})
			}
		}
	}
	slices.SortFunc(sections, func(a, b paritySection) int { return strings.Compare(a.rows[0].ours.name, b.rows[0].ours.name) })
	return sections
}

func (p parityPage) operationRows(service reflect.StructField, method reflect.Method, op operation) []parityRow {
	theirs := func(vendor vendorSDK) vendorOperation { return vendor.Operations[method.Name] }
	row := parityRow{label: "method", isDocumented: true, ours: goField{name: service.Name + "." + method.Name}}
	id := regexp.MustCompile(`{([^}]+)}`)
	for _, vendor := range p.vendors {
		require.Equal(p, op.method+" /api/v2"+id.ReplaceAllString(op.path, "{id}"), theirs(vendor).Request)
		row.cells = append(row.cells, "`"+theirs(vendor).Method+"`")
	}
	rows := []parityRow{row}
	if name := id.FindStringSubmatch(op.path); name != nil {
		rows = append(rows, parityRow{"`" + name[1] + "` in the path", true, goField{typ: "string"}, []string{"yes", "yes", "yes"}})
	}
	params := make(map[string]goField)
	for i := range method.Type.NumIn() {
		if in := method.Type.In(i); in.Kind() == reflect.Struct {
			params = goFields(in, "url", "%s[%s]")
		}
	}
	rows = append(rows, p.rows(p.contract.paramNames(op), params, func(vendor vendorSDK) map[string]string { return theirs(vendor).Params })...)

	results := make(map[string]goField)
	for _, field := range reflect.VisibleFields(method.Type.Out(0).Elem()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Type.Kind() == reflect.Slice {
			name = "list"
		}
		if len(field.Index) == 1 && !field.Anonymous { // the others are of Response
			results[name] = goField{field.Name, typeName(field.Type)}
		}
	}
	resultRows := p.rows(names(results), results, func(vendor vendorSDK) map[string]string {
		types := make(map[string]string) // without the attributes of the resource
		for name, typ := range theirs(vendor).Response {
			if top := regexp.MustCompile(`^\w+`).FindString(name); top != name {
				name, typ = top, "typed"
			}
			types[name] = typ
		}
		return types
	})
	for _, row := range resultRows {
		row.label += " in the response"
		rows = append(rows, row)
	}
	return rows
}

// goFields returns the fields of a struct by the name in their tag. A field of a struct in it has the name that format
// makes of both names.
func goFields(typ reflect.Type, tag, format string) map[string]goField {
	fields := make(map[string]goField)
	for _, field := range reflect.VisibleFields(typ) {
		name, _, _ := strings.Cut(field.Tag.Get(tag), ",")
		element, list := field.Type, ""
		if element.Kind() == reflect.Slice {
			element, list = element.Elem(), "[]"
		}
		if element.Kind() != reflect.Struct || element == reflect.TypeFor[chargebee.Timestamp]() {
			fields[name] = goField{field.Name, typeName(field.Type)}
			continue
		}
		for inner, f := range goFields(element, tag, format) {
			fields[fmt.Sprintf(format, name, inner)] = goField{field.Name + list + "." + f.name, f.typ}
		}
	}
	return fields
}

func typeName(typ reflect.Type) string { return strings.ReplaceAll(typ.String(), "chargebee.", "") }

// names returns the names of our fields. Those of attributes and enums are what is documented, as other tests say.
func names(ours map[string]goField) []string { return slices.Collect(maps.Keys(ours)) }

func (p parityPage) resourceSections() []paritySection {
	var sections []paritySection
	for name, typ := range map[string]reflect.Type{
		"portal_session": reflect.TypeFor[chargebee.PortalSession](), "feature": reflect.TypeFor[chargebee.Feature](),
		"item_entitlement": reflect.TypeFor[chargebee.ItemEntitlement](), "entitlement": reflect.TypeFor[chargebee.Entitlement](),
	} {
		ours := goFields(typ, "json", "%s[].%s")
		rows := p.rows(names(ours), ours, func(vendor vendorSDK) map[string]string { return p.attributes(vendor, name) })
		sections = append(sections, paritySection{"Attributes of " + typ.Name(), rows})
	}
	slices.SortFunc(sections, func(a, b paritySection) int { return strings.Compare(a.title, b.title) })
	return sections
}

// attributes returns the attributes of a resource, which are the same in each response that has it.
func (p parityPage) attributes(vendor vendorSDK, resource string) map[string]string {
	var attributes map[string]string
	for _, op := range vendor.Operations {
		found := make(map[string]string)
		for name, typ := range op.Response {
			if attribute, ok := strings.CutPrefix(strings.TrimPrefix(name, "list[]."), resource+"."); ok {
				found[attribute] = typ
			}
		}
		if len(found) > 0 && attributes != nil {
			require.Equal(p, attributes, found, resource)
		}
		if len(found) > 0 {
			attributes = found
		}
	}
	return attributes
}

func (p parityPage) errorSection() paritySection {
	ours := make(map[string]goField)
	for attribute, name := range map[string]string{
		"api_error_code": "Code", "error_cause_id": "CauseID", "message": "Message", "param": "Param", "type": "Type",
	} {
		field, ok := reflect.TypeFor[chargebee.APIError]().FieldByName(name)
		require.True(p, ok, name)
		ours[attribute] = goField{name, typeName(field.Type)}
	}
	return paritySection{"Attributes of an error", p.rows(names(ours), ours, func(vendor vendorSDK) map[string]string { return vendor.Error })}
}

// enumSections compares our constants with the values of the vendors' fields.
func (p parityPage) enumSections() []paritySection {
	constants := make(map[string]map[string]goField)
	for _, declaration := range exportedConstants(p.T) {
		for _, spec := range declaration.Decl.Specs {
			constant := spec.(*ast.ValueSpec)
			if typ, ok := constant.Type.(*ast.Ident); ok {
				value, err := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value)
				require.NoError(p, err)
				if constants[typ.Name] == nil {
					constants[typ.Name] = make(map[string]goField)
				}
				constants[typ.Name][value] = goField{name: constant.Names[0].Name}
			}
		}
	}
	var sections []paritySection
	for enum, field := range map[string]func(vendorSDK) string{
		"Action":              func(vendor vendorSDK) string { return vendor.Operations["ManageEntitlements"].Params["action"] },
		"EntityType":          func(vendor vendorSDK) string { return p.attributes(vendor, "entitlement")["entity_type"] },
		"ErrorCode":           func(vendor vendorSDK) string { return vendor.Error["api_error_code"] },
		"ErrorType":           func(vendor vendorSDK) string { return vendor.Error["type"] },
		"FeatureStatus":       func(vendor vendorSDK) string { return p.attributes(vendor, "feature")["status"] },
		"FeatureType":         func(vendor vendorSDK) string { return p.attributes(vendor, "feature")["type"] },
		"ItemType":            func(vendor vendorSDK) string { return p.attributes(vendor, "item_entitlement")["item_type"] },
		"PortalSessionStatus": func(vendor vendorSDK) string { return p.attributes(vendor, "portal_session")["status"] },
	} {
		rows := p.rows(names(constants[enum]), constants[enum], func(vendor vendorSDK) map[string]string {
			values := make(map[string]string)
			if list, ok := strings.CutPrefix(field(vendor), "enum "); ok {
				for _, value := range strings.Fields(list) {
					values[value] = enum
				}
			}
			return values
		})
		sections = append(sections, paritySection{"Values of " + enum, rows})
	}
	slices.SortFunc(sections, func(a, b paritySection) int { return strings.Compare(a.title, b.title) })
	return sections
}
