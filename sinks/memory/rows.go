package memory

import (
	"context"
	"fmt"
	"slices"

	"backstory/sinks"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	arrowmemory "github.com/apache/arrow/go/v17/arrow/memory"
)

// Rows gives the committed rows, load by load, with nulls in the columns that
// have come since.
func (s *Sink) Rows(ctx context.Context, job string, generation int, q sinks.Query, fn func(*transform.Table, transform.Record) error) error {
	for _, b := range s.store.batches(job, generation, q) {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := b.record()
		if err != nil {
			return fmt.Errorf("read rows of table %s: %w", b.table.Name, err)
		}
		err = fn(b.table, r)
		r.Release()
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// A batch is a record that is kept, and what is wanted of it.
type batch struct {
	table   *transform.Table
	columns []int
	kept    arrow.Record
}

func (s *Store) batches(job string, generation int, q sinks.Query) []batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.jobs[key{job, generation}]
	if h == nil {
		return nil
	}
	var all []batch
	for _, t := range slices.Clone(h.tables) {
		columns := q.Of(t)
		if columns == nil {
			continue
		}
		for _, l := range h.loads {
			if !q.Wants(l.manifest.Window) {
				continue
			}
			for _, r := range l.records[t.Name] {
				all = append(all, batch{t, columns, r})
			}
		}
	}
	return all
}

// record gives the wanted columns as the table has them now.
func (b batch) record() (arrow.Record, error) {
	fields := make([]arrow.Field, len(b.columns))
	for i, c := range b.columns {
		fields[i] = b.table.Schema().Field(c)
	}
	return copyOf(arrow.NewSchema(fields, nil), b.kept)
}

// copyOf gives a record of that schema whose memory is its own. Columns, and
// fields of structs, that r does not have are null.
func copyOf(s *arrow.Schema, r arrow.Record) (arrow.Record, error) {
	b := array.NewRecordBuilder(arrowmemory.DefaultAllocator, s)
	defer b.Release()
	for i, f := range s.Fields() {
		at := r.Schema().FieldIndices(f.Name)
		for row := range int(r.NumRows()) {
			if len(at) == 0 {
				b.Field(i).AppendNull()
				continue
			}
			if err := appendSlot(b.Field(i), r.Column(at[0]), row); err != nil {
				return nil, fmt.Errorf("column %s: %w", f.Name, err)
			}
		}
	}
	return b.NewRecord(), nil
}

// appendSlot appends slot i of a.
func appendSlot(b array.Builder, a arrow.Array, i int) error {
	if a.IsNull(i) {
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(a.(*array.Boolean).Value(i))
	case *array.Int64Builder:
		b.Append(a.(*array.Int64).Value(i))
	case *array.Float64Builder:
		b.Append(a.(*array.Float64).Value(i))
	case *array.StringBuilder:
		b.Append(a.(*array.String).Value(i))
	case *array.TimestampBuilder:
		b.Append(a.(*array.Timestamp).Value(i))
	case *array.Decimal128Builder:
		b.Append(a.(*array.Decimal128).Value(i))
	case *array.ListBuilder:
		list := a.(*array.List)
		b.Append(true)
		start, end := list.ValueOffsets(i)
		for k := start; k < end; k++ {
			if err := appendSlot(b.ValueBuilder(), list.ListValues(), int(k)); err != nil {
				return err
			}
		}
	case *array.StructBuilder:
		from := a.(*array.Struct)
		b.Append(true)
		for k, f := range b.Type().(*arrow.StructType).Fields() {
			at, ok := from.DataType().(*arrow.StructType).FieldIdx(f.Name)
			if !ok {
				b.FieldBuilder(k).AppendNull()
				continue
			}
			if err := appendSlot(b.FieldBuilder(k), from.Field(at), i); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("%s is not known", a.DataType())
	}
	return nil
}
