package bigquery

import (
	"fmt"
	"math/big"
	"time"

	"backstory/transform"

	"cloud.google.com/go/bigquery"
	"cloud.google.com/go/civil"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// appendValue appends what BigQuery gave of a column. An empty list is a null:
// BigQuery does not tell them apart.
func appendValue(b array.Builder, t transform.Type, f *bigquery.FieldSchema, v bigquery.Value) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	var ok bool
	switch b := b.(type) {
	case *array.BooleanBuilder:
		var x bool
		if x, ok = v.(bool); ok {
			b.Append(x)
		}
	case *array.Int64Builder:
		var x int64
		if x, ok = v.(int64); ok {
			b.Append(x)
		}
	case *array.Float64Builder:
		var x float64
		if x, ok = v.(float64); ok {
			b.Append(x)
		}
	case *array.StringBuilder:
		var x string
		if x, ok = v.(string); ok {
			b.Append(x)
		}
	case *array.Decimal128Builder:
		var x *big.Rat
		if x, ok = v.(*big.Rat); ok {
			return appendDecimal(b, t, x)
		}
	case *array.TimestampBuilder:
		switch x := v.(type) {
		case time.Time:
			b.Append(arrow.Timestamp(x.UnixMicro()))
			return nil
		case civil.DateTime:
			b.Append(arrow.Timestamp(x.In(time.UTC).UnixMicro()))
			return nil
		}
	case *array.ListBuilder:
		var items []bigquery.Value
		if items, ok = v.([]bigquery.Value); ok {
			return appendList(b, t, f, items)
		}
	case *array.StructBuilder:
		var members []bigquery.Value
		if members, ok = v.([]bigquery.Value); ok {
			return appendRecord(b, t, f, members)
		}
	}
	if !ok {
		return fmt.Errorf("BigQuery gave a %T for a %s", v, t)
	}
	return nil
}

func appendDecimal(b *array.Decimal128Builder, t transform.Type, v *big.Rat) error {
	scaled := new(big.Rat).Mul(v, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Scale)), nil)))
	if !scaled.IsInt() || scaled.Num().BitLen() > 127 {
		return fmt.Errorf("%s is no %s", v.RatString(), t)
	}
	b.Append(decimal128.FromBigInt(scaled.Num()))
	return nil
}

func appendList(b *array.ListBuilder, t transform.Type, f *bigquery.FieldSchema, items []bigquery.Value) error {
	if len(items) == 0 {
		b.AppendNull()
		return nil
	}
	b.Append(true)
	one := *f
	one.Repeated = false
	for _, item := range items {
		if err := appendValue(b.ValueBuilder(), *t.Elem, &one, item); err != nil {
			return err
		}
	}
	return nil
}

func appendRecord(b *array.StructBuilder, t transform.Type, f *bigquery.FieldSchema, members []bigquery.Value) error {
	b.Append(true)
	for i, member := range t.Fields {
		k, err := memberIndex(f, member.Name)
		if err != nil {
			return err
		}
		if err := appendValue(b.FieldBuilder(i), member.Type, f.Schema[k], members[k]); err != nil {
			return err
		}
	}
	return nil
}

// Normal gives a record as Rows would give it back: with a null for each empty
// list.
func (s *Sink) Normal(t *transform.Table, r arrow.Record) (arrow.Record, error) {
	columns := make([]arrow.Array, r.NumCols())
	changed := false
	for i := range columns {
		columns[i] = normal(r.Column(i))
		changed = changed || columns[i] != r.Column(i)
	}
	if !changed {
		return r, nil
	}
	return array.NewRecord(r.Schema(), columns, r.NumRows()), nil
}

// normal gives an array with a null for each empty list in it; a itself, if
// there is none.
func normal(a arrow.Array) arrow.Array {
	if !holdsLists(a.DataType()) {
		return a
	}
	b := array.NewBuilder(memory.DefaultAllocator, a.DataType())
	defer b.Release()
	for i := range a.Len() {
		copyValue(b, a, i)
	}
	return b.NewArray()
}

func holdsLists(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.ListType:
		return true
	case *arrow.StructType:
		for _, f := range t.Fields() {
			if holdsLists(f.Type) {
				return true
			}
		}
	}
	return false
}

// copyValue appends a value of an array, with nulls for empty lists.
func copyValue(b array.Builder, a arrow.Array, i int) {
	if a.IsNull(i) {
		b.AppendNull()
		return
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
	case *array.Decimal128Builder:
		b.Append(a.(*array.Decimal128).Value(i))
	case *array.TimestampBuilder:
		b.Append(a.(*array.Timestamp).Value(i))
	case *array.ListBuilder:
		list := a.(*array.List)
		start, end := list.ValueOffsets(i)
		if start == end {
			b.AppendNull()
			return
		}
		b.Append(true)
		for k := start; k < end; k++ {
			copyValue(b.ValueBuilder(), list.ListValues(), int(k))
		}
	case *array.StructBuilder:
		b.Append(true)
		for k := range b.NumField() {
			copyValue(b.FieldBuilder(k), a.(*array.Struct).Field(k), i)
		}
	}
}
