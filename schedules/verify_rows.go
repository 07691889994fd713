package schedules

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sort"
	"sync"

	"backstory/sinks"
	"backstory/sinks/checksum"
	"backstory/source"
	"backstory/transform"

	"golang.org/x/sync/errgroup"
)

// sums are the checksums of all windows by table, of what the source's events
// make and of what the sink holds.
type sums struct {
	key     checksum.Key
	windows []WindowRecord
	source  map[string][]checksum.Sum
	sink    map[string][]checksum.Sum
	foreign map[string]*strays
	// begun are the windows whose rows may be there, though the ledger does not
	// count them as loaded.
	begun  []source.Window
	events []int64
	news   []bool // the source has what no column is for
}

// strays are rows that belong to no window.
type strays struct {
	rows      int64
	positions []int64
}

func (s *strays) add(position int64) {
	if s.rows++; len(s.positions) < maxStrays {
		s.positions = append(s.positions, position)
	}
}

const (
	maxStrays  = 5  // positions of strays that are told
	maxUneven  = 5  // streams whose versions do not follow on each other
	maxSamples = 32 // positions of a window that are looked at closely
)

func newSums(windows []WindowRecord, tables []string) *sums {
	s := &sums{
		key: checksum.NewKey(), windows: windows,
		source: make(map[string][]checksum.Sum), sink: make(map[string][]checksum.Sum), foreign: make(map[string]*strays),
		events: make([]int64, len(windows)), news: make([]bool, len(windows)),
	}
	for _, t := range tables {
		s.source[t], s.sink[t], s.foreign[t] = make([]checksum.Sum, len(windows)), make([]checksum.Sum, len(windows)), &strays{}
	}
	return s
}

// at gives the window that holds a position, or -1. Rows know no transactions,
// so that windows are told apart by sequence; near is a guess.
func (s *sums) at(position int64, near int) int {
	within := func(i int) bool {
		w := s.windows[i].Window
		return position > w.After.Seq && position <= w.Through.Seq
	}
	if near >= 0 && near < len(s.windows) && within(near) {
		return near
	}
	i := sort.Search(len(s.windows), func(i int) bool { return s.windows[i].Through.Seq >= position })
	if i == len(s.windows) || !within(i) {
		return -1
	}
	return i
}

// verifyRows compares the rows that the source's events make with those in
// the sink: checksums first, and then the windows in which these differ.
func (r *run) verifyRows(ctx context.Context, p *Proof, windows []WindowRecord, o VerifyOptions) error {
	reader, ok := r.job.Sink.(sinks.Reader)
	if !ok {
		return source.Setup("verify without --full compares what can be counted", "verify job %s: its sink cannot be read", r.job.Name)
	}
	p.Streams = &StreamCheck{}
	if o.part() && len(windows) == 0 {
		return nil
	}
	var total int64
	for i, w := range windows {
		if w.Through.Tx != 0 || i > 0 && w.After.Seq < windows[i-1].Through.Seq {
			return fmt.Errorf("verify job %s: the positions of window %s have transactions, which rows do not tell", r.job.Name, w.Window)
		}
		total += w.Events + w.Rows
	}
	r.job.watch(Step{Name: StepPlanned, Events: total})
	s := newSums(windows, namesOf(r.catalog.Tables()))
	var err error
	if s.begun, err = r.unfinished(ctx); err != nil {
		return err
	}
	for _, f := range p.Findings {
		if f.only == onlySink {
			s.begun = append(s.begun, f.Windows...)
		}
	}
	slices.SortFunc(s.begun, func(a, b source.Window) int { return a.After.Compare(b.After) })
	p.sums, p.Rows = s, 0
	g, gctx := errgroup.WithContext(ctx)
	var damages []*sinks.DamageError
	g.Go(func() (err error) {
		damages, err = r.sumSink(gctx, reader, s, o.part())
		return err
	})
	g.Go(func() (err error) {
		p.Streams, err = r.sumSource(gctx, s)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	p.damaged(damages, o)
	for i, w := range windows {
		p.Events += s.events[i]
		p.events(w, s.events[i])
	}
	for _, t := range r.catalog.Tables() {
		for i := range s.sink[t.Name] {
			p.Rows += s.sink[t.Name][i].Rows
		}
		if f := s.foreign[t.Name]; f.rows > 0 && !o.part() {
			p.Findings = append(p.Findings, Finding{
				Kind: KindForeign, Table: t.Name, Got: f.rows, Extra: f.rows,
				Reason: fmt.Sprintf("%d rows lie outside all windows that are loaded, the first at position %d", f.rows, f.positions[0]),
			})
		}
	}
	return r.details(ctx, reader, p, o)
}

// unfinished gives the windows that the next run loads, where the sink may
// show rows of them before.
func (r *run) unfinished(ctx context.Context) ([]source.Window, error) {
	resumer, ok := r.job.Sink.(sinks.Resumer)
	switch {
	case !ok:
		return nil, nil
	case r.state.empty():
		return resumer.Begun(ctx, r.job.Name, r.state.Generation)
	}
	return windowsOf(r.state.Pending), nil
}

// sumSink reads the sink's tables, several at a time, and adds up their rows.
func (r *run) sumSink(ctx context.Context, reader sinks.Reader, s *sums, some bool) ([]*sinks.DamageError, error) {
	var mu sync.Mutex
	var damages []*sinks.DamageError
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, r.job.workers()/2))
	for _, t := range r.catalog.Tables() {
		g.Go(func() (err error) {
			defer caught(&err)
			q := sinks.Query{Tables: []string{t.Name}}
			if some {
				q.Windows = recordedWindows(s.windows)
			}
			h := checksum.NewHasher(s.key)
			sums, foreign := s.sink[t.Name], s.foreign[t.Name]
			near := -1
			err = reader.Rows(ctx, r.job.Name, r.state.Generation, q, func(_ *transform.Table, rec transform.Record) error {
				rows, positions, err := h.Rows(rec)
				if err != nil {
					return err
				}
				if len(positions) != len(rows) {
					return fmt.Errorf("rows of table %s have no positions", t.Name)
				}
				for i, row := range rows {
					near = s.at(positions[i], near)
					switch {
					case near >= 0:
						sums[near].Add(row)
					case holding(s.begun, source.Position{Seq: positions[i]}) < 0:
						foreign.add(positions[i])
					}
				}
				r.job.watch(Step{Name: StepRead, Events: int64(len(rows))})
				return nil
			})
			found, all := sinks.Damages(err)
			mu.Lock()
			damages = append(damages, found...)
			mu.Unlock()
			if all {
				return nil
			}
			return fmt.Errorf("read table %s: %w", t.Name, err)
		})
	}
	err := g.Wait()
	return damages, err
}

// sumSource reads the source's windows, several at a time, and adds up the
// rows that their events make.
func (r *run) sumSource(ctx context.Context, s *sums) (*StreamCheck, error) {
	seed := maphash.MakeSeed()
	all := newStreamCheck(seed)
	var mu sync.Mutex
	next := 0
	g, ctx := errgroup.WithContext(ctx)
	for range min(r.job.workers(), max(1, len(s.windows))) {
		g.Go(func() (err error) {
			defer caught(&err)
			streams := newStreamCheck(seed)
			h := checksum.NewHasher(s.key)
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(s.windows) {
					break
				}
				if err := r.sumWindow(ctx, s, i, h, streams); err != nil {
					return err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all.merge(streams)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return all.result(maxUneven), nil
}

// sumWindow adds up the rows of one window's events.
func (r *run) sumWindow(ctx context.Context, s *sums, i int, h *checksum.Hasher, streams *streamCheck) error {
	w := s.windows[i].Window
	var seen *streamCheck
	err := r.remake(ctx, r.job.Pipeline, r.catalog, w, func() {
		seen = newStreamCheck(streams.seed) // it may be begun again
		for _, sums := range s.source {
			sums[i] = checksum.Sum{}
		}
		s.events[i] = 0
	}, func(e *source.Event) {
		seen.add(e)
		s.events[i]++
	}, func(t *transform.Table, rec transform.Record) error {
		return h.Into(&s.source[t.Name][i], rec)
	})
	var news *transform.NewShapesError
	if errors.As(err, &news) {
		s.news[i], err = true, nil
	}
	if err == nil {
		streams.merge(seen)
		r.job.watch(Step{Name: StepRead, Window: w, Events: s.events[i]})
	}
	return err
}

// remake reads a window and makes the rows of its events that would be loaded
// now, by a pipeline and tables, as the sink would give them back. It may begin
// more than once, each time with a call of begin.
func (r *run) remake(ctx context.Context, p *transform.Pipeline, tables *transform.Catalog, w source.Window, begin func(), event func(*source.Event), row func(*transform.Table, transform.Record) error) error {
	write := row
	if n, ok := r.job.Sink.(sinks.Normalizer); ok {
		write = func(t *transform.Table, rec transform.Record) error {
			rec, err := n.Normal(t, rec)
			if err != nil {
				return err
			}
			return row(t, rec)
		}
	}
	err := r.job.again(ctx, Step{Name: StepCheck, Window: w}, func() error {
		begin()
		var b *transform.Batcher
		if tables == r.catalog {
			b = r.takeBatcher(write)
		} else {
			b = p.NewBatcher(tables, r.job.Limits, write)
		}
		err := r.job.Source.Read(ctx, w, func(e *source.Event) error {
			event(e)
			return b.Append(e)
		})
		if err == nil {
			err = b.Flush()
		}
		if tables == r.catalog {
			r.keepBatcher(b)
		}
		return err
	})
	var news *transform.NewShapesError
	if err != nil && !errors.As(err, &news) {
		err = fmt.Errorf("read %s: %w", w, err)
	}
	return err
}

// recordedWindows gives the windows of records.
func recordedWindows(records []WindowRecord) []source.Window {
	windows := make([]source.Window, len(records))
	for i, w := range records {
		windows[i] = w.Window
	}
	return windows
}

// differ lists the tables in which a window's rows differ, in order.
func (s *sums) differ(i int) []string {
	var tables []string
	for t := range s.source {
		if s.source[t][i] != s.sink[t][i] {
			tables = append(tables, t)
		}
	}
	slices.Sort(tables)
	return tables
}
