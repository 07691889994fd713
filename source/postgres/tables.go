package postgres

import (
	"context"

	"backstory/source/layout"

	"github.com/jackc/pgx/v5"
)

// describeTables gives a row for every column of every table and view that
// is not the system's own nor a part of another table. The type of a domain
// is what it stands for. Materialized views and foreign tables are left out:
// what is written to them cannot be fenced.
const describeTables = `
SELECT n.nspname, c.relname, pg_table_is_visible(c.oid),
       a.attname, format_type(a.atttypid, a.atttypmod),
       CASE WHEN b.typtype = 'e' THEN 'text' ELSE b.typname::text END, NOT a.attnotnull,
       EXISTS (SELECT FROM pg_index i
               WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                 AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
WHERE c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
  AND ($1 = '' OR n.nspname = $1)
ORDER BY n.nspname, c.relname, a.attnum`

// describe gives the tables and views of the configured schema, or of all.
func (s *Source) describe(ctx context.Context) ([]layout.Table, error) {
	var tables []layout.Table
	err := s.use(ctx, "list the tables of", func(c *pgx.Conn) error {
		rows, err := c.Query(ctx, describeTables, s.config.Schema)
		if err != nil {
			return err
		}
		var t layout.Table
		var col layout.Column
		var base string
		_, err = pgx.ForEachRow(rows, []any{&t.Schema, &t.Name, &t.Default,
			&col.Name, &col.Type, &base, &col.Nullable, &col.Unique}, func() error {
			if n := len(tables); n == 0 || tables[n-1].Schema != t.Schema || tables[n-1].Name != t.Name {
				tables = append(tables, t)
			}
			last := &tables[len(tables)-1]
			col.Kind = kinds[base]
			last.Columns = append(last.Columns, col)
			return nil
		})
		return err
	})
	return tables, err
}

// kinds are those of the types that hold parts of events.
var kinds = map[string]layout.Kind{
	"int2": layout.Integer, "int4": layout.Integer, "int8": layout.Integer,
	"text": layout.Text, "varchar": layout.Text, "bpchar": layout.Text, "name": layout.Text, "citext": layout.Text,
	"uuid": layout.UUID, "bytea": layout.Bytes, "json": layout.JSON, "jsonb": layout.JSON,
	"timestamptz": layout.Timestamp, "timestamp": layout.Timestamp,
}
