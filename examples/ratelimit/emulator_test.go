package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestMaxInWindow(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		seconds []int
		want    int
	}{
		"no requests":                          {nil, 0},
		"one request":                          {[]int{0}, 1},
		"all at the same time":                 {[]int{5, 5, 5}, 3},
		"a minute apart":                       {[]int{0, 60, 120}, 1},
		"just under a minute apart":            {[]int{0, 59}, 2},
		"the fullest window is in the middle":  {[]int{0, 50, 70, 100, 105, 109, 170}, 5},
		"the fullest window is at the end":     {[]int{0, 100, 200, 210, 220}, 3},
		"the fullest window is the first half": {[]int{0, 1, 2, 100, 200}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests []chargebeetest.Request
			for _, s := range test.seconds {
				requests = append(requests, chargebeetest.Request{At: noon.Add(time.Duration(s) * time.Second)})
			}
			require.Equal(t, test.want, maxInWindow(requests, time.Minute))
		})
	}
}
