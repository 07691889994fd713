package transform

import (
	"slices"
	"strings"

	"backstory/source"

	"github.com/apache/arrow/go/v17/arrow"
)

// Encoding tells a sink which encoding suits a column's values; "" leaves
// the choice to the sink.
type Encoding string

// The encodings.
const (
	Dictionary Encoding = "dict"  // few distinct values
	Plain      Encoding = "plain" // nearly every value is new
	Delta      Encoding = "delta" // integers that grow or lie close together
)

// Column is one column of a table.
type Column struct {
	Name string `json:"name"`
	// Path is the member of the payload the column holds, one member name a
	// step; nil for the columns of the envelope and _extra.
	Path []string `json:"path,omitempty"`
	// Meta says that the path leads into the metadata.
	Meta bool `json:"meta,omitempty"`
	Type Type `json:"type"`
	// Required columns have a value in every row.
	Required bool     `json:"required,omitempty"`
	Encoding Encoding `json:"encoding,omitempty"`
	// Since is the first position at which the column was known to be
	// needed; rows before it hold null.
	Since source.Position `json:"since,omitzero"`
	// Marker is the name of an unknown typed marker around the values, "" for none.
	Marker string `json:"marker,omitempty"`
	// Declared says that config named the type. Text that reads as a value of
	// it is taken as one: "12.30" is a decimal.
	Declared bool `json:"declared,omitempty"`
	// Closed says that objects at the path are not taken apart any further:
	// their members have no columns of their own but those there are.
	Closed bool `json:"closed,omitempty"`
	// Masked says that the column holds masks of the values, and never a
	// value itself.
	Masked bool `json:"masked,omitempty"`
}

// closed tells whether objects at the column's path are taken as they are,
// or as far apart as they will ever be.
func (c *Column) closed() bool {
	return c.Closed || c.Type.Kind == JSON || c.Type.Kind == Struct
}

// Partition is the calendar unit of event_time by which a table's rows are
// kept apart.
type Partition string

// The partitions. ByNone keeps a table in one piece.
const (
	ByNone  Partition = ""
	ByDay   Partition = "day"
	ByMonth Partition = "month"
)

// Column is the name under which sinks that keep partitions apart by folders
// show readers the partition of a row.
func (p Partition) Column() string { return "event_" + string(p) }

// Table is where the rows of one event type go (or of all types, of one
// exploded list, or of the events in quarantine). It is immutable once it has been handed to a sink: a
// table that evolves is a new Table with a higher Version.
type Table struct {
	Name string `json:"name"`
	// Event is the event type whose rows the table holds, "" for all types
	// and for the events in quarantine.
	Event string `json:"event,omitempty"`
	// Explode is the path of the list whose elements are the rows, nil where
	// the rows are events.
	Explode []string `json:"explode,omitempty"`
	// Version counts the changes of the columns, from 1.
	Version   int       `json:"version"`
	Columns   []Column  `json:"columns"`
	Partition Partition `json:"partition,omitempty"`

	schema *arrow.Schema
}

// IsQuarantine tells whether the table holds the events that failed. It has
// columns of its own, and no _extra.
func (t *Table) IsQuarantine() bool { return t.Name == Quarantine && t.Event == "" }

// Record is a batch of a table's rows as it is handed to a sink.
type Record = arrow.Record

// Schema gives the Arrow schema of the table's records, in column order. It
// is made once; call it before the table is shared.
func (t *Table) Schema() *arrow.Schema {
	if t.schema == nil {
		fields := make([]arrow.Field, len(t.Columns))
		for i, c := range t.Columns {
			fields[i] = arrow.Field{Name: c.Name, Type: c.Type.Arrow(), Nullable: !c.Required}
		}
		t.schema = arrow.NewSchema(fields, nil)
	}
	return t.schema
}

// Column gives the index of the column of that name, or -1.
func (t *Table) Column(name string) int {
	for i := range t.Columns {
		if strings.EqualFold(t.Columns[i].Name, name) {
			return i
		}
	}
	return -1
}

// closes tells whether a column closes an object of the payload above the path.
func (t *Table) closes(path []string) bool {
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.closed() && !c.Meta && c.Path != nil && len(c.Path) < len(path) && slices.Equal(c.Path, path[:len(c.Path)]) {
			return true
		}
	}
	return false
}

// Names of the envelope's columns, which come first in every table but
// _quarantine, and of the column that takes what fits no other.
const (
	ColPosition      = "position"
	ColSubIndex      = "sub_index"
	ColStreamID      = "stream_id"
	ColStreamVersion = "stream_version"
	ColEventID       = "event_id"
	ColEventType     = "event_type"
	ColSchemaVersion = "schema_version"
	ColEventTime     = "event_time"
	ColListIndex     = "list_index" // exploded tables only
	ColExtra         = "_extra"     // always the last column
	ColData          = "data"       // the table of all types only: the payload as JSON text
)
