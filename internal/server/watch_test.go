package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/domain/account"
	"florin/internal/otlp"
	"florin/internal/store"
	"florin/internal/store/memory"
)

// paying makes the first account, and returns what pays with its secret test key.
func paying(t *testing.T, s *Server, at *Addresses) (pay func(card string) int, key string) {
	t.Helper()
	made, err := s.Accounts.Create(t.Context(), account.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range made.Keys {
		if !k.Livemode && k.Type == account.Secret {
			key = k.Secret
		}
	}
	return func(card string) int {
		form := url.Values{"amount": {"2000"}, "currency": {"usd"}, "payment_method": {card}, "confirm": {"true"}, "return_url": {"https://example.com"}}
		r, err := http.NewRequestWithContext(t.Context(), "POST", at.HTTP+"/v1/payment_intents", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		r.SetBasicAuth(key, "")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}, key
}

// hook makes an endpoint that is told of payments, and returns what receives when it is.
func hook(t *testing.T, at *Addresses, key string) <-chan struct{} {
	t.Helper()
	told := make(chan struct{}, 16)
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told <- struct{}{} }))
	t.Cleanup(endpoint.Close)
	form := url.Values{"url": {endpoint.URL}, "enabled_events[]": {"payment_intent.succeeded"}}
	r, err := http.NewRequestWithContext(t.Context(), "POST", at.HTTP+"/v1/webhook_endpoints", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(key, "")
	if res, err := http.DefaultClient.Do(r); err != nil || res.Body.Close() != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	return told
}

func TestDeliveriesAreCounted(t *testing.T) {
	s, at := start(t, Config{HTTP: "127.0.0.1:0", Admin: "127.0.0.1:0"})
	pay, key := paying(t, s, at)
	told := hook(t, at, key)
	pay("pm_card_visa")
	<-told
	counted := func(text string) bool {
		return strings.Contains(text, "\nflorin_deliveries_total{outcome=\"delivered\"} 1\n") &&
			strings.Contains(text, "\nflorin_delivery_delay_seconds_bucket{le=\"60\"} 1\n") &&
			strings.Contains(text, "\nflorin_delivery_delay_seconds_count 1\n")
	}
	for range 5000 { // it is counted when its result has been written, one number after the other
		if _, text := get(t, http.DefaultClient, at.Admin+"/metrics", ""); counted(text) {
			return
		}
	}
	t.Error("the delivery is not counted, or its delay is not one of this minute")
}

func TestAdminPort(t *testing.T) {
	s, at := start(t, Config{Data: t.TempDir(), HTTP: "127.0.0.1:0", Admin: "127.0.0.1:0"})
	pay, key := paying(t, s, at)
	if got := []int{pay("pm_card_visa"), pay("pm_card_visa"), pay("pm_card_chargeDeclined")}; got[0] != 200 || got[2] != 402 {
		t.Fatal(got)
	}
	status, text := 0, ""
	for range 1000 { // a request is counted when its answer has gone out
		status, text = get(t, http.DefaultClient, at.Admin+"/metrics", "")
		if strings.Contains(text, `operation="POST /v1/payment_intents",status="402"} 1`) {
			break
		}
	}
	if status != 200 {
		t.Fatal(status, text)
	}
	for _, line := range []string{
		`florin_requests_total{mode="test",operation="POST /v1/payment_intents",status="200"} 2`,
		`florin_requests_total{mode="test",operation="POST /v1/payment_intents",status="402"} 1`,
		`florin_request_seconds_count{operation="POST /v1/payment_intents"} 3`,
		`florin_requests_inside 0`, `florin_tasks_due 0`, `florin_deliveries_waiting 0`, `florin_commit_queue 0`,
		`florin_requests_limited_total{reason="global-rate"} 0`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("there is no line %q", line)
		}
	}
	for _, name := range []string{"florin_store_bytes", "florin_commit_units_sum", "go_goroutines"} {
		if !strings.Contains(text, "\n"+name+" ") || strings.Contains(text, "\n"+name+" 0\n") {
			t.Errorf("%s is missing, or 0", name)
		}
	}
	if strings.Contains(text, key) {
		t.Error("the metrics show a key")
	}
	for path, want := range map[string]string{"/healthz": "alive\n", "/readyz": "ready\n"} {
		if status, text := get(t, http.DefaultClient, at.Admin+path, ""); status != 200 || text != want {
			t.Errorf("%s: %d %q", path, status, text)
		}
	}
	if status, text := get(t, http.DefaultClient, at.Admin+"/debug/pprof/goroutine?debug=1", ""); status != 200 || !strings.Contains(text, "goroutine profile") {
		t.Errorf("profiles: %d", status)
	}
	for _, path := range []string{"/keys", "/accounts", "/v1/balance"} { // commands are for the socket alone
		if status, _ := get(t, http.DefaultClient, at.Admin+path, ""); status != 404 {
			t.Errorf("%s on the admin port: %d", path, status)
		}
	}
	if status, _ := get(t, http.DefaultClient, at.HTTP+"/metrics", ""); status != 404 {
		t.Errorf("metrics on the API's port: %d", status)
	}
	far := httptest.NewRequest("GET", "/debug/pprof/", nil)
	far.RemoteAddr = "203.0.113.7:1234"
	w := httptest.NewRecorder()
	s.watching().ServeHTTP(w, far)
	if w.Code != http.StatusForbidden {
		t.Errorf("profiles from another machine: %d", w.Code)
	}
}

// breakable is an engine that does not write when it is told so.
type breakable struct {
	store.Engine
	broken atomic.Bool
	writes atomic.Int64
}

func (b *breakable) Apply(ctx context.Context, units []*store.Unit) ([]error, error) {
	if b.broken.Load() {
		return nil, errors.New("the disk is full")
	}
	b.writes.Add(1)
	return b.Engine.Apply(ctx, units)
}

// A server is ready if its store takes writes: it finds out by itself where nobody else writes, and when the store is well again.
func TestReady(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	engine := &breakable{Engine: memory.New()}
	db, err := store.Open(engine)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	own := s.db
	s.db = db
	defer func() { s.db = own }()
	db.OnBatch(s.committed)
	s.seen.good.Store(0)

	for i, step := range []struct {
		broken bool
		want   string
	}{{false, ""}, {false, ""}, {true, ""}, {true, "the store: store: commit: the disk is full"}, {true, "the store: store: commit: the disk is full"}, {false, ""}} {
		engine.broken.Store(step.broken)
		if i == 3 { // somebody notices, or the last good commit is long ago
			s.seen.good.Store(0)
		}
		got := ""
		if err := s.Ready(t.Context()); err != nil {
			got = err.Error()
		}
		if got != step.want {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
	if n := engine.writes.Load(); n != 2 {
		t.Errorf("%d probes were written, want 2", n)
	}
	s.seen.draining.Store(true)
	if err := s.Ready(t.Context()); err == nil {
		t.Error("ready, though about to stop")
	}
}

// A server that is told to stop says so and goes on serving, for as long as it was told to.
func TestDrain(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	came := make(chan *Ready, 1)
	cfg := Config{HTTP: "127.0.0.1:0", Admin: "127.0.0.1:0", Drain: 300 * time.Millisecond}
	go func() { done <- Run(ctx, cfg, "", func(_ *Server, r *Ready) { came <- r }) }()
	r := <-came
	stop()
	status := 0
	for range 100 {
		if status, _ = get(t, http.DefaultClient, r.Admin+"/readyz", ""); status == 503 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if status != 503 {
		t.Errorf("/readyz while it is about to stop: %d", status)
	}
	if status, _ := get(t, http.DefaultClient, r.HTTP+"/v1/balance", r.SecretKey); status != 200 {
		t.Errorf("the API while it is about to stop: %d", status)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestRequestLines(t *testing.T) {
	for _, c := range []struct {
		level slog.Level
		asked bool
		lines int
	}{{slog.LevelInfo, false, 0}, {slog.LevelInfo, true, 2}, {slog.LevelDebug, false, 2}} {
		out := &safeBuffer{}
		s, at := start(t, Config{HTTP: "127.0.0.1:0", LogRequests: c.asked, Log: slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: c.level}))})
		pay, key := paying(t, s, at)
		pay("pm_card_visa")
		get(t, http.DefaultClient, at.HTTP+"/v1/4242424242424242", key) // what does not exist may hold anything
		if err := s.Close(); err != nil {                               // a line is written when the answer has gone out
			t.Fatal(err)
		}
		var lines []map[string]any
		for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
			var m map[string]any
			if line == "" {
				continue
			}
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err, line)
			}
			if m["msg"] == "request" {
				lines = append(lines, m)
			}
		}
		if len(lines) != c.lines {
			t.Fatalf("%v %v: %d lines, want %d\n%s", c.level, c.asked, len(lines), c.lines, out)
		}
		if strings.Contains(out.String(), key) || strings.Contains(out.String(), "4242424242424242") {
			t.Error("the log shows a secret")
		}
		if c.lines == 0 {
			continue
		}
		if l := lines[0]; l["operation"] != "POST /v1/payment_intents" || l["status"] != 200. || l["mode"] != "test" || l["key"] != "sk_test_…"+key[len(key)-4:] ||
			!strings.HasPrefix(l["request"].(string), "req_") || !strings.HasPrefix(l["account"].(string), "acct_") || l["took"].(float64) <= 0 {
			t.Errorf("%v", l)
		}
		if l := lines[1]; l["operation"] != "GET" || l["status"] != 404. {
			t.Errorf("%v", l)
		}
	}
}

// Traces hold a span for the request, in the client's trace, and below it one for the handler and one for the commit.
func TestTraces(t *testing.T) {
	type span struct {
		TraceID, SpanID, ParentSpanID, Name string
		Kind                                int
		Attributes                          []struct {
			Key   string
			Value map[string]any
		}
	}
	var mu sync.Mutex
	byName := map[string]span{}
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var m struct {
			ResourceSpans []struct {
				Resource   struct{ Attributes []any }
				ScopeSpans []struct{ Spans []span }
			}
		}
		if err := json.Unmarshal(body, &m); err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Token") != "a b" {
			t.Errorf("%v %s %v", err, r.URL, r.Header)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, s := range m.ResourceSpans[0].ScopeSpans[0].Spans {
			if s.Name != "commit" || s.TraceID == "0af7651916cd43dd8448eb211c80319c" {
				byName[s.Name] = s
			}
		}
	}))
	defer collector.Close()
	env := func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_EXPORTER_OTLP_HEADERS": "X-Token=a%20b"}[name]
	}
	sender, err := otlp.New(otlp.Endpoint("", env), env, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	s, at := start(t, Config{HTTP: "127.0.0.1:0", Traces: sender, TestRail: &countingRail{}})
	pay, key := paying(t, s, at)
	told := hook(t, at, key)
	pay("pm_card_visa")
	<-told
	if err := s.Close(); err != nil { // the spans of the last request have ended
		t.Fatal(err)
	}
	if err := sender.Close(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	request := byName["POST /v1/payment_intents"]
	if request.TraceID != "0af7651916cd43dd8448eb211c80319c" || request.ParentSpanID != "b7ad6b7169203331" || request.Kind != 2 {
		t.Errorf("the request: %+v", request)
	}
	said := map[string]any{}
	for _, a := range request.Attributes {
		for _, v := range a.Value {
			said[a.Key] = v
		}
	}
	if said["http.response.status_code"] != "200" || said["http.route"] != "/v1/payment_intents" || said["florin.mode"] != "test" || said["florin.account"] == nil {
		t.Errorf("its attributes: %v", said)
	}
	if sent := byName["webhook"]; sent.TraceID == "" || sent.ParentSpanID != "" {
		t.Errorf("the webhook: %+v", sent)
	}
	for _, name := range []string{"handler", "commit", "send"} {
		if below := byName[name]; below.TraceID != request.TraceID || below.ParentSpanID != request.SpanID {
			t.Errorf("%s: %+v", name, below)
		}
	}
}

// Where nobody wants traces, a span costs no memory.
func TestNoTraces(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		_, span := s.App.Span(ctx, "x")
		span.Set("a", "b")
		span.End(nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestEndpoint(t *testing.T) {
	for _, c := range []struct{ flag, env, want string }{
		{"", "", ""},
		{"http://a:4318", "", "http://a:4318/v1/traces"},
		{"http://a:4318/", "OTEL_EXPORTER_OTLP_ENDPOINT=http://b", "http://a:4318/v1/traces"},
		{"", "OTEL_EXPORTER_OTLP_ENDPOINT=http://b/x", "http://b/x/v1/traces"},
		{"", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://b/as/it/is", "http://b/as/it/is"},
	} {
		name, value, _ := strings.Cut(c.env, "=")
		if got := otlp.Endpoint(c.flag, func(n string) string {
			if n == name {
				return value
			}
			return ""
		}); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
