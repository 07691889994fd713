// Package layout says how events lie in the tables of a relational database:
// which columns hold what, how their bytes are to be decoded, and how windows
// are cut along their positions. It knows no database; the packages that do
// describe their tables to it. It does not parse payloads.
package layout

import (
	"fmt"

	"backstory/source"
)

// The layouts.
const (
	// EventSourcing is what Python's eventsourcing library writes
	// (pyeventsourcing/eventsourcing: eventsourcing/postgres.py, sqlite.py).
	EventSourcing = "eventsourcing"
	// OwnColumns is a table of the user's own whose columns are named one by one.
	OwnColumns = "columns"
)

// Suffix is the schema version that ends a type's name: ItemAddedV2.
const Suffix = "suffix"

// Config is the part of a source's configuration that says how its events
// lie in a table. Every value is plain: environment variables have been put
// in before.
type Config struct {
	// Layout is EventSourcing or OwnColumns. It may be left out: naming
	// columns means OwnColumns.
	Layout string `yaml:"layout"`
	// Table is the table or view that holds the events. EventSourcing finds
	// it when it is left out and the database has exactly one that fits.
	Table string `yaml:"table"`
	// State says how the bytes of Data were made from JSON text.
	State State `yaml:"state"`
	// Columns is for OwnColumns only.
	Columns Columns `yaml:"columns"`
	// SchemaVersion says where the schema version stands: Suffix, at the end of
	// the type's name, or a path as in Columns. It is empty where the layout
	// says it, or nothing does: then it is 1.
	SchemaVersion string `yaml:"schema_version"`
	Names         Names  `yaml:"names"`
}

// Names turns stored type texts into event types; see source.Names.
type Names struct {
	Aliases  map[string]string `yaml:"aliases"`
	Prefixes map[string]string `yaml:"prefixes"`
}

// layout gives the layout with its default.
func (c *Config) layout() string {
	switch {
	case c.Layout != "":
		return c.Layout
	case c.Columns != Columns{}:
		return OwnColumns
	}
	return EventSourcing
}

// Resolve finds the table and the columns of the configured layout among the
// tables of a database. Its errors are setup errors. The config must be
// valid.
func (c *Config) Resolve(tables []Table) (*Mapping, error) {
	table, err := c.choose(tables)
	if err != nil {
		return nil, err
	}
	m := &Mapping{Table: table, State: c.State}
	if c.layout() == EventSourcing {
		err = m.eventSourcing()
	} else {
		err = m.ownColumns(&c.Columns)
	}
	if err != nil {
		return nil, err
	}
	m.Payload.Names.Aliases = c.Names.Aliases
	m.Payload.Names.Prefixes = c.Names.Prefixes
	return m, m.schemaVersion(c.SchemaVersion)
}

// choose picks the table that was named, or the only one that fits.
func (c *Config) choose(tables []Table) (Table, error) {
	if c.Table != "" {
		return named(tables, c.Table)
	}
	var fit []Table
	for _, t := range tables {
		if looksLikeEvents(&t) {
			fit = append(fit, t)
		}
	}
	switch len(fit) {
	case 1:
		return fit[0], nil
	case 0:
		return Table{}, source.Setup(
			"name the table of events with table:, or describe a table of your own with layout: columns",
			"find the table of events: no table has the columns of layout %s (there are: %s)",
			EventSourcing, list(tables))
	}
	return Table{}, source.Setup("name one of them with table:",
		"find the table of events: several tables have the columns of layout %s: %s",
		EventSourcing, list(fit))
}

// named finds a table by name. Of several of that name in different schemas,
// the one that the database itself would take wins.
func named(tables []Table, name string) (Table, error) {
	var found []Table
	for _, t := range tables {
		if t.Name == name {
			if t.Default {
				return t, nil
			}
			found = append(found, t)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Table{}, source.Setup("check table: against the tables that are there, and the permissions of the user",
			"find table %s: there is no such table or view (there are: %s)", name, list(tables))
	}
	return Table{}, source.Setup("say which one with schema:",
		"find table %s: it is there in several schemas: %s", name, list(found))
}

// list names tables for a message, at most twelve of them.
func list(tables []Table) string {
	const most = 12
	s := ""
	for i, t := range tables {
		if i > 0 {
			s += ", "
		}
		if i == most {
			return s + fmt.Sprintf("and %d more", len(tables)-most)
		}
		s += t.String()
	}
	if s == "" {
		return "none"
	}
	return s
}
