package cli

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// A reading is what /metrics said at a moment, as far as top shows it.
type reading struct {
	at     time.Time
	values map[string]float64 // counters and gauges by name, added up over their labels; those that top tells apart by name{label}
	hists  map[string]*hist   // histograms by name
	ops    map[string]*opReading
}

type opReading struct {
	name                   string
	count, client, failing float64 // requests; those answered with 4xx, with 5xx
	seconds                *hist
}

// A hist is how often what was measured was not above each bound.
type hist struct {
	sum, count float64
	bounds     []float64 // in rising order
	below      []float64 // beside each bound: how many were not above it
}

func readMetrics(in io.Reader, at time.Time) (*reading, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(in)
	if err != nil {
		return nil, fmt.Errorf("read the metrics: %w", err)
	}
	if families["florin_start_time_seconds"] == nil {
		return nil, fmt.Errorf("these are not the metrics of a Florin")
	}
	r := &reading{at: at, values: map[string]float64{}, hists: map[string]*hist{}, ops: map[string]*opReading{}}
	for name, f := range families {
		for _, m := range f.Metric {
			r.take(name, m)
		}
	}
	return r, nil
}

func (r *reading) take(name string, m *dto.Metric) {
	labels := map[string]string{}
	for _, l := range m.Label {
		labels[l.GetName()] = l.GetValue()
	}
	value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
	r.values[name] += value
	if outcome := labels["outcome"]; outcome != "" {
		r.values[name+"{"+outcome+"}"] += value
	}
	if h := m.GetHistogram(); h != nil {
		read := &hist{sum: h.GetSampleSum(), count: float64(h.GetSampleCount())}
		for _, b := range h.Bucket {
			if !math.IsInf(b.GetUpperBound(), 1) {
				read.bounds, read.below = append(read.bounds, b.GetUpperBound()), append(read.below, float64(b.GetCumulativeCount()))
			}
		}
		r.hists[name] = read.plus(r.hists[name], 1)
		if name == "florin_request_seconds" {
			r.op(labels["operation"]).seconds = read
		}
	}
	if name == "florin_requests_total" {
		o := r.op(labels["operation"])
		o.count += value
		switch labels["status"][:1] {
		case "4":
			o.client += value
		case "5":
			o.failing += value
		}
	}
}

func (r *reading) op(name string) *opReading {
	if r.ops[name] == nil {
		r.ops[name] = &opReading{name: name}
	}
	return r.ops[name]
}

// plus adds times the other histogram, which has the same bounds or is nil.
func (h *hist) plus(o *hist, times float64) *hist {
	if h == nil || o == nil || len(o.bounds) != len(h.bounds) {
		return h
	}
	out := &hist{sum: h.sum + times*o.sum, count: h.count + times*o.count, bounds: h.bounds, below: slices.Clone(h.below)}
	for i := range out.below {
		out.below[i] += times * o.below[i]
	}
	return out
}

// quantile is the value that so large a part is not above, as near as the bounds tell; NaN if nothing was measured, +Inf beyond the last bound.
func (h *hist) quantile(part float64) float64 {
	if h == nil || h.count <= 0 {
		return math.NaN()
	}
	want, low, before := part*h.count, 0.0, 0.0
	for i, bound := range h.bounds {
		if h.below[i] >= want && h.below[i] > before {
			return low + (bound-low)*(want-before)/(h.below[i]-before)
		}
		low, before = bound, h.below[i]
	}
	return math.Inf(1)
}

// A change is what happened between two readings, or since the server began if there is one only.
type change struct {
	*reading
	seconds float64
	was     *reading // nil: the beginning
}

func (r *reading) since(was *reading) change {
	c := change{reading: r, was: was, seconds: float64(r.at.UnixMilli())/1000 - r.values["florin_start_time_seconds"]}
	if was != nil && was.values["florin_start_time_seconds"] == r.values["florin_start_time_seconds"] { // the same process
		c.seconds = r.at.Sub(was.at).Seconds()
	} else {
		c.was = nil
	}
	c.seconds = max(c.seconds, 0.001)
	return c
}

// grown is how much a counter has grown.
func (c change) grown(name string) float64 {
	if c.was == nil {
		return c.values[name]
	}
	return c.values[name] - c.was.values[name]
}

// rate is how much a counter has grown a second.
func (c change) rate(name string) float64 { return c.grown(name) / c.seconds }

func (c change) hist(name string) *hist {
	if c.was == nil {
		return c.hists[name]
	}
	return c.hists[name].plus(c.was.hists[name], -1)
}

// operations are those that were asked for, the busiest first.
func (c change) operations() (out []*opReading) {
	for name, o := range c.ops {
		d := *o
		if c.was != nil && c.was.ops[name] != nil {
			old := c.was.ops[name]
			d.count, d.client, d.failing, d.seconds = o.count-old.count, o.client-old.client, o.failing-old.failing, o.seconds.plus(old.seconds, -1)
		}
		if d.count > 0 {
			out = append(out, &d)
		}
	}
	slices.SortFunc(out, func(a, b *opReading) int {
		if a.count != b.count {
			return int(math.Copysign(1, b.count-a.count))
		}
		return strings.Compare(a.name, b.name)
	})
	return out
}
