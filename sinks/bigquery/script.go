package bigquery

import (
	"fmt"
	"strings"
	"time"

	"backstory/source"
	"backstory/transform"

	"cloud.google.com/go/bigquery"
)

// script is one transaction, which puts rows in place of others. It counts
// what it does, and ends with an error, and without any effect, where that is
// not what was expected
// (https://cloud.google.com/bigquery/docs/transactions).
type script struct {
	sink   *Sink
	text   strings.Builder
	params []bigquery.QueryParameter
	tables map[string]bool // that it changes
}

func (s *Sink) newScript() *script {
	c := &script{sink: s, tables: make(map[string]bool)}
	c.line("DECLARE n INT64 DEFAULT 0")
	c.line("BEGIN TRANSACTION")
	return c
}

func (c *script) line(format string, args ...any) {
	fmt.Fprintf(&c.text, format, args...)
	c.text.WriteString(";\n")
}

// dml adds statements that change rows of a table, n of them in all, or no
// more than n where some may have expired.
func (c *script) dml(table string, statements []string, n int64, fewer bool, what string) {
	c.tables[table] = true
	c.line("SET n = 0")
	for _, s := range statements {
		c.line("%s", s)
		c.line("SET n = n + @@row_count")
	}
	sign := "!="
	if fewer {
		sign = ">"
	}
	c.line("IF n %s %d THEN RAISE USING MESSAGE = '%s %s: not %d rows'; END IF", sign, n, what, table, n)
}

// end completes the script.
func (c *script) end() string {
	c.line("COMMIT TRANSACTION")
	return c.text.String()
}

// param gives the name of a text that stands beside the script.
func (c *script) param(value string) string {
	name := fmt.Sprintf("p%d", len(c.params)+1)
	c.params = append(c.params, bigquery.QueryParameter{Name: name, Value: value})
	return "@" + name
}

// exchange takes a manifest away and adds another. Exactly the row that was
// read is taken: where it is another, somebody else has replaced it since.
func (c *script) exchange(h *home, old, now record) error {
	row, err := h.row(now)
	if err != nil {
		return err
	}
	name := c.sink.quotedTable(loadsTable)
	c.dml(loadsTable, []string{fmt.Sprintf("DELETE FROM %s WHERE `at` = %s AND `job` = %s AND `generation` = %d AND `build` = %d AND `after` = %s AND `through` = %s",
		name, instant(old.at), c.param(h.name), h.generation, h.build, c.param(old.Window.After.String()), c.param(old.Window.Through.String()))}, 1, false, "remove the manifest from")
	columns, values := []string{}, []string{}
	for _, col := range controlTable(loadsTable).Columns {
		columns = append(columns, quoted(col.Name))
		switch v := row[col.Name].(type) {
		case string:
			values = append(values, c.param(v))
		case time.Time:
			values = append(values, instant(v))
		default:
			values = append(values, fmt.Sprint(v))
		}
	}
	c.dml(loadsTable, []string{fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", name, strings.Join(columns, ", "), strings.Join(values, ", "))}, 1, false, "add the manifest to")
	return nil
}

// deletions gives statements that take the rows of a window out of a table.
// They name the partitions that the rows lie in, so that no others are read.
func (s *Sink) deletions(w source.Window, name string, by transform.Partition, where span) ([]string, error) {
	parts, err := where.conditions(by, s.partitions)
	if err != nil {
		return nil, err
	}
	position := quoted(transform.ColPosition)
	head := fmt.Sprintf("DELETE FROM %s WHERE %s > %d AND %s <= %d", s.quotedTable(name), position, w.After.Seq, position, w.Through.Seq)
	if by == transform.ByNone {
		return []string{head}, nil
	}
	for i := range parts {
		parts[i] = head + " AND " + parts[i]
	}
	return parts, nil
}

// insertions gives statements that add the rows of one table to another.
func (s *Sink) insertions(t *transform.Table, from, to string, by transform.Partition, where span) ([]string, error) {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = quoted(c.Name)
	}
	list := strings.Join(columns, ", ")
	head := fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s", s.quotedTable(to), list, list, s.quotedTable(from))
	if by == transform.ByNone {
		return []string{head}, nil
	}
	parts, err := where.conditions(by, s.partitions)
	if err != nil {
		return nil, err
	}
	for i := range parts {
		parts[i] = head + " WHERE " + parts[i]
	}
	return parts, nil
}

// fingerprint names the script with its texts.
func (c *script) fingerprint() string {
	parts := []string{c.text.String()}
	for _, p := range c.params {
		parts = append(parts, p.Value.(string))
	}
	return digest(parts...)
}

// quotedTable is a table's full name as SQL has it.
func (s *Sink) quotedTable(name string) string { return quoted(s.fullName(name)) }

// quoted is a name as SQL has it. Names with a backquote were refused by
// checkTableName and checkColumnName.
func quoted(name string) string { return "`" + name + "`" }

// instant is a TIMESTAMP as SQL has it. Without a zone, servers that stand in
// for BigQuery have taken it as one of their own.
func instant(t time.Time) string {
	return "TIMESTAMP '" + t.UTC().Format("2006-01-02 15:04:05.999999") + "+00'"
}

// mutable is how many tables one transaction may change.
const mutable = 100

// check refuses a script that BigQuery would not run.
func (c *script) check() error {
	if n := len(c.tables); n > mutable {
		return refuse("load a new generation with backstory rebuild", "the window has rows in %d tables, and BigQuery replaces rows of %d at once", n-1, mutable-1)
	}
	return nil
}
