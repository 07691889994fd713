package schedules

import (
	"context"
	"fmt"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// Replay takes in what is in quarantine: it loads each window that has events
// there again, in place of what is loaded of it, so that none of its events is
// lost or doubled. Where the rules have changed, they are taken over, once it
// is shown that they make the same as before of all events that are not in
// quarantine; else a Rebuild is needed, and a *RulesError says so. The windows are marked
// in the ledger first: if Replay is interrupted, the next run finishes it.
func (j *Job) Replay(ctx context.Context) (*Report, error) {
	if _, ok := j.Sink.(sinks.Replacer); !ok {
		return nil, fmt.Errorf("job %s: its sink cannot load a window again", j.Name)
	}
	return j.do(ctx, j.Ledger, "replay", func(ctx context.Context, r *run) error { return r.replay(ctx) })
}

func (r *run) replay(ctx context.Context) error {
	now := r.job.Pipeline
	if err := r.open(ctx); err != nil {
		return err
	}
	if len(r.state.Quarantined) == 0 && len(r.state.Again) == 0 {
		return nil
	}
	if err := r.reconcile(ctx); err != nil {
		return err
	}
	if _, err := r.sameStore(ctx); err != nil {
		return err
	}
	if err := r.renew(ctx); err != nil { // what an earlier one has left
		return err
	}
	var windows []source.Window
	for _, q := range r.state.Quarantined {
		windows = append(windows, q.Window)
	}
	before := r.state.Totals.Quarantined
	defer func() { r.report.TakenIn = before - r.state.Totals.Quarantined }()
	if r.job.Pipeline.Fingerprint() != now.Fingerprint() {
		if err := r.change(ctx, now, windows); err != nil {
			return err
		}
	} else if err := r.lease.Save(ctx, Change{Again: windows}); err != nil {
		return fmt.Errorf("save what is to be loaded again: %w", err)
	}
	r.state.Again = windows
	return r.renew(ctx)
}

// renew loads the windows again that are marked so.
func (r *run) renew(ctx context.Context) (err error) {
	if len(r.state.Again) == 0 {
		return nil
	}
	if r.record.ID == 0 {
		if err := r.lease.Save(ctx, Change{Begin: &r.record}); err != nil {
			return fmt.Errorf("begin to load windows again: %w", err)
		}
	}
	var todo []Planned
	for _, w := range r.state.Again {
		todo = append(todo, Planned{Window: w})
	}
	r.replace = true
	err = r.load(ctx, todo)
	r.replace = false
	if err != nil {
		return err
	}
	state, err := r.ledger.State(ctx, r.job.Name)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	r.state = state
	return nil
}

// change takes over new rules, if they make no difference to events that are
// not in quarantine. The windows are to be loaded again under them.
func (r *run) change(ctx context.Context, now *transform.Pipeline, again []source.Window) error {
	old := r.job.Pipeline
	refuse := func(format string, args ...any) error {
		return &RulesError{Job: r.job.Name, Old: old.Fingerprint(), New: now.Fingerprint(), Reason: fmt.Sprintf(format, args...)}
	}
	now, err := r.state.Forgets(now)
	if err != nil {
		return err
	}
	if why := now.OtherTables(old); why != "" {
		return refuse("%s, which concerns all events, not only those in quarantine", why)
	}
	if n := len(r.state.Pending); n > 0 {
		return refuse("%d windows are planned under them; run the job first", n)
	}
	parts, err := r.job.parts(ctx, r.state.Loaded)
	if err != nil {
		return err
	}
	var count int64
	var first source.Position
	err = r.job.compare(ctx, old, now, r.catalog, parts, func(_ source.Window, d *differences) {
		if count += d.count; first.IsZero() {
			first = d.first
		}
	})
	if err != nil {
		return fmt.Errorf("compare old rules and new: %w", err)
	}
	if count > 0 {
		return refuse("the present ones also make something else of %d events that are not in quarantine, the first at position %s", count, first)
	}
	r.use(now)
	r.catalog, r.idle = now.NewCatalog(r.state.Tables), nil
	r.report.Outdated = nil
	return r.takeRules(ctx, again...)
}
