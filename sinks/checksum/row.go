package checksum

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Row is a row in the open, to show how it differs. It borrows nothing.
type Row struct {
	Position int64
	Key      string
	Columns  []Value
}

// Value is a column's value as JSON text, nil where it is null.
type Value struct {
	Column string
	Text   json.RawMessage
}

// Differing gives the names of the columns in which rows differ, in the order
// of the first.
func Differing(want, got Row) []string {
	var names []string
	for _, w := range want.Columns {
		i := slices.IndexFunc(got.Columns, func(g Value) bool { return g.Column == w.Column })
		if i < 0 && w.Text != nil || i >= 0 && !bytes.Equal(w.Text, got.Columns[i].Text) {
			names = append(names, w.Column)
		}
	}
	return names
}

// At appends the rows of a record that have one of the positions, which are
// in order.
func At(dst []Row, r transform.Record, positions []int64) []Row {
	var at *array.Int64
	for i, c := range r.Columns() {
		if r.ColumnName(i) == transform.ColPosition {
			at, _ = c.(*array.Int64)
		}
	}
	if at == nil {
		return dst
	}
	for i, p := range at.Int64Values() {
		if _, ok := slices.BinarySearch(positions, p); ok {
			dst = append(dst, rowOf(r, i, p))
		}
	}
	return dst
}

func rowOf(r transform.Record, i int, position int64) Row {
	row := Row{Position: position}
	for c, a := range r.Columns() {
		v := Value{Column: r.ColumnName(c)}
		if a.IsValid(i) {
			v.Text = appendText(nil, a, i)
		}
		if slices.Contains(keys, v.Column) {
			row.Key += string(v.Text) + " "
		}
		row.Columns = append(row.Columns, v)
	}
	return row
}

// appendText appends a slot as JSON text.
func appendText(b []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(b, "null"...)
	}
	switch a := a.(type) {
	case *array.Boolean:
		return strconv.AppendBool(b, a.Value(i))
	case *array.Int64:
		return strconv.AppendInt(b, a.Value(i), 10)
	case *array.Float64:
		if v := a.Value(i); math.IsNaN(v) || math.IsInf(v, 0) { // JSON knows neither
			return strconv.AppendQuote(b, strconv.FormatFloat(v, 'g', -1, 64))
		}
		return strconv.AppendFloat(b, a.Value(i), 'g', -1, 64)
	case *array.Decimal128:
		return strconv.AppendQuote(b, a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale))
	case *array.Timestamp:
		form := "2006-01-02T15:04:05.000000Z"
		if a.DataType().(*arrow.TimestampType).TimeZone == "" {
			form = form[:len(form)-1]
		}
		return strconv.AppendQuote(b, time.UnixMicro(int64(a.Value(i))).UTC().Format(form))
	case *array.String:
		return appendQuoted(b, a.Value(i))
	case *array.List:
		b = append(b, '[')
		start, end := a.ValueOffsets(i)
		for k := start; k < end; k++ {
			if k > start {
				b = append(b, ", "...)
			}
			b = appendText(b, a.ListValues(), int(k))
		}
		return append(b, ']')
	case *array.Struct:
		b = append(b, '{')
		for k, f := range a.DataType().(*arrow.StructType).Fields() {
			if k > 0 {
				b = append(b, ", "...)
			}
			b = append(appendQuoted(b, f.Name), ": "...)
			b = appendText(b, a.Field(k), i)
		}
		return append(b, '}')
	}
	return appendQuoted(b, a.ValueStr(i))
}

func appendQuoted(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		return strconv.AppendQuote(b, s)
	}
	return append(b, text...)
}
