package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"backstory/transform"
)

// versionsText writes the schema versions of a shape with their counts.
func versionsText(sh *transform.Shape) string {
	var versions []int
	for v := range sh.Versions {
		versions = append(versions, v)
	}
	slices.Sort(versions)
	var parts []string
	for _, v := range versions {
		parts = append(parts, fmt.Sprintf("%d: %s", v, thousands(sh.Versions[v])))
	}
	return strings.Join(parts, ", ")
}

// writeColumns writes the tables that a first load would make.
func writeColumns(w io.Writer, tables []*transform.Table) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, table := range tables {
		fmt.Fprintf(t, "\n%s\n", table.Name)
		for _, c := range table.Columns {
			from := oneLine(strings.Join(c.Path, "."))
			switch {
			case c.Meta:
				from = "\tmeta." + from
			case from != "":
				from = "\t" + from
			}
			fmt.Fprintf(t, "  %s\t%s%s\n", c.Name, c.Type, from)
		}
	}
	t.Flush() // w keeps its first error
}

// discoveredTable is a table that a first load would make, for scripts.
type discoveredTable struct {
	Name    string             `json:"name"`
	Event   string             `json:"event,omitempty"`
	Columns []discoveredColumn `json:"columns"`
}

type discoveredColumn struct {
	Name string   `json:"name"`
	Type string   `json:"type"`
	Path []string `json:"path,omitempty"`
	Meta bool     `json:"meta,omitempty"`
}

func discoveredTables(tables []*transform.Table) []discoveredTable {
	var all []discoveredTable
	for _, t := range tables {
		shown := discoveredTable{Name: t.Name, Event: t.Event}
		for _, c := range t.Columns {
			shown.Columns = append(shown.Columns, discoveredColumn{c.Name, c.Type.String(), c.Path, c.Meta})
		}
		all = append(all, shown)
	}
	return all
}
