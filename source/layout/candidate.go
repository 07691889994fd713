package layout

import "strings"

// Candidate is a table that may hold events.
type Candidate struct {
	Schema, Name string
	// Layout is the layout whose columns the table has, or "".
	Layout string
	// Misfit tells what is missing to the nearest layout, "" if it fits.
	Misfit string
	// Rows is about how many rows there are, -1 where that is not known.
	Rows int64
}

// Candidates lists the tables that hold events of a known layout, and those
// whose names say that they might hold events.
func Candidates(tables []Table) []Candidate {
	var cs []Candidate
	for _, t := range tables {
		c := Candidate{Schema: t.Schema, Name: t.Name, Rows: t.Rows}
		switch {
		case looksLikeEvents(&t):
			c.Layout = EventSourcing
		case strings.Contains(strings.ToLower(t.Name), "event"):
			c.Misfit = esMisfit(&t)
		default:
			continue
		}
		cs = append(cs, c)
	}
	return cs
}
