package layout

import (
	"slices"
	"strings"

	"backstory/source"
)

// Kind is what a database says the values of a column are.
type Kind string

// The kinds. A column of another kind cannot hold a part of an event.
const (
	Other     Kind = ""
	Integer   Kind = "integer"
	Text      Kind = "text"
	UUID      Kind = "uuid"
	Bytes     Kind = "bytes"
	JSON      Kind = "json"
	Timestamp Kind = "timestamp"
	// Any is a column without a declared type: what it holds is checked value
	// by value.
	Any Kind = "any"
)

// Table is a table or view as its database describes it.
type Table struct {
	Schema, Name string
	// Default says that the name alone, without schema, means this table.
	Default bool
	// Dynamic says that a column may hold values of any kind, whatever was
	// declared, so that kinds cannot be checked beforehand.
	Dynamic bool
	// RowID names the column that every row has without being declared and
	// that orders the rows by when they were written; "" for none.
	RowID   string
	Columns []Column
}

// String gives the table's name, with its schema where it has one.
func (t Table) String() string {
	if t.Schema == "" {
		return t.Name
	}
	return t.Schema + "." + t.Name
}

// column finds a column by name.
func (t *Table) column(name string) (Column, bool) {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return t.Columns[i], true
}

// Column is one column of a Table.
type Column struct {
	Name string
	Kind Kind
	// Type is the type as the database spells it.
	Type string
	// Unique says that no two rows share a value, Nullable that a row may
	// have none.
	Unique, Nullable bool
}

// Field is a part of an event that a column may hold.
type Field int

// The fields, in the order in which sources select them.
const (
	Position Field = iota
	Stream
	StreamVersion
	Type
	SchemaVersion
	Time
	Data
	Meta
	ID
	NumFields
)

// fields gives each field's name in config and the kinds of column that can
// hold it.
var fields = [NumFields]struct {
	name  string
	kinds []Kind
}{
	Position:      {"position", []Kind{Integer}},
	Stream:        {"stream", []Kind{UUID, Text, Integer, Bytes}},
	StreamVersion: {"stream_version", []Kind{Integer}},
	Type:          {"type", []Kind{Text}},
	SchemaVersion: {"schema_version", []Kind{Integer, Text}},
	Time:          {"time", []Kind{Timestamp}},
	Data:          {"data", []Kind{Bytes, Text, JSON}},
	Meta:          {"meta", []Kind{Bytes, Text, JSON}},
	ID:            {"id", []Kind{UUID, Text, Integer, Bytes}},
}

// String gives the field's name in config.
func (f Field) String() string { return fields[f].name }

// Mapping says which column of a table holds which field of an event.
type Mapping struct {
	Table Table
	// Columns has an entry without name for each field that no column holds.
	Columns [NumFields]Column
	State   State
	// HexIDs says that a stream's text of 32 hexadecimal digits is a UUID.
	HexIDs  bool
	Payload source.Payload
}

// Unique tells whether no two events can share a position.
func (m *Mapping) Unique() bool { return m.Columns[Position].Unique }

// Select lists the columns of the mapping, quoted by quote and separated by
// commas, and the fields they hold.
func (m *Mapping) Select(quote func(string) string) (columns string, held []Field) {
	var names []string
	for f := range NumFields {
		if name := m.Columns[f].Name; name != "" {
			names = append(names, quote(name))
			held = append(held, f)
		}
	}
	return strings.Join(names, ", "), held
}

// Order lists the columns that put events in order, quoted by quote: the
// position and, where that is not unique, what tells its events apart.
func (m *Mapping) Order(quote func(string) string) string {
	order := quote(m.Columns[Position].Name)
	if m.Unique() {
		return order
	}
	for _, f := range []Field{Stream, StreamVersion, ID} {
		if name := m.Columns[f].Name; name != "" {
			order += ", " + quote(name)
		}
	}
	return order
}

// bind gives field f the column of that name, which must be there and be of
// a kind that can hold it.
func (m *Mapping) bind(f Field, name string) error {
	c, ok := m.Table.column(name)
	if !ok && m.Table.RowID != "" && f == Position && name == m.Table.RowID {
		c, ok = Column{Name: name, Kind: Integer, Type: "integer", Unique: true}, true
	}
	if !ok {
		return source.Setup("the table has the columns "+columnNames(&m.Table),
			"read table %s: it has no column %s (for %s)", m.Table, name, f)
	}
	checked := c.Kind != Any && (!m.Table.Dynamic || f == Position)
	if checked && !slices.Contains(fields[f].kinds, c.Kind) {
		return source.Setup("point "+f.String()+" at a column of another type, or make a view that casts it",
			"read table %s: column %s is of type %s, but %s wants %s",
			m.Table, name, typeName(c), f, wanted(f))
	}
	m.Columns[f] = c
	return nil
}

func columnNames(t *Table) string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

func typeName(c Column) string {
	if c.Type == "" {
		return "(none declared)"
	}
	return c.Type
}

func wanted(f Field) string {
	kinds := make([]string, len(fields[f].kinds))
	for i, k := range fields[f].kinds {
		kinds[i] = string(k)
	}
	return strings.Join(kinds, " or ")
}
