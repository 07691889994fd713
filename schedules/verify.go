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

// VerifyOptions say how closely to look.
type VerifyOptions struct {
	// Full reads source and sink, row by row; else they are only counted.
	Full bool
	// Values has findings tell the values that differ, not only the names of
	// their columns.
	Values bool
	// Range leaves out windows that have no position in it.
	Range Range

	only []source.Window // leaves out all others, where there are any
}

// part tells whether not all windows are looked at.
func (o VerifyOptions) part() bool { return o.Range != (Range{}) || len(o.only) > 0 }

// wants tells whether a window is looked at.
func (o VerifyOptions) wants(w source.Window) bool {
	return o.Range.holds(w) && (len(o.only) == 0 || slices.Contains(o.only, w))
}

// Verify compares the source with the sink, window by window: how many events
// and rows there are, and, if it is to be full, every value of every row, made
// of the source's events anew, under the rules that the rows follow. It holds
// the job's lease meanwhile, so that nothing changes, and changes nothing but
// that what a crash left half done is finished. What does not agree is a
// Finding; an error is what kept it from looking.
func (j *Job) Verify(ctx context.Context, o VerifyOptions) (p *Proof, err error) {
	err = j.hold(ctx, func(r *run) error {
		return under(ctx, r.lease, func(ctx context.Context) (err error) {
			p, err = r.verify(ctx, o)
			return err
		})
	})
	return p, err
}

// verify is Verify under the run's lease, for the generation it has opened.
func (r *run) verify(ctx context.Context, o VerifyOptions) (*Proof, error) {
	started := time.Now()
	j := r.job
	p := &Proof{Job: j.Name, Generation: r.state.Generation, Full: o.Full, Findings: []Finding{}}
	if h, ok := j.Sink.(sinks.Holder); ok {
		if err := h.Hold(ctx, j.Name, r.state.Generation); err != nil {
			return nil, err
		}
	}
	tables := r.state.Tables
	if in, ok := j.Sink.(sinks.Inventory); ok && len(tables) == 0 { // the ledger was lost
		var err error
		if _, tables, err = in.Manifests(ctx, j.Name, r.state.Generation); err != nil {
			return nil, fmt.Errorf("list what is loaded: %w", err)
		}
	}
	r.catalog, r.idle = j.Pipeline.NewCatalog(tables), nil
	windows, err := r.loadedWindows(ctx, o)
	if err != nil {
		return nil, err
	}
	p.Windows = int64(len(windows))
	for _, gap := range Subtract(source.Window{Through: lastOf(r.state.Loaded).Through}, r.state.Loaded) {
		if o.wants(gap) {
			p.Gaps = append(p.Gaps, gap)
		}
	}
	if err := r.compareManifests(ctx, p, windows, o); err != nil {
		return nil, err
	}
	if err := r.checkParts(ctx, p, o); err != nil {
		return nil, err
	}
	if len(windows) > 0 {
		mark, err := j.watermark(ctx)
		if err != nil {
			return nil, fmt.Errorf("find watermark: %w", err)
		}
		if err := r.checkSource(ctx, mark); err != nil {
			return nil, err // another store proves nothing
		}
	}
	if o.Full {
		err = r.verifyRows(ctx, p, windows, o)
		p.explainCounts()
	} else {
		err = r.countEvents(ctx, p, windows)
	}
	p.sort()
	p.Duration = time.Since(started)
	return p, err
}

// loadedWindows lists the windows of the ledger that are loaded and wanted.
func (r *run) loadedWindows(ctx context.Context, o VerifyOptions) ([]WindowRecord, error) {
	var windows []WindowRecord
	err := r.ledger.Windows(ctx, r.job.Name, o.Range.After, func(w WindowRecord) error {
		if !w.Loaded.IsZero() && o.wants(w.Window) {
			windows = append(windows, w)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the ledger's windows: %w", err)
	}
	return windows, nil
}

// compareManifests compares what ledger and sink say of each window.
func (r *run) compareManifests(ctx context.Context, p *Proof, windows []WindowRecord, o VerifyOptions) error {
	inventory, ok := r.job.Sink.(sinks.Inventory)
	if !ok {
		return nil
	}
	manifests, _, err := inventory.Manifests(ctx, r.job.Name, r.state.Generation)
	if err != nil {
		return fmt.Errorf("list what is loaded: %w", err)
	}
	there := make(map[source.Window]sinks.Manifest, len(manifests))
	for _, m := range manifests {
		if o.wants(m.Window) {
			there[m.Window] = m
		}
	}
	for _, w := range windows {
		m, ok := there[w.Window]
		delete(there, w.Window)
		f := Finding{Kind: KindLedger, Windows: []source.Window{w.Window}, Want: w.Rows}
		switch l := loadedFrom(m); {
		case !ok:
			f.only, f.Reason = onlyLedger, "the ledger says that it is loaded, and the sink does not have it"
		case l.Rows != w.Rows || l.Events != w.Events:
			f.Got = l.Rows
			f.Reason = fmt.Sprintf("the ledger says that it has %d events and %d rows, and the sink's manifest %d and %d", w.Events, w.Rows, l.Events, l.Rows)
		default:
			p.Rows += l.Rows
			continue
		}
		p.Findings = append(p.Findings, f)
	}
	for w, m := range there {
		p.Findings = append(p.Findings, Finding{
			Kind: KindLedger, Windows: []source.Window{w}, Got: loadedFrom(m).Rows, only: onlySink,
			Reason: "the sink has it, and the ledger does not say that it is loaded; the next run takes it up",
		})
	}
	return nil
}

// checkParts looks for parts of tables that are missing or of nobody, by
// their names and sizes.
func (r *run) checkParts(ctx context.Context, p *Proof, o VerifyOptions) error {
	if m, ok := r.job.Sink.(sinks.Mender); ok {
		damages, err := m.Damage(ctx, r.job.Name, r.state.Generation)
		if err != nil {
			return fmt.Errorf("look for what is damaged: %w", err)
		}
		p.damaged(damages, o)
		return nil
	}
	inventory, ok := r.job.Sink.(sinks.Inventory)
	if !ok {
		return nil
	}
	err := inventory.Check(ctx, r.job.Name, r.state.Generation)
	if !errors.Is(err, sinks.ErrDisagree) {
		return err
	}
	f := Finding{Kind: KindFile, Reason: err.Error()}
	if count := (*sinks.CountError)(nil); errors.As(err, &count) {
		if o.Full && o.Range != (Range{}) {
			return nil // the rows of the range are compared, and others are not asked for
		}
		f.Table, f.Want, f.Got, f.Reason, f.counted = count.Table, count.Want, count.Got, count.Error(), true
	}
	p.Findings = append(p.Findings, f)
	return nil
}

// countEvents compares the number of events that the source has in each
// window with what was loaded, where the source can count.
func (r *run) countEvents(ctx context.Context, p *Proof, windows []WindowRecord) error {
	counter, ok := r.job.Source.(source.Counter)
	if !ok {
		p.Uncounted = true
		return nil
	}
	var total int64
	for _, w := range windows {
		total += w.Events
	}
	r.job.watch(Step{Name: StepPlanned, Events: total})
	for _, w := range windows {
		n, err := r.count1(ctx, counter, w.Window)
		if err != nil {
			return err
		}
		p.Events += n
		p.events(w, n)
		r.job.watch(Step{Name: StepRead, Window: w.Window, Events: n})
	}
	return nil
}

// count1 counts the events of one window.
func (r *run) count1(ctx context.Context, counter source.Counter, w source.Window) (n int64, err error) {
	err = r.job.again(ctx, Step{Name: StepCheck, Window: w}, func() error {
		n, err = counter.Count(ctx, w)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count the events of %s: %w", w, err)
	}
	return n, nil
}

// namesOf gives the names of tables.
func namesOf(tables []*transform.Table) []string {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.Name
	}
	return names
}
