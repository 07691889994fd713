package schedules

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"backstory/sinks"
	"backstory/source"
)

// reconcile compares what the ledger says with what the sink holds, takes
// into the ledger what only the sink knows (a crash came between commit and
// ledger, or the ledger was lost), and refuses what cannot be explained.
func (r *run) reconcile(ctx context.Context) error {
	j, s := r.job, r.state
	inventory, ok := j.Sink.(sinks.Inventory)
	if ok {
		manifests, tables, err := inventory.Manifests(ctx, j.Name, s.Generation)
		if err != nil {
			return fmt.Errorf("list what is loaded: %w", err)
		}
		if err := inventory.Check(ctx, j.Name, s.Generation, manifests); err != nil {
			return fmt.Errorf("check what is loaded: %w", err)
		}
		if err := r.compare(ctx, manifests); err != nil {
			return err
		}
		if len(s.Tables) == 0 && len(tables) > 0 {
			if err := r.lease.Save(ctx, Change{Tables: tables}); err != nil {
				return fmt.Errorf("save tables: %w", err)
			}
			s.Tables = tables
		}
	}
	if s.Fingerprint != "" && s.Fingerprint != j.Pipeline.Fingerprint() && len(s.Loaded) > 0 {
		return &RulesError{Job: j.Name, Old: s.Fingerprint, New: j.Pipeline.Fingerprint()}
	}
	r.catalog = j.Pipeline.NewCatalog(s.Tables)
	if e, ok := j.Sink.(sinks.Evolver); ok && len(s.Tables) > 0 {
		if err := e.Evolve(ctx, j.Name, s.Generation, r.catalog.Tables()); err != nil {
			return fmt.Errorf("evolve tables: %w", err)
		}
	}
	return nil
}

// compare finds windows that only one of ledger and sink knows.
func (r *run) compare(ctx context.Context, manifests []sinks.Manifest) error {
	s := r.state
	there := make([]source.Window, 0, len(manifests))
	r.known = make(map[source.Window]sinks.Manifest, len(manifests))
	var adopt []Loaded
	for _, m := range manifests {
		there = append(there, m.Window)
		r.known[m.Window] = m
		if len(Subtract(m.Window, s.Loaded)) > 0 {
			adopt = append(adopt, loadedFrom(m))
		}
	}
	for _, w := range s.Loaded {
		if missing := Subtract(w, there); len(missing) > 0 {
			return &DisagreeError{
				Job:    r.job.Name,
				Reason: fmt.Sprintf("the ledger says that %s is loaded, but the sink does not have it", missing[0]),
				Advice: "the output folder was deleted or restored from an older backup: put it back, or remove the ledger too, and run again to load what is missing",
			}
		}
	}
	if len(adopt) == 0 {
		return nil
	}
	for _, l := range adopt {
		for _, p := range s.Pending {
			if p.Window != l.Window && p.Overlaps(l.Window) {
				return &DisagreeError{
					Job:    r.job.Name,
					Reason: fmt.Sprintf("the sink holds %s, which the ledger does not know, and the ledger plans %s", l.Window, p.Window),
					Advice: "the ledger is older than the output folder: remove the ledger, and run again to rebuild it",
				}
			}
		}
	}
	c := Change{Finish: adopt}
	if s.Fingerprint == "" {
		c.Fingerprint = adopt[0].Fingerprint
	}
	if err := r.lease.Save(ctx, c); err != nil {
		return fmt.Errorf("take up what is loaded: %w", err)
	}
	r.job.log().Info("took up windows that the ledger did not know", "job", r.job.Name, "windows", len(adopt))
	state, err := r.job.Ledger.State(ctx, r.job.Name)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	r.state = state
	return nil
}

// loadedFrom says of a manifest what the ledger records.
func loadedFrom(m sinks.Manifest) Loaded {
	l := Loaded{Window: m.Window, Summary: m.Summary}
	for _, t := range m.Tables {
		l.Rows += t.Rows
		l.Stored += t.Bytes
	}
	return l
}

// adopt takes a window that is in the sink already into the ledger.
func (r *run) adopt(ctx context.Context, w source.Window) (Loaded, error) {
	m, ok := r.known[w]
	if inventory, can := r.job.Sink.(sinks.Inventory); !ok && can {
		manifests, _, err := inventory.Manifests(ctx, r.job.Name, r.state.Generation)
		if err != nil {
			return Loaded{}, fmt.Errorf("list what is loaded: %w", err)
		}
		if i := slices.IndexFunc(manifests, func(m sinks.Manifest) bool { return m.Window == w }); i >= 0 {
			m = manifests[i]
		}
	}
	m.Window = w
	l := loadedFrom(m)
	return l, r.finish(ctx, l)
}

// checkSource refuses a store that is not the one that was read before, or
// whose positions went back.
func (r *run) checkSource(ctx context.Context, mark source.Watermark) error {
	s := r.state
	if len(s.Loaded) == 0 {
		return nil
	}
	const advice = "if the store was really restored or exchanged, load it under a new job name or into an empty folder; else mend the source's address"
	last := s.Loaded[len(s.Loaded)-1].Through
	if mark.Head.Compare(last) < 0 {
		return &DisagreeError{
			Job:    r.job.Name,
			Reason: fmt.Sprintf("positions went back: the store ends at %s, but it is loaded through %s; it was truncated or restored", mark.Head, last),
			Advice: advice,
		}
	}
	for _, want := range []sinks.Anchor{s.First, s.Last} {
		if want.Position.IsZero() {
			continue
		}
		got, ok, err := r.anchorAt(ctx, want.Position)
		if err != nil {
			return err
		}
		if !ok {
			return &DisagreeError{
				Job:    r.job.Name,
				Reason: fmt.Sprintf("the event at position %s is gone from the store (it was %s, version %d of stream %s)", want.Position, want.Type, want.StreamVersion, want.Stream),
				Advice: advice,
			}
		}
		if got.Stream != want.Stream || got.StreamVersion != want.StreamVersion || got.Type != want.Type {
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

// anchorAt reads the last event at a position.
func (r *run) anchorAt(ctx context.Context, at source.Position) (sinks.Anchor, bool, error) {
	before := at
	before.Seq--
	var got sinks.Anchor
	found := false
	err := r.job.Source.Read(ctx, source.Window{After: before, Through: at}, func(e *source.Event) error {
		got, found = anchor(e), true
		return nil
	})
	if err != nil {
		return got, false, fmt.Errorf("read the event at %s again: %w", at, err)
	}
	return got, found, nil
}

// Check compares ledger, sink and source without loading anything. What a
// crash left to be finished is finished.
func (j *Job) Check(ctx context.Context) (err error) {
	lease, err := j.Ledger.Lock(ctx, j.Name)
	if err != nil {
		return fmt.Errorf("job %s: %w", j.Name, err)
	}
	defer func() { err = errors.Join(err, lease.Release()) }()
	r := &run{job: j, lease: lease}
	if r.state, err = j.Ledger.State(ctx, j.Name); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	if err := r.reconcile(ctx); err != nil {
		return err
	}
	mark, err := j.Source.Watermark(ctx)
	if err != nil {
		return fmt.Errorf("find watermark: %w", err)
	}
	return r.checkSource(ctx, mark)
}
