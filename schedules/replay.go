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
// is shown that they make the same as before of all events in other windows;
// else a Rebuild is needed, and a *RulesError says so.
func (j *Job) Replay(ctx context.Context) (*Report, error) {
	if _, ok := j.Sink.(sinks.Replacer); !ok {
		return nil, fmt.Errorf("job %s: its sink cannot load a window again", j.Name)
	}
	return j.do(ctx, j.Ledger, "replay", func(r *run) error { return r.replay(ctx) })
}

func (r *run) replay(ctx context.Context) error {
	now := r.job
	if err := r.open(ctx); err != nil {
		return err
	}
	if len(r.state.Quarantined) == 0 {
		return nil
	}
	if err := r.reconcile(ctx); err != nil {
		return err
	}
	mark, err := now.watermark(ctx)
	if err != nil {
		return fmt.Errorf("find watermark: %w", err)
	}
	r.report.Watermark = mark
	if err := r.checkSource(ctx, mark); err != nil {
		return err
	}
	if err := r.lease.Save(ctx, Change{Begin: &r.record}); err != nil {
		return fmt.Errorf("begin replay: %w", err)
	}
	if r.job.Pipeline != now.Pipeline {
		if err := r.change(ctx, now.Pipeline); err != nil {
			return err
		}
	}
	var todo []Planned
	for _, q := range r.state.Quarantined {
		todo = append(todo, Planned{Window: q.Window})
	}
	r.replace = true
	return r.load(ctx, todo)
}

// change takes over new rules, if they make no difference to the windows that
// have nothing in quarantine.
func (r *run) change(ctx context.Context, now *transform.Pipeline) error {
	old := r.job.Pipeline
	refuse := func(format string, args ...any) error {
		return &RulesError{Job: r.job.Name, Old: old.Fingerprint(), New: now.Fingerprint(), Reason: fmt.Sprintf(format, args...)}
	}
	if why := now.OtherTables(old); why != "" {
		return refuse("%s, which concerns every window, not only those with events in quarantine", why)
	}
	var quarantined []source.Window
	for _, q := range r.state.Quarantined {
		quarantined = append(quarantined, q.Window)
	}
	var rest []source.Window
	for _, w := range r.state.Loaded {
		rest = append(rest, Subtract(w, quarantined)...)
	}
	if len(r.state.Pending) > 0 {
		return refuse("%d windows are planned under them; run the job first", len(r.state.Pending))
	}
	var differ int64
	var first source.Position
	err := r.job.compare(ctx, old, now, rest, func(d differences) {
		differ += d.count
		if first.IsZero() || d.first.Compare(first) < 0 {
			first = d.first
		}
	})
	if err != nil {
		return err
	}
	if differ > 0 {
		return refuse("the present ones also make something else of %d events that are not in quarantine, the first at position %s", differ, first)
	}
	r.use(now)
	r.catalog, r.idle = now.NewCatalog(r.state.Tables), nil
	r.report.Outdated = nil
	return r.takeRules(ctx)
}
