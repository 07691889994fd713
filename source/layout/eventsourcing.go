package layout

import (
	"fmt"
	"slices"
	"strings"

	"backstory/source"
)

// esColumn is a column of the event tables that Python's eventsourcing makes.
type esColumn struct {
	field Field
	name  string
	kinds []Kind
}

// esColumns must be there in every version of the library. The generation is
// known by the columns, never by a version number: ids are uuid or, since
// 9.4, text; versions were integer before they became bigint.
var esColumns = []esColumn{
	{Stream, "originator_id", []Kind{UUID, Text}},
	{StreamVersion, "originator_version", []Kind{Integer}},
	{Type, "topic", []Kind{Text}},
	{Data, "state", []Kind{Bytes}},
}

// esOptional came with the library's version 10.
var esOptional = []esColumn{
	{ID, "event_id", []Kind{UUID, Text}},
	{Meta, "metadata", []Kind{JSON, Text}},
}

// esPosition orders the events of all aggregates. SQLite stores have no such
// column: the rowid takes its place.
const esPosition = "notification_id"

// looksLikeEvents tells whether a table that nobody named is one that the
// library keeps events in: {app}_events or stored_events.
func looksLikeEvents(t *Table) bool {
	return strings.HasSuffix(t.Name, "_events") && esMisfit(t) == ""
}

// esMisfit tells why t is not an event table of the library, or "".
func esMisfit(t *Table) string {
	var missing []string
	for _, want := range esColumns {
		c, ok := t.column(want.name)
		switch {
		case !ok:
			missing = append(missing, want.name)
		case !t.Dynamic && !slices.Contains(want.kinds, c.Kind):
			return fmt.Sprintf("column %s is of type %s", c.Name, typeName(c))
		}
	}
	if c, ok := t.column(esPosition); ok {
		if c.Kind != Integer && c.Kind != Any {
			return fmt.Sprintf("column %s is of type %s", c.Name, typeName(c))
		}
	} else if t.RowID == "" {
		missing = append(missing, esPosition)
	}
	if len(missing) > 0 {
		return "missing " + strings.Join(missing, ", ")
	}
	return ""
}

func (m *Mapping) eventSourcing() error {
	t := &m.Table
	if why := esMisfit(t); why != "" {
		return source.Setup(esAdvice(t),
			"read table %s: it is not an event table of layout %s: %s", t, EventSourcing, why)
	}
	for _, c := range esColumns {
		if err := m.bind(c.field, c.name); err != nil {
			return err
		}
	}
	for _, c := range esOptional {
		if have, ok := t.column(c.name); ok && (t.Dynamic || slices.Contains(c.kinds, have.Kind)) {
			if err := m.bind(c.field, c.name); err != nil {
				return err
			}
		}
	}
	position := t.RowID
	if _, ok := t.column(esPosition); ok {
		position = esPosition
	}
	if err := m.bind(Position, position); err != nil {
		return err
	}
	// SQLite keeps UUIDs as text, without dashes.
	m.HexIDs = t.Dynamic
	m.Payload = source.Payload{
		Markers:       true,
		Time:          source.Path{Names: []string{"timestamp"}},
		SchemaVersion: source.Path{Names: []string{"class_version"}},
		// Mappers that dump whole objects write these again.
		Repeats: []string{"originator_id", "originator_version"},
		Names:   source.Names{Topics: true},
	}
	return nil
}

func esAdvice(t *Table) string {
	switch {
	case strings.HasSuffix(t.Name, "_snapshots"):
		return "snapshots are not events; name the table whose name ends in _events"
	case strings.HasSuffix(t.Name, "_tracking"):
		return "this table tracks what other applications have read; name the one whose name ends in _events"
	}
	return "name another table, or describe this one with layout: columns"
}
