// Package metrics counts what a server does, for Prometheus and for `florin top`.
//
// What happens often is recorded as it happens, into counters that were looked up before; what can be read at any time (queues, sizes) is read when
// somebody asks. docs/howto/operate.md lists the metrics.
package metrics

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"florin/internal/api"
	"florin/internal/spec"
	"florin/internal/store"
)

// The bounds of histograms, in seconds.
var (
	quick = []float64{.0005, .001, .002, .004, .008, .016, .032, .064, .128, .256, .512, 1, 2, 5, 10, 30} // requests and commits
	slow  = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}                            // from a commit to who waits for it
	sizes = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}
)

// Metrics are the numbers of one server.
type Metrics struct {
	registry *prometheus.Registry

	ops      sync.Map // *spec.Operation → *operation
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec

	commits, wait, batch prometheus.Histogram
	conflicts, failures  prometheus.Counter

	delay prometheus.Histogram
	tasks *prometheus.CounterVec
}

// New makes the metrics of a server that began to run at a moment. Gauges are added by Gauge and Counter.
func New(started time.Time) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "florin_requests_total", Help: "Requests that were answered."}, []string{"operation", "status", "mode"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "florin_request_seconds", Help: "From the head of a request to its answer.", Buckets: quick}, []string{"operation"}),

		commits:   prometheus.NewHistogram(prometheus.HistogramOpts{Name: "florin_commit_seconds", Help: "How long a commit took.", Buckets: quick}),
		wait:      prometheus.NewHistogram(prometheus.HistogramOpts{Name: "florin_commit_wait_seconds", Help: "How long the first unit of a commit had waited for it.", Buckets: quick}),
		batch:     prometheus.NewHistogram(prometheus.HistogramOpts{Name: "florin_commit_units", Help: "Units of work that were committed together.", Buckets: sizes}),
		conflicts: prometheus.NewCounter(prometheus.CounterOpts{Name: "florin_commit_conflicts_total", Help: "Units of work that lost a race, and were run again."}),
		failures:  prometheus.NewCounter(prometheus.CounterOpts{Name: "florin_commit_failures_total", Help: "Commits that the store could not do."}),

		delay: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "florin_delivery_delay_seconds", Help: "From an event's commit to its confirmation, of deliveries that were confirmed at the first attempt.", Buckets: slow}),
		tasks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "florin_tasks_total", Help: "Tasks that were done, or failed."}, []string{"task", "outcome"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.commits, m.wait, m.batch, m.conflicts, m.failures, m.delay, m.tasks)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	m.Gauge("florin_start_time_seconds", "When the server began to run, in Unix time.", func() float64 { return float64(started.UnixMilli()) / 1000 })
	return m
}

// Handler answers with the metrics as they are.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// Gauge adds a number that is read when somebody asks. labels are pairs: "lane", "fast".
func (m *Metrics) Gauge(name, help string, read func() float64, labels ...string) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: pairs(labels)}, read))
}

// Counter is Gauge for a number that only grows.
func (m *Metrics) Counter(name, help string, read func() int64, labels ...string) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: pairs(labels)}, func() float64 { return float64(read()) }))
}

func pairs(labels []string) prometheus.Labels {
	out := prometheus.Labels{}
	for i := 0; i < len(labels); i += 2 {
		out[labels[i]] = labels[i+1]
	}
	return out
}

// statuses are those that answers have as a rule; others are looked up each time.
var statuses = [...]int{200, 400, 401, 402, 403, 404, 409, 429, 500, 501, 503, 504}

// An operation is what is counted of one operation of the API.
type operation struct {
	name    string
	seconds prometheus.Observer
	counts  [2][len(statuses)]atomic.Pointer[prometheus.Counter] // by mode: test, live
}

// Requested counts a request that was answered.
func (m *Metrics) Requested(r *api.Record) {
	o := m.operation(r.Op)
	o.seconds.Observe(r.Took.Seconds())
	m.count(o, r.Status, r.Live).Inc()
}

func (m *Metrics) operation(op *spec.Operation) *operation {
	if o, ok := m.ops.Load(op); ok {
		return o.(*operation)
	}
	name := "unknown"
	if op != nil {
		name = op.Route()
	}
	o, _ := m.ops.LoadOrStore(op, &operation{name: name, seconds: m.seconds.WithLabelValues(name)})
	return o.(*operation)
}

func (m *Metrics) count(o *operation, status int, live bool) prometheus.Counter {
	at, mode := 0, "test"
	if live {
		at, mode = 1, "live"
	}
	for i, s := range statuses {
		if s != status {
			continue
		}
		if c := o.counts[at][i].Load(); c != nil {
			return *c
		}
		c := m.requests.WithLabelValues(o.name, strconv.Itoa(status), mode)
		o.counts[at][i].Store(&c)
		return c
	}
	return m.requests.WithLabelValues(o.name, strconv.Itoa(status), mode)
}

// Committed counts a batch of units.
func (m *Metrics) Committed(b store.Batch) {
	if b.Err != nil {
		m.failures.Inc()
		return
	}
	m.commits.Observe(b.Took.Seconds())
	m.wait.Observe(b.Waited.Seconds())
	m.batch.Observe(float64(b.Units))
	m.conflicts.Add(float64(b.Conflicts))
}

// Delivered counts a delivery that was confirmed at the first attempt.
func (m *Metrics) Delivered(delay time.Duration) { m.delay.Observe(delay.Seconds()) }

// Tasked counts a task that was done, or failed.
func (m *Metrics) Tasked(work string, err error) {
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	m.tasks.WithLabelValues(work, outcome).Inc()
}

// most bounds the tasks that are counted when somebody asks.
const most = 1000

// Tasks adds what is read of the tasks that wait.
func (m *Metrics) Tasks(app *api.App) { m.registry.MustRegister(&waitingTasks{app}) }

type waitingTasks struct{ app *api.App }

var (
	dueDesc  = prometheus.NewDesc("florin_tasks_due", "Tasks whose time has come and that are not done, of which it counts 1000 at the most.", nil, nil)
	lateDesc = prometheus.NewDesc("florin_tasks_late_seconds", "How long ago the time of the first of them came.", nil, nil)
)

// Describe names the metrics.
func (w *waitingTasks) Describe(ch chan<- *prometheus.Desc) { ch <- dueDesc; ch <- lateDesc }

// Collect reads them.
func (w *waitingTasks) Collect(ch chan<- prometheus.Metric) {
	n, since, err := w.app.DueTasks(context.Background(), most)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(dueDesc, err)
		return
	}
	late := int64(0)
	if n > 0 {
		late = max(0, w.app.Clock.Now().Unix()-since)
	}
	ch <- prometheus.MustNewConstMetric(dueDesc, prometheus.GaugeValue, float64(n))
	ch <- prometheus.MustNewConstMetric(lateDesc, prometheus.GaugeValue, float64(late))
}
