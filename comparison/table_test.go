package comparison_test

import (
	"math"
	"regexp"
	"strconv"
	"testing"
)

// table is a table of COMPARISON.md.
type table struct {
	name string // in its markers
	rows []row
}

// row compares the libraries in one respect.
type row struct {
	name      string
	how       string
	observe   observation
	tolerance float64 // of the numbers in a cell, as a part of them; 0: none
}

// observation returns what a cell says about the library of a measurement.
type observation func(m measurement) string

// measured is a row that is the same in every run.
func measured(name string, observe observation) row {
	return row{name: name, how: "measured", observe: observe}
}

// varying is a row whose numbers depend on chance or on the machine. A number in
// COMPARISON.md may differ from the measured one by tolerance, such as 0.1 for 10%.
func varying(name string, tolerance float64, observe observation) row {
	return row{name: name, how: "measured, varies", observe: observe, tolerance: tolerance}
}

// read is a row that was read in source code or documentation.
func read(name, ours, v3, v4 string) row {
	return row{name: name, how: "read", observe: func(m measurement) string {
		return [...]string{ours, v3, v4}[m.lib]
	}}
}

// each is for a row that needs other code for each library.
func each(ours, v3, v4 observation) observation {
	return func(m measurement) string { return [...]observation{ours, v3, v4}[m.lib](m) }
}

// cells returns the row as COMPARISON.md has it.
func (r row) cells(t *testing.T) []string {
	t.Helper()
	cells := []string{r.name}
	for _, lib := range []library{ours, v3, v4} {
		cells = append(cells, r.observe(measurement{t, lib}))
	}
	return append(cells, r.how)
}

var number = regexp.MustCompile(`\d+(?:\.\d+)?`)

// isClose reports whether two cells differ only in numbers, and these by no more than
// tolerance.
func isClose(a, b string, tolerance float64) bool {
	if number.ReplaceAllString(a, "0") != number.ReplaceAllString(b, "0") {
		return false
	}
	ofB := number.FindAllString(b, -1)
	for i, text := range number.FindAllString(a, -1) {
		x, errX := strconv.ParseFloat(text, 64)
		y, errY := strconv.ParseFloat(ofB[i], 64)
		if errX != nil || errY != nil || math.Abs(x-y) > tolerance*max(x, y) {
			return false
		}
	}
	return true
}

func TestNumbersMayDifferByTolerance(t *testing.T) {
	for _, test := range []struct {
		name, a, b string
		tolerance  float64
		want       bool
	}{
		{"equal", "after 6.1 s", "after 6.1 s", 0, true},
		{"no tolerance", "after 6.1 s", "after 6.2 s", 0, false},
		{"within the tolerance", "64 to 100", "80 to 130", 0.5, true},
		{"one number beyond the tolerance", "64 to 100", "64 to 210", 0.5, false},
		{"other words", "after 6.1 s", "in 6.1 s", 1, false},
		{"zero against another number", "0%", "91%", 0.5, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if isClose(test.a, test.b, test.tolerance) != test.want {
				t.Errorf("isClose(%q, %q, %v) is not %v", test.a, test.b, test.tolerance, test.want)
			}
		})
	}
}
