// Package metrics counts what a worker does, for Prometheus: what runs have
// loaded, how long each step took, and how each job stands. A scrape reads
// the ledger and never asks a source. It keeps nothing: what rates and alarms
// are made of is Prometheus's affair.
//
// Each figure has the label job_name, some also step, outcome or state, all of
// which have a few values fixed in the code: the number of series does not grow
// with tables, event types or windows.
package metrics

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync"

	"backstory/schedules"
	"backstory/sinks"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// label names the job. The label job is Prometheus's own: it names what is
// scraped, and would rename ours.
const label = "job_name"

// Options say what the figures are about.
type Options struct {
	// Version is the version of Backstory.
	Version string
	// Standings says how each job stands. It is asked at each scrape.
	Standings func(context.Context) []schedules.Standing
}

// Metrics are the figures of one worker. It may be used by several goroutines.
type Metrics struct {
	registry *prometheus.Registry
	ask      func(context.Context) []schedules.Standing

	runs        *prometheus.CounterVec
	runSeconds  *prometheus.HistogramVec
	runRetries  *prometheus.CounterVec
	windows     *prometheus.CounterVec
	events      *prometheus.CounterVec
	rows        *prometheus.CounterVec
	payload     *prometheus.CounterVec
	stored      *prometheus.CounterVec
	extra       *prometheus.CounterVec
	quarantined *prometheus.CounterVec
	discarded   *prometheus.CounterVec

	eventsRead    *prometheus.CounterVec
	bytesRead     *prometheus.CounterVec
	retries       *prometheus.CounterVec
	stepSeconds   *prometheus.CounterVec
	sourceSeconds *prometheus.CounterVec
	fence         *prometheus.HistogramVec
	windowSeconds *prometheus.HistogramVec

	mu      sync.Mutex
	watches map[string]*watch // by job
}

// New makes the figures of a worker, all of them zero.
func New(o Options) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), ask: o.Standings, watches: make(map[string]*watch)}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{label}, labels...))
		m.registry.MustRegister(v)
		return v
	}
	histogram := func(name, help string, buckets ...float64) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{label})
		m.registry.MustRegister(v)
		return v
	}
	m.runs = counter("backstory_runs_total", "Runs that have ended, by outcome: ok, failed, disagree, quarantined (events went there, and all else is loaded), held (by another worker) or interrupted.", "outcome")
	m.runSeconds = histogram("backstory_run_duration_seconds", "How long runs took.", .1, 1, 10, 60, 300, 1800, 7200, 28800)
	m.runRetries = counter("backstory_run_retries_total", "Runs that were begun again after a failure.")
	m.windows = counter("backstory_windows_loaded_total", "Windows that were loaded.")
	m.events = counter("backstory_events_loaded_total", "Events of the windows that were loaded.")
	m.rows = counter("backstory_rows_loaded_total", "Rows that were loaded.")
	m.payload = counter("backstory_payload_loaded_bytes_total", "Bytes of the payloads, as JSON text, of the windows that were loaded.")
	m.stored = counter("backstory_stored_bytes_total", "Bytes that the sink has made of what was loaded.")
	m.extra = counter("backstory_extra_values_total", "Values that fitted no column and went to _extra.")
	m.quarantined = counter("backstory_events_quarantined_total", "Events that went to quarantine.")
	m.discarded = counter("backstory_events_discarded_total", "Events that the upcasters made nothing of.")

	m.eventsRead = counter("backstory_events_read_total", "Events that were read, those of windows begun again each time.")
	m.bytesRead = counter("backstory_payload_read_bytes_total", "Bytes of the payloads, as stored, that were read.")
	m.retries = counter("backstory_retries_total", "Steps that were begun again: after a failure that may pass, or after columns were added.")
	m.stepSeconds = counter("backstory_step_seconds_total", "Seconds by step of a run; those of windows that are loaded side by side add up.", "step")
	m.sourceSeconds = counter("backstory_source_seconds_total", "Seconds in which the source was in use: fence, planning, discovery and reading, in which upcasting and flattening go on.")
	m.fence = histogram("backstory_fence_wait_seconds", "How long it took to find how far the source is safe to read.", .01, .1, 1, 5, 15, 30, 60, 300)
	m.windowSeconds = histogram("backstory_window_duration_seconds", "How long windows took, from begin to the ledger.", .1, .5, 1, 2.5, 5, 10, 30, 60, 300)

	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "backstory_build_info", Help: "Always 1; its labels say which Backstory runs.",
		ConstLabels: prometheus.Labels{"version": o.Version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the figures in Prometheus's formats.
func (m *Metrics) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		promhttp.HandlerFor(m.Gatherer(r.Context()), promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
	})
}

// Gatherer gives the figures; how jobs stand is asked under the context.
func (m *Metrics) Gatherer(ctx context.Context) prometheus.Gatherer {
	asked := prometheus.NewRegistry()
	asked.MustRegister(standings{ctx, m.ask})
	return prometheus.Gatherers{m.registry, asked}
}

// Know makes the series of a job begin at zero, so that its first event,
// failure or retry is an increase.
func (m *Metrics) Know(job string) {
	for _, v := range []*prometheus.CounterVec{
		m.runRetries, m.windows, m.events, m.rows, m.payload, m.stored, m.extra, m.quarantined, m.discarded,
		m.eventsRead, m.bytesRead, m.retries, m.sourceSeconds,
	} {
		v.WithLabelValues(job)
	}
	for _, o := range outcomes {
		m.runs.WithLabelValues(job, o)
	}
	for _, s := range steps {
		m.stepSeconds.WithLabelValues(job, s)
	}
	for _, v := range []*prometheus.HistogramVec{m.runSeconds, m.fence, m.windowSeconds} {
		v.WithLabelValues(job)
	}
}

// The values of the label outcome.
const (
	ok          = "ok"
	failed      = "failed"
	quarantined = "quarantined" // events went there, and all else is loaded
	disagree    = "disagree"    // ledger, sink and source tell different stories
	held        = "held"        // somebody else has the lease
	interrupted = "interrupted"
)

var outcomes = []string{ok, failed, disagree, quarantined, held, interrupted}

// Told counts a run that begins or has ended; it is for Worker.Told.
func (m *Metrics) Told(o schedules.Outcome) {
	if o.Ended.IsZero() {
		if o.Attempt > 1 {
			m.runRetries.WithLabelValues(o.Job).Inc()
		}
		return
	}
	m.watch(o.Job).end()
	m.runs.WithLabelValues(o.Job, outcome(o.Err)).Inc()
	m.runSeconds.WithLabelValues(o.Job).Observe(o.Ended.Sub(o.Started).Seconds())
	r := o.Report
	if r == nil {
		return
	}
	add := func(v *prometheus.CounterVec, n int64) { v.WithLabelValues(o.Job).Add(float64(n)) }
	add(m.events, r.Events)
	add(m.rows, r.Rows)
	add(m.payload, r.Bytes)
	add(m.stored, r.Stored)
	add(m.extra, r.Extra)
	add(m.quarantined, r.Quarantined)
	add(m.discarded, r.Discarded)
}

func outcome(err error) string {
	var differ *schedules.DisagreeError
	var lost interface{ Quarantined() int64 }
	switch {
	case err == nil:
		return ok
	case errors.Is(err, schedules.ErrHeld), errors.Is(err, sinks.ErrHeld):
		return held
	case errors.As(err, &differ), errors.Is(err, sinks.ErrDisagree):
		return disagree
	case errors.As(err, &lost):
		return quarantined
	case errors.Is(err, schedules.ErrStopped), errors.Is(err, context.Canceled):
		return interrupted
	}
	return failed
}
