package chargebeetest

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// page is the body of the response to a list operation.
type page struct {
	List       []any  `json:"list"`
	NextOffset string `json:"next_offset,omitempty"`
}

// numbered is an entry of a list. Numbers ascend in the order of creation, from 1.
type numbered interface{ creationNumber() int }

// newPage returns the page of a list that the limit and the offset in params select.
// The entries are in the order of creation, and created is the last number given. An
// offset is the number of the last entry of a page, so that no other entry is skipped
// or repeated when entries are added or removed between two pages.
func newPage[E numbered](params url.Values, entries []E, created int, matches func(E) bool, body func(E) any) (any, *apiError) {
	limit, apiErr := parseLimit(params)
	if apiErr != nil {
		return nil, apiErr
	}
	last, apiErr := parseOffset(params, created)
	if apiErr != nil {
		return nil, apiErr
	}
	start, _ := slices.BinarySearchFunc(entries, last+1, func(e E, number int) int { return e.creationNumber() - number })
	result := page{List: []any{}}
	for _, e := range entries[start:] {
		if !matches(e) {
			continue
		}
		if len(result.List) == limit {
			result.NextOffset = formatOffset(last)
			break
		}
		result.List = append(result.List, body(e))
		last = e.creationNumber()
	}
	return result, nil
}

func parseLimit(params url.Values) (int, *apiError) {
	if !params.Has("limit") {
		return 10, nil
	}
	limit, err := strconv.Atoi(params.Get("limit"))
	if err != nil || limit < 1 || limit > 100 {
		return 0, invalidParam("limit", "must be a number from 1 to 100")
	}
	return limit, nil
}

// formatOffset returns an offset in the form of Chargebee's, a JSON array of texts.
func formatOffset(number int) string { return `["` + strconv.Itoa(number) + `"]` }

// parseOffset returns the number in an offset, or 0 without one. An offset that was
// issued is less than created, because another entry followed.
func parseOffset(params url.Values, created int) (int, *apiError) {
	if !params.Has("offset") {
		return 0, nil
	}
	offset := params.Get("offset")
	number, err := strconv.Atoi(strings.Trim(offset, `["]`))
	if err != nil || number < 1 || number >= created || offset != formatOffset(number) {
		return 0, invalidParam("offset", "is not the next_offset of a page")
	}
	return number, nil
}

// filterField is a field that a list can be filtered by.
type filterField[E any] struct {
	name      string
	operators []string
	enum      []string // the possible values, which a filter may have in any case; nil means any text
	value     func(E) string
}

// parseFilters returns a function that reports whether an entry matches all filters
// field[operator]=value in params. It ignores other parameters.
func parseFilters[E any](params url.Values, fields []filterField[E]) (func(E) bool, *apiError) {
	var filters []func(E) bool
	for _, param := range slices.Sorted(maps.Keys(params)) {
		name, rest, _ := strings.Cut(param, "[")
		operator, isClosed := strings.CutSuffix(rest, "]")
		i := slices.IndexFunc(fields, func(f filterField[E]) bool { return f.name == name })
		if !isClosed || i < 0 || strings.Contains(operator, "]") {
			continue
		}
		filter, apiErr := fields[i].parse(param, operator, params.Get(param))
		if apiErr != nil {
			return nil, apiErr
		}
		filters = append(filters, filter)
	}
	return func(e E) bool {
		return !slices.ContainsFunc(filters, func(matches func(E) bool) bool { return !matches(e) })
	}, nil
}

// parse returns a function that reports whether an entry matches one filter.
func (f filterField[E]) parse(param, operator, text string) (func(E) bool, *apiError) {
	if !slices.Contains(f.operators, operator) {
		return nil, invalidParam(param, "is not a filter; the operators are "+strings.Join(f.operators, ", "))
	}
	wanted, apiErr := f.parseValues(param, operator, text)
	if apiErr != nil {
		return nil, apiErr
	}
	isNegated := operator == "is_not" || operator == "not_in"
	return func(e E) bool {
		if operator == "starts_with" {
			return strings.HasPrefix(f.value(e), text)
		}
		return wanted[f.value(e)] != isNegated
	}, nil
}

// parseValues returns the values in a filter: one, or those of the array of in and not_in.
func (f filterField[E]) parseValues(param, operator, text string) (map[string]bool, *apiError) {
	values := []string{text}
	if operator == "in" || operator == "not_in" {
		values = parseArray(text)
		if values == nil {
			return nil, invalidParam(param, "must be a JSON array of texts")
		}
	}
	wanted := make(map[string]bool, len(values))
	for _, value := range values {
		if f.enum != nil {
			value = strings.ToLower(value)
		}
		switch {
		case value == "":
			return nil, invalidParam(param, "cannot be blank")
		case f.enum != nil && !slices.Contains(f.enum, value):
			return nil, invalidParam(param, "must be one of "+strings.Join(f.enum, ", "))
		}
		wanted[value] = true
	}
	return wanted, nil
}

// parseArray parses a JSON array of texts, or the form [a,b] without quotes that the
// specification of the API has. It returns nil for anything else.
func parseArray(text string) []string {
	var values []string
	if json.Unmarshal([]byte(text), &values) == nil && len(values) > 0 {
		return values
	}
	list, isOpened := strings.CutPrefix(text, "[")
	list, isClosed := strings.CutSuffix(list, "]")
	if !isOpened || !isClosed || strings.ContainsAny(list, `"[]{}`) {
		return nil
	}
	return strings.Split(list, ",")
}
