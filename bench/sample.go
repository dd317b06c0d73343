package main

import (
	"slices"
	"time"
)

// A sample is one slice of one row.
type sample struct {
	perSecond      float64
	p50, p99, p999 time.Duration
	errors         int64
	firstErr       error
	cpu            time.Duration // of the server, for each 1,000 that were done
	written        float64       // bytes sent to the disk, for each that was done
	own            float64       // cores that the load generator used
	busyAfter      bool          // the server was still at work a while after the load had ended
	hooks          *hooking
}

func newSample(perSecond float64, h *hist, u usage, n int64) *sample {
	s := &sample{perSecond: perSecond, p50: h.at(0.5), p99: h.at(0.99), p999: h.at(0.999)}
	s.used(u, n)
	return s
}

func (s *sample) used(u usage, n int64) {
	if n > 0 {
		s.cpu = time.Duration(float64(u.cpu) * 1000 / float64(n))
		s.written = float64(u.written) / float64(n)
	}
}

func (u usage) minus(before usage) usage {
	return usage{u.cpu - before.cpu, u.written - before.written}
}

// measure loads the target. What the server uses is counted until it has nothing left to do about the load, or until it has been waited for.
func (t *target) measure(l load, settle time.Duration) (*sample, *outcome, error) {
	before, own := t.proc.used(), (*process)(nil).used()
	began := time.Now()
	out, err := t.put(l)
	if err != nil {
		return nil, nil, err
	}
	owned := float64((*process)(nil).used().minus(own).cpu) / float64(time.Since(began))
	settled := settle == 0 || t.proc.settle(settle)
	s := newSample(float64(out.done)/out.took.Seconds(), &out.latency, t.proc.used().minus(before), out.all)
	s.errors, s.firstErr, s.own, s.busyAfter = out.errors, out.firstErr, owned, !settled
	return s, out, nil
}

// A summary is a row's samples as one: the median of each figure, the sum of the errors.
type summary struct {
	sample
	low, high float64 // the slowest and the fastest slice, a second
	n         int
}

func summarize(all []*sample) *summary {
	s := &summary{n: len(all)}
	s.perSecond = median(all, func(x *sample) float64 { return x.perSecond })
	s.p50 = median(all, func(x *sample) time.Duration { return x.p50 })
	s.p99 = median(all, func(x *sample) time.Duration { return x.p99 })
	s.p999 = median(all, func(x *sample) time.Duration { return x.p999 })
	s.cpu = median(all, func(x *sample) time.Duration { return x.cpu })
	s.written = median(all, func(x *sample) float64 { return x.written })
	s.own = median(all, func(x *sample) float64 { return x.own })
	s.low, s.high = all[0].perSecond, all[0].perSecond
	for _, x := range all {
		s.low, s.high = min(s.low, x.perSecond), max(s.high, x.perSecond)
		s.errors += x.errors
		s.busyAfter = s.busyAfter || x.busyAfter
		if s.firstErr == nil {
			s.firstErr = x.firstErr
		}
	}
	if all[0].hooks != nil {
		h := &hooking{}
		h.perSecond = median(all, func(x *sample) float64 { return x.hooks.perSecond })
		h.per = median(all, func(x *sample) float64 { return x.hooks.per })
		h.behind = median(all, func(x *sample) time.Duration { return x.hooks.behind })
		for _, x := range all {
			h.delay.merge(&x.hooks.delay)
			h.lost += x.hooks.lost
		}
		s.hooks = h
	}
	return s
}

func median[T float64 | time.Duration | int64](all []*sample, of func(*sample) T) T {
	values := make([]T, len(all))
	for i, x := range all {
		values[i] = of(x)
	}
	return middle(values)
}

// middle is the median; of an even number, the mean of the two in the middle.
func middle[T float64 | time.Duration | int64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
