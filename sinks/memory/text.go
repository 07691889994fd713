package memory

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// timeText is how instants are written: microseconds, UTC.
const timeText = "2006-01-02T15:04:05.000000Z"

// Line gives row i of r as a JSON object with the columns in their order.
// Decimals are strings with all their digits, instants RFC 3339.
func Line(r arrow.Record, i int) string {
	var b strings.Builder
	b.WriteByte('{')
	for c, f := range r.Schema().Fields() {
		if c > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(f.Name) + ": " + Text(r.Column(c), i))
	}
	b.WriteByte('}')
	return b.String()
}

// Text gives slot i of a as JSON text.
func Text(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return "null"
	}
	switch a := a.(type) {
	case *array.Boolean:
		return strconv.FormatBool(a.Value(i))
	case *array.Int64:
		return strconv.FormatInt(a.Value(i), 10)
	case *array.Float64:
		return strconv.FormatFloat(a.Value(i), 'g', -1, 64)
	case *array.Decimal128:
		return quote(a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale))
	case *array.String:
		return quote(a.Value(i))
	case *array.Timestamp:
		t := a.Value(i).ToTime(arrow.Microsecond).Format(timeText)
		if a.DataType().(*arrow.TimestampType).TimeZone == "" {
			t = strings.TrimSuffix(t, "Z")
		}
		return quote(t)
	case *array.List:
		start, end := a.ValueOffsets(i)
		items := make([]string, 0, end-start)
		for k := start; k < end; k++ {
			items = append(items, Text(a.ListValues(), int(k)))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case *array.Struct:
		fields := a.DataType().(*arrow.StructType).Fields()
		items := make([]string, len(fields))
		for k, f := range fields {
			items[k] = quote(f.Name) + ": " + Text(a.Field(k), i)
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	return quote(fmt.Sprintf("%s is not known", a.DataType()))
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return strconv.Quote(s)
	}
	return string(b)
}

// row is a row by column name; columns that are missing are null.
type row map[string]string

func rowOf(r arrow.Record, i int) row {
	out := make(row, r.NumCols())
	for c, f := range r.Schema().Fields() {
		if !r.Column(c).IsNull(i) {
			out[f.Name] = Text(r.Column(c), i)
		}
	}
	return out
}

func (r row) line(t *transform.Table) string {
	var b strings.Builder
	for i, c := range t.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		text, ok := r[c.Name]
		if !ok {
			text = "null"
		}
		b.WriteString(quote(c.Name) + ": " + text)
	}
	return "{" + b.String() + "}"
}
