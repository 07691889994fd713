package sinks

import (
	"context"
	"slices"

	"backstory/source"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
)

// Reader is a Sink that can give back the rows it holds, for proof and for
// repair: nothing else is ever read from a sink.
type Reader interface {
	// Rows calls fn, in this goroutine, with the committed rows of a job's
	// generation, of all tables or of those that q names, in any order. Each
	// record has the columns of its table as they are now, or those of q that
	// it has, in the table's order; it is borrowed, valid until fn returns.
	// Rows that no load accounts for, if a reader of the tables would see
	// them, are among them. An error of fn ends it and is returned.
	//
	// A part of a table that is gone or cannot be read is passed over, and the
	// error in the end joins a *DamageError for each; Damages finds them. Of
	// such a part some rows may have been given. Whoever needs all rows of one
	// moment holds the job, so that nothing changes meanwhile.
	Rows(ctx context.Context, job string, generation int, q Query, fn func(t *transform.Table, r arrow.Record) error) error
}

// Query says which rows are wanted. The zero Query wants all.
type Query struct {
	// Tables are the names of those that are wanted, all if empty.
	Tables []string
	// Columns are the names of those that are wanted, all if empty. A table
	// that has none of them is left out.
	Columns []string
	// Windows are the windows whose rows are wanted, all if empty. Rows of
	// others may come too, where leaving them out would cost more than
	// reading them.
	Windows []source.Window
}

// Normalizer is a Reader that cannot give every value back as it was written:
// a place may not tell an empty list from none, or may write JSON its own way.
type Normalizer interface {
	// Normal gives a record as it is handed to Write as Rows would give it
	// back. It may be r itself; the caller releases neither, and the result is
	// valid as long as r is and until the next call in the same goroutine.
	Normal(t *transform.Table, r arrow.Record) (arrow.Record, error)
}

// Of gives the indexes of a table's columns that are wanted, nil where the
// table is not.
func (q Query) Of(t *transform.Table) []int {
	if len(q.Tables) > 0 && !slices.Contains(q.Tables, t.Name) {
		return nil
	}
	var columns []int
	for i := range t.Columns {
		if len(q.Columns) == 0 || slices.Contains(q.Columns, t.Columns[i].Name) {
			columns = append(columns, i)
		}
	}
	return columns
}

// Wants tells whether rows of any of the windows are wanted.
func (q Query) Wants(windows ...source.Window) bool {
	return len(q.Windows) == 0 || slices.ContainsFunc(windows, func(w source.Window) bool {
		return slices.ContainsFunc(q.Windows, w.Overlaps)
	})
}
