package layout

// The bounds of a page, which is what one statement reads. A statement holds
// back the vacuuming of a PostgreSQL database, or the checkpoints of a SQLite
// file, and it lasts as long as its events take to be dealt with, so it is
// kept short: by rows, and by bytes where events are large.
const (
	pageRows  = 20_000
	pageBytes = 16 << 20
	firstRows = 1_000
)

// Pager says how many events the next page should hold, from those before.
// The zero Pager is ready.
type Pager struct{ rows int64 }

// Rows is how many events to ask for, at least one.
func (p *Pager) Rows() int64 {
	if p.rows == 0 {
		return firstRows
	}
	return p.rows
}

// Note tells how many events a page held, and how many bytes.
func (p *Pager) Note(events, bytes int64) {
	if events > 0 {
		p.rows = min(max(pageBytes*events/max(bytes, 1), 1), pageRows)
	}
}
