package schedules

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"backstory/sinks"
	"backstory/source"
)

// Late is what an audit found: windows that were loaded a while ago and of
// which the source has another number of events now.
type Late struct {
	// Windows were loaded again, as Events have come since.
	Windows []source.Window `json:"windows,omitempty"`
	Events  int64           `json:"events,omitempty"`
	// Fewer are windows that have lost events in the source. They are left
	// alone: what is gone there may be wanted here.
	Fewer []source.Window `json:"fewer,omitempty"`
	Gone  int64           `json:"gone,omitempty"`
}

// DefaultAudit is how far back windows are counted again.
const DefaultAudit = 24 * time.Hour

// An audit is part of every run, also of one that finds nothing new, so that it
// must cost next to nothing: it counts no more events and windows than these,
// the newest windows and others by chance.
const (
	auditEvents  = 500_000
	auditWindows = 32
	auditNewest  = auditWindows / 2
)

func (j *Job) auditAge() time.Duration { return cmp.Or(j.Audit, DefaultAudit) }

// audit counts windows of the recent past again. Those to which events have come
// are loaded again, which are then below the watermark of an earlier run: a
// writer that takes numbers and waits in a way that no fence sees, or a replica
// that was restored. same says that the sink was not looked at in this run.
func (r *run) audit(ctx context.Context, same bool) error {
	j := r.job
	counter, counts := j.Source.(source.Counter)
	_, replaces := j.Sink.(sinks.Replacer)
	if j.auditAge() <= 0 || !counts || !replaces || r.state.Last.Position.IsZero() {
		return nil
	}
	windows, err := r.recent(ctx)
	if err != nil {
		return err
	}
	late := &Late{}
	for _, w := range windows {
		n, err := r.count1(ctx, counter, w.Window)
		if quiet := (*source.QuietError)(nil); errors.As(err, &quiet) {
			break
		}
		switch {
		case err != nil:
			return err
		case n > w.Events:
			late.Windows = append(late.Windows, w.Window)
			late.Events += n - w.Events
		case n < w.Events:
			late.Fewer = append(late.Fewer, w.Window)
			late.Gone += w.Events - n
		}
	}
	if len(late.Windows)+len(late.Fewer) == 0 {
		return nil
	}
	r.report.Late = late
	j.log().Warn("closed windows have changed in the source", "job", j.Name, "windows", late.Windows, "late", late.Events, "fewer", late.Fewer, "gone", late.Gone)
	if len(late.Windows) == 0 {
		return nil
	}
	if same { // before anything is loaded, all is looked at
		if err := r.reconcile(ctx); err != nil {
			return err
		}
	}
	if err := r.mark(ctx, late.Windows); err != nil {
		return err
	}
	return r.renew(ctx)
}

// recent chooses the windows to count.
func (r *run) recent(ctx context.Context) ([]WindowRecord, error) {
	since := time.Now().Add(-r.job.auditAge())
	var events, cut int64 // that the last runs have loaded
	for _, run := range r.state.Runs {
		if run.Finished.After(since) {
			events, cut = events+run.Events, cut+run.Windows
		}
	}
	if events == 0 || cut == 0 {
		return nil, nil
	}
	// Positions are at least as many as events, and the newest are the last: so
	// far back lie a few times as many windows as are counted.
	const few = 4 * auditWindows
	after := lastOf(r.state.Loaded).Through
	after.Seq -= min(8*events, few*max(1, events/cut), 2*auditEvents)
	var windows []WindowRecord
	err := r.ledger.Windows(ctx, r.job.Name, after, func(w WindowRecord) error {
		if w.Loaded.After(since) && !w.Again {
			windows = append(windows, w)
		}
		if len(windows) == 2*few {
			windows = append(windows[:0], windows[few:]...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the ledger's windows: %w", err)
	}
	slices.Reverse(windows)
	if len(windows) > auditNewest {
		rest := windows[auditNewest:]
		rand.Shuffle(len(rest), func(a, b int) { rest[a], rest[b] = rest[b], rest[a] })
	}
	events = 0
	for i, w := range windows {
		if events += w.Events; i == auditWindows || events > auditEvents && i > 0 {
			windows = windows[:i]
			break
		}
	}
	slices.SortFunc(windows, func(a, b WindowRecord) int { return a.After.Compare(b.After) })
	return windows, nil
}
