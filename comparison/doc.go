// Package comparison measures this library next to Chargebee's own Go SDK, in its two
// major versions. Its tests compare what they measure with COMPARISON.md. To write the
// tables of COMPARISON.md, run
//
//	go test -update
package comparison
