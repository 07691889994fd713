package schedules

import (
	"context"
	"errors"
	"slices"
	"sync"

	"backstory/sinks"
	"backstory/sinks/checksum"
	"backstory/source"
	"backstory/transform"

	"golang.org/x/sync/errgroup"
)

const (
	// detailRows is about how many rows are compared one by one at a time.
	detailRows = 500_000
	// maxRounds is how often the tables of a window are taken to have been
	// smaller when it was loaded.
	maxRounds = 4
	maxRows   = 5 // rows that a finding tells
)

// details finds out how the windows differ whose checksums do.
func (r *run) details(ctx context.Context, reader sinks.Reader, p *Proof, o VerifyOptions) error {
	s := p.sums
	var batch []*suspect
	var rows int64
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := r.inspect(ctx, reader, s.key, batch, o)
		for _, b := range batch {
			p.Findings = append(p.Findings, b.findings()...)
		}
		batch, rows = nil, 0
		return err
	}
	for i, w := range s.windows {
		if s.news[i] {
			p.Findings = append(p.Findings, Finding{
				Kind: KindEvents, Windows: []source.Window{w.Window}, Want: s.events[i], Got: w.Events,
				Reason: "the source has events there that no table or column is for: they have come since it was loaded",
			})
			continue
		}
		tables := s.differ(i)
		if len(tables) == 0 {
			continue
		}
		b := &suspect{window: w.Window, got: make(map[string][]checksum.Print), catalog: r.catalog, pipeline: r.job.Pipeline}
		for _, t := range tables {
			b.tables = append(b.tables, suspectTable{name: t, want: s.source[t][i].Rows, got: s.sink[t][i].Rows})
			rows += s.source[t][i].Rows + s.sink[t][i].Rows
		}
		batch = append(batch, b)
		if rows >= detailRows {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// A suspect is a window whose checksums differ in some tables.
type suspect struct {
	window source.Window
	tables []suspectTable
	got    map[string][]checksum.Print // by table, of what the sink has
	// catalog and pipeline are what its rows are made with: as they are now, or
	// as they may have been when it was loaded.
	catalog  *transform.Catalog
	pipeline *transform.Pipeline
	agreed   bool // it holds what it should
	over     bool // nothing more is to be found out
}

type suspectTable struct {
	name      string
	want, got int64
	now       checksum.Difference // under the suspect's catalog
	first     checksum.Difference // under the tables as they are
	rows      []RowFinding
}

// whole tells whether nothing is different in a table.
func whole(d checksum.Difference) bool { return d.Missing+d.Extra+d.Doubled+d.Altered == 0 }

// inspect compares suspects row by row. Where rows only lack values in columns
// that their table may not have had when they were loaded, they are compared
// once more with what would have been loaded then.
func (r *run) inspect(ctx context.Context, reader sinks.Reader, key checksum.Key, batch []*suspect, o VerifyOptions) error {
	if err := r.printSink(ctx, reader, key, batch); err != nil {
		return err
	}
	for round := range maxRounds {
		open := slices.DeleteFunc(slices.Clone(batch), func(b *suspect) bool { return b.agreed || b.over })
		if len(open) == 0 {
			break
		}
		if err := r.compareRows(ctx, key, open); err != nil {
			return err
		}
		open = slices.DeleteFunc(open, func(b *suspect) bool { return b.agreed })
		want, got, err := r.samples(ctx, reader, open)
		if err != nil {
			return err
		}
		for i, b := range open {
			if round == 0 {
				b.keep(want[i], got, o.Values)
			}
			r.reduce(b, want[i], got)
		}
	}
	return nil
}

// printSink reads what the sink has of the suspects.
func (r *run) printSink(ctx context.Context, reader sinks.Reader, key checksum.Key, batch []*suspect) error {
	q := queryOf(batch)
	s := &sums{}
	at := make(map[source.Window]*suspect, len(batch))
	for _, b := range batch {
		s.windows = append(s.windows, WindowRecord{Window: b.window})
		at[b.window] = b
	}
	h := checksum.NewHasher(key)
	var prints []checksum.Print
	near := -1
	err := reader.Rows(ctx, r.job.Name, r.state.Generation, q, func(t *transform.Table, rec transform.Record) (err error) {
		if prints, err = h.Prints(prints[:0], rec); err != nil {
			return err
		}
		for _, p := range prints {
			if near = s.at(p.Position, near); near >= 0 {
				if b := batch[near]; b.table(t.Name) != nil {
					b.got[t.Name] = append(b.got[t.Name], p)
				}
			}
		}
		return nil
	})
	if _, damaged := sinks.Damages(err); damaged {
		return nil // which is told already
	}
	return err
}

// queryOf asks for the tables and windows of suspects, which are in order.
func queryOf(batch []*suspect) sinks.Query {
	var q sinks.Query
	for _, b := range batch {
		q.Windows = append(q.Windows, b.window)
		for _, t := range b.tables {
			if !slices.Contains(q.Tables, t.name) {
				q.Tables = append(q.Tables, t.name)
			}
		}
	}
	return q
}

func (b *suspect) table(name string) *suspectTable {
	for i := range b.tables {
		if b.tables[i].name == name {
			return &b.tables[i]
		}
	}
	return nil
}

// compareRows reads the suspects' events and compares the rows they make.
func (r *run) compareRows(ctx context.Context, key checksum.Key, open []*suspect) error {
	return r.each(ctx, open, func(ctx context.Context, b *suspect) error {
		h := checksum.NewHasher(key)
		want := make(map[string][]checksum.Print)
		err := r.remake(ctx, b.pipeline, b.catalog, b.window, func() { clear(want) }, func(*source.Event) {}, func(t *transform.Table, rec transform.Record) (err error) {
			if b.table(t.Name) != nil {
				want[t.Name], err = h.Prints(want[t.Name], rec)
			}
			return err
		})
		if newer(&err) {
			b.over = true // it has no rows under such tables
			return nil
		}
		if err != nil {
			return err
		}
		b.agreed = true
		for i := range b.tables {
			t := &b.tables[i]
			t.now = checksum.Compare(want[t.name], b.got[t.name], maxSamples)
			b.agreed = b.agreed && whole(t.now)
		}
		return nil
	})
}

// newer takes an error away that says that events have something new.
func newer(err *error) bool {
	var news *transform.NewShapesError
	if errors.As(*err, &news) {
		*err = nil
		return true
	}
	return false
}

// each works on suspects, several at a time.
func (r *run) each(ctx context.Context, open []*suspect, work func(context.Context, *suspect) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.job.workers())
	for _, b := range open {
		g.Go(func() (err error) {
			defer caught(&err)
			return work(ctx, b)
		})
	}
	return g.Wait()
}

// rowsBy are rows in the open by table.
type rowsBy map[string][]checksum.Row

// samples gives some of the rows that differ: as they should be, by suspect,
// and as they are in the sink.
func (r *run) samples(ctx context.Context, reader sinks.Reader, open []*suspect) (want []rowsBy, got rowsBy, err error) {
	positions := make(map[string][]int64)
	for _, b := range open {
		for _, t := range b.tables {
			positions[t.name] = append(positions[t.name], t.now.Positions...)
		}
	}
	got = make(rowsBy)
	if len(open) == 0 {
		return nil, got, nil
	}
	err = reader.Rows(ctx, r.job.Name, r.state.Generation, queryOf(open), func(t *transform.Table, rec transform.Record) error {
		got[t.Name] = checksum.At(got[t.Name], rec, positions[t.Name])
		return nil
	})
	if _, damaged := sinks.Damages(err); err != nil && !damaged {
		return nil, nil, err
	}
	at := make(map[*suspect]rowsBy, len(open))
	var mu sync.Mutex
	err = r.each(ctx, open, func(ctx context.Context, b *suspect) error {
		rows := make(rowsBy)
		err := r.remake(ctx, b.pipeline, b.catalog, b.window, func() { clear(rows) }, func(*source.Event) {}, func(t *transform.Table, rec transform.Record) error {
			rows[t.Name] = checksum.At(rows[t.Name], rec, positions[t.Name])
			return nil
		})
		newer(&err)
		mu.Lock()
		at[b] = rows
		mu.Unlock()
		return err
	})
	for _, b := range open {
		want = append(want, at[b])
	}
	return want, got, err
}
