package transform

import "github.com/apache/arrow/go/v17/arrow"

// Cells are a column of a record. They are borrowed, as the record is.
type Cells struct{ column arrow.Array }

// CellsOf gives the column of that name, and whether there is one.
func CellsOf(r Record, name string) (Cells, bool) {
	i := r.Schema().FieldIndices(name)
	if len(i) == 0 {
		return Cells{}, false
	}
	return Cells{r.Column(i[0])}, true
}

// Text gives a value as text, as a column of text would hold it, or as JSON
// where it is a list or a struct. It is false for null.
func (c Cells) Text(row int) (string, bool) {
	if c.column.IsNull(row) {
		return "", false
	}
	return c.column.ValueStr(row), true
}

// Int gives the value of a column of integers, 0 for null. It is false where
// the column holds something else.
func (c Cells) Int(row int) (int64, bool) {
	ints, ok := c.column.(interface{ Value(int) int64 })
	if !ok || c.column.IsNull(row) {
		return 0, ok
	}
	return ints.Value(row), true
}
