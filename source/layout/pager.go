package layout

import (
	"context"
	"math"
	"time"

	"backstory/source"
	"backstory/source/guest"
)

// The bounds of a page, which is what one statement reads. A statement holds
// back the vacuuming of a PostgreSQL database, or the checkpoints of a SQLite
// file, and it lasts as long as its events take to be dealt with, so it is
// kept short: by rows, and by bytes where events are large.
const (
	pageRows  = 20_000
	pageBytes = 16 << 20
	firstRows = 1_000
	// firstBytes is what an event of the first page is taken to have, where
	// bytes are dear.
	firstBytes = 4 << 10
)

// Page is what one statement reads: the events in (After, Through], in order,
// and no more than Rows of them.
type Page struct{ After, Through, Rows int64 }

// PageRead tells what a page held: how many events, the bytes of their
// payloads as they are stored, and the position of the last event.
type PageRead struct{ Events, Bytes, Last int64 }

// Pages say how a window is read page by page.
type Pages struct {
	// Most is how many events one page holds at most.
	Most int64
	// Time is about how long one page may take, however slowly its events are
	// dealt with; 0 means that it does not matter.
	Time time.Duration
	// Pace is waited for between pages.
	Pace *guest.Pacer
}

// EachPage calls read for page after page until the window is read. Pages are
// bounded by rows where positions are unique. Where they are not, a page must
// not end between two events of one position, so it is bounded by a position.
// In quiet hours nothing is read but single positions.
func (m *Mapping) EachPage(ctx context.Context, span SpanFunc, w source.Window, pages Pages, read func(Page) (PageRead, error)) error {
	most, mostBytes := pages.Pace.Page(min(pages.Most, pageRows), pageBytes)
	wait := pages.Pace.Wait
	if w.Through.Seq-w.After.Seq == 1 {
		wait = pages.Pace.Slow
	}
	rows := min(firstRows, most, max(1, mostBytes/firstBytes))
	for after := w.After.Seq; after < w.Through.Seq; {
		if err := wait(ctx); err != nil {
			return err
		}
		started := time.Now()
		p := Page{After: after, Through: w.Through.Seq, Rows: rows}
		if !m.Unique() {
			s, err := span(ctx, after, p.Through, int(rows), false)
			if err != nil || s.Count == 0 {
				return err
			}
			p.Through, p.Rows = s.Last, math.MaxInt64
		}
		got, err := read(p)
		pages.Pace.Took(got.Events, got.Bytes)
		if err != nil {
			return err
		}
		rows = fitting(rows, got.Events, mostBytes, got.Bytes)
		if pages.Time > 0 {
			rows = min(rows, fitting(rows, got.Events, int64(pages.Time), int64(time.Since(started))))
		}
		rows = min(rows, most)
		after = p.Through
		if got.Events == p.Rows {
			after = got.Last
		}
	}
	return nil
}

// fitting is how many events fit into most of something, going by how much of
// it the last page took; rows where that held no event.
func fitting(rows, events, most, took int64) int64 {
	if events == 0 {
		return rows
	}
	return int64(min(max(float64(most)*float64(events)/float64(max(took, 1)), 1), pageRows))
}
