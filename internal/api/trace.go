package api

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"florin/internal/store"
)

// A Span is a part of a trace. That of an app without a tracer is empty, and its methods do nothing; to begin and to end it costs a look at a nil.
type Span struct{ in trace.Span }

// Span begins a part of the trace that ctx belongs to, or a trace if it belongs to none. End must be called.
func (a *App) Span(ctx context.Context, name string) (context.Context, Span) {
	if a.Tracer == nil {
		return ctx, Span{}
	}
	ctx, in := a.Tracer.Start(ctx, name)
	return ctx, Span{in}
}

// Set notes an attribute. What it says is seen outside: no secrets.
func (s Span) Set(name, value string) {
	if s.in != nil && value != "" {
		s.in.SetAttributes(attribute.String(name, value))
	}
}

// Int is Set for a number.
func (s Span) Int(name string, value int) {
	if s.in != nil {
		s.in.SetAttributes(attribute.Int(name, value))
	}
}

// End ends the span. An error, whose words stay inside, marks it as failed.
func (s Span) End(err error) {
	if s.in == nil {
		return
	}
	if err != nil {
		s.in.SetStatus(codes.Error, "")
	}
	s.in.End()
}

// trace begins the span of the request, which belongs to the client's trace if it sent one (W3C traceparent).
func (q *request) trace() {
	if q.app.Tracer == nil {
		return
	}
	ctx := propagation.TraceContext{}.Extract(q.r.Context(), propagation.HeaderCarrier(q.r.Header))
	ctx, in := q.app.Tracer.Start(ctx, q.r.Method, trace.WithSpanKind(trace.SpanKindServer))
	q.r, q.span = q.r.WithContext(ctx), Span{in}
}

// traced ends the span of the request, when its answer has gone out.
func (q *request) traced(rep *reply) {
	s := q.span
	if s.in == nil {
		return
	}
	s.Set("http.request.method", q.r.Method)
	if q.op != nil {
		s.in.SetName(q.op.Route())
		s.Set("http.route", q.op.Path)
	}
	s.Int("http.response.status_code", rep.status)
	s.Set("florin.request", q.id)
	if q.who != nil {
		s.Set("florin.account", q.who.AccountID)
		s.Set("florin.mode", mode(q.who.Scope))
	}
	if f := rep.fault; f != nil {
		s.Set("error.type", f.Type)
		s.Set("florin.error_code", f.Code)
	}
	if rep.status >= 500 {
		s.in.SetStatus(codes.Error, "")
	}
	s.in.End()
}

// mode is the name of a scope's mode.
func mode(s store.Scope) string {
	if s.Live() {
		return "live"
	}
	return "test"
}
