package layout

import (
	"context"
	"math"

	"backstory/source"
)

// The bounds of a page, which is what one statement reads. A statement holds
// back the vacuuming of a PostgreSQL database, or the checkpoints of a SQLite
// file, and it lasts as long as its events take to be dealt with, so it is
// kept short: by rows, and by bytes where events are large.
const (
	pageRows  = 20_000
	pageBytes = 16 << 20
	firstRows = 1_000
)

// Page is what one statement reads: the events in (After, Through], in order,
// and no more than Rows of them.
type Page struct{ After, Through, Rows int64 }

// PageRead tells what a page held: how many events, the bytes of their
// payloads as they are stored, and the position of the last event.
type PageRead struct{ Events, Bytes, Last int64 }

// EachPage calls read for page after page until the window is read. Pages are
// bounded by rows where positions are unique, at most most of them. Where
// they are not, a page must not end between two events of one position, so it
// is bounded by a position.
func (m *Mapping) EachPage(ctx context.Context, span SpanFunc, w source.Window, most int64, read func(Page) (PageRead, error)) error {
	rows := min(firstRows, most)
	for after := w.After.Seq; after < w.Through.Seq; {
		p := Page{After: after, Through: w.Through.Seq, Rows: rows}
		if !m.Unique() {
			s, err := span(ctx, after, p.Through, int(rows), false)
			if err != nil || s.Count == 0 {
				return err
			}
			p.Through, p.Rows = s.Last, math.MaxInt64
		}
		got, err := read(p)
		if err != nil {
			return err
		}
		rows = min(nextRows(rows, got), most)
		after = p.Through
		if got.Events == p.Rows {
			after = got.Last
		}
	}
	return nil
}

// nextRows is how many events fit the bytes of a page, going by the last one.
func nextRows(rows int64, last PageRead) int64 {
	if last.Events == 0 {
		return rows
	}
	return min(max(pageBytes*last.Events/max(last.Bytes, 1), 1), pageRows)
}
