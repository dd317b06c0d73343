package otlp

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// What is sent is the protocol's JSON: ids in hex, times and numbers as strings, kinds and states as numbers.
func TestMessage(t *testing.T) {
	var sent []byte
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { sent, _ = io.ReadAll(r.Body) }))
	defer collector.Close()
	s, err := New(collector.URL+"/v1/traces", func(string) string { return "" }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := s.Tracer().Start(t.Context(), "a", trace.WithSpanKind(trace.SpanKindServer))
	span.SetAttributes(attribute.Int("n", 7), attribute.String("s", "x"), attribute.Bool("b", true), attribute.Float64("f", 1.5))
	_, below := s.Tracer().Start(ctx, "b")
	below.SetStatus(codes.Error, "")
	below.End()
	span.End()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var m message
	if err := json.Unmarshal(sent, &m); err != nil {
		t.Fatal(err)
	}
	spans := m.ResourceSpans[0].ScopeSpans[0].Spans
	if len(spans) != 2 || spans[0].Name != "b" || spans[0].ParentID != spans[1].SpanID || spans[0].TraceID != spans[1].TraceID || len(spans[1].TraceID) != 32 ||
		len(spans[1].SpanID) != 16 || spans[0].Status == nil || spans[0].Status.Code != 2 || spans[1].Status != nil || spans[1].Kind != 2 || spans[1].ParentID != "" {
		t.Errorf("%s", sent)
	}
	for _, part := range []string{`{"key":"n","value":{"intValue":"7"}}`, `{"key":"s","value":{"stringValue":"x"}}`, `{"key":"b","value":{"boolValue":true}}`,
		`{"key":"f","value":{"doubleValue":1.5}}`, `{"key":"service.name","value":{"stringValue":"florin"}}`, `"startTimeUnixNano":"1`} {
		if !bytes.Contains(sent, []byte(part)) {
			t.Errorf("there is no %s in %s", part, sent)
		}
	}
}

// A collector that takes nothing is told of once, until it takes something.
func TestFailingCollector(t *testing.T) {
	var bad atomic.Bool
	bad.Store(true)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if bad.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer collector.Close()
	var log bytes.Buffer
	s, err := New(collector.URL, func(string) string { return "" }, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		bad.Store(i < 3)
		_, span := s.Tracer().Start(t.Context(), "a")
		span.End()
		if err := s.provider.ForceFlush(t.Context()); (err != nil) != (i < 3) {
			t.Errorf("step %d: %v", i, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if strings.Count(log.String(), "traces are lost") != 1 || strings.Count(log.String(), "traces arrive again") != 1 {
		t.Errorf("the log says\n%s", &log)
	}
}
