package transform

import (
	"fmt"

	"backstory/source"

	"github.com/apache/arrow/go/v17/arrow"
)

// Limits bound what a Batcher holds before it writes a record.
type Limits struct {
	// Rows is the most rows of one record; 0 means 8192.
	Rows int
	// Bytes is about the most bytes held for all tables together; the
	// largest table is written first. 0 means 16 MiB.
	Bytes int
}

// Stats count what a Batcher has taken in.
type Stats struct {
	Events int64
	Rows   int64
	// Bytes counts the payloads' bytes as JSON text.
	Bytes int64
	// Extra counts the values that fitted no column and went to _extra.
	Extra int64
	// Quarantined counts the events that failed and went to _quarantine,
	// Discarded those that the upcasters made nothing of, and Newer those
	// whose stored schema version is above the end of their type's chain.
	Quarantined, Discarded, Newer int64
}

// NewShapesError says that events were met for which the catalog has no
// table or column. The rows written so far are of no use: evolve the catalog
// by the shapes and begin the window again.
type NewShapesError struct {
	// Shapes describes the events from the first such one to the last event.
	Shapes *Shapes
}

func (e *NewShapesError) Error() string {
	return "the window holds event types or members that no table has a column for yet"
}

// Batcher turns events into the records of the catalog's tables. It is for
// one window at a time and one goroutine; its memory is used again and again.
type Batcher struct {
	pipeline *Pipeline
	limits   Limits
	write    func(*Table, arrow.Record) error
	intake   *intake
	all      *rows // the table of all events, or nil
	byType   map[string]*eventRows
	tables   []*rows
	stats    Stats
	held     int     // about the bytes of all tables, those kept for the next rows included
	found    *Shapes // not nil once something new was met
}

// eventRows are the tables of one event type.
type eventRows struct {
	rows     *rows   // nil where only its exploded lists are missing a table
	exploded []*rows // by place in Options.Explode; nil where there is no table yet
}

// NewBatcher makes a Batcher that hands finished records to write. A record
// and its arrays are borrowed until write returns: the rows that follow are
// laid down in the same memory, so that retaining a record does not keep
// what it holds.
func (p *Pipeline) NewBatcher(c *Catalog, l Limits, write func(*Table, arrow.Record) error) *Batcher {
	if l.Rows == 0 {
		l.Rows = 8192
	}
	if l.Bytes == 0 {
		l.Bytes = 16 << 20
	}
	b := &Batcher{
		pipeline: p, limits: l, write: write,
		byType: make(map[string]*eventRows, len(c.tables)),
	}
	b.intake = p.newIntake(b.row)
	for _, t := range c.tables {
		r := newRows(t, bind(t, c.options, p.lifted, c.seals(t)))
		b.tables = append(b.tables, r)
		if t.Event == "" {
			b.all = r
			continue
		}
		er := b.byType[t.Event]
		if er == nil {
			er = &eventRows{exploded: make([]*rows, len(c.options.Explode[t.Event]))}
			b.byType[t.Event] = er
		}
		if t.Explode == nil {
			er.rows = r
		}
		for i, path := range c.options.Explode[t.Event] {
			if pathKey(false, path) == pathKey(false, t.Explode) {
				er.exploded[i] = r
			}
		}
	}
	return b
}

// Reset makes the Batcher ready for another window, whose records go to
// write. It keeps its memory, and the catalog it was made for.
func (b *Batcher) Reset(write func(*Table, arrow.Record) error) {
	b.write, b.stats, b.found = write, Stats{}, nil
	for _, r := range b.tables {
		b.held -= r.held()
		r.reset()
		b.held += r.held()
	}
}

// Stats gives the counts so far.
func (b *Batcher) Stats() Stats { return b.stats }

// Append takes in one event, which it does not keep. An error is a
// *source.EventError, or what write returned.
func (b *Batcher) Append(e *source.Event) error {
	b.stats.Events++
	b.stats.Bytes += int64(len(e.Data))
	return b.intake.take(e)
}

// Flush writes what is left. If anything new was met it returns a
// *NewShapesError instead.
func (b *Batcher) Flush() error {
	if b.found != nil {
		return &NewShapesError{Shapes: b.found}
	}
	for _, r := range b.tables {
		if err := b.flush(r); err != nil {
			return err
		}
	}
	return nil
}

// row takes one event as the chain leaves it.
func (b *Batcher) row(env *Envelope) error {
	if b.found != nil {
		b.found.Observe(env)
		return nil
	}
	layout := b.pipeline.rules.Options.Layout
	if layout == One || layout == Both {
		if b.all == nil {
			return b.meet(env)
		}
		b.all.begin(env)
		b.all.payload(env)
		b.all.end()
		if err := b.settle(b.all, len(env.Data.src)); err != nil {
			return err
		}
	}
	if layout == One {
		return nil
	}
	er := b.byType[env.Type]
	if er == nil || er.rows == nil || !b.fill(er, env) {
		return b.meet(env)
	}
	for _, child := range er.exploded {
		if child != nil {
			if err := b.settle(child, child.size()-child.bytes); err != nil {
				return err
			}
		}
	}
	return b.settle(er.rows, len(env.Data.src))
}

// meet notes that env has something new.
func (b *Batcher) meet(env *Envelope) error {
	b.found = b.pipeline.NewShapes()
	b.found.Observe(env)
	return nil
}

// fill appends env to the tables of its type. It gives false when there is
// something new in it.
func (b *Batcher) fill(er *eventRows, env *Envelope) bool {
	r := er.rows
	r.begin(env)
	f := filling{rows: r, exploded: er.exploded, env: env, path: r.path[:0]}
	ok := f.document(env.Data, &r.bindings.data) && (env.Meta.Root() == None || f.document(env.Meta, &r.bindings.meta))
	r.path = f.path[:0]
	b.stats.Extra += f.extra
	r.end()
	return ok
}

// settle counts what a table has taken in, of about that many bytes of
// payload, and writes records until the limits are kept.
func (b *Batcher) settle(r *rows, payload int) error {
	added := r.n - r.counted
	r.counted = r.n
	b.stats.Rows += int64(added)
	before := r.held()
	r.bytes += added*envelopeBytes + payload
	b.held += r.held() - before
	if r.n >= b.limits.Rows {
		if err := b.flush(r); err != nil {
			return &writeError{err}
		}
	}
	if b.held <= b.limits.Bytes {
		return nil
	}
	largest := r
	for _, t := range b.tables {
		if t.held() > largest.held() {
			largest = t
		}
	}
	if err := b.flush(largest); err != nil {
		return &writeError{err}
	}
	b.held -= largest.held()
	largest.forget()
	return nil
}

// envelopeBytes is about what the envelope of a row takes in memory.
const envelopeBytes = 100

func (b *Batcher) flush(r *rows) error {
	if r.n == 0 {
		return nil
	}
	record := r.record()
	defer record.Release()
	if err := b.write(r.table, record); err != nil {
		return fmt.Errorf("write %s: %w", r.table.Name, err)
	}
	b.held -= r.held()
	r.reset()
	b.held += r.held()
	return nil
}
