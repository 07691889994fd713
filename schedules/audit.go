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
// must cost next to nothing: it counts at most so many windows, and about as many
// events as the run loads and auditEvents more.
const (
	auditEvents  = 10_000
	auditMost    = 500_000
	auditWindows = 32
)

func (j *Job) auditAge() time.Duration { return cmp.Or(j.Audit, DefaultAudit) }

// audit counts windows of the recent past again. Those to which events have come
// are loaded again, which are then below the watermark of an earlier run: a
// writer that takes numbers and waits in a way that no fence sees, or a replica
// that was restored. The run loads about so many events. It tells whether it has
// loaded any window again; same says that the sink was not looked at so far.
func (r *run) audit(ctx context.Context, events int64, same bool) (bool, error) {
	j := r.job
	counter, counts := j.Source.(source.Counter)
	_, replaces := j.Sink.(sinks.Replacer)
	if j.auditAge() <= 0 || !counts || !replaces || r.state.Last.Position.IsZero() {
		return false, nil
	}
	windows, err := r.recent(ctx, min(auditEvents+events, auditMost))
	if err != nil {
		return false, err
	}
	late := &Late{}
	for _, w := range windows {
		n, err := r.count1(ctx, counter, w.Window)
		if quiet := (*source.QuietError)(nil); errors.As(err, &quiet) {
			break
		}
		switch {
		case err != nil:
			return false, err
		case n > w.Events:
			late.Windows = append(late.Windows, w.Window)
			late.Events += n - w.Events
		case !w.expects(n):
			late.Fewer = append(late.Fewer, w.Window)
			late.Gone += w.Events - n
		}
	}
	if len(late.Windows)+len(late.Fewer) == 0 {
		return false, nil
	}
	r.report.Late = late
	j.log().Warn("closed windows have changed in the source", "job", j.Name, "windows", late.Windows, "late", late.Events, "fewer", late.Fewer, "gone", late.Gone)
	if len(late.Windows) == 0 {
		return false, nil
	}
	if same { // before anything is loaded, all is looked at
		if err := r.reconcile(ctx); err != nil {
			return false, err
		}
	}
	if err := r.mark(ctx, late.Windows); err != nil {
		return false, err
	}
	return true, r.renew(ctx)
}

// recent chooses the windows to count, half of them the newest and half by
// chance, of about so many events. One that is larger has a chance that is as
// much smaller: it is counted by one run of many.
func (r *run) recent(ctx context.Context, budget int64) ([]WindowRecord, error) {
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
	after.Seq -= min(8*events, few*max(1, events/cut), 2*auditMost)
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
	var chosen []WindowRecord
	choose := func(windows []WindowRecord, most int, budget int64) (left []WindowRecord) {
		for i, w := range windows {
			if most == 0 || budget <= 0 {
				return append(left, windows[i:]...)
			}
			if w.Events <= budget || rand.Int64N(w.Events) < budget {
				chosen = append(chosen, w)
				most--
			} else {
				left = append(left, w)
			}
			budget -= w.Events
		}
		return left
	}
	rest := choose(windows, auditWindows/2, budget/2)
	rand.Shuffle(len(rest), func(a, b int) { rest[a], rest[b] = rest[b], rest[a] })
	choose(rest, auditWindows/2, budget/2)
	slices.SortFunc(chosen, func(a, b WindowRecord) int { return a.After.Compare(b.After) })
	return chosen, nil
}
