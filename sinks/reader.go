package sinks

import (
	"context"

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
