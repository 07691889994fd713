package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"backstory/sinks"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	arrowmemory "github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// batchRows is how many rows a record has that is read.
const batchRows = 8192

// read gives the file's rows to fn, as records of the wanted columns.
func (f *tableFile) read(ctx context.Context, q sinks.Query, fn func(*transform.Table, transform.Record) error) error {
	src, own, err := open(f.place)
	switch {
	case errors.Is(err, os.ErrNotExist) || isNotDir(err):
		return f.look()
	case errors.Is(err, os.ErrPermission):
		return explain(err, "read %s", f.place)
	case err != nil:
		return f.damage("%w", err)
	}
	defer src.Close()
	// Pages are only decoded once they are known to be whole.
	if err := own.CheckPages(); err != nil {
		return f.damage("%w", err)
	}
	var inner error // fn's, and not about the file
	err = f.decode(ctx, src, func(r arrow.Record) error {
		if err := f.checkPartition(r); err != nil {
			return err
		}
		inner = fn(f.table, r)
		return inner
	})
	switch {
	case inner != nil:
		return inner
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return f.damage("%w", err)
	case len(f.windows) > 0 && own.Rows() != f.rows:
		// What is there was given all the same: it tells which rows are missing.
		return f.damage("it has %d rows and not %d", own.Rows(), f.rows)
	}
	return nil
}

// decode gives the file's rows as records of the wanted columns.
func (f *tableFile) decode(ctx context.Context, src *os.File, fn func(arrow.Record) error) (err error) {
	defer func() {
		if p := recover(); p != nil { // which is how the library meets some damage
			err = fmt.Errorf("it is damaged: %v", p)
		}
	}()
	r, err := file.NewParquetReader(src, file.WithReadProps(parquet.NewReaderProperties(arrowmemory.DefaultAllocator)))
	if err != nil {
		return err
	}
	fr, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{BatchSize: batchRows}, arrowmemory.DefaultAllocator)
	if err != nil {
		return err
	}
	leaves, schema, err := f.leaves(r)
	if err != nil {
		return err
	}
	for group := range r.NumRowGroups() {
		if err := f.group(ctx, fr, leaves, schema, group, fn); err != nil {
			return err
		}
	}
	return nil
}

func (f *tableFile) group(ctx context.Context, fr *pqarrow.FileReader, leaves []int, schema *arrow.Schema, group int, fn func(arrow.Record) error) error {
	rows, err := fr.GetRecordReader(ctx, leaves, []int{group})
	if err != nil {
		return err
	}
	defer rows.Release()
	left := fr.ParquetReader().MetaData().RowGroup(group).NumRows()
	for left > 0 {
		rec, err := rows.Read()
		if err == io.EOF || err == nil && (rec == nil || rec.NumRows() == 0) {
			break
		}
		if err != nil {
			return err
		}
		left -= rec.NumRows()
		out, err := f.record(rec, schema)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			out.Release()
			return err
		}
		err = fn(out)
		out.Release()
		if err != nil {
			return err
		}
	}
	if left != 0 {
		return fmt.Errorf("row group %d lacks %d rows", group, left)
	}
	return nil
}

// leaves gives the file's columns to read, and the schema of the records.
func (f *tableFile) leaves(r *file.Reader) ([]int, *arrow.Schema, error) {
	all := f.table.Schema()
	fields := make([]arrow.Field, len(f.columns))
	wanted := make(map[string]bool, len(fields))
	for i, c := range f.columns {
		fields[i] = all.Field(c)
		wanted[fields[i].Name] = true
	}
	var leaves []int
	there := make(map[string]bool)
	s := r.MetaData().Schema
	for i := range s.NumColumns() {
		name := s.Column(i).ColumnPath()[0]
		if there[name] = true; wanted[name] {
			leaves = append(leaves, i)
		}
		if f.table.Column(name) < 0 {
			return nil, nil, fmt.Errorf("it has a column %s, which the table has not", name)
		}
	}
	for _, c := range f.table.Columns {
		if !there[c.Name] {
			return nil, nil, fmt.Errorf("it has no column %s", c.Name)
		}
	}
	return leaves, arrow.NewSchema(fields, nil), nil
}

// record puts the columns of a record that was read into their order. It takes
// nothing of r over.
func (f *tableFile) record(r arrow.Record, schema *arrow.Schema) (arrow.Record, error) {
	columns := make([]arrow.Array, schema.NumFields())
	for i, field := range schema.Fields() {
		at := r.Schema().FieldIndices(field.Name)
		if len(at) != 1 {
			return nil, fmt.Errorf("it has %d columns %s", len(at), field.Name)
		}
		columns[i] = r.Column(at[0])
		if !arrow.TypeEqual(columns[i].DataType(), field.Type) {
			return nil, fmt.Errorf("its column %s is %s and not %s", field.Name, columns[i].DataType(), field.Type)
		}
		if !field.Nullable && columns[i].NullN() > 0 {
			return nil, fmt.Errorf("its column %s has nulls", field.Name)
		}
	}
	return array.NewRecord(schema, columns, r.NumRows()), nil
}

// checkPartition compares the folder that a file stands in, which readers take
// for a column, with its rows.
func (f *tableFile) checkPartition(r arrow.Record) error {
	if f.table.Partition == transform.ByNone || len(f.columns) < len(f.table.Columns) {
		return nil
	}
	return eachPartition(f.table, r, func(partition string, _, _ int) error {
		if partition != f.partition() {
			return fmt.Errorf("rows of %s are in the folder %q", partition, f.partition())
		}
		return nil
	})
}
