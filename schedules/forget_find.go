package schedules

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// A finding looks for what a sink holds of streams.
type finding struct {
	run     *run
	reader  sinks.Reader
	streams map[string]bool
	// forgets knows more streams by their digests, if it is not nil.
	forgets *transform.Forgetter
	tables  map[string]int64 // rows
	rows    int64
	windows []source.Window
	// nameless counts rows that were to be found and name no stream.
	nameless int64
}

func (f *finding) names() []string { return slices.Sorted(maps.Keys(f.streams)) }

func (f *finding) report() *Forgotten {
	out := &Forgotten{Job: f.run.job.Name, Streams: int64(len(f.streams)), Rows: f.rows, Windows: int64(len(f.windows)), Nameless: f.nameless, Tables: []ForgottenTable{}}
	for _, name := range slices.Sorted(maps.Keys(f.tables)) {
		out.Tables = append(out.Tables, ForgottenTable{name, f.tables[name]})
	}
	return out
}

// find finds the streams, and the windows that tell of them.
func (f *finding) find(ctx context.Context, o ForgetOptions) error {
	for _, s := range o.Streams {
		f.streams[s] = true
	}
	if o.Column != "" {
		if err := f.choose(ctx, o.Column, o.Value); err != nil {
			return err
		}
	}
	if len(f.streams) == 0 {
		return nil
	}
	var windows []source.Window
	r := f.run
	err := r.ledger.Windows(ctx, r.job.Name, source.Position{}, func(w WindowRecord) error {
		if !w.Loaded.IsZero() {
			windows = append(windows, w.Window)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	return f.locate(ctx, windows)
}

// has tells whether it looks for a stream.
func (f *finding) has(stream string) bool {
	return f.streams[stream] || f.forgets != nil && f.forgets.Forgets([]byte(stream))
}

// stillThere gives the sink's windows that tell of streams which others were
// loaded without, and blanks the streams' names in windows that only the sink
// knows.
func (r *run) stillThere(ctx context.Context, streams []transform.Digest, windows []Loaded) ([]source.Window, error) {
	reader, ok := r.job.Sink.(sinks.Reader)
	if !ok {
		return nil, nil
	}
	p, err := r.job.Pipeline.Forget(streams)
	if err != nil {
		return nil, err
	}
	f := &finding{run: r, reader: reader, forgets: p.NewForgetter(), tables: make(map[string]int64)}
	all := slices.SortedFunc(maps.Keys(r.known), func(a, b source.Window) int { return a.After.Compare(b.After) })
	if err := f.locate(ctx, all); err != nil {
		return nil, err
	}
	for i := range windows {
		for _, a := range []*sinks.Anchor{&windows[i].First, &windows[i].Last} {
			if f.has(a.Stream) {
				a.Stream = ""
			}
		}
	}
	return f.windows, nil
}

// locate finds those of the windows, which are in order, with rows of the
// streams, or that begin or end at an event of one: its name stands in their
// manifests.
func (f *finding) locate(ctx context.Context, windows []source.Window) error {
	r := f.run
	planned := windowsOf(r.state.Pending)
	found := make(map[int]bool)
	err := f.each(ctx, sinks.Query{Columns: []string{transform.ColPosition, transform.ColStreamID}}, func(t *transform.Table, rec transform.Record) error {
		streams, ok := transform.CellsOf(rec, transform.ColStreamID)
		positions, also := transform.CellsOf(rec, transform.ColPosition)
		if !ok || !also {
			return fmt.Errorf("table %s has no positions and streams to go by", t.Name)
		}
		for i := range int(rec.NumRows()) {
			if stream, ok := streams.Text(i); !ok || !f.has(stream) {
				continue
			}
			at, _ := positions.Int(i)
			k := holding(windows, source.Position{Seq: at})
			switch {
			case k >= 0:
				found[k] = true
			case f.forgets != nil: // of a window that is half loaded, and not adopted
				continue
			case holding(planned, source.Position{Seq: at}) < 0:
				return &DisagreeError{
					Job: r.job.Name, Reason: fmt.Sprintf("table %s has a row at position %d, which no window accounts for", t.Name, at),
					Advice: "look with backstory verify " + r.job.Name + ", mend it with backstory repair " + r.job.Name + ", and forget then",
				}
			}
			f.tables[t.Name]++
			f.rows++
		}
		return nil
	})
	if err != nil {
		return err
	}
	for w, m := range r.known {
		if f.has(m.First.Stream) || f.has(m.Last.Stream) {
			if k := slices.Index(windows, w); k >= 0 {
				found[k] = true
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(found)) {
		f.windows = append(f.windows, windows[k])
	}
	return nil
}

func (f *finding) each(ctx context.Context, q sinks.Query, fn func(*transform.Table, transform.Record) error) error {
	j := f.run.job
	err := f.reader.Rows(ctx, j.Name, f.run.state.Generation, q, fn)
	if _, all := sinks.Damages(err); err != nil && f.forgets != nil && all {
		return nil // what is damaged is loaded again anyway
	}
	if err != nil {
		return fmt.Errorf("read what is loaded: %w", err)
	}
	return nil
}

// holding gives the index of the window, of windows in order, that holds a
// position, or -1.
func holding(windows []source.Window, p source.Position) int {
	i, _ := slices.BinarySearchFunc(windows, p, func(w source.Window, p source.Position) int { return w.Through.Compare(p) })
	if i == len(windows) || windows[i].After.Compare(p) >= 0 {
		return -1
	}
	return i
}
