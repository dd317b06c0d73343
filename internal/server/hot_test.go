package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/server/servertest"
)

// The hot path without a network: the whole of a request from the HTTP handler down, on an engine of the benchmark's choice. bench/ measures the
// real binary; this is for profiles (go test ./internal/server -run xxx -bench Hot -cpuprofile cpu.out).

func BenchmarkHotPayMemory(b *testing.B) { benchPay(b) }
func BenchmarkHotPaySQLite(b *testing.B) { benchPay(b, servertest.In(b.TempDir())) }

const payForm = "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&automatic_payment_methods[enabled]=true" +
	"&automatic_payment_methods[allow_redirects]=never"

func benchPay(b *testing.B, opts ...servertest.Option) {
	s := servertest.New(b, append(opts, servertest.RealTime)...)
	ask(b, s, 64, func(i int64) *http.Request {
		r := httptest.NewRequest("POST", "/v1/payment_intents", strings.NewReader(payForm))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Idempotency-Key", fmt.Sprintf("bench-%d", i))
		return r
	})
}

func BenchmarkHotRetrieveSQLite(b *testing.B) {
	s := servertest.New(b, servertest.In(b.TempDir()), servertest.RealTime)
	pi := s.Post("/v1/payment_intents", strings.FieldsFunc(payForm, func(r rune) bool { return r == '&' || r == '=' })...).Text("id")
	if pi == "" {
		b.Fatal("no payment")
	}
	ask(b, s, 64, func(int64) *http.Request { return httptest.NewRequest("GET", "/v1/payment_intents/"+pi, nil) })
}

func BenchmarkHotListSQLite(b *testing.B) {
	for _, n := range []int{10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := servertest.New(b, servertest.In(b.TempDir()), servertest.RealTime)
			for range 110 {
				s.Post("/v1/payment_intents", strings.FieldsFunc(payForm, func(r rune) bool { return r == '&' || r == '=' })...)
			}
			ask(b, s, 64, func(int64) *http.Request {
				return httptest.NewRequest("GET", fmt.Sprintf("/v1/payment_intents?limit=%d", n), nil)
			})
		})
	}
}

// ask asks b.N times from some goroutines.
func ask(b *testing.B, s *servertest.Server, side int, request func(int64) *http.Request) {
	var n atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range side {
		wg.Go(func() {
			for {
				i := n.Add(1)
				if i > int64(b.N) {
					return
				}
				r := request(i)
				r.Header.Set("Authorization", "Bearer "+s.Secret)
				w := &counted{header: http.Header{}}
				s.App.ServeHTTP(w, r) // past what holds answers to the spec
				if w.status != 200 {
					b.Errorf("answered %d", w.status)
					return
				}
			}
		})
	}
	wg.Wait()
}

// A counted writer forgets what is written.
type counted struct {
	header http.Header
	status int
}

func (w *counted) Header() http.Header               { return w.header }
func (w *counted) WriteHeader(s int)                 { w.status = s }
func (w *counted) Write(p []byte) (int, error)       { return io.Discard.Write(p) }
func (w *counted) WriteString(p string) (int, error) { return len(p), nil }

// BenchmarkHotPayWebhook pays while an endpoint is told of one event of each payment, and waits until it has been told of all.
func BenchmarkHotPayWebhook(b *testing.B) {
	s := servertest.New(b, servertest.In(b.TempDir()), servertest.RealTime)
	var told atomic.Int64
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		told.Add(1)
	}))
	defer hook.Close()
	if s.Post("/v1/webhook_endpoints", "url", hook.URL, "enabled_events[]", "payment_intent.succeeded").Status != 200 {
		b.Fatal("no endpoint")
	}
	s.Work()
	ask(b, s, 64, func(i int64) *http.Request {
		r := httptest.NewRequest("POST", "/v1/payment_intents", strings.NewReader(payForm))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Idempotency-Key", fmt.Sprintf("bench-%d", i))
		return r
	})
	paid := b.Elapsed()
	for told.Load() < int64(b.N) {
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(float64((b.Elapsed() - paid).Milliseconds()), "ms-behind")
}
