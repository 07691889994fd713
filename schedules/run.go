package schedules

import (
	"context"
	"fmt"
	"sync"
	"time"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// Report says what a run has done.
type Report struct {
	Job       string           `json:"job"`
	Windows   int64            `json:"windows"`
	Events    int64            `json:"events"`
	Rows      int64            `json:"rows"`
	Bytes     int64            `json:"bytes"`
	Stored    int64            `json:"stored"`
	Extra     int64            `json:"extra"`
	Again     int64            `json:"again"`
	Watermark source.Watermark `json:"watermark"`
	// Held says that the watermark could not be taken in time.
	Held     bool          `json:"held"`
	Duration time.Duration `json:"duration_ns"`
	// Tables are the job's tables after the run.
	Tables []*transform.Table `json:"-"`
}

// Run loads one increment: everything up to the watermark that is not
// loaded. A run with nothing to load succeeds.
func (j *Job) Run(ctx context.Context) (*Report, error) {
	return j.do(ctx, "run", Range{})
}

// Backfill loads what of a range is not loaded.
func (j *Job) Backfill(ctx context.Context, r Range) (*Report, error) {
	return j.do(ctx, "backfill", r)
}

// do runs the job on a range under its lease and records the run.
func (j *Job) do(ctx context.Context, kind string, r Range) (rep *Report, err error) {
	j.watch(Step{Name: StepLock})
	lease, err := j.Ledger.Lock(ctx, j.Name)
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", j.Name, err)
	}
	defer func() {
		if e := lease.Release(); err == nil {
			err = e
		}
	}()
	run := &run{job: j, lease: lease, started: time.Now(), record: Run{Kind: kind, Started: time.Now().UTC()}}
	run.report.Job = j.Name
	err = run.all(ctx, r)
	run.report.Duration = time.Since(run.started)
	if e := run.close(ctx, err); err == nil {
		err = e
	}
	return &run.report, err
}

// run is one run of a job under its lease.
type run struct {
	job     *Job
	lease   Lease
	state   *State
	catalog *transform.Catalog
	known   map[source.Window]sinks.Manifest // what the sink holds, if it can tell
	started time.Time
	record  Run

	mu     sync.Mutex
	idle   []*transform.Batcher // for the catalog as it is
	report Report
}

// all does the run: compare, find the watermark, plan, save the plan, load.
func (r *run) all(ctx context.Context, rng Range) error {
	j := r.job
	j.watch(Step{Name: StepCheck})
	var err error
	if r.state, err = j.Ledger.State(ctx, j.Name); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
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
	r.report.Watermark = mark
	if err := r.checkSource(ctx, mark); err != nil {
		return err
	}
	plan, err := j.plan(ctx, r.state, rng, mark)
	if err != nil {
		return err
	}
	if same && len(plan.all()) > 0 {
		// Before anything is loaded, all is looked at.
		if err := r.reconcile(ctx); err != nil {
			return err
		}
		if plan, err = j.plan(ctx, r.state, rng, mark); err != nil {
			return err
		}
	}
	r.report.Held = plan.Held
	if plan.Held {
		j.log().Warn("watermark is held back", "job", j.Name, "safe", mark.Safe, "head", mark.Head, "holders", len(mark.Holders))
	}
	todo := plan.all()
	if len(todo) == 0 {
		return nil
	}
	if err := r.begin(ctx, plan); err != nil {
		return err
	}
	j.watch(Step{Name: StepPlanned, Events: plan.Events()})
	if len(r.catalog.Tables()) == 0 {
		if err := r.discover(ctx, todo); err != nil {
			return err
		}
	}
	return r.load(ctx, todo)
}

// begin saves the plan before any of it is loaded. This is what makes a
// load repeatable: a run that comes after a crash finds the same windows
// here, however many events were added since, and loads them under the same
// names.
func (r *run) begin(ctx context.Context, plan *Plan) error {
	r.job.watch(Step{Name: StepPlan})
	c := Change{Plan: plan.New, Fingerprint: r.job.Pipeline.Fingerprint(), Begin: &r.record}
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
	if cause == nil {
		c.Signature, unsigned = r.signature(ctx)
	}
	switch {
	case r.record.ID != 0:
		c.End = &r.record
	case cause != nil:
		c.Begin, c.End = &r.record, &r.record
	case c.Signature == r.state.Signature || c.Signature == "":
		return unsigned // there was nothing to do
	}
	r.record.Finished = time.Now().UTC()
	r.record.Windows, r.record.Events = r.report.Windows, r.report.Events
	if cause != nil {
		r.record.Error = cause.Error()
	}
	if err := r.lease.Save(ctx, c); err != nil {
		return fmt.Errorf("record run: %w", err)
	}
	return unsigned
}

// discover makes the first tables from a sample of all the history that is
// safe to read, also where only a part of it is to be loaded: types are kept,
// and must suit what is loaded later.
func (r *run) discover(ctx context.Context, todo []Planned) error {
	j := r.job
	j.watch(Step{Name: StepDiscover})
	sample := j.Sample
	if sample == 0 {
		sample = DefaultSample
	}
	w := source.Window{Through: r.report.Watermark.Safe}
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
