// Package otlp sends traces to a collector: OpenTelemetry's protocol over HTTP, as JSON.
//
// OpenTelemetry's own exporter brings gRPC with it and makes the binary 4 MB larger; this is what is needed of it. Spans are gathered and sent in the
// background by OpenTelemetry's SDK; those that a collector does not take are dropped, and never hold up a request.
//
// Known from: opentelemetry.io/docs/specs/otlp (JSON Protobuf Encoding) and …/specs/otel/protocol/exporter (the environment).
package otlp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Endpoint is where traces go: base if it is given, otherwise what the environment says; "" is nowhere.
func Endpoint(base string, env func(string) string) string {
	if base == "" {
		if at := env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); at != "" {
			return at
		}
		base = env("OTEL_EXPORTER_OTLP_ENDPOINT")
	}
	if base == "" || strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") || env("OTEL_TRACES_EXPORTER") == "none" {
		return ""
	}
	return strings.TrimSuffix(base, "/") + "/v1/traces"
}

// A Sender makes spans and sends them.
type Sender struct{ provider *sdk.TracerProvider }

// New makes a sender to an endpoint. The environment may add headers (OTEL_EXPORTER_OTLP_HEADERS), attributes of the service (OTEL_SERVICE_NAME,
// OTEL_RESOURCE_ATTRIBUTES), and choose which traces are kept (OTEL_TRACES_SAMPLER). What a collector does not take is told to the log.
func New(endpoint string, env func(string) string, log *slog.Logger) (*Sender, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is no address to send traces to: it begins with http:// or https://", endpoint)
	}
	headers := env("OTEL_EXPORTER_OTLP_TRACES_HEADERS")
	if headers == "" {
		headers = env("OTEL_EXPORTER_OTLP_HEADERS")
	}
	e := &exporter{endpoint: endpoint, header: http.Header{}, client: &http.Client{Timeout: 10 * time.Second}, log: log}
	for _, pair := range strings.Split(headers, ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			if plain, err := url.PathUnescape(strings.TrimSpace(value)); err == nil {
				e.header.Set(strings.TrimSpace(name), plain)
			}
		}
	}
	e.header.Set("Content-Type", "application/json")
	about, err := resource.New(context.Background(), resource.WithAttributes(attribute.String("service.name", "florin")), resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Debug("traces", "cause", err) }))
	return &Sender{sdk.NewTracerProvider(sdk.WithBatcher(e), sdk.WithResource(about))}, nil
}

// Tracer begins spans.
func (s *Sender) Tracer() trace.Tracer { return s.provider.Tracer("florin") }

// closeTime is how long what waits may take to be sent when the server stops.
const closeTime = 3 * time.Second

// Close sends what waits.
func (s *Sender) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return s.provider.Shutdown(ctx)
}

// An exporter posts spans.
type exporter struct {
	endpoint string
	header   http.Header
	client   *http.Client
	log      *slog.Logger
	failing  atomic.Bool // the last post was not taken
}

// The messages of the protocol, as far as they are used. In JSON, ids are in hex, and numbers of 64 bits are strings.
type (
	message struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   attributes   `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	attributes struct {
		Attributes []keyValue `json:"attributes"`
	}
	scopeSpans struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Spans []span `json:"spans"`
	}
	span struct {
		TraceID    string     `json:"traceId"`
		SpanID     string     `json:"spanId"`
		TraceState string     `json:"traceState,omitempty"`
		ParentID   string     `json:"parentSpanId,omitempty"`
		Name       string     `json:"name"`
		Kind       int        `json:"kind"`
		Start      string     `json:"startTimeUnixNano"`
		End        string     `json:"endTimeUnixNano"`
		Attributes []keyValue `json:"attributes,omitempty"`
		Status     *status    `json:"status,omitempty"`
	}
	status struct {
		Code int `json:"code"`
	}
	keyValue struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	}
)

// statusError is the code of a span that failed.
const statusError = 2

// ExportSpans sends spans, which are all of this process. That a collector takes none is logged once, and so is that it takes them again.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.post(ctx, spans)
	switch was := e.failing.Swap(err != nil); {
	case err != nil && !was:
		e.log.Warn("traces are lost", "cause", err)
	case err == nil && was:
		e.log.Info("traces arrive again")
	}
	return err
}

func (e *exporter) post(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	all := scopeSpans{}
	all.Scope.Name = spans[0].InstrumentationScope().Name
	for _, s := range spans {
		all.Spans = append(all.Spans, encode(s))
	}
	m := message{[]resourceSpans{{attributes{values(spans[0].Resource().Attributes())}, []scopeSpans{all}}}}
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = e.header
	res, err := e.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the collector of traces answered %s", res.Status)
	}
	return nil
}

// Shutdown ends the exporter.
func (e *exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

func encode(s sdk.ReadOnlySpan) span {
	out := span{
		TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(), TraceState: s.SpanContext().TraceState().String(),
		Name: s.Name(), Kind: int(s.SpanKind()), Start: nanos(s.StartTime()), End: nanos(s.EndTime()), Attributes: values(s.Attributes()),
	}
	if s.Parent().HasSpanID() {
		out.ParentID = s.Parent().SpanID().String()
	}
	if s.Status().Code == codes.Error {
		out.Status = &status{statusError}
	}
	return out
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func values(attributes []attribute.KeyValue) (out []keyValue) {
	for _, a := range attributes {
		var v map[string]any
		switch a.Value.Type() {
		case attribute.INT64:
			v = map[string]any{"intValue": strconv.FormatInt(a.Value.AsInt64(), 10)}
		case attribute.BOOL:
			v = map[string]any{"boolValue": a.Value.AsBool()}
		case attribute.FLOAT64:
			v = map[string]any{"doubleValue": a.Value.AsFloat64()}
		default:
			v = map[string]any{"stringValue": a.Value.String()}
		}
		out = append(out, keyValue{string(a.Key), v})
	}
	return out
}
