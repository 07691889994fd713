package sinktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"backstory/sinks"
	"backstory/sinks/memory"
	"backstory/source"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	arrowmemory "github.com/apache/arrow/go/v17/arrow/memory"
)

const (
	// Job is the job that the suite loads.
	Job = "shop"
	// Generation is its generation.
	Generation = 1
)

// Orders is a table of the suite, in its first version.
func Orders() *transform.Table {
	return shared(&transform.Table{Name: "orders", Event: "Order.Placed", Version: 1, Columns: []transform.Column{
		{Name: transform.ColPosition, Type: transform.Type{Kind: transform.Int64}, Required: true, Encoding: transform.Delta},
		{Name: transform.ColSubIndex, Type: transform.Type{Kind: transform.Int64}, Required: true},
		{Name: transform.ColStreamID, Type: transform.Type{Kind: transform.String}, Required: true, Encoding: transform.Plain},
		{Name: transform.ColEventTime, Type: transform.Type{Kind: transform.Timestamp}},
		{Name: "sku", Type: transform.Type{Kind: transform.String}, Encoding: transform.Dictionary},
		{Name: "price", Type: transform.Type{Kind: transform.Decimal, Precision: 18, Scale: 2}},
		{Name: "tags", Type: transform.Type{Kind: transform.List, Elem: &transform.Type{Kind: transform.String}}},
		{Name: transform.ColExtra, Type: transform.Type{Kind: transform.JSON}},
	}})
}

// shared makes a table's schema before several goroutines ask for it.
func shared(t *transform.Table) *transform.Table {
	t.Schema()
	return t
}

// Grown is Orders in its second version, with two columns more.
func Grown() *transform.Table {
	o := Orders()
	t := &transform.Table{Name: o.Name, Event: o.Event, Version: 2}
	t.Columns = slices.Insert(o.Columns, len(o.Columns)-1,
		transform.Column{Name: "note", Type: transform.Type{Kind: transform.String}},
		transform.Column{Name: "lines", Type: transform.Type{Kind: transform.List, Elem: &transform.Type{Kind: transform.Struct, Fields: []transform.Field{
			{Name: "sku", Member: "sku", Type: transform.Type{Kind: transform.String}},
			{Name: "quantity", Member: "quantity", Type: transform.Type{Kind: transform.Int64}},
		}}}},
	)
	return shared(t)
}

// Refunds is a second table of the suite.
func Refunds() *transform.Table {
	return shared(&transform.Table{Name: "refunds", Event: "Order.Refunded", Version: 1, Columns: []transform.Column{
		{Name: transform.ColPosition, Type: transform.Type{Kind: transform.Int64}, Required: true},
		{Name: transform.ColEventTime, Type: transform.Type{Kind: transform.Timestamp}},
		{Name: "amount", Type: transform.Type{Kind: transform.Float64}},
		{Name: transform.ColExtra, Type: transform.Type{Kind: transform.JSON}},
	}})
}

// grownRefunds is Refunds with one column more.
func grownRefunds() *transform.Table {
	t := Refunds()
	t.Version = 2
	t.Columns = slices.Insert(t.Columns, len(t.Columns)-1, transform.Column{Name: "note", Type: transform.Type{Kind: transform.String}})
	return shared(t)
}

// Record makes one row of t for each position of w; the same arguments give
// the same rows. The caller releases it.
func Record(t *transform.Table, w source.Window) arrow.Record {
	b := array.NewRecordBuilder(arrowmemory.DefaultAllocator, t.Schema())
	defer b.Release()
	for p := w.After.Seq + 1; p <= w.Through.Seq; p++ {
		for i, c := range t.Columns {
			fill(b.Field(i), c, p)
		}
	}
	return b.NewRecord()
}

func fill(b array.Builder, c transform.Column, p int64) {
	if !c.Required && p%7 == int64(len(c.Name))%7 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.Int64Builder:
		if c.Name == transform.ColPosition {
			b.Append(p)
		} else {
			b.Append(p % 3)
		}
	case *array.Float64Builder:
		b.Append(float64(p) / 8)
	case *array.StringBuilder:
		b.Append(fmt.Sprintf("%s-%d", c.Name, p%11))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(1_700_000_000_000_000 + p*7_200_000_000)) // two hours apart
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(p*101 - 500))
	case *array.ListBuilder:
		// Neither empty nor with nulls in it: not every place tells an empty
		// list from none, or knows lists of nulls.
		b.Append(true)
		for k := range 1 + p%3 {
			fillElement(b.ValueBuilder(), p, k)
		}
	}
}

func fillElement(b array.Builder, p, k int64) {
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(fmt.Sprintf("tag-%d", p%5+k))
	case *array.StructBuilder:
		b.Append(true)
		b.FieldBuilder(0).(*array.StringBuilder).Append(fmt.Sprintf("sku-%d", k))
		b.FieldBuilder(1).(*array.Int64Builder).Append(p)
	}
}

// Lines gives the rows of Record as text.
func Lines(t *transform.Table, w source.Window) []string {
	r := Record(t, w)
	defer r.Release()
	lines := make([]string, r.NumRows())
	for i := range lines {
		lines[i] = memory.Line(r, i)
	}
	return lines
}

// Window makes the window (after, through].
func Window(after, through int64) source.Window {
	return source.Window{After: source.Position{Seq: after}, Through: source.Position{Seq: through}}
}

// Load makes a load of the suite's job.
func Load(w source.Window) sinks.Load {
	return sinks.Load{Job: Job, Generation: Generation, Window: w}
}

// Summary is the summary of a window in which each position is an event.
func Summary(w source.Window) sinks.Summary {
	return sinks.Summary{
		Events:      w.Through.Seq - w.After.Seq,
		First:       sinks.Anchor{Position: source.Position{Seq: w.After.Seq + 1}, Stream: "s", StreamVersion: 1, Type: "Order.Placed"},
		Last:        sinks.Anchor{Position: w.Through, Stream: "s", StreamVersion: 2, Type: "Order.Placed"},
		Fingerprint: "f",
	}
}

// Commit loads and commits a window of the tables, unless it is committed.
func Commit(ctx context.Context, s sinks.Sink, w source.Window, tables ...*transform.Table) error {
	txn, err := s.Begin(ctx, Load(w))
	if errors.Is(err, sinks.ErrCommitted) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, t := range tables {
		r := Record(t, w)
		err := txn.Write(ctx, t, r)
		r.Release()
		if err != nil {
			return errors.Join(err, txn.Abort())
		}
	}
	if err := txn.Commit(ctx, Summary(w)); err != nil {
		return errors.Join(err, txn.Abort())
	}
	return nil
}

func mustCommit(t *testing.T, s sinks.Sink, w source.Window, tables ...*transform.Table) {
	t.Helper()
	if err := Commit(t.Context(), s, w, tables...); err != nil {
		t.Fatalf("load %s: %v", w, err)
	}
}
