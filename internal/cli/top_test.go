package cli

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const before = `
florin_start_time_seconds 1000
florin_requests_total{mode="test",operation="GET /v1/balance",status="200"} 100
florin_requests_total{mode="test",operation="POST /v1/payment_intents",status="200"} 40
# TYPE florin_request_seconds histogram
florin_request_seconds_bucket{operation="GET /v1/balance",le="0.001"} 100
florin_request_seconds_bucket{operation="GET /v1/balance",le="+Inf"} 100
florin_request_seconds_sum{operation="GET /v1/balance"} 0.05
florin_request_seconds_count{operation="GET /v1/balance"} 100
florin_deliveries_total{outcome="delivered"} 5
`

const after = `
florin_start_time_seconds 1000
florin_requests_total{mode="test",operation="GET /v1/balance",status="200"} 100
florin_requests_total{mode="test",operation="POST /v1/payment_intents",status="200"} 100
florin_requests_total{mode="live",operation="POST /v1/payment_intents",status="402"} 20
florin_requests_total{mode="live",operation="POST /v1/payment_intents",status="503"} 2
# TYPE florin_request_seconds histogram
florin_request_seconds_bucket{operation="GET /v1/balance",le="0.001"} 100
florin_request_seconds_bucket{operation="GET /v1/balance",le="+Inf"} 100
florin_request_seconds_sum{operation="GET /v1/balance"} 0.05
florin_request_seconds_count{operation="GET /v1/balance"} 100
florin_requests_inside 7
florin_requests_limit 1024
florin_deliveries_total{outcome="delivered"} 25
florin_deliveries_total{outcome="failed"} 3
florin_tasks_due 12
florin_tasks_late_seconds 90
`

func parse(t *testing.T, text string, at int64) *reading {
	t.Helper()
	r, err := readMetrics(strings.NewReader(text), time.Unix(at, 0))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTopScreen(t *testing.T) {
	old, now := parse(t, before, 1010), parse(t, after, 1020)
	text := strings.Join(screen("here", now.since(old), nameWidth), "\n")
	for _, part := range []string{
		"up 20s  here  (in 10 s)",
		"requests    8.20/s   4xx 2/s   5xx 0.20/s", // of ten seconds
		"7 of 1024 at work",
		"deliveries  2/s   failed 0.30/s",
		"due 12   late 90.0s",
		"POST /v1/payment_intents                                       8.20        2     0.20",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("there is no %q in\n%s", part, text)
		}
	}
	if strings.Contains(text, "GET /v1/balance") {
		t.Errorf("an operation that nobody asked for stands in\n%s", text)
	}
	for _, line := range screen("here", now.since(old), 10)[9:] {
		if !strings.HasPrefix(line, "OPERATION            ") && !strings.HasPrefix(line, "POST /v1/payment_int     8.20 ") {
			t.Errorf("with little room: %q", line)
		}
	}
	all := strings.Join(screen("here", now.since(nil), nameWidth), "\n")
	if !strings.Contains(all, "(since the start)") || !strings.Contains(all, "requests    11.1/s") || !strings.Contains(all, "GET /v1/balance") {
		t.Errorf("since the start:\n%s", all)
	}
	again := parse(t, strings.Replace(after, "seconds 1000", "seconds 1015", 1), 1020)
	if c := again.since(old); c.was != nil || math.Round(c.seconds) != 5 {
		t.Errorf("a server that has begun anew is compared to the one before: %v", c.seconds)
	}
}

func TestQuantile(t *testing.T) {
	h := &hist{count: 100, bounds: []float64{1, 2, 4}, below: []float64{50, 90, 98}}
	for part, want := range map[float64]float64{.25: .5, .5: 1, .7: 1.5, .9: 2, .94: 3, .99: math.Inf(1)} {
		if got := h.quantile(part); math.Abs(got-want) > 1e-9 && got != want {
			t.Errorf("%v: %v, want %v", part, got, want)
		}
	}
	if q := (&hist{}).quantile(.5); !math.IsNaN(q) {
		t.Errorf("of nothing: %v", q)
	}
}

func TestTopOnce(t *testing.T) {
	data := t.TempDir()
	refused(t, data, 1, "no server runs on", "top", "--once")
	refused(t, data, 2, "this is no terminal", "top")
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	refused(t, data, 1, "404", "top", "--once", "--admin", other.URL)

	_, ready, _ := serve(t, data, "--admin", "127.0.0.1:0")
	status(t, ready.HTTP, ready.SecretKey)
	for _, more := range [][]string{nil, {"--admin", ready.Admin}, {"--admin", strings.TrimPrefix(ready.Admin, "http://")}} {
		out := ""
		for tries := 0; tries < 1000 && !strings.Contains(out, "\nGET /v1/account "); tries++ { // a request is counted when its answer has gone out
			out = ok(t, data, nil, append([]string{"top", "--once"}, more...)...)
		}
		if !strings.Contains(out, "(since the start)") || !strings.Contains(out, "\nGET /v1/account ") {
			t.Errorf("%v: %s", more, out)
		}
	}
}
