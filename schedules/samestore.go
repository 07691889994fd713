package schedules

import (
	"context"
	"errors"
	"fmt"

	"backstory/sinks"
	"backstory/source"
)

// sameStore finds the watermark, for the report too, and makes sure that the
// store is the one that was read before.
func (r *run) sameStore(ctx context.Context) (source.Watermark, error) {
	mark, err := r.job.watermark(ctx)
	if err != nil {
		return mark, fmt.Errorf("find watermark: %w", err)
	}
	r.report.Watermark = mark
	return mark, r.checkSource(ctx, mark)
}

// checkSource refuses a store that is not the one that was read before, or
// whose positions went back.
func (r *run) checkSource(ctx context.Context, mark source.Watermark) error {
	s := r.state
	loaded := s.Last.Position // a window that was loaded again may have lost its last events
	if s.mayBeGone(s.Last) {
		loaded = source.Position{}
	}
	const advice = "if the store was really restored or exchanged, load it into an empty folder; else mend the source's address"
	// Windows that are planned end at events.
	for _, end := range []struct {
		what    string
		through source.Position
	}{{"loaded", loaded}, {"planned", lastOf(windowsOf(s.Pending)).Through}} {
		if mark.Head.Compare(end.through) < 0 {
			return &DisagreeError{
				Job:    r.job.Name,
				Reason: fmt.Sprintf("positions went back: the store ends at %s, but it is %s through %s; it was truncated or restored", mark.Head, end.what, end.through),
				Advice: advice,
			}
		}
	}
	for _, want := range []sinks.Anchor{s.First, s.Last} {
		if want.Position.IsZero() {
			continue
		}
		got, err := r.anchorAt(ctx, want)
		if err != nil {
			return err
		}
		if got.Position.IsZero() && s.mayBeGone(want) {
			continue
		}
		if got.Position.IsZero() {
			return &DisagreeError{
				Job:    r.job.Name,
				Reason: fmt.Sprintf("the event at position %s is gone from the store (it was %s, version %d of stream %s)", want.Position, want.Type, want.StreamVersion, want.Stream),
				Advice: advice,
			}
		}
		if got != want {
			return &DisagreeError{
				Job: r.job.Name,
				Reason: fmt.Sprintf("another store, or one with other positions: at position %s stands %s, version %d of stream %s; loaded was %s, version %d of stream %s",
					want.Position, got.Type, got.StreamVersion, got.Stream, want.Type, want.StreamVersion, want.Stream),
				Advice: advice,
			}
		}
	}
	return nil
}

// mayBeGone tells whether the store may have lost an event since: one of a
// stream that is forgotten is deleted there too, sooner or later.
func (s *State) mayBeGone(a sinks.Anchor) bool {
	return a.Stream == "" && !a.Position.IsZero() && len(s.Receipts) > 0
}

// lastOf is the last of windows in order, empty if there is none.
func lastOf(windows []source.Window) source.Window {
	if len(windows) == 0 {
		return source.Window{}
	}
	return windows[len(windows)-1]
}

// windowsOf forgets how many events are planned.
func windowsOf(planned []Planned) []source.Window {
	windows := make([]source.Window, len(planned))
	for i, p := range planned {
		windows[i] = p.Window
	}
	return windows
}

// anchorAt looks for an event at its position. Several may stand there: it
// gives the one that is wanted, or any other, or none.
func (r *run) anchorAt(ctx context.Context, want sinks.Anchor) (got sinks.Anchor, err error) {
	before := want.Position
	before.Seq--
	at := source.Window{After: before, Through: want.Position}
	forgets := r.job.Pipeline.NewForgetter()
	err = r.job.again(ctx, Step{Name: StepCheck, Window: at}, func() error {
		got = sinks.Anchor{}
		return r.job.Source.Read(ctx, at, func(e *source.Event) error {
			if got = anchorOf(forgets, e); got == want {
				return errFound
			}
			return nil
		})
	})
	if err != nil && !errors.Is(err, errFound) {
		return got, fmt.Errorf("read the event at %s again: %w", want.Position, err)
	}
	return got, nil
}

// Check compares ledger, sink and source without loading anything. What a
// crash left to be finished is finished.
func (j *Job) Check(ctx context.Context) error {
	return j.hold(ctx, func(r *run) error {
		if err := r.reconcile(ctx); err != nil {
			return err
		}
		mark, err := j.watermark(ctx)
		if err != nil {
			return fmt.Errorf("find watermark: %w", err)
		}
		return r.checkSource(ctx, mark)
	})
}
