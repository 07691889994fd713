package bigquery

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"backstory/sinks"
	"backstory/transform"

	"cloud.google.com/go/bigquery"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/api/iterator"
)

// pageRows is how many rows are asked for at a time. BigQuery gives fewer
// where they would be more than about 10 MB
// (https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list).
const pageRows = 10_000

// Rows lists the rows of the tables, which costs nothing, table by table and
// page by page. Those of other windows than are wanted come too: rows can only
// be listed all. A table that is gone or has lost a column is a
// *sinks.DamageError. It takes the memory of a page.
func (s *Sink) Rows(ctx context.Context, job string, n int, q sinks.Query, fn func(*transform.Table, arrow.Record) error) error {
	past, err := s.history(ctx, job)
	if err != nil {
		return err
	}
	var damaged []error
	for _, t := range past.at(n).tables {
		columns := q.Of(t)
		if columns == nil {
			continue
		}
		r := &rowReader{sink: s, table: t, name: nameIn(t.Name, n, past.live), columns: columns, fn: fn}
		err := r.read(ctx)
		if damage := (*sinks.DamageError)(nil); errors.As(err, &damage) {
			damaged = append(damaged, damage)
		} else if err != nil {
			return err
		}
	}
	return explain(errors.Join(damaged...), "read rows of job %s", job)
}

// rowReader reads a table of the dataset.
type rowReader struct {
	sink    *Sink
	table   *transform.Table
	name    string
	columns []int // of the table that are wanted
	fn      func(*transform.Table, arrow.Record) error

	schema bigquery.Schema
	fields []int // where the schema has the columns
}

func (r *rowReader) read(ctx context.Context) error {
	if err := r.locate(ctx); err != nil {
		return err
	}
	var fields []arrow.Field
	for _, i := range r.columns {
		fields = append(fields, r.table.Schema().Field(i))
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for token := ""; ; {
		next, rows, err := r.page(ctx, token)
		if err != nil {
			return explain(err, "read table %s", r.sink.fullName(r.name))
		}
		if err := r.hand(b, rows); err != nil {
			return err
		}
		if token = next; token == "" {
			return nil
		}
	}
}

// locate finds the columns in the table as it is.
func (r *rowReader) locate(ctx context.Context) error {
	const lost = "restore the table by time travel (within seven days), or load a new generation with backstory rebuild"
	damage := func(err error) error {
		return &sinks.DamageError{Table: r.table.Name, File: r.name, Err: err, Advice: lost}
	}
	md, err := r.sink.metadata(ctx, r.name)
	if isMissing(err) {
		return damage(errors.New("it is missing"))
	}
	if err != nil {
		return explain(err, "look at table %s", r.sink.fullName(r.name))
	}
	r.schema = md.Schema
	all := schemaOf(r.table, false)
	for _, i := range r.columns {
		k := indexOf(md.Schema, all[i].Name)
		if k < 0 {
			return damage(fmt.Errorf("column %s is missing", all[i].Name))
		}
		if err := grown(all[i], md.Schema[k]); err != nil {
			return damage(fmt.Errorf("column %s: %w", all[i].Name, err))
		}
		r.fields = append(r.fields, k)
	}
	return nil
}

// page lists the rows behind a token, and gives the next one. An iterator
// cannot be used once it has failed, so that each page has its own.
func (r *rowReader) page(ctx context.Context, token string) (next string, rows [][]bigquery.Value, err error) {
	err = r.sink.ask(ctx, func(ctx context.Context) error {
		rows = rows[:0]
		it := r.sink.dataset().Table(r.name).Read(ctx)
		it.Schema = r.schema
		it.PageInfo().Token, it.PageInfo().MaxSize = token, r.sink.page
		for {
			var row []bigquery.Value
			err := it.Next(&row)
			if errors.Is(err, iterator.Done) {
				next = ""
				return nil
			}
			if err != nil {
				return err
			}
			rows = append(rows, row)
			if it.PageInfo().Remaining() == 0 {
				next = it.PageInfo().Token
				return nil
			}
		}
	})
	return next, rows, err
}

// hand makes a record of rows and hands it over.
func (r *rowReader) hand(b *array.RecordBuilder, rows [][]bigquery.Value) error {
	if len(rows) == 0 {
		return nil
	}
	for _, row := range rows {
		for i, k := range r.fields {
			c := &r.table.Columns[r.columns[i]]
			if err := appendValue(b.Field(i), c.Type, r.schema[k], row[k]); err != nil {
				return fmt.Errorf("read table %s: column %s: %w", r.sink.fullName(r.name), c.Name, err)
			}
		}
	}
	record := b.NewRecord()
	defer record.Release()
	return r.fn(r.table, record)
}

// memberIndex finds a member of a record by its name.
func memberIndex(f *bigquery.FieldSchema, name string) (int, error) {
	if i := indexOf(f.Schema, name); i >= 0 {
		return i, nil
	}
	return -1, fmt.Errorf("%s has no member %s", strings.ToLower(string(f.Type)), name)
}
