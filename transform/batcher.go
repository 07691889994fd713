package transform

import (
	"fmt"

	"backstory/source"

	"github.com/apache/arrow/go/v17/arrow"
)

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
	pipeline   *Pipeline
	catalog    *Catalog
	limits     Limits
	write      func(*Table, arrow.Record) error
	intake     *intake
	all        *rows // the table of all events, or nil
	quarantine *rows // that of the events that failed, or nil
	byType     map[string]*eventRows
	tables     []*rows
	touched    []*rows // those that the event at work may have rows in
	taken      int     // about the bytes of what it became so far
	news       bool    // there is something new in it
	stats      Stats
	held       int                      // about the bytes of all tables, those kept for the next rows included
	found      *Shapes                  // not nil once something new was met
	observer   *Observer                // adds to found
	failed     func(*source.EventError) // nil but to explain
	first      *source.EventError       // the first event that failed, or nil
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
		pipeline: p, catalog: c, limits: l, write: write,
		byType: make(map[string]*eventRows, len(c.tables)),
	}
	b.intake = p.newIntake(b.row)
	for _, t := range c.tables {
		r := p.newRows(c, t)
		b.tables = append(b.tables, r)
		switch {
		case t.IsQuarantine():
			b.quarantine = r
		case t.Event == "":
			b.all = r
		default:
			b.place(t, r)
		}
	}
	return b
}

// place notes what a table of an event type is for.
func (b *Batcher) place(t *Table, r *rows) {
	explode := b.catalog.options.Explode[t.Event]
	er := b.byType[t.Event]
	if er == nil {
		er = &eventRows{exploded: make([]*rows, len(explode))}
		b.byType[t.Event] = er
	}
	if t.Explode == nil {
		er.rows = r
	}
	for i, path := range explode {
		if pathKey(false, path) == pathKey(false, t.Explode) {
			er.exploded[i] = r
		}
	}
}

// Reset makes the Batcher ready for another window, whose records go to
// write. It keeps its memory, and the catalog it was made for.
func (b *Batcher) Reset(write func(*Table, arrow.Record) error) {
	b.write, b.stats, b.found, b.observer, b.first = write, Stats{}, nil, nil, nil
	b.touched = b.touched[:0]
	b.intake.forgets.Reset()
	for _, r := range b.tables {
		b.held -= r.held()
		r.reset()
		b.held += r.held()
	}
}

// Stats gives the counts so far.
func (b *Batcher) Stats() Stats { return b.stats }

// Forgotten gives the forgotten streams that had events among those it has
// taken in since Reset.
func (b *Batcher) Forgotten() []Digest { return b.intake.forgets.Met() }

// FirstFailed is why the first of the events that failed did, nil if none has.
// Where payloads are not kept in quarantine it tells none of the event's values.
func (b *Batcher) FirstFailed() *source.EventError { return b.first }

// Append takes in one event, which it does not keep. One that fails goes to
// quarantine; an error is what write returned.
func (b *Batcher) Append(e *source.Event) error {
	b.stats.Events++
	b.stats.Bytes += int64(len(e.Data))
	if b.found != nil {
		return b.observer.Observe(e)
	}
	b.taken, b.news = 0, false
	extra := b.stats.Extra
	why := b.intake.take(e)
	if why != nil || b.news {
		b.takeBack()
		b.stats.Extra = extra
	}
	switch {
	case why != nil:
		b.fail(e, why)
	case b.news:
		return b.meet(e)
	case b.intake.forgotten:
		b.stats.Forgotten++
	case b.intake.chain.index == 0:
		b.stats.Discarded++
	}
	if why == nil && b.intake.chain.newer {
		b.stats.Newer++
	}
	return b.settle()
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

// maxEvent is the most bytes of rows that one event may become: the offsets
// of a column of text are 32 bits.
const maxEvent = 1 << 30

var (
	errVast    = fmt.Errorf("it becomes more than %d MiB of rows", maxEvent>>20)
	errNoTable = fmt.Errorf("there is no table for its type, which is new; the contract is %s", ContractQuarantine)
)

// row takes one event as the chain leaves it.
func (b *Batcher) row(env *Envelope) error {
	if b.news {
		return nil
	}
	size := len(env.Data.src) + len(env.Data.aux)
	if b.taken += size; b.taken > maxEvent {
		return errVast
	}
	layout := b.pipeline.rules.Options.Layout
	if layout == One || layout == Both {
		if b.all == nil {
			b.news = true
			return nil
		}
		b.touch(b.all, size)
		b.all.begin(env)
		b.all.whole(env)
		b.all.end()
	}
	if layout == One {
		return nil
	}
	er := b.byType[env.Type]
	if er == nil || er.rows == nil {
		if b.catalog.refuses(env.Type) {
			return &source.EventError{Step: "fit", Err: errNoTable, Advice: "let the type evolve by its contract; then rebuild, or replay the quarantine"}
		}
		b.news = true
		return nil
	}
	b.touch(er.rows, size)
	for _, child := range er.exploded {
		if child != nil {
			b.touch(child, 0)
		}
	}
	return b.fill(er, env)
}

// touch notes that the event at work is about to have rows in a table, of
// about that many bytes.
func (b *Batcher) touch(r *rows, size int) {
	if !r.touched {
		r.touched, r.before = true, r.n
		b.touched = append(b.touched, r)
	}
	r.payload += size
}

// takeBack takes all rows of the event at work out of the tables again.
func (b *Batcher) takeBack() {
	for _, r := range b.touched {
		r.takeBack(r.before)
		r.touched = false
	}
	b.touched = b.touched[:0]
}

// fail puts an event into quarantine.
func (b *Batcher) fail(e *source.Event, why *source.EventError) {
	b.stats.Quarantined++
	if b.failed != nil {
		b.failed(why)
	}
	why = b.pipeline.discreet(why)
	if b.first == nil {
		b.first = why
	}
	if b.quarantine == nil {
		b.found = b.pipeline.NewShapes()
		b.found.fail(1, why)
		b.observer = b.pipeline.NewObserver(b.found)
		return
	}
	env, err := b.intake.opener.Open(e)
	if err != nil { // it is known only as far as the store tells
		env = &Envelope{
			Position: e.Position, ID: e.ID, Stream: e.Stream, Type: e.Type, StreamVersion: e.StreamVersion,
			Stored: e.SchemaVersion, HasTime: !e.Time.IsZero(), Micros: e.Time.UnixMicro(),
		}
	}
	b.touch(b.quarantine, 0)
	b.quarantine.quarantine(env, e, why, b.pipeline.keepsPayloads())
}

// meet notes that an event has something new.
func (b *Batcher) meet(e *source.Event) error {
	b.found = b.pipeline.NewShapes()
	b.observer = b.pipeline.NewObserver(b.found)
	return b.observer.Observe(e)
}

// fill appends env to the tables of its type, or finds that there is something
// new in it.
func (b *Batcher) fill(er *eventRows, env *Envelope) error {
	r := er.rows
	r.begin(env)
	f := filling{rows: r, exploded: er.exploded, env: env, path: r.path[:0]}
	ok := f.document(env.Data, &r.bindings.data) && (env.Meta.Root() == None || f.document(env.Meta, &r.bindings.meta))
	r.path = f.path[:0]
	if !ok {
		b.news = f.err == nil
		return f.err
	}
	b.stats.Extra += f.extra
	r.end()
	return nil
}
