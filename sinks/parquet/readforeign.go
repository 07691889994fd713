package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	arrowmemory "github.com/apache/arrow/go/v17/arrow/memory"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// foreignRows is how many rows a record has of a file that another program wrote.
const foreignRows = 4096

// decodeForeign gives the rows of a file that another program wrote in the
// place of ours, or beside them. It may have its columns in any order, written
// in any way that Parquet knows, if they are of the table's types.
func (f *tableFile) decodeForeign(ctx context.Context, src *os.File, fn func(arrow.Record) error) (err error) {
	defer func() {
		if p := recover(); p != nil { // which is how libraries meet some damage
			err = fmt.Errorf("it is damaged: %v", p)
		}
	}()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	file, err := pq.OpenFile(src, info.Size(), pq.SkipPageIndex(true), pq.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	columns, err := f.foreignColumns(file.Schema())
	if err != nil {
		return err
	}
	fields := make([]arrow.Field, len(f.columns))
	for i, c := range f.columns {
		fields[i] = f.table.Schema().Field(c)
	}
	b := array.NewRecordBuilder(arrowmemory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for _, group := range file.RowGroups() {
		if err := readForeign(ctx, group, columns, b, fn); err != nil {
			return err
		}
	}
	return nil
}

// readForeign gives the rows of a row group.
func readForeign(ctx context.Context, group pq.RowGroup, columns []foreignColumn, b *array.RecordBuilder, fn func(arrow.Record) error) error {
	rows := group.Rows()
	defer rows.Close()
	buf := make([]pq.Row, 256)
	left := group.NumRows()
	flush := func() error {
		r := b.NewRecord()
		defer r.Release()
		return fn(r)
	}
	for pending := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := rows.ReadRows(buf)
		for _, row := range buf[:n] {
			if err := appendForeign(columns, b, row); err != nil {
				return err
			}
		}
		left -= int64(n)
		if pending += n; pending > 0 && (pending >= foreignRows || err != nil || n == 0) {
			if err := flush(); err != nil {
				return err
			}
			pending = 0
		}
		switch {
		case err == nil && n > 0:
		case (err == nil || errors.Is(err, io.EOF)) && left == 0:
			return nil
		case err == nil || errors.Is(err, io.EOF):
			return fmt.Errorf("a row group lacks %d rows", left)
		default:
			return err
		}
	}
}

// A foreignColumn is a wanted column and where the file has it.
type foreignColumn struct {
	node  pq.Node
	typ   transform.Type
	first int // of its leaves
}

// foreignColumns finds the wanted columns in a file, which must have those of
// the table and no others.
func (f *tableFile) foreignColumns(s *pq.Schema) ([]foreignColumn, error) {
	at := make(map[string]foreignColumn)
	leaf := 0
	for _, field := range s.Fields() {
		if f.table.Column(field.Name()) < 0 {
			return nil, fmt.Errorf("it has a column %s, which the table has not", field.Name())
		}
		at[field.Name()] = foreignColumn{node: field, first: leaf}
		leaf += leavesOf(field)
	}
	for _, c := range f.table.Columns {
		if _, ok := at[c.Name]; !ok {
			return nil, fmt.Errorf("it has no column %s", c.Name)
		}
	}
	var columns []foreignColumn
	for _, i := range f.columns {
		c := at[f.table.Columns[i].Name]
		c.typ = f.table.Columns[i].Type
		columns = append(columns, c)
	}
	return columns, nil
}

func leavesOf(n pq.Node) int {
	if n.Leaf() {
		return 1
	}
	count := 0
	for _, f := range n.Fields() {
		count += leavesOf(f)
	}
	return count
}

func appendForeign(columns []foreignColumn, b *array.RecordBuilder, row pq.Row) error {
	values := make(map[int][]pq.Value, len(row))
	row.Range(func(i int, v []pq.Value) bool {
		values[i] = v
		return true
	})
	for i, c := range columns {
		a := foreignAppender{values: values}
		next := c.first
		if err := a.append(b.Field(i), c.node, c.typ, &next, 0, 0); err != nil {
			return fmt.Errorf("its column %s: %w", b.Schema().Field(i).Name, err)
		}
	}
	return nil
}

// foreignAppender puts a row together from its values and levels. The values
// that belong to the node at work are at the front of their columns.
type foreignAppender struct{ values map[int][]pq.Value }

var errOtherType = errors.New("it is not of the table's type")

// append appends what is at a node; next is the index of its first leaf, and
// then of the first behind it.
func (a *foreignAppender) append(b array.Builder, n pq.Node, t transform.Type, next *int, def, rep int) error {
	if n.Optional() {
		def++
	}
	first, leaves := *next, leavesOf(n)
	head := a.values[first]
	if len(head) == 0 {
		return errors.New("it lacks a value")
	}
	*next = first + leaves
	if head[0].DefinitionLevel() < def {
		a.drop(first, leaves)
		b.AppendNull()
		return nil
	}
	switch t.Kind {
	case transform.List:
		lb, ok := b.(*array.ListBuilder)
		if !ok || n.Leaf() || !isList(n) {
			return errOtherType
		}
		lb.Append(true)
		element := n.Fields()[0].Fields()[0]
		if head[0].DefinitionLevel() == def {
			a.drop(first, leaves)
			return nil
		}
		for begun := false; !begun || len(a.values[first]) > 0 && a.values[first][0].RepetitionLevel() == rep+1; begun = true {
			at := first
			if err := a.append(lb.ValueBuilder(), element, *t.Elem, &at, def+1, rep+1); err != nil {
				return err
			}
		}
		return nil
	case transform.Struct:
		sb, ok := b.(*array.StructBuilder)
		if !ok || n.Leaf() || len(n.Fields()) != len(t.Fields) {
			return errOtherType
		}
		sb.Append(true)
		at := first
		for i, f := range n.Fields() {
			if f.Name() != t.Fields[i].Name {
				return errOtherType
			}
			if err := a.append(sb.FieldBuilder(i), f, t.Fields[i].Type, &at, def, rep); err != nil {
				return err
			}
		}
		return nil
	}
	if !n.Leaf() {
		return errOtherType
	}
	v := head[0]
	a.values[first] = head[1:]
	return appendForeignValue(b, n, t, v)
}

// isList tells whether a node is a list of three levels.
func isList(n pq.Node) bool {
	f := n.Fields()
	return len(f) == 1 && f[0].Repeated() && !f[0].Leaf() && len(f[0].Fields()) == 1
}

func (a *foreignAppender) drop(first, n int) {
	for i := first; i < first+n; i++ {
		if len(a.values[i]) > 0 {
			a.values[i] = a.values[i][1:]
		}
	}
}

// appendForeignValue appends a scalar of the table's type, however it is written.
func appendForeignValue(b array.Builder, n pq.Node, t transform.Type, v pq.Value) error {
	var logical format.LogicalTypeValue
	if l := n.Type().LogicalType(); l != nil {
		logical = l.Value
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		if v.Kind() != pq.Boolean {
			return errOtherType
		}
		b.Append(v.Boolean())
	case *array.Int64Builder:
		if v.Kind() != pq.Int64 {
			return errOtherType
		}
		b.Append(v.Int64())
	case *array.Float64Builder:
		if v.Kind() != pq.Double {
			return errOtherType
		}
		b.Append(v.Double())
	case *array.StringBuilder:
		if v.Kind() != pq.ByteArray {
			return errOtherType
		}
		b.BinaryBuilder.Append(v.ByteArray())
	case *array.TimestampBuilder:
		l, ok := logical.(*format.TimestampType)
		if !ok || v.Kind() != pq.Int64 || l.IsAdjustedToUTC != (t.Kind == transform.Timestamp) {
			return errOtherType
		}
		if _, ok := l.Unit.Value.(*format.MicroSeconds); !ok {
			return errOtherType
		}
		b.Append(arrow.Timestamp(v.Int64()))
	case *array.Decimal128Builder:
		l, ok := logical.(*format.DecimalType)
		if !ok || l.Scale != t.Scale || l.Precision > transform.MaxPrecision {
			return errOtherType
		}
		b.Append(decimalOf(v))
	default:
		return errOtherType
	}
	return nil
}

// decimalOf reads the digits of a decimal.
func decimalOf(v pq.Value) decimal128.Num {
	switch v.Kind() {
	case pq.Int32:
		return decimal128.FromI64(int64(v.Int32()))
	case pq.Int64:
		return decimal128.FromI64(v.Int64())
	}
	bytes := v.ByteArray()
	n := new(big.Int).SetBytes(bytes)
	if len(bytes) > 0 && bytes[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(bytes))))
	}
	return decimal128.FromBigInt(n)
}
