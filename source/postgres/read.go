package postgres

import (
	"context"
	"fmt"
	"math"

	"backstory/source"
	"backstory/source/layout"

	"github.com/jackc/pgx/v5"
)

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
	table := tableName(m)
	position := quote(m.Columns[layout.Position].Name)
	columns, held := m.Select(quote)
	within := " FROM " + table + " WHERE " + position + " > $1::int8 AND " + position + " <= $2::int8"
	span := func(direction string) string {
		return "SELECT count(*), coalesce(min(p), 0)::int8, coalesce(max(p), 0)::int8 FROM (SELECT " + position + " AS p" +
			within + " ORDER BY " + position + direction + " LIMIT $3::int8) AS span"
	}
	unplaced := "false"
	if m.Columns[layout.Position].Nullable {
		unplaced = "EXISTS (SELECT FROM " + table + " WHERE " + position + " IS NULL)"
	}
	return queries{
		ends: "SELECT (SELECT min(" + position + ")::int8 FROM " + table + "), (SELECT max(" + position +
			")::int8 FROM " + table + "), " + unplaced,
		first: span(""),
		last:  span(" DESC"),
		page:  "SELECT " + columns + within + " ORDER BY " + m.Order(quote) + " LIMIT $3::int8",
		held:  held,
	}
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func tableName(m *layout.Mapping) string {
	return pgx.Identifier{m.Table.Schema, m.Table.Name}.Sanitize()
}

// Read calls fn for each event of w; see source.Source.
func (s *Source) Read(ctx context.Context, w source.Window, fn func(*source.Event) error) error {
	decoder, err := layout.NewDecoder(s.mapping.State)
	if err != nil {
		return err
	}
	r := &reader{
		mapping: s.mapping, held: s.queries.held, decoder: decoder,
		names: source.NewNameCache(s.mapping.Payload.Names),
	}
	var fnErr error
	err = s.use(ctx, "read "+w.String()+" of", func(c *pgx.Conn) error {
		pages := layout.Pages{Most: math.MaxInt64, Time: s.config.StatementTimeout / 4, Pace: s.pace}
		return s.mapping.EachPage(ctx, s.spanOf(c), w, pages, func(p layout.Page) (layout.PageRead, error) {
			rows, err := c.Query(ctx, s.queries.page, pgx.QueryResultFormats{pgx.BinaryFormatCode}, p.After, p.Through, p.Rows)
			if err != nil {
				return layout.PageRead{}, err
			}
			return r.read(rows, func(e *source.Event) error {
				fnErr = fn(e)
				return fnErr
			})
		})
	})
	if fnErr != nil && !source.IsTransient(err) {
		return fnErr
	}
	return err
}

// reader reads events from rows into one Event.
type reader struct {
	mapping *layout.Mapping
	held    []layout.Field
	names   *source.NameCache
	decoder *layout.Decoder
	event   source.Event
	page    layout.PageRead // of the page at work
	// ids holds the ids of the event that are not text in the row.
	ids []byte
}

// read calls fn for each event of a page and tells what it held.
func (r *reader) read(rows pgx.Rows, fn func(*source.Event) error) (layout.PageRead, error) {
	defer rows.Close()
	r.page = layout.PageRead{}
	columns := rows.FieldDescriptions()
	for rows.Next() {
		r.page.Events++
		raw := rows.RawValues()
		r.ids = r.ids[:0]
		r.event = source.Event{SchemaVersion: r.mapping.DefaultSchemaVersion()}
		var stored []byte
		for i, f := range r.held {
			if raw[i] == nil {
				continue
			}
			// Its own bytes are the callback's to write to and to append to.
			v := value{columns[i].DataTypeOID, raw[i][:len(raw[i]):len(raw[i])]}
			if err := r.scan(f, v, &stored); err != nil {
				layout.Fail(&r.event, "read", fmt.Errorf("column %s: %w", r.mapping.Columns[f].Name, err), "")
			}
		}
		r.page.Last = r.event.Position.Seq
		r.page.Bytes += int64(len(stored))
		r.decoder.Decode(&r.event, stored)
		if err := fn(&r.event); err != nil {
			return r.page, err
		}
	}
	return r.page, rows.Err()
}

// scan sets field f of the event.
func (r *reader) scan(f layout.Field, v value, stored *[]byte) (err error) {
	e := &r.event
	switch f {
	case layout.Position:
		e.Position.Seq = v.integer()
	case layout.Stream:
		e.Stream = r.id(v)
	case layout.ID:
		e.ID = r.id(v)
	case layout.StreamVersion:
		e.StreamVersion = v.integer()
	case layout.Type:
		e.Type = r.names.Name(v.raw)
	case layout.SchemaVersion:
		e.SchemaVersion, err = v.version()
	case layout.Time:
		e.Time, err = v.time()
	case layout.Data:
		*stored, err = v.document()
	case layout.Meta:
		e.Meta, err = v.document()
	}
	return err
}

// id gives an id as text: the row's own, or written to r.ids.
func (r *reader) id(v value) []byte {
	if v.isText() {
		return v.raw
	}
	n := len(r.ids)
	r.ids = v.appendID(r.ids)
	return r.ids[n:len(r.ids):len(r.ids)]
}
