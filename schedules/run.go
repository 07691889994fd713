package schedules

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// Report says what a run has done.
type Report struct {
	Job     string `json:"job"`
	Windows int64  `json:"windows"`
	Events  int64  `json:"events"`
	Rows    int64  `json:"rows"`
	Bytes   int64  `json:"bytes"`
	Stored  int64  `json:"stored"`
	Extra   int64  `json:"extra"`
	Again   int64  `json:"again"`
	// Quarantined counts the events that failed, Discarded those that the
	// rules made nothing of, Newer those whose schema version is above all
	// that the upcasters know.
	Quarantined int64 `json:"quarantined"`
	Discarded   int64 `json:"discarded"`
	Newer       int64 `json:"newer"`
	// FirstQuarantined says why the first of these events failed, nil where
	// none did.
	FirstQuarantined *source.EventError `json:"-"`
	Watermark        source.Watermark   `json:"watermark"`
	// InQuarantine counts the events of the generation that are in quarantine
	// after the run.
	InQuarantine int64 `json:"in_quarantine,omitempty"`
	// Held says that the watermark could not be taken in time.
	Held bool `json:"held"`
	// Deferred is what has to wait for the sink's quota, nil where nothing
	// has. The next run goes on with it.
	Deferred *Deferred `json:"deferred,omitempty"`
	// Stopped says that the job was told to stop, and that windows are left
	// which the next run loads.
	Stopped bool `json:"stopped,omitempty"`
	// Quiet is when the quiet hours of the source end, in which the job gave up
	// reading. What is left is for the next run.
	Quiet    time.Time     `json:"quiet_until,omitzero"`
	Duration time.Duration `json:"duration_ns"`
	// Late is what was loaded again because its events came late, nil where
	// nothing did.
	Late *Late `json:"late,omitempty"`
	// TakenIn counts the events that a replay took out of quarantine.
	TakenIn int64 `json:"taken_in,omitempty"`
	// Finished says that a rebuild which was interrupted has been finished.
	Finished bool `json:"finished,omitempty"`
	// Generation is the one that was loaded.
	Generation int `json:"generation"`
	// Outdated says how the present rules differ from those the generation
	// was loaded under, and follows until it is rebuilt.
	Outdated []transform.Change `json:"outdated,omitempty"`
	// Tables are the job's tables after the run.
	Tables []*transform.Table `json:"-"`
}

// Run loads one increment: everything up to the watermark that is not
// loaded. A run with nothing to load succeeds. Where the rules have changed
// since rows were loaded, it follows the rules these were loaded under, so
// that a generation is all of one kind, and says so.
func (j *Job) Run(ctx context.Context) (*Report, error) { return j.Backfill(ctx, Range{}) }

// Backfill loads what of a range is not loaded.
func (j *Job) Backfill(ctx context.Context, rng Range) (*Report, error) {
	kind := "backfill"
	if rng == (Range{}) {
		kind = "run"
	}
	return j.do(ctx, j.Ledger, kind, func(ctx context.Context, r *run) error {
		if err := r.open(ctx); err != nil {
			return err
		}
		if err := r.all(ctx, rng); !errors.Is(err, errStopped) {
			return err
		}
		r.report.Stopped = true
		return nil
	})
}

// do does work under the job's lease and records it.
func (j *Job) do(ctx context.Context, ledger Ledger, kind string, work func(context.Context, *run) error) (rep *Report, err error) {
	j.watch(Step{Name: StepLock})
	lease, err := ledger.Lock(ctx, j.Name)
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", j.Name, err)
	}
	run := &run{job: j, ledger: ledger, lease: lease, held: []Lease{lease}, started: time.Now(), record: Run{Kind: kind, Started: time.Now().UTC()}}
	defer func() {
		for _, lease := range run.held {
			err = errors.Join(err, lease.Release())
		}
	}()
	run.report.Job = j.Name
	err = under(ctx, lease, func(ctx context.Context) error { return work(ctx, run) })
	var quiet *source.QuietError
	if errors.As(err, &quiet) {
		run.report.Quiet, err = quiet.Until, nil
	}
	run.report.Duration = time.Since(run.started)
	if e := run.close(ctx, err); err == nil {
		err = e
	}
	return &run.report, err
}

// hold does work under the job's lease that is no run.
func (j *Job) hold(ctx context.Context, work func(*run) error) error {
	lease, err := j.Ledger.Lock(ctx, j.Name)
	if err != nil {
		return fmt.Errorf("job %s: %w", j.Name, err)
	}
	r := &run{job: j, ledger: j.Ledger, lease: lease, held: []Lease{lease}}
	if err = r.open(ctx); err == nil {
		err = work(r)
	}
	return errors.Join(err, lease.Release())
}

// run is one run of a job under its lease.
type run struct {
	job     *Job // its Pipeline is that of the generation's rules
	ledger  Ledger
	lease   Lease
	held    []Lease // all that are to be given back, lease among them
	next    Lease   // that keeps rebuilds away, nil where they may go on
	state   *State
	catalog *transform.Catalog
	known   map[source.Window]sinks.Manifest // what the sink holds, if it can tell
	// floor was found safe by another generation of the job.
	floor source.Position
	// replace says that windows are loaded in place of themselves.
	replace bool
	// bundle is what of them is not yet to be seen, nil for nothing.
	bundle *bundle
	// wrong are the tables that a repair restores, by window; nil where there
	// is none.
	wrong map[source.Window][]string
	// anyRules takes up what the sink holds whatever rules it was loaded under,
	// and whether or not it is damaged: it is about to be replaced.
	anyRules bool
	started  time.Time
	record   Run

	mu     sync.Mutex
	idle   []*transform.Batcher // for the catalog as it is
	report Report
}

// all loads what of the ranges is not loaded: compare, find the watermark,
// plan, save the plan, load.
func (r *run) all(ctx context.Context, ranges ...Range) error {
	j := r.job
	same, err := r.unchanged(ctx)
	if err != nil {
		return err
	}
	if !same {
		if err := r.reconcile(ctx); err != nil {
			return err
		}
	}
	j.watch(Step{Name: StepWatermark})
	mark, err := j.watermark(ctx)
	if err != nil {
		return fmt.Errorf("find watermark: %w", err)
	}
	if mark.Safe.Compare(r.floor) < 0 {
		mark.Safe = r.floor
	}
	r.report.Watermark = mark
	if err := r.checkSource(ctx, mark); err != nil {
		return err
	}
	if err := r.finishForgetting(ctx); err != nil { // what it has left, and what a replay has
		return err
	}
	if err := r.renew(ctx); err != nil {
		return err
	}
	plan, err := j.plan(ctx, r.state, ranges, mark)
	if err != nil {
		return err
	}
	if late, err := r.audit(ctx, plan.Events(), same); err != nil {
		return err
	} else if late {
		same = false // it was looked at
	}
	if same && len(plan.all()) > 0 {
		// Before anything is loaded, all is looked at.
		if err := r.reconcile(ctx); err != nil {
			return err
		}
		if plan, err = j.plan(ctx, r.state, ranges, mark); err != nil {
			return err
		}
	}
	if plan, err = j.rationed(ctx, r.state, plan, ranges, mark); err != nil {
		return err
	}
	r.report.Held, r.report.Deferred = plan.Held, plan.Deferred
	if d := plan.Deferred; d != nil {
		j.log().Warn("the sink takes no more loads today", "job", j.Name, "windows", d.Windows, "until", d.Until, "limit", d.Limit)
	}
	if plan.Held {
		j.log().Warn("watermark is held back", "job", j.Name, "safe", mark.Safe, "head", mark.Head, "holders", len(mark.Holders))
	}
	todo := plan.all()
	if len(todo) == 0 {
		return plan.Stuck
	}
	if err := r.begin(ctx, plan); err != nil {
		return err
	}
	j.watch(Step{Name: StepPlanned, Events: plan.Events()})
	if len(r.catalog.Tables()) == 0 {
		through := mark.Safe
		if plan.Stuck != nil { // nor can it be looked at
			through = source.Position{}
		}
		if err := r.discover(ctx, through, todo); err != nil {
			return err
		}
	}
	if err := r.load(ctx, todo); err != nil {
		return err
	}
	return plan.Stuck
}

// begin saves the plan before any of it is loaded. This is what makes a
// load repeatable: a run that comes after a crash finds the same windows
// here, however many events were added since, and loads them under the same
// names.
func (r *run) begin(ctx context.Context, plan *Plan) error {
	r.job.watch(Step{Name: StepPlan})
	c := r.named(Change{Plan: plan.New})
	if r.record.ID == 0 {
		c.Begin = &r.record
	}
	if err := r.lease.Save(ctx, c); err != nil {
		return fmt.Errorf("save plan: %w", err)
	}
	return nil
}

// close records how the run ended. Where the context is over, there is
// still a moment for that.
func (r *run) close(ctx context.Context, cause error) error {
	r.report.Tables = nil
	if r.catalog != nil {
		r.report.Tables = r.catalog.Tables()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var c Change
	var unsigned error
	if r.state == nil {
		r.state = &State{}
	}
	r.report.Generation = r.state.Generation
	r.report.InQuarantine = r.state.Totals.Quarantined
	if r.record.Kind == "run" || r.record.Kind == "backfill" { // others read the state again
		r.report.InQuarantine += r.report.Quarantined
	}
	if cause == nil && r.report.Quiet.IsZero() {
		c.Signature, unsigned = r.signature(ctx)
	}
	switch {
	case r.record.ID != 0:
		c.End = &r.record
	case cause != nil && !errors.Is(cause, ErrHeld): // who is refused before he has begun has not run
		c.Begin, c.End = &r.record, &r.record
	case c.Signature == r.state.Signature || c.Signature == "":
		return unsigned // there was nothing to do
	}
	r.record.Finished = time.Now().UTC()
	r.record.Windows, r.record.Events = r.report.Windows, r.report.Events
	switch {
	case errors.Is(cause, context.Canceled):
		r.record.Error = interrupted
	case cause != nil:
		r.record.Error = cause.Error()
	}
	if err := r.lease.Save(ctx, c); err != nil {
		return fmt.Errorf("record run: %w", err)
	}
	return unsigned
}

// discover makes the first tables from a sample of all the history up to a
// position, or from all of it where columns cannot be added later, also where
// only a part of it is to be loaded: types are kept, and must suit what is
// loaded later.
func (r *run) discover(ctx context.Context, through source.Position, todo []Planned) error {
	j := r.job
	j.watch(Step{Name: StepDiscover})
	sample := j.Sample
	if sample == 0 {
		sample = DefaultSample
	}
	if j.Pipeline.FixesColumns() {
		sample = -1
	}
	w := source.Window{Through: through}
	for _, p := range todo { // windows planned below an earlier watermark
		if p.Through.Compare(w.Through) > 0 {
			w.Through = p.Through
		}
	}
	shapes, err := j.discover(ctx, w, sample)
	if err != nil {
		return err
	}
	// There may be nothing to make tables for: upcasters may drop all there is.
	_, err = r.evolve(ctx, shapes)
	return err
}

// evolve makes tables and columns for what was found, and tells whether there
// was anything to make: first in the ledger, then in the sink, which finishes
// later what it could not finish now.
func (r *run) evolve(ctx context.Context, shapes *transform.Shapes) (bool, error) {
	j := r.job
	next, changed := r.catalog.Evolve(shapes)
	if !changed {
		return false, nil
	}
	j.watch(Step{Name: StepEvolve})
	if err := r.lease.Save(ctx, Change{Tables: next.Tables()}); err != nil {
		return false, fmt.Errorf("save tables: %w", err)
	}
	if e, ok := j.Sink.(sinks.Evolver); ok {
		if err := e.Evolve(ctx, j.Name, r.state.Generation, next.Tables()); err != nil {
			return false, fmt.Errorf("evolve tables: %w", err)
		}
	}
	r.catalog, r.idle = next, nil
	return true, nil
}
