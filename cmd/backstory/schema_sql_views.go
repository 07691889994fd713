package main

import (
	"fmt"
	"slices"
	"strings"

	"backstory/transform"
)

// sqlView is a view as a file to review.
type sqlView struct {
	Name string `json:"name"`
	SQL  string `json:"sql"`
}

// viewsOf writes the view of all events, then that of each type of stream, by
// name, and last, if JSON is to be parsed, that of each table with JSON text.
// There are none where there are no tables.
func viewsOf(job string, tables []*transform.Table, d sqlDialect, parsed bool) []sqlView {
	w := viewWriter{job: job, dialect: d, taken: make(map[string]bool)}
	var whole *transform.Table
	for _, t := range tables {
		w.taken[strings.ToLower(t.Name)] = true
		switch {
		case t.IsQuarantine() || t.Explode != nil: // no events, or events that stand in another table too
		case t.Event == "":
			whole = t
		default:
			w.tables = append(w.tables, t)
		}
	}
	var views []sqlView
	switch {
	case len(w.tables) > 0:
		views = append([]sqlView{w.timeline()}, w.latest()...)
	case whole != nil:
		views = []sqlView{w.timelineOf(whole)}
	}
	for _, t := range tables {
		if columns := jsonColumns(t); parsed && len(columns) > 0 {
			views = append(views, w.parsed(t, columns))
		}
	}
	return views
}

// jsonColumns names the columns of JSON text.
func jsonColumns(t *transform.Table) (names []string) {
	for _, c := range t.Columns {
		if c.Type.Kind == transform.JSON {
			names = append(names, c.Name)
		}
	}
	return names
}

// parsed writes the view of a table in which those columns are JSON.
func (w *viewWriter) parsed(t *transform.Table, columns []string) sqlView {
	d := w.dialect
	replaced := make([]string, len(columns))
	for i, name := range columns {
		replaced[i] = d.document(d.quote(name)) + " AS " + d.quote(name)
	}
	return w.view(t.Name+"_json", fmt.Sprintf(`The rows of %s, with columns of JSON text as JSON. Numbers keep their digits:
where JSON has none for them, a column's text stays text. So does text inside of lists and objects.`, t.Name),
		"SELECT * REPLACE (\n"+members(replaced)+"\n  )\nFROM "+d.table(t)+";\n")
}

// viewWriter writes the views over the tables of a job.
type viewWriter struct {
	job     string
	dialect sqlDialect
	// tables are those whose rows are events of one type.
	tables []*transform.Table
	// taken are the names, in small letters, of tables and views.
	taken map[string]bool
}

// envelope is what stands beside the payload in the view of all events.
const envelope = "position, sub_index, stream_id, stream_version, event_id, event_type, schema_version, event_time"

func (w *viewWriter) timeline() sqlView {
	d := w.dialect
	return w.view("timeline", fmt.Sprintf(`Every event of job %s in one line, whatever its table. Order by position, sub_index.
payload is JSON: the payload's columns and _extra. Decimals stand in it as text, so that they keep
their digits, and so do columns of JSON text. Conditions on event_time and event_type reach the
tables below, so that little is read.`, oneLine(w.job)), w.union(w.tables, func(t *transform.Table) string {
		var names, exprs []string
		for _, c := range append(slices.Clone(t.Payload()), t.Columns[t.Column(transform.ColExtra)]) {
			expr := d.quote(c.Name)
			switch c.Type.Kind {
			case transform.Decimal, transform.Timestamp:
				expr = d.text(expr, c.Type)
			case transform.Float64:
				expr = d.number(expr)
			}
			names, exprs = append(names, c.Name), append(exprs, expr)
		}
		return envelope + ",\n  " + d.object(names, exprs) + " AS payload"
	})+";\n")
}

// timelineOf is the view of all events where one table has them all.
func (w *viewWriter) timelineOf(t *transform.Table) sqlView {
	return w.view("timeline", fmt.Sprintf(`Every event of job %s in one line. Order by position, sub_index. payload is JSON.
All events are in one table, so that there are no columns to make views of streams from.`, oneLine(w.job)),
		w.union([]*transform.Table{t}, func(*transform.Table) string {
			return envelope + ",\n  " + w.dialect.document(transform.ColData) + " AS payload"
		})+";\n")
}

// latest writes the view of each type of stream.
func (w *viewWriter) latest() []sqlView {
	streams := make(map[string][]*transform.Table)
	var types []string
	for _, t := range w.tables {
		dot := strings.LastIndexByte(t.Event, '.')
		if dot < 0 {
			continue
		}
		kind := t.Event[:dot]
		if streams[kind] == nil {
			types = append(types, kind)
		}
		streams[kind] = append(streams[kind], t)
	}
	slices.Sort(types)
	var views []sqlView
	for _, kind := range types {
		views = append(views, w.latestOf(kind, streams[kind]))
	}
	return views
}

func (w *viewWriter) latestOf(kind string, tables []*transform.Table) sqlView {
	d := w.dialect
	columns := mergeColumns(tables)
	// Columns of payloads never have a name of the envelope's.
	taken := make(map[string]bool)
	for _, c := range columns {
		taken[strings.ToLower(c.name)] = true
	}
	place, first := d.quote(free("place", taken)), d.quote(free("first_event_time", taken))

	var b strings.Builder
	b.WriteString("WITH events AS (\n")
	b.WriteString(indent(w.unionOf(tables, d.all(), func(t *transform.Table) string {
		var list strings.Builder
		list.WriteString("stream_id, stream_version, position, sub_index, event_type, event_time")
		for _, c := range columns {
			list.WriteString(",\n  " + c.of(t, d))
		}
		return list.String()
	}), "  "))
	b.WriteString("\n),\nplaced AS (\n")
	fmt.Fprintf(&b, "  SELECT *, ROW_NUMBER() OVER (PARTITION BY stream_id ORDER BY position, stream_version, sub_index) AS %s\n", place)
	b.WriteString("  FROM events\n)\nSELECT\n  stream_id,\n")
	for _, name := range []string{"stream_version", "position", "event_type", "event_time"} {
		fmt.Fprintf(&b, "  %s AS %s,\n", d.newest(name, place), name)
	}
	fmt.Fprintf(&b, "  MIN(event_time) AS %s", first)
	for _, c := range columns {
		fmt.Fprintf(&b, ",\n  %s AS %s", d.newest(d.quote(c.name), place), d.quote(c.name))
	}
	b.WriteString("\nFROM placed\nGROUP BY stream_id;\n")
	return w.view("latest_"+transform.TableName(kind), fmt.Sprintf(`The streams of %s as they are now: a row for each, with the newest value that each column
ever had, whichever event brought it; a null takes no value back. Beside it stand the stream's
newest event and the time of its first. It is state as far as columns carry it: what events add up
to, such as the items that are left in a cart, is for a query over timeline to say.
The whole history of these tables is read.`, oneLine(kind)), b.String())
}

// mergedColumn is a column of the rows of a stream's events: those of one
// name in all their tables.
type mergedColumn struct {
	name string
	typ  transform.Type
	// mixed says that tables have it in different types, so that it is text.
	mixed bool
}

// mergeColumns gives the payload columns of all tables in the order in which
// they are met.
func mergeColumns(tables []*transform.Table) []*mergedColumn {
	byName := make(map[string]*mergedColumn)
	var all []*mergedColumn
	for _, t := range tables {
		for _, c := range t.Payload() {
			key := strings.ToLower(c.Name)
			m := byName[key]
			if m == nil {
				m = &mergedColumn{name: c.Name, typ: c.Type}
				byName[key], all = m, append(all, m)
			} else if !m.mixed && !m.typ.Equal(c.Type) {
				m.mixed = true
			}
		}
	}
	return all
}

// of selects the column out of one of the tables.
func (m *mergedColumn) of(t *transform.Table, d sqlDialect) string {
	typ := m.typ
	if m.mixed {
		typ = transform.Type{Kind: transform.String}
	}
	i := t.Column(m.name)
	switch {
	case i < 0:
		return d.null(typ) + " AS " + d.quote(m.name)
	case m.mixed:
		return d.text(d.quote(t.Columns[i].Name), t.Columns[i].Type) + " AS " + d.quote(m.name)
	}
	return d.quote(m.name)
}

// union selects from each of the tables.
func (w *viewWriter) union(tables []*transform.Table, columns func(*transform.Table) string) string {
	return w.unionOf(tables, "", columns)
}

// unionOf selects the rows that meet a condition, if there is one.
func (w *viewWriter) unionOf(tables []*transform.Table, where string, columns func(*transform.Table) string) string {
	branches := make([]string, len(tables))
	for i, t := range tables {
		branches[i] = "SELECT\n  " + columns(t) + "\nFROM " + w.dialect.table(t)
		if where != "" {
			branches[i] += "\nWHERE " + where
		}
	}
	return strings.Join(branches, "\nUNION ALL\n")
}

// view makes the file of a view under a name that no table or view has.
func (w *viewWriter) view(name, about, query string) sqlView {
	name = free(name, w.taken)
	head := about + "\nMade by: backstory schema sql --dialect " + w.dialect.flag()
	var b strings.Builder
	for line := range strings.SplitSeq(head, "\n") {
		b.WriteString("-- " + line + "\n")
	}
	fmt.Fprintf(&b, "CREATE OR REPLACE VIEW %s AS\n%s", w.dialect.view(name), query)
	return sqlView{Name: name, SQL: b.String()}
}

// free takes the name, or with a number behind it the first that is not taken.
func free(name string, taken map[string]bool) string {
	chosen := name
	for n := 2; taken[strings.ToLower(chosen)]; n++ {
		chosen = fmt.Sprintf("%s_%d", name, n)
	}
	taken[strings.ToLower(chosen)] = true
	return chosen
}
