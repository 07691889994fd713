package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"backstory/source"
	"backstory/source/layout"
	"backstory/source/sourcetest"
	"backstory/source/sqlite"

	_ "modernc.org/sqlite"
)

// create makes a database file and runs statements in it. The connection is
// closed when the test ends.
func create(tb testing.TB, statements ...string) (path string, db *sql.DB) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "store.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		exec(tb, db, s)
	}
	return path, db
}

func exec(tb testing.TB, db interface {
	Exec(string, ...any) (sql.Result, error)
}, query string, args ...any) {
	tb.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
}

// insert runs a statement for each event in one transaction.
func insert(tb testing.TB, db *sql.DB, query string, events []source.Event, args func(*source.Event) []any) {
	tb.Helper()
	tx, err := db.Begin()
	if err != nil {
		tb.Fatal(err)
	}
	stmt, err := tx.Prepare(query)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range events {
		if _, err := stmt.Exec(args(&events[i])...); err != nil {
			tb.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		tb.Fatal(err)
	}
}

// libraryTable is the table that eventsourcing makes.
const libraryTable = `CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER,
	topic TEXT, state BLOB, PRIMARY KEY (originator_id, originator_version))`

const snapshots = `CREATE TABLE stored_snapshots (originator_id TEXT, originator_version INTEGER,
	topic TEXT, state BLOB, PRIMARY KEY (originator_id, originator_version)) WITHOUT ROWID`

func TestConformance(t *testing.T) {
	for name, mode := range map[string]string{"wal": "wal", "rollback journal": "delete"} {
		t.Run("eventsourcing in "+name, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T, events []source.Event) source.Source {
				path, db := create(t, "PRAGMA journal_mode="+mode, libraryTable, snapshots)
				insert(t, db, "INSERT INTO stored_events (rowid, originator_id, originator_version, topic, state) VALUES (?,?,?,?,?)",
					events, func(e *source.Event) []any {
						hex := strings.ReplaceAll(string(e.Stream), "-", "")
						return []any{e.Position.Seq, hex, e.StreamVersion, "shop.domain:" + e.Type, e.Data}
					})
				return opened(t, sqlite.Config{Path: path})
			})
		})
	}
	t.Run("columns", func(t *testing.T) {
		sourcetest.Run(t, func(t *testing.T, events []source.Event) source.Source {
			path, db := create(t, `CREATE TABLE log (id INTEGER PRIMARY KEY, stream TEXT, seq INTEGER, kind TEXT, body TEXT)`)
			insert(t, db, "INSERT INTO log VALUES (?,?,?,?,?)", events, func(e *source.Event) []any {
				return []any{e.Position.Seq, string(e.Stream), e.StreamVersion, e.Type, string(e.Data)}
			})
			return opened(t, sqlite.Config{Path: path, Config: ownColumns("log")})
		})
	})
	t.Run("columns of a view", func(t *testing.T) {
		sourcetest.Run(t, func(t *testing.T, events []source.Event) source.Source {
			path, db := create(t, `CREATE TABLE log (id BIGINT, stream BLOB, seq INT, kind TEXT, body BLOB)`,
				`CREATE INDEX log_id ON log (id)`, `CREATE VIEW history AS SELECT id, stream, seq, kind, body FROM log`)
			insert(t, db, "INSERT INTO log VALUES (?,?,?,?,?)", events, func(e *source.Event) []any {
				return []any{e.Position.Seq, string(e.Stream), e.StreamVersion, e.Type, e.Data}
			})
			return opened(t, sqlite.Config{Path: path, Config: ownColumns("history")})
		})
	})
}

// opened is open for those who close the source themselves.
func opened(t *testing.T, c sqlite.Config) source.Source {
	t.Helper()
	if ps := c.Validate(); len(ps) > 0 {
		t.Fatalf("config: %v", ps)
	}
	s, err := sqlite.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ownColumns(table string) layout.Config {
	return layout.Config{Layout: layout.OwnColumns, Table: table, Columns: layout.Columns{
		Position: "id", Stream: "stream", StreamVersion: "seq", Type: "kind", Data: "body"}}
}
