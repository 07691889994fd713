package schedules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// unchanged tells whether ledger and sink have agreed before and nothing has
// happened since, so that a run with nothing to load need not compare them.
func (r *run) unchanged(ctx context.Context) (bool, error) {
	s := r.state
	if s.Signature == "" || len(s.Pending) > 0 || len(s.Again) > 0 || s.openReceipts() || s.Fingerprint != r.job.Pipeline.Fingerprint() {
		return false, nil
	}
	now, err := r.signature(ctx)
	if err != nil || now != s.Signature {
		return false, err
	}
	r.catalog = r.job.Pipeline.NewCatalog(s.Tables)
	return true, nil
}

// signature is the sink's, "" if it has none.
func (r *run) signature(ctx context.Context) (string, error) {
	signer, ok := r.job.Sink.(sinks.Signer)
	if !ok {
		return "", nil
	}
	s, err := signer.Signature(ctx, r.job.Name, r.state.Generation)
	if err != nil {
		return "", fmt.Errorf("sign what is loaded: %w", err)
	}
	return s, nil
}

// reconcile compares what the ledger says with what the sink holds, takes
// into the ledger what only the sink knows (a crash came between commit and
// ledger, or the ledger was lost), and refuses what cannot be explained.
func (r *run) reconcile(ctx context.Context) error {
	j := r.job
	if h, ok := j.Sink.(sinks.Holder); ok {
		if err := h.Hold(ctx, j.Name, r.state.Generation); err != nil {
			return err
		}
	}
	inventory, ok := j.Sink.(sinks.Inventory)
	if ok && !r.anyRules {
		count := (*sinks.CountError)(nil)
		if err := inventory.Check(ctx, j.Name, r.state.Generation); err != nil && (r.wrong == nil || !errors.As(err, &count)) {
			return err // a repair is there to mend what was counted
		}
	}
	return r.learn(ctx, inventory)
}

// learn takes into the ledger what only the sink knows, whose inventory may be
// nil.
func (r *run) learn(ctx context.Context, inventory sinks.Inventory) error {
	var there []*transform.Table
	if inventory != nil {
		manifests, tables, err := inventory.Manifests(ctx, r.job.Name, r.state.Generation)
		if err != nil {
			return fmt.Errorf("list what is loaded: %w", err)
		}
		if err := r.resume(ctx, manifests); err != nil {
			return err
		}
		if err := r.compare(ctx, manifests); err != nil {
			return err
		}
		there = tables
	}
	if r.anyRules {
		return nil
	}
	return r.takeTables(ctx, there)
}

// resume plans the windows that were begun by a run whose ledger was lost, as
// that run has cut them: what they have left in the sink is adopted only by who
// loads the same.
func (r *run) resume(ctx context.Context, manifests []sinks.Manifest) error {
	s := r.state
	resumer, ok := r.job.Sink.(sinks.Resumer)
	if !ok || !s.empty() {
		return nil
	}
	begun, err := resumer.Begun(ctx, r.job.Name, s.Generation)
	if err != nil || len(begun) == 0 {
		return err
	}
	plan, there := []Planned{}, []source.Window{}
	for _, m := range manifests {
		there = append(there, m.Window)
	}
	for _, w := range begun {
		if i := slices.IndexFunc(there, w.Overlaps); i >= 0 {
			return &DisagreeError{
				Job:    r.job.Name,
				Reason: fmt.Sprintf("a run that was cut off has loaded a part of %s, and another of %s", w, there[i]),
				Advice: "load a new generation with backstory rebuild",
			}
		}
		there = append(there, w)
		plan = append(plan, Planned{Window: w, Events: max(0, w.Through.Seq-w.After.Seq)})
	}
	if err := r.lease.Save(ctx, Change{Plan: plan}); err != nil {
		return fmt.Errorf("plan what was begun: %w", err)
	}
	s.Pending = plan
	r.job.log().Info("goes on with windows that the ledger did not know", "job", r.job.Name, "windows", len(plan))
	return nil
}

// empty tells whether the ledger knows nothing: it is new, or was lost.
func (s *State) empty() bool {
	return s.Fingerprint == "" && len(s.Loaded) == 0 && len(s.Pending) == 0
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
		some, all := covered(m.Window, s.Loaded)
		if all {
			continue
		}
		if some {
			return r.foreign(m.Window, "counts a part of it as loaded")
		}
		for _, p := range s.Pending {
			if p.Through.Compare(m.Window.After) > 0 {
				if p.Overlaps(m.Window) && p.Window != m.Window {
					return r.foreign(m.Window, "plans "+p.String())
				}
				break
			}
		}
		adopt = append(adopt, loadedFrom(m))
	}
	if !r.anyRules {
		if err := r.sameRules(adopt); err != nil {
			return err
		}
	}
	there = Union(there)
	for _, w := range s.Loaded {
		if missing := Subtract(w, there); len(missing) > 0 {
			return &DisagreeError{
				Job:    r.job.Name,
				Reason: fmt.Sprintf("the ledger says that %s is loaded, but the sink does not have it", missing[0]),
				Advice: "the output was deleted or restored from an older backup: put it back, or remove the ledger too, and run again to load what is missing",
			}
		}
	}
	if len(adopt) == 0 {
		return nil
	}
	return r.takeUp(ctx, adopt)
}

// sameRules refuses windows that only the sink knows and that were loaded
// under other rules, unless these were superseded by the rules at hand.
func (r *run) sameRules(windows []Loaded) error {
	now := r.job.Pipeline.Fingerprint()
	var superseded []string
	for _, w := range windows {
		if w.Fingerprint == now && len(w.Superseded) > len(superseded) {
			superseded = w.Superseded
		}
	}
	for _, w := range windows {
		if w.Fingerprint != "" && w.Fingerprint != now && !slices.Contains(superseded, w.Fingerprint) && !slices.Contains(r.state.Superseded, w.Fingerprint) {
			return &RulesError{Job: r.job.Name, Old: w.Fingerprint, New: now}
		}
	}
	if len(superseded) > len(r.state.Superseded) {
		r.state.Superseded = superseded
	}
	return nil
}

// foreign says that the sink holds a window that the ledger cannot have cut.
func (r *run) foreign(w source.Window, what string) error {
	return &DisagreeError{
		Job:    r.job.Name,
		Reason: fmt.Sprintf("the sink holds %s, which the ledger does not know, and the ledger %s", w, what),
		Advice: "ledger and output are of different runs: remove the ledger, and run again to rebuild it from the output",
	}
}

// takeUp records windows that only the sink knew.
func (r *run) takeUp(ctx context.Context, windows []Loaded) error {
	c := Change{Finish: windows}
	if receipt := r.state.unknownReceipt(windows); receipt != nil {
		again, err := r.stillThere(ctx, receipt.Streams, windows)
		if err != nil {
			return err
		}
		if c.Forget, c.Again = receipt, again; len(again) > 0 {
			receipt.Done = time.Time{} // the ledger was lost in the midst of it
		}
	}
	switch {
	case r.anyRules:
		c.Fingerprint = windows[len(windows)-1].Fingerprint
	case r.state.Fingerprint == "":
		c = r.named(c)
		c.Superseded = r.state.Superseded
	}
	if err := r.lease.Save(ctx, c); err != nil {
		return fmt.Errorf("take up what is loaded: %w", err)
	}
	r.job.log().Info("took up windows that the ledger did not know", "job", r.job.Name, "windows", len(windows))
	state, err := r.ledger.State(ctx, r.job.Name)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	r.state = state
	p, err := state.Forgets(r.job.Pipeline)
	if err != nil {
		return err
	}
	r.use(p)
	return nil
}

// unknownReceipt makes a receipt of the streams that windows were loaded
// without and that the ledger, which was lost, does not know of; nil where
// there are none.
func (s *State) unknownReceipt(windows []Loaded) *Receipt {
	known := s.forgotten()
	var streams []transform.Digest
	for _, w := range windows {
		for _, d := range w.Without {
			if !slices.Contains(known, d) && !slices.Contains(streams, d) {
				streams = append(streams, d)
			}
		}
	}
	if len(streams) == 0 {
		return nil
	}
	slices.Sort(streams)
	now := time.Now().UTC()
	return &Receipt{Asked: now, Done: now, Streams: streams}
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

// takeTables makes ledger and sink agree on the tables: those of the ledger,
// which learns of a change first, unless it is older than the sink's. While
// nothing is loaded, tables made under other rules are forgotten.
func (r *run) takeTables(ctx context.Context, there []*transform.Table) error {
	j, s := r.job, r.state
	now := j.Pipeline.Fingerprint()
	other := s.Fingerprint != "" && s.Fingerprint != now
	if other && len(s.Loaded) > 0 {
		return &RulesError{Job: j.Name, Old: s.Fingerprint, New: now}
	}
	tables := []*transform.Table{}
	if !other {
		tables = append(tables, s.Tables...)
	}
	if len(s.Loaded) > 0 {
		tables = newest(tables, there, r.holdsRows)
	}
	r.catalog = j.Pipeline.NewCatalog(tables)
	tables = r.catalog.Tables() // with those that are frozen
	if !slices.EqualFunc(tables, s.Tables, sameTable) {
		if err := r.lease.Save(ctx, r.named(Change{Tables: tables})); err != nil {
			return fmt.Errorf("save tables: %w", err)
		}
		s.Tables, s.Fingerprint = tables, now
	}
	e, ok := j.Sink.(sinks.Evolver)
	if !ok || within(tables, there) {
		return nil
	}
	if err := e.Evolve(ctx, j.Name, s.Generation, tables); err != nil {
		return fmt.Errorf("evolve tables: %w", err)
	}
	return nil
}

// newest gives the tables of the ledger, but those of the sink where they
// have changed more often, or hold rows and are unknown to the ledger. Tables
// of rules that were given up before a row was loaded are left alone.
func newest(ledger, sink []*transform.Table, holdsRows func(table string) bool) []*transform.Table {
	out := slices.Clone(ledger)
	for _, t := range sink {
		switch i := slices.IndexFunc(out, func(o *transform.Table) bool { return o.Name == t.Name }); {
		case i < 0:
			if holdsRows(t.Name) {
				out = append(out, t)
			}
		case t.Version > out[i].Version:
			out[i] = t
		}
	}
	return out
}

// holdsRows tells whether the sink holds rows of a table.
func (r *run) holdsRows(table string) bool {
	for _, m := range r.known {
		if slices.ContainsFunc(m.Tables, func(t sinks.LoadedTable) bool { return t.Name == table && t.Rows > 0 }) {
			return true
		}
	}
	return false
}

// within tells whether each of the tables is among those there, as it is.
func within(tables, there []*transform.Table) bool {
	for _, t := range tables {
		if !slices.ContainsFunc(there, func(o *transform.Table) bool { return sameTable(t, o) }) {
			return false
		}
	}
	return true
}

func sameTable(a, b *transform.Table) bool {
	return a.Name == b.Name && a.Version == b.Version && a.Partition == b.Partition &&
		slices.EqualFunc(a.Columns, b.Columns, func(c, d transform.Column) bool {
			return c.Name == d.Name && c.Required == d.Required && c.Type.Equal(d.Type)
		})
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
