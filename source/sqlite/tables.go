package sqlite

import (
	"slices"
	"strings"

	"backstory/source/layout"
)

// describe gives the tables and views of a database.
func describe(c *conn) ([]layout.Table, error) {
	var tables []layout.Table
	err := c.each(`SELECT name, type, wr FROM pragma_table_list
		WHERE schema = 'main' AND type IN ('table', 'view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
		ORDER BY name`,
		func(q *stmt) {
			t := layout.Table{Name: string(q.bytes(0)), Default: true, Dynamic: true}
			if string(q.bytes(1)) == "table" && q.int64(2) == 0 {
				t.RowID = "rowid"
			}
			tables = append(tables, t)
		})
	if err != nil {
		return nil, err
	}
	for i := range tables {
		if err := describeColumns(c, &tables[i]); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

func describeColumns(c *conn, t *layout.Table) error {
	name := literal(t.Name)
	err := c.each("SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo("+name+") WHERE hidden <> 1",
		func(q *stmt) {
			col := layout.Column{Name: string(q.bytes(0)), Type: string(q.bytes(1))}
			col.Kind = kindOf(col.Type)
			// INTEGER PRIMARY KEY is the rowid, and so is never null.
			key := q.int64(3) == 1 && strings.EqualFold(col.Type, "INTEGER") && t.RowID != ""
			col.Nullable = q.int64(2) == 0 && !key
			t.Columns = append(t.Columns, col)
		})
	if err != nil {
		// A view of a table that is gone: nobody can read it, and it is in
		// nobody's way.
		return nil
	}
	unique, err := uniqueColumns(c, t)
	if err != nil {
		return err
	}
	for i := range t.Columns {
		t.Columns[i].Unique = slices.Contains(unique, t.Columns[i].Name)
	}
	t.RowID = freeRowID(t)
	return nil
}

// uniqueColumns gives the columns that tell every row apart, each by itself.
func uniqueColumns(c *conn, t *layout.Table) ([]string, error) {
	var unique []string
	name := literal(t.Name)
	add := func(q *stmt) { unique = append(unique, string(q.bytes(0))) }
	err := c.each(`SELECT max(i.name) FROM pragma_index_list(`+name+`) AS l, pragma_index_info(l.name) AS i
		WHERE l."unique" AND NOT l.partial GROUP BY l.name HAVING count(*) = 1 AND max(i.name) IS NOT NULL`, add)
	if err != nil {
		return nil, err
	}
	if t.RowID != "" {
		err = c.each(`SELECT max(name) FROM pragma_table_info(`+name+`) WHERE pk > 0
			HAVING count(*) = 1 AND upper(max(type)) = 'INTEGER'`, add)
	}
	return unique, err
}

// freeRowID gives the name under which the rowid can be had, as columns may
// have taken the others.
func freeRowID(t *layout.Table) string {
	if t.RowID == "" {
		return ""
	}
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		taken := slices.ContainsFunc(t.Columns, func(c layout.Column) bool { return strings.EqualFold(c.Name, name) })
		if !taken {
			return name
		}
	}
	return ""
}

// kindOf reads a declared type by the rules of column affinity
// (https://sqlite.org/datatype3.html, section 3.1).
func kindOf(declared string) layout.Kind {
	upper := strings.ToUpper(declared)
	has := func(part string) bool { return strings.Contains(upper, part) }
	switch {
	case upper == "":
		return layout.Any
	case has("INT"):
		return layout.Integer
	case has("CHAR"), has("CLOB"), has("TEXT"):
		return layout.Text
	case has("BLOB"):
		return layout.Bytes
	}
	return layout.Other
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// each runs a query and calls fn for every row.
func (c *conn) each(query string, fn func(*stmt)) error {
	q, err := c.prepare(query)
	if err != nil {
		return err
	}
	defer q.reset()
	for {
		ok, err := q.step()
		if err != nil || !ok {
			return err
		}
		fn(q)
	}
}
