package schedules

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"

	"golang.org/x/sync/errgroup"
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
	differ, first, err := r.job.compare(ctx, old, now, rest)
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

// compare counts the events of windows of which two pipelines make different
// things, and gives the first one's position.
func (j *Job) compare(ctx context.Context, old, now *transform.Pipeline, windows []source.Window) (differ int64, first source.Position, err error) {
	parts, err := j.parts(ctx, windows)
	if err != nil {
		return 0, first, err
	}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(j.workers())
	for _, part := range parts {
		g.Go(func() error {
			var found []source.Position
			comparer := now.NewComparer(old)
			err := j.again(ctx, Step{Name: StepCompare, Window: part}, func() error {
				j.watch(Step{Name: StepCompare, Window: part})
				found = found[:0]
				return j.Source.Read(ctx, part, func(e *source.Event) error {
					if !comparer.Same(e) {
						found = append(found, e.Position)
					}
					return nil
				})
			})
			if err != nil {
				return fmt.Errorf("compare what the rules make of %s: %w", part, err)
			}
			mu.Lock()
			defer mu.Unlock()
			differ += int64(len(found))
			if len(found) > 0 && (first.IsZero() || found[0].Compare(first) < 0) {
				first = found[0]
			}
			return nil
		})
	}
	return differ, first, g.Wait()
}

// parts cuts windows into such as one goroutine reads at a time.
func (j *Job) parts(ctx context.Context, windows []source.Window) ([]source.Window, error) {
	var parts []source.Window
	for _, w := range windows {
		for after := w.After; ; {
			part, _, err := j.cut(ctx, after, w.Through, j.windowEvents())
			if err != nil {
				return nil, fmt.Errorf("plan after %s: %w", after, err)
			}
			if part.Empty() {
				break
			}
			parts = append(parts, part)
			after = part.Through
		}
	}
	return slices.Clip(parts), nil
}
