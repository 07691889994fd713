package sqlite

import (
	"context"
	"fmt"
	"time"

	"backstory/source"
	"backstory/source/layout"
)

// pageRows is the most events one statement reads. In rollback-journal mode
// a statement keeps writers from committing, so it is kept short.
const pageRows = 4096

// pageTime is about how long a statement may take, where events are dealt with
// slowly.
const pageTime = 250 * time.Millisecond

// checkRows is how many events are read between two looks at the context.
const checkRows = 64

// queries are the statements of a source, with the parameters after, through
// and limit.
type queries struct {
	ends  string // lowest, highest position; whether there are events without
	first string // count, lowest, highest of the first events of a range
	last  string // the same of the last events
	page  string // the fields of the first events of a range
	held  []layout.Field
}

func makeQueries(m *layout.Mapping) queries {
	table := quote(m.Table.Name)
	position := quote(m.Columns[layout.Position].Name)
	columns, held := m.Select(quote)
	within := " FROM " + table + " WHERE " + position + " > ?1 AND " + position + " <= ?2"
	span := func(direction string) string {
		return "SELECT count(*), min(p), max(p) FROM (SELECT " + position + " AS p" + within +
			" ORDER BY p" + direction + " LIMIT ?3)"
	}
	unplaced := "0"
	if m.Columns[layout.Position].Nullable {
		unplaced = "EXISTS (SELECT 1 FROM " + table + " WHERE " + position + " IS NULL)"
	}
	return queries{
		// Two subqueries, as SQLite uses an index for either but not for both at once.
		ends: "SELECT (SELECT min(" + position + ") FROM " + table + "), (SELECT max(" + position + ") FROM " + table +
			"), " + unplaced,
		first: span(""),
		last:  span(" DESC"),
		page:  "SELECT " + columns + within + " ORDER BY " + m.Order(quote) + " LIMIT ?3",
		held:  held,
	}
}

// Read calls fn for each event of w; see source.Source.
func (s *Source) Read(ctx context.Context, w source.Window, fn func(*source.Event) error) error {
	var fnErr error
	err := s.use(ctx, "read "+w.String()+" of", func(c *conn) error {
		r, err := newReader(s, c)
		if err != nil {
			return err
		}
		return s.mapping.EachPage(ctx, s.spanOf(c), w, layout.Pages{Most: pageRows, Time: pageTime, Pace: s.pace}, func(p layout.Page) (layout.PageRead, error) {
			return r.read(ctx, p, func(e *source.Event) error {
				fnErr = fn(e)
				return fnErr
			})
		})
	})
	if fnErr != nil && !source.IsTransient(err) {
		return fnErr // of an event that was read as it stands in the file
	}
	return err
}

// reader reads events over one connection into one Event.
type reader struct {
	q       *stmt
	mapping *layout.Mapping
	held    []layout.Field
	names   *source.NameCache
	decoder *layout.Decoder
	event   source.Event
	page    layout.PageRead // of the page at work
	// row holds the borrowed members of the event. They are copied out of
	// SQLite's memory, which may be a constant of the statement and must not
	// be written to, while an event is the callback's to write to.
	row []byte
}

func newReader(s *Source, c *conn) (*reader, error) {
	decoder, err := layout.NewDecoder(s.mapping.State)
	if err != nil {
		return nil, err
	}
	q, err := c.prepare(s.queries.page)
	if err != nil {
		return nil, err
	}
	return &reader{
		q: q, mapping: s.mapping, held: s.queries.held, decoder: decoder,
		names: source.NewNameCache(s.mapping.Payload.Names),
	}, nil
}

// read calls fn for each event of a page and tells what it held.
func (r *reader) read(ctx context.Context, p layout.Page, fn func(*source.Event) error) (layout.PageRead, error) {
	defer r.q.reset()
	r.q.bind(p.After, p.Through, p.Rows)
	r.page = layout.PageRead{}
	for {
		if r.page.Events%checkRows == 0 {
			if err := ctx.Err(); err != nil {
				return r.page, err
			}
		}
		ok, err := r.q.step()
		if err != nil || !ok {
			return r.page, err
		}
		r.page.Events++
		if err := r.scan(); err != nil {
			return r.page, err
		}
		if err := fn(&r.event); err != nil {
			return r.page, err
		}
	}
}

// scan takes the event from the row.
func (r *reader) scan() error {
	e := &r.event
	*e = source.Event{SchemaVersion: r.mapping.DefaultSchemaVersion()}
	r.row = r.row[:0]
	var stored []byte
	for i, f := range r.held {
		v := value{r.q, i, r.q.class(i)}
		if v.class == classNull && f != layout.Position {
			continue
		}
		var err error
		switch f {
		case layout.Position:
			e.Position.Seq, err = v.integer()
			r.page.Last = e.Position.Seq
			if err != nil {
				// Without a position there is no event to put aside.
				return source.Setup("point position at an integer column",
					"read %s: column %s: %w", r.mapping.Table, r.mapping.Columns[f].Name, err)
			}
		case layout.Stream:
			e.Stream, err = r.borrow(v.id(r.row, r.mapping.HexIDs))
		case layout.ID:
			e.ID, err = r.borrow(v.id(r.row, r.mapping.HexIDs))
		case layout.StreamVersion:
			e.StreamVersion, err = v.integer()
		case layout.Type:
			var text []byte
			if text, err = v.text(); err == nil {
				e.Type = r.names.Name(text)
			}
		case layout.SchemaVersion:
			e.SchemaVersion, err = v.version()
		case layout.Time:
			e.Time, err = v.time()
		case layout.Data:
			stored, err = r.borrow(v.append(r.row))
		case layout.Meta:
			e.Meta, err = r.borrow(v.append(r.row))
		}
		if err != nil {
			layout.Fail(e, "read", fmt.Errorf("column %s: %w", r.mapping.Columns[f].Name, err), "")
		}
	}
	r.page.Bytes += int64(len(stored))
	r.decoder.Decode(e, stored)
	return nil
}

// borrow takes the grown row and gives what was appended to it. Slices given
// before stay as they are when the row moves.
func (r *reader) borrow(row []byte, err error) ([]byte, error) {
	n := len(r.row)
	if err != nil {
		return nil, err
	}
	r.row = row
	return row[n:len(row):len(row)], nil
}
