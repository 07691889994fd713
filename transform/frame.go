package transform

import "slices"

// NewTable makes a table of an event type, or of the elements of one of its
// lists: the columns of the envelope, those given, and _extra. It is how
// tables that were written down come back; see Options.Frozen.
func NewTable(name, event string, explode []string, p Partition, columns []Column) *Table {
	return &Table{
		Name: name, Event: event, Explode: explode, Version: 1, Partition: p,
		Columns: slices.Concat(envelopeColumns(explode != nil), columns, []Column{extraColumn()}),
	}
}

// Payload gives the columns between those of the envelope and _extra: what
// NewTable was given.
func (t *Table) Payload() []Column {
	return t.Columns[len(envelopeColumns(t.Explode != nil)) : len(t.Columns)-1]
}
