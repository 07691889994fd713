package bigquery

import (
	"fmt"
	"strings"
	"time"

	"backstory/source"
	"backstory/transform"
)

// script is one transaction, which puts rows in place of others. It counts
// what it is about to do, and ends with an error, and without any effect, where
// that is not what was expected: what it counts is what it changes, since a
// transaction sees one state of the tables
// (https://cloud.google.com/bigquery/docs/transactions).
type script struct {
	sink   *Sink
	text   strings.Builder
	tables map[string]bool // that it changes
}

func (s *Sink) newScript() *script {
	c := &script{sink: s, tables: make(map[string]bool)}
	c.line("BEGIN TRANSACTION")
	return c
}

func (c *script) line(format string, args ...any) {
	fmt.Fprintf(&c.text, format, args...)
	c.text.WriteString(";\n")
}

// expect ends the script unless a table has n rows that meet the one or the
// other of some conditions, or no more than n where some may have expired.
func (c *script) expect(table string, conditions []string, n int64, fewer bool, what string) {
	sign := "!="
	if fewer {
		sign = ">"
	}
	counts := make([]string, len(conditions))
	for i, condition := range conditions {
		counts[i] = "(SELECT COUNT(*) FROM " + c.sink.quotedTable(table) + condition + ")"
	}
	c.line("IF %s %s %d THEN RAISE USING MESSAGE = 'table %s: %s: not %d rows'; END IF", strings.Join(counts, " + "), sign, n, table, what, n)
}

// delete takes rows out of a table.
func (c *script) delete(table string, conditions []string) {
	c.tables[table] = true
	for _, condition := range conditions {
		c.line("DELETE FROM %s%s", c.sink.quotedTable(table), condition)
	}
}

// insert adds the rows of one table to another.
func (c *script) insert(t *transform.Table, from, to string, conditions []string) {
	c.tables[to] = true
	columns := make([]string, len(t.Columns))
	for i, col := range t.Columns {
		columns[i] = quoted(col.Name)
	}
	list := strings.Join(columns, ", ")
	for _, condition := range conditions {
		c.line("INSERT INTO %s (%s) SELECT %s FROM %s%s", c.sink.quotedTable(to), list, list, c.sink.quotedTable(from), condition)
	}
}

// end completes the script.
func (c *script) end() { c.line("COMMIT TRANSACTION") }

// exchange takes a manifest away and adds another. Exactly the row that was
// read is taken: where it is another, somebody else has replaced it since.
func (c *script) exchange(h *home, old, now record) error {
	row, err := h.row(now)
	if err != nil {
		return err
	}
	mine := []string{fmt.Sprintf(" WHERE `at` = %s AND `job` = %s AND `generation` = %d AND `build` = %d AND `after` = %s AND `through` = %s",
		instant(old.at), literal(h.name), h.generation, h.build, literal(old.Window.After.String()), literal(old.Window.Through.String()))}
	c.expect(loadsTable, mine, 1, false, "the manifest of the window")
	c.delete(loadsTable, mine)
	columns, values := []string{}, []string{}
	for _, col := range controlTable(loadsTable).Columns {
		columns = append(columns, quoted(col.Name))
		switch v := row[col.Name].(type) {
		case string:
			values = append(values, literal(v))
		case time.Time:
			values = append(values, instant(v))
		default:
			values = append(values, fmt.Sprint(v))
		}
	}
	c.line("INSERT INTO %s (%s) VALUES (%s)", c.sink.quotedTable(loadsTable), strings.Join(columns, ", "), strings.Join(values, ", "))
	return nil
}

// conditions find the rows of a window in a table, each by one of them. They
// name the partitions that the rows lie in, so that no others are read.
func (s *Sink) conditions(w source.Window, by transform.Partition, where span) ([]string, error) {
	position := quoted(transform.ColPosition)
	head := fmt.Sprintf(" WHERE %s > %d AND %s <= %d", position, w.After.Seq, position, w.Through.Seq)
	if by == transform.ByNone {
		return []string{head}, nil
	}
	parts, err := where.conditions(by, s.partitions)
	for i := range parts {
		parts[i] = head + " AND " + parts[i]
	}
	return parts, err
}

// staged are the conditions that find all rows of a staging table, each by one
// of them, so that none has more partitions than one statement may touch.
func (s *Sink) staged(by transform.Partition, where span) ([]string, error) {
	if by == transform.ByNone {
		return []string{""}, nil
	}
	parts, err := where.conditions(by, s.partitions)
	for i := range parts {
		parts[i] = " WHERE " + parts[i]
	}
	return parts, err
}

// fingerprint names the script.
func (c *script) fingerprint() string { return digest(c.text.String()) }

// quotedTable is a table's full name as SQL has it.
func (s *Sink) quotedTable(name string) string { return quoted(s.fullName(name)) }

// quoted is a name as SQL has it. Names with a backquote were refused by
// checkTableName and checkColumnName.
func quoted(name string) string { return "`" + name + "`" }

// escapes are those of texts. Manifests hold the names of streams, which may
// hold anything.
var escapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`)

// literal is a text as SQL has it. It stands in the script and not beside it,
// since some servers that stand in for BigQuery know no parameters in scripts
// (https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#string_and_bytes_literals).
func literal(s string) string { return "'" + escapes.Replace(s) + "'" }

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
