package metrics

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"florin/internal/api"
	"florin/internal/spec"
	"florin/internal/store"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func has(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("there is no line %q", line)
		}
	}
}

func TestCounts(t *testing.T) {
	m := New(time.Unix(1_800_000_000, 0))
	pay := spec.Lookup("POST /v1/payment_intents")
	m.Requested(&api.Record{Op: pay, Status: 200, Took: 3 * time.Millisecond})
	m.Requested(&api.Record{Op: pay, Status: 200, Took: 5 * time.Millisecond})
	m.Requested(&api.Record{Op: pay, Status: 402, Live: true, Took: 3 * time.Millisecond})
	m.Requested(&api.Record{Op: pay, Status: 424, Took: time.Minute})
	m.Requested(&api.Record{Status: 404})
	m.Committed(store.Batch{Units: 3, Conflicts: 1, Waited: time.Millisecond, Took: 3 * time.Millisecond})
	m.Committed(store.Batch{Units: 3, Err: errors.New("the disk is full")})
	m.Delivered(30 * time.Millisecond)
	m.Tasked("x.expire", nil)
	m.Tasked("x.expire", errors.New("no"))
	m.Gauge("florin_a", "A.", func() float64 { return 7 }, "lane", "fast")
	has(t, scrape(t, m),
		`florin_requests_total{mode="test",operation="POST /v1/payment_intents",status="200"} 2`,
		`florin_requests_total{mode="live",operation="POST /v1/payment_intents",status="402"} 1`,
		`florin_requests_total{mode="test",operation="POST /v1/payment_intents",status="424"} 1`,
		`florin_requests_total{mode="test",operation="unknown",status="404"} 1`,
		`florin_request_seconds_bucket{operation="POST /v1/payment_intents",le="0.004"} 2`,
		`florin_request_seconds_count{operation="POST /v1/payment_intents"} 4`,
		`florin_commit_units_sum 3`, `florin_commit_units_count 1`, `florin_commit_conflicts_total 1`, `florin_commit_failures_total 1`,
		`florin_delivery_delay_seconds_bucket{le="0.05"} 1`,
		`florin_tasks_total{outcome="done",task="x.expire"} 1`, `florin_tasks_total{outcome="failed",task="x.expire"} 1`,
		`florin_a{lane="fast"} 7`, `florin_start_time_seconds 1.8e+09`,
	)
}

// A request is counted without allocating: it happens thousands of times a second.
func TestRequestedAllocatesNothing(t *testing.T) {
	m := New(time.Now())
	r := &api.Record{Op: spec.Lookup("POST /v1/payment_intents"), Status: 200, Took: 3 * time.Millisecond}
	m.Requested(r)
	if n := testing.AllocsPerRun(1000, func() { m.Requested(r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRequested(b *testing.B) {
	m := New(time.Now())
	r := &api.Record{Op: spec.Lookup("POST /v1/payment_intents"), Status: 200, Took: 3 * time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		m.Requested(r)
	}
}
