package schedules

import (
	"fmt"
	"slices"
	"strings"

	"backstory/sinks/checksum"
	"backstory/source"
)

// keep notes how a suspect's rows differ, to be told unless it turns out that
// they do not.
func (b *suspect) keep(want, got rowsBy, values bool) {
	for i := range b.tables {
		t := &b.tables[i]
		t.first = t.now
		for _, position := range t.now.Positions {
			t.rows = append(t.rows, rowFindings(of(want[t.name], position), of(got[t.name], position), values)...)
		}
		t.rows = t.rows[:min(len(t.rows), maxRows)]
	}
}

// of gives the rows of a position.
func of(rows []checksum.Row, position int64) []checksum.Row {
	return slices.DeleteFunc(slices.Clone(rows), func(r checksum.Row) bool { return r.Position != position })
}

// rowFindings compares the rows of one position.
func rowFindings(want, got []checksum.Row, values bool) []RowFinding {
	var found []RowFinding
	times := make(map[string]int)
	for _, g := range got {
		f := RowFinding{Position: g.Position, What: "extra"}
		if i := slices.IndexFunc(want, func(w checksum.Row) bool { return w.Key == g.Key }); i >= 0 {
			f.Columns = checksum.Differing(want[i], g)
			if times[g.Key]++; times[g.Key] > 1 {
				f.What = "doubled"
			} else if f.What = "altered"; len(f.Columns) == 0 {
				continue
			}
			if values {
				f.Want, f.Got = valuesOf(want[i], f.Columns), valuesOf(g, f.Columns)
			}
		}
		found = append(found, f)
	}
	for _, w := range want {
		if times[w.Key] == 0 {
			found = append(found, RowFinding{Position: w.Position, What: "missing"})
		}
	}
	return found
}

func valuesOf(r checksum.Row, columns []string) []string {
	var values []string
	for _, name := range columns {
		text := "null"
		if i := slices.IndexFunc(r.Columns, func(v checksum.Value) bool { return v.Column == name }); i >= 0 && r.Columns[i].Text != nil {
			text = string(r.Columns[i].Text)
		}
		values = append(values, text)
	}
	return values
}

// findings tells how a suspect differs.
func (b *suspect) findings() []Finding {
	if b.agreed {
		return nil
	}
	var all []Finding
	for _, t := range b.tables {
		d := t.first
		if whole(d) {
			continue
		}
		all = append(all, Finding{
			Kind: KindRows, Windows: []source.Window{b.window}, Table: t.name, Want: t.want, Got: t.got,
			Missing: d.Missing, Extra: d.Extra, Doubled: d.Doubled, Altered: d.Altered, Rows: t.rows,
			Reason: "rows do not agree: " + differenceText(d),
		})
	}
	return all
}

// differenceText says how many rows differ in which way.
func differenceText(d checksum.Difference) string {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{{d.Missing, "missing"}, {d.Extra, "too many"}, {d.Doubled, "doubled"}, {d.Altered, "altered"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}
