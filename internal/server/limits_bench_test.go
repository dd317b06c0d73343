package server_test

import (
	"testing"

	"florin/internal/server"
	"florin/internal/server/servertest"
)

// What Stripe's limits cost a request, beside none.
func BenchmarkLimits(b *testing.B) {
	for name, limits := range map[string]server.Limits{"none": nil, "all": {"requests": 1e9, "reads": 1e9, "endpoint": 1e9, "concurrent": 1e9}} {
		b.Run(name, func(b *testing.B) {
			s := servertest.New(b, func(c *server.Config) { c.TestLimits = limits })
			b.ReportAllocs()
			for b.Loop() {
				s.Get("/v1/balance")
			}
		})
	}
}
