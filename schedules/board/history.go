package board

import (
	"sync"
	"time"

	"backstory/schedules"
	"backstory/source"
)

// keptRuns is how many runs of a job the process remembers.
const keptRuns = 200

// history is what the process knows of runs beyond what the ledger keeps: why
// those failed that never got to it, what to do about it, and what the run under way
// is doing.
type history struct {
	mu   sync.Mutex
	jobs map[string]*past
}

type past struct {
	runs    []run     // oldest first
	failing time.Time // when the first run failed since the last good one
	now     *progress // of the run under way
}

// run is one run of a job, from the ledger, the worker, or both.
type run struct {
	Kind    string    `json:"kind"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Windows int64     `json:"windows"`
	Events  int64     `json:"events"`
	Attempt int       `json:"attempt,omitempty"`
	// Error and Hint say why it failed and what to do about it.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
	// Quarantined is where the first event failed that went to quarantine, without
	// what was in it.
	Quarantined *failure `json:"quarantined,omitempty"`
	// Retry is when it is tried again.
	Retry time.Time `json:"retry,omitzero"`
	// Held says that a transaction in the store held it back.
	Held bool `json:"held,omitempty"`
	// Lost says that the process ended before the run did.
	Lost bool `json:"lost,omitempty"`
	// Same says that its error is that of the run above it.
	Same bool `json:"-"`
}

// failure is where an event failed.
type failure struct {
	Position source.Position `json:"position"`
	Type     string          `json:"type"`
	Step     string          `json:"step"`
	Path     string          `json:"path,omitempty"`
}

// progress is how far a run is.
type progress struct {
	Step          schedules.StepName
	Read, Planned int64
	windows       map[source.Window]bool // under way
}

func newHistory() *history { return &history{jobs: make(map[string]*past)} }

// of gives the past of a job; the caller holds the lock.
func (h *history) of(job string) *past {
	p := h.jobs[job]
	if p == nil {
		p = &past{}
		h.jobs[job] = p
	}
	return p
}

func (h *history) add(o schedules.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.of(o.Job)
	p.now = nil
	if o.Ended.IsZero() {
		return
	}
	if o.Err == nil {
		p.failing = time.Time{}
	} else if p.failing.IsZero() {
		p.failing = o.Started
	}
	p.runs = append(p.runs, ended(o))
	if n := len(p.runs) - keptRuns; n > 0 {
		p.runs = append(p.runs[:0], p.runs[n:]...)
	}
}

func ended(o schedules.Outcome) run {
	r := run{Kind: "run", Started: o.Started, Ended: o.Ended, Attempt: o.Attempt, Retry: o.Retry}
	r.Error, r.Hint = o.Reason()
	if rep := o.Report; rep != nil {
		r.Windows, r.Events, r.Held = rep.Windows, rep.Events, rep.Held
		if e := rep.FirstQuarantined; e != nil {
			r.Quarantined = &failure{e.Position, e.Type, e.Step, e.Path}
		}
	}
	return r
}

// failing is since when a job has failed, zero where it has not.
func (h *history) failing(job string) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of(job).failing
}

// runs gives the runs of a job that the process remembers, oldest first.
func (h *history) runs(job string) []run {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]run(nil), h.of(job).runs...)
}

// progress gives how far the run under way is, and the windows that are being
// loaded; nil where there is none.
func (h *history) progress(job string) (*progress, map[source.Window]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.of(job).now
	if p == nil {
		return nil, nil
	}
	c, windows := *p, make(map[source.Window]bool, len(p.windows))
	for w := range p.windows {
		windows[w] = true
	}
	return &c, windows
}

func (h *history) step(job string, s schedules.Step) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.of(job)
	if p.now == nil || s.Name == schedules.StepLock {
		p.now = &progress{Step: s.Name, windows: make(map[source.Window]bool)}
	}
	switch now := p.now; s.Name {
	case schedules.StepRead:
		now.Read += s.Events
	case schedules.StepPlanned:
		now.Planned += s.Events
	case schedules.StepBegin:
		now.windows[s.Window] = true
		now.Step = s.Name
	case schedules.StepStaged, schedules.StepFinished, schedules.StepAgain:
		delete(now.windows, s.Window)
	case schedules.StepCommit, schedules.StepCommitted:
	default:
		now.Step = s.Name
	}
}
