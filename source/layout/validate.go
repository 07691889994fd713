package layout

import (
	"fmt"
	"slices"

	"backstory/source"
)

// Validate finds everything that is wrong with c in itself, without a
// database.
func (c *Config) Validate() []source.Problem {
	var ps []source.Problem
	switch layout := c.layout(); layout {
	case EventSourcing:
		if c.Columns != (Columns{}) {
			ps = append(ps, problem([]string{"columns"},
				"layout eventsourcing knows its columns", "leave columns out, or write layout: columns"))
		}
	case OwnColumns:
		if c.Table == "" {
			ps = append(ps, problem([]string{"table"},
				"layout columns wants a table", "name the table or view that holds the events"))
		}
		ps = append(ps, c.Columns.validate()...)
	default:
		ps = append(ps, problem([]string{"layout"},
			fmt.Sprintf("there is no layout %s", layout), "write eventsourcing or columns"))
	}
	ps = append(ps, c.schemaVersion()...)
	ps = append(ps, c.State.validate()...)
	return append(ps, c.Names.validate()...)
}

// schemaVersion finds what is wrong with where the schema version stands.
func (c *Config) schemaVersion() []source.Problem {
	if c.SchemaVersion == "" {
		return nil
	}
	key := []string{"schema_version"}
	if c.Columns.SchemaVersion != "" {
		return []source.Problem{problem(key, "columns.schema_version says already where the schema version stands", "leave one of the two out")}
	}
	if c.SchemaVersion == Suffix {
		return nil
	}
	path, err := parsePath(c.SchemaVersion)
	switch {
	case !isPath(c.SchemaVersion) || err != nil:
		return []source.Problem{problem(key, fmt.Sprintf("there is no schema version at %s", c.SchemaVersion),
			"write suffix where it ends the name of the type, $.a.b for a member of data, or $meta.a.b for one of meta")}
	case path.Meta && c.layout() == OwnColumns && c.Columns.Meta == "":
		return []source.Problem{problem(key, fmt.Sprintf("path %s leads into meta, but columns.meta is missing", c.SchemaVersion),
			"name the column that holds the metadata")}
	}
	return nil
}

func (c *Columns) validate() []source.Problem {
	var ps []source.Problem
	add := func(f Field, message, hint string) {
		ps = append(ps, problem([]string{"columns", f.String()}, message, hint))
	}
	for f := range NumFields {
		value := c.of(f)
		mustColumn := f == Position || f == Data || f == Meta
		switch {
		case value == "" && (f == Position || f == Data || f == Type || f == Stream):
			add(f, fmt.Sprintf("columns.%s is missing", f), advice[f])
		case value == "" || !isPath(value):
		case mustColumn:
			add(f, fmt.Sprintf("%s must be a column, not a path", f), advice[f])
		default:
			path, err := parsePath(value)
			if err != nil {
				add(f, err.Error(), "write $.a.b for a member of data, $meta.a.b for one of meta")
			} else if path.Meta && c.Meta == "" {
				add(f, fmt.Sprintf("path %s leads into meta, but columns.meta is missing", value),
					"name the column that holds the metadata")
			}
		}
	}
	return ps
}

var advice = [NumFields]string{
	Position: "name the integer column that grows with every event",
	Stream:   "name the column, or the member of data, with the id of the aggregate",
	Type:     "name the column, or the member of data, with the type of the event",
	Data:     "name the column that holds the payload as JSON",
	Meta:     "name the column that holds the metadata as JSON",
}

func (n *Names) validate() []source.Problem {
	var ps []source.Problem
	for _, m := range []struct {
		key   string
		names map[string]string
	}{{"aliases", n.Aliases}, {"prefixes", n.Prefixes}} {
		for _, from := range sortedKeys(m.names) {
			if from == "" {
				ps = append(ps, problem([]string{"names", m.key}, "the empty text cannot be renamed", ""))
			}
			if m.key == "aliases" && m.names[from] == "" {
				ps = append(ps, problem([]string{"names", m.key, from}, "an event type cannot be empty", ""))
			}
		}
	}
	return ps
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func problem(path []string, message, hint string) source.Problem {
	return source.Problem{Path: path, Message: message, Hint: hint}
}
