package schedules

import (
	"context"
	"errors"
	"fmt"
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

// keep notes how a suspect's rows differ, to be told unless it turns out that
// they do not.
func (b *suspect) keep(want, got rowsBy, values bool) {
	for i := range b.tables {
		t := &b.tables[i]
		t.first = t.now
		for _, position := range t.now.Positions {
			t.rows = append(t.rows, rowFindings(of(want[t.name], position), of(got[t.name], position), values)...)
		}
		t.rows = t.rows[:min(len(t.rows), maxRows)]
	}
}

// of gives the rows of a position.
func of(rows []checksum.Row, position int64) []checksum.Row {
	return slices.DeleteFunc(slices.Clone(rows), func(r checksum.Row) bool { return r.Position != position })
}

// rowFindings compares the rows of one position.
func rowFindings(want, got []checksum.Row, values bool) []RowFinding {
	var found []RowFinding
	times := make(map[string]int)
	for _, g := range got {
		f := RowFinding{Position: g.Position, What: "extra"}
		if i := slices.IndexFunc(want, func(w checksum.Row) bool { return w.Key == g.Key }); i >= 0 {
			f.Columns = checksum.Differing(want[i], g)
			if times[g.Key]++; times[g.Key] > 1 {
				f.What = "doubled"
			} else if f.What = "altered"; len(f.Columns) == 0 {
				continue
			}
			if values {
				f.Want, f.Got = valuesOf(want[i], f.Columns), valuesOf(g, f.Columns)
			}
		}
		found = append(found, f)
	}
	for _, w := range want {
		if times[w.Key] == 0 {
			found = append(found, RowFinding{Position: w.Position, What: "missing"})
		}
	}
	return found
}

func valuesOf(r checksum.Row, columns []string) []string {
	var values []string
	for _, name := range columns {
		text := "null"
		if i := slices.IndexFunc(r.Columns, func(v checksum.Value) bool { return v.Column == name }); i >= 0 && r.Columns[i].Text != nil {
			text = string(r.Columns[i].Text)
		}
		values = append(values, text)
	}
	return values
}

// reduce has a suspect be compared with its tables as they may have been, or
// gives it up.
func (r *run) reduce(b *suspect, want, got rowsBy) {
	b.over = true
	tables := slices.Clone(b.catalog.Tables())
	changed := false
	for _, t := range b.tables {
		if whole(t.now) {
			continue
		}
		if t.now.Missing+t.now.Extra+t.now.Doubled > 0 {
			return
		}
		var places []checksum.Place
		for _, w := range want[t.name] {
			for _, g := range got[t.name] {
				if g.Key != w.Key {
					continue
				}
				late, ok := checksum.Late(w, g)
				if !ok {
					return
				}
				places = append(places, late...)
			}
		}
		i := slices.IndexFunc(tables, func(o *transform.Table) bool { return o.Name == t.name })
		if i < 0 || len(places) == 0 {
			return
		}
		reduced, ok := checksum.Without(tables[i], places)
		if !ok {
			return
		}
		tables[i], changed = reduced, true
	}
	if p := r.keepsColumns(); changed && p != nil {
		b.pipeline, b.catalog, b.over = p, p.NewCatalog(tables), false
	}
}

// keepsColumns gives the run's pipeline, but such that its tables get no
// columns; nil where that cannot be made.
func (r *run) keepsColumns() *transform.Pipeline {
	if r.job.Recompile == nil {
		return nil
	}
	rules, whole := r.job.Pipeline.Rules()
	if !whole {
		return nil
	}
	rules.Options = rules.Options.KeepingColumns()
	p, err := r.job.Recompile(rules)
	if err != nil {
		return nil
	}
	if p, err = r.state.forgets(p); err != nil {
		return nil
	}
	return p
}

// findings tells how a suspect differs.
func (b *suspect) findings() []Finding {
	if b.agreed {
		return nil
	}
	var all []Finding
	for _, t := range b.tables {
		d := t.first
		if whole(d) {
			continue
		}
		all = append(all, Finding{
			Kind: KindRows, Windows: []source.Window{b.window}, Table: t.name, Want: t.want, Got: t.got,
			Missing: d.Missing, Extra: d.Extra, Doubled: d.Doubled, Altered: d.Altered, Rows: t.rows,
			Reason: fmt.Sprintf("%d rows are missing, %d too many, %d doubled, %d altered", d.Missing, d.Extra, d.Doubled, d.Altered),
		})
	}
	return all
}
