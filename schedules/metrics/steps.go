package metrics

import (
	"sync"
	"time"

	"backstory/schedules"
	"backstory/source"
)

// The values of the label step: those of a run as a whole, then those of a
// window.
const (
	stepLock      = "lock"      // the lease is waited for
	stepCheck     = "check"     // ledger, sink and source are compared
	stepWatermark = "watermark" // the fence of the source
	stepPlan      = "plan"      // windows are cut and saved
	stepDiscover  = "discover"  // columns are looked for
	stepEvolve    = "evolve"    // tables change
	stepSwap      = "swap"      // a new generation becomes the live one
	stepLoad      = "load"      // events are read, upcast, flattened, encoded and written
	stepCommit    = "commit"    // the sink makes them visible
	stepFinish    = "finish"    // the ledger is told
)

var steps = []string{stepLock, stepCheck, stepWatermark, stepPlan, stepDiscover, stepEvolve, stepSwap, stepLoad, stepCommit, stepFinish}

// Step counts a step of a run of a job; it is for Job.Watch.
func (m *Metrics) Step(job string, s schedules.Step) { m.watch(job).step(s) }

// watch gives what is known of the steps of a job's run.
func (m *Metrics) watch(job string) *watch {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.watches[job]
	if w == nil {
		w = &watch{metrics: m, job: job, windows: make(map[source.Window]begun)}
		m.watches[job] = w
	}
	return w
}

// watch knows which steps of a run are under way. Those of the run follow one
// another; each window has its own.
type watch struct {
	metrics *Metrics
	job     string

	mu      sync.Mutex
	run     begun // zero while windows are loaded
	windows map[source.Window]begun
}

// begun is a step under way, "" for none, and when it and its window began.
type begun struct {
	name         string
	since, first time.Time
}

func (w *watch) step(s schedules.Step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, now := w.metrics, time.Now()
	switch s.Name {
	case schedules.StepLock:
		w.phase(stepLock, now)
	case schedules.StepCheck:
		w.phase(stepCheck, now)
	case schedules.StepWatermark:
		w.phase(stepWatermark, now)
	case schedules.StepPlan:
		w.phase(stepPlan, now)
	case schedules.StepDiscover:
		w.phase(stepDiscover, now)
	case schedules.StepEvolve:
		w.phase(stepEvolve, now)
	case schedules.StepSwap:
		w.phase(stepSwap, now)
	case schedules.StepPlanned, schedules.StepPromoted:
		w.phase("", now)
	case schedules.StepBegin:
		w.phase("", now)
		w.windows[s.Window] = begun{stepLoad, now, now}
	case schedules.StepRead:
		m.eventsRead.WithLabelValues(w.job).Add(float64(s.Events))
		m.bytesRead.WithLabelValues(w.job).Add(float64(s.Bytes))
	case schedules.StepStaged: // its time is over, and the others' is not its own
		w.loaded(s.Window, now)
	case schedules.StepCommit:
		w.window(s.Window, stepCommit, now)
	case schedules.StepCommitted:
		w.window(s.Window, stepFinish, now)
	case schedules.StepFinished:
		w.loaded(s.Window, now)
		m.windows.WithLabelValues(w.job).Inc()
	case schedules.StepAgain:
		m.retries.WithLabelValues(w.job).Inc()
		w.window(s.Window, "", now)
		delete(w.windows, s.Window)
	}
}

// end ends all steps that are under way: the run has.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.phase("", now)
	for at := range w.windows {
		w.window(at, "", now)
	}
	clear(w.windows)
}

// loaded ends a window that is known, and tells how long it took.
func (w *watch) loaded(at source.Window, now time.Time) {
	if b, known := w.windows[at]; known {
		w.window(at, "", now)
		w.metrics.windowSeconds.WithLabelValues(w.job).Observe(now.Sub(b.first).Seconds())
	}
	delete(w.windows, at)
}

// phase ends the run's step and begins another.
func (w *watch) phase(name string, now time.Time) {
	if w.run.name == name {
		return // many windows are planned, one after the other
	}
	w.spent(w.run, now)
	w.run = begun{name: name, since: now}
}

// window ends a window's step and begins another.
func (w *watch) window(at source.Window, name string, now time.Time) {
	b, known := w.windows[at]
	if !known || b.name == name {
		return
	}
	w.spent(b, now)
	b.name, b.since = name, now
	w.windows[at] = b
}

// spent counts the time of a step that has ended.
func (w *watch) spent(b begun, now time.Time) {
	if b.name == "" {
		return
	}
	seconds := now.Sub(b.since).Seconds()
	w.metrics.stepSeconds.WithLabelValues(w.job, b.name).Add(seconds)
	switch b.name {
	case stepWatermark:
		w.metrics.fence.WithLabelValues(w.job).Observe(seconds)
		fallthrough
	case stepPlan, stepDiscover, stepLoad:
		w.metrics.sourceSeconds.WithLabelValues(w.job).Add(seconds)
	}
}
