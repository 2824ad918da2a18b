// Package comparison measures this library next to Chargebee's own Go SDK, in its two
// major versions.
package comparison

import (
	_ "github.com/chargebee/chargebee-go/v3"
	_ "github.com/chargebee/chargebee-go/v4"
	_ "github.com/typedbee/chargebee-go"
)
