package schedules

import (
	"context"
	"fmt"

	"backstory/sinks"
	"backstory/source"
)

// Again loads a range, also what of it is loaded: windows that are loaded and
// have a position in the range are loaded again, each whole and in place of
// itself, so that no row is lost or doubled, and readers see the old rows or the
// new ones. They are marked in the ledger first: if Again is interrupted, the
// next run finishes it. Where the rules have changed since, it refuses with a
// *RulesError: a table would have rows of two kinds.
func (j *Job) Again(ctx context.Context, rng Range) (*Report, error) {
	if _, ok := j.Sink.(sinks.Replacer); !ok {
		return nil, source.Setup("rebuild the tables instead, or leave --again out to load what is missing",
			"job %s: its sink cannot load a window again", j.Name)
	}
	now := j.Pipeline
	return j.do(ctx, j.Ledger, "again", func(ctx context.Context, r *run) error {
		if err := r.open(ctx); err != nil {
			return err
		}
		if len(r.report.Outdated) > 0 {
			return &RulesError{Job: j.Name, Old: r.state.Fingerprint, New: now.Fingerprint(),
				Reason: "what is loaded again would be of the one kind and all else of the other"}
		}
		windows, err := r.loadedWindows(ctx, VerifyOptions{Range: rng})
		if err != nil {
			return err
		}
		if err := r.mark(ctx, recordedWindows(windows)); err != nil {
			return err
		}
		return r.all(ctx, rng)
	})
}

// mark has loaded windows be loaded again by renew, of this run or a later
// one.
func (r *run) mark(ctx context.Context, windows []source.Window) error {
	if len(windows) == 0 {
		return nil
	}
	c := Change{Again: windows}
	if r.record.ID == 0 {
		c.Begin = &r.record
	}
	if err := r.lease.Save(ctx, c); err != nil {
		return fmt.Errorf("mark windows to be loaded again: %w", err)
	}
	state, err := r.ledger.State(ctx, r.job.Name)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	r.state = state
	return nil
}
