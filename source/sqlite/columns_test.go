package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"backstory/source"
	"backstory/source/layout"
	"backstory/source/sqlite"

	"github.com/google/go-cmp/cmp"
)

// allColumns maps every field.
func allColumns() layout.Config {
	return layout.Config{Table: "log", Columns: layout.Columns{
		Position: "id", Stream: "stream", StreamVersion: "seq", Type: "kind", SchemaVersion: "v",
		Time: "at", Data: "body", Meta: "headers", ID: "uid"}}
}

// full is all that comes back of an event.
type full struct {
	Position            int64
	ID, Stream, Type    string
	StreamVersion       int64
	SchemaVersion       int
	Time                string
	Data, Meta, Problem string
}

func readFull(t *testing.T, s source.Source) []full {
	t.Helper()
	var got []full
	err := s.Read(t.Context(), all, func(e *source.Event) error {
		f := full{e.Position.Seq, string(e.ID), string(e.Stream), e.Type, e.StreamVersion, e.SchemaVersion, "",
			string(e.Data), string(e.Meta), ""}
		if !e.Time.IsZero() {
			f.Time = e.Time.Format(time.RFC3339Nano)
		}
		if e.Err != nil {
			f.Problem = e.Err.Err.Error()
		}
		got = append(got, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestValues reads what SQLite lets people write into columns of any type.
func TestValues(t *testing.T) {
	base := full{Position: 1, ID: "u", Stream: "s", Type: "K", StreamVersion: 1, SchemaVersion: 2,
		Time: "2024-01-02T03:04:05Z", Data: "{}", Meta: `{"a":1}`}
	for name, c := range map[string]struct {
		column, value string
		want          func(*full)
	}{
		"as it should be": {"seq", "1", func(*full) {}},
		"fraction, zone":  {"at", "'2024-01-02 04:04:05.678901+01:00'", func(f *full) { f.Time = "2024-01-02T03:04:05.678901Z" }},
		"rfc 3339":        {"at", "'2024-01-02T04:04:05.5+01:00'", func(f *full) { f.Time = "2024-01-02T03:04:05.5Z" }},
		"without a zone":  {"at", "'2024-01-02T03:04:05.25'", func(f *full) { f.Time = "2024-01-02T03:04:05.25Z" }},
		"a day":           {"at", "'2024-01-02'", func(f *full) { f.Time = "2024-01-02T00:00:00Z" }},
		"seconds":         {"at", "1704164645", func(*full) {}},
		"milliseconds": {"at", "1704164645000", func(f *full) {
			f.Time, f.Problem = "", "column at: it holds an integer that is no number of seconds since 1970; make a view that divides it"
		}},
		"julian day":    {"at", "2460311.5", func(f *full) { f.Time, f.Problem = "", "column at: it holds a float, but a time as text is wanted" }},
		"no time":       {"at", "'soon'", func(f *full) { f.Time, f.Problem = "", `column at: "soon" is no time` }},
		"nulls":         {"at", "NULL, uid = NULL, headers = NULL, seq = NULL, v = NULL", func(f *full) { f.Time, f.ID, f.Meta, f.StreamVersion, f.SchemaVersion = "", "", "", 0, 1 }},
		"version text":  {"v", "'3'", func(f *full) { f.SchemaVersion = 3 }},
		"version word":  {"v", "'three'", func(f *full) { f.SchemaVersion, f.Problem = 0, `column v: "three" is no schema version` }},
		"integer ids":   {"stream", "42, uid = 43", func(f *full) { f.Stream, f.ID = "42", "43" }},
		"uuid bytes":    {"stream", "x'd23f0824128b4f338c5c7fd0a6a3a450'", func(f *full) { f.Stream = "d23f0824-128b-4f33-8c5c-7fd0a6a3a450" }},
		"hex is a name": {"stream", "'d23f0824128b4f338c5c7fd0a6a3a450'", func(f *full) { f.Stream = "d23f0824128b4f338c5c7fd0a6a3a450" }},
		"float ids":     {"stream", "1.5", func(f *full) { f.Stream, f.Problem = "", "column stream: it holds a float, but an id is wanted" }},
		"seq as text":   {"seq", "'one'", func(f *full) { f.StreamVersion, f.Problem = 0, "column seq: it holds text, but an integer is wanted" }},
		"type a number": {"kind", "7", func(f *full) { f.Type, f.Problem = "", "column kind: it holds an integer, but text is wanted" }},
		"data a number": {"body", "7", func(f *full) { f.Data, f.Problem = "", "column body: it holds an integer, but text is wanted" }},
		"empty data":    {"body", "''", func(f *full) { f.Data = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			path, db := create(t, "CREATE TABLE log (id INTEGER PRIMARY KEY, stream, seq, kind, v, at, body, headers, uid)",
				`INSERT INTO log VALUES (1, 's', 1, 'K', 2, '2024-01-02 03:04:05', '{}', '{"a":1}', 'u')`)
			exec(t, db, "UPDATE log SET "+c.column+" = "+c.value)
			want := base
			c.want(&want)
			got := readFull(t, open(t, sqlite.Config{Path: path, Config: allColumns()}))
			if diff := cmp.Diff([]full{want}, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

// TestConstants reads a view whose values are constants of the statement, with
// a callback that writes to its events.
func TestConstants(t *testing.T) {
	path, _ := create(t, `CREATE TABLE n (id INTEGER PRIMARY KEY)`, `INSERT INTO n VALUES (1), (2)`,
		`CREATE VIEW log AS SELECT id, x'6162' AS stream, 1 AS seq, 'K' AS kind, CAST('{"a":1}' AS BLOB) AS body FROM n`)
	s := open(t, sqlite.Config{Path: path, Config: ownColumns("log")})
	for range 2 {
		err := s.Read(t.Context(), all, func(e *source.Event) error {
			if string(e.Stream) != "6162" || string(e.Data) != `{"a":1}` {
				t.Errorf("event %s: got stream %q and data %q", e.Position, e.Stream, e.Data)
			}
			clear(e.Stream)
			clear(e.Data)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestUTF16 reads a database that keeps its text in another encoding.
func TestUTF16(t *testing.T) {
	path, _ := create(t, "PRAGMA encoding = 'UTF-16le'", libraryTable,
		`INSERT INTO stored_events VALUES ('d23f0824128b4f338c5c7fd0a6a3a450', 1, 'café:Gegründet', CAST('{}' AS BLOB))`)
	got := readFull(t, open(t, sqlite.Config{Path: path, Config: layout.Config{State: layout.State{}}}))
	if len(got) != 1 || got[0].Type != "Gegründet" || got[0].Stream != "d23f0824-128b-4f33-8c5c-7fd0a6a3a450" {
		t.Errorf("got %+v", got)
	}
}

// TestSharedPositions reads pages whose ends fall between events of one
// position.
func TestSharedPositions(t *testing.T) {
	path, db := create(t, "CREATE TABLE log (at INT, stream TEXT, seq INT, kind TEXT, body TEXT)", "CREATE INDEX log_at ON log (at)")
	const events, shared = 30_000, 7
	exec(t, db, "INSERT INTO log SELECT 1 + value / 7, 's', value, 'K', '{}' FROM "+series+" ORDER BY value % 1000", events)
	config := ownColumns("log")
	config.Columns.Position = "at"
	s := open(t, sqlite.Config{Path: path, Config: config})
	next := int64(1)
	var after source.Position
	for next <= events {
		w, n, err := s.Plan(t.Context(), after, all.Through, 11_000)
		if err != nil || w.Empty() {
			t.Fatalf("got %s after %s (%v)", w, after, err)
		}
		read := int64(0)
		err = s.Read(t.Context(), w, func(e *source.Event) error {
			if e.StreamVersion != next || e.Position.Seq != 1+next/shared {
				return fmt.Errorf("got version %d at %s, want version %d", e.StreamVersion, e.Position, next)
			}
			next, read = next+1, read+1
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if read < n/2 || read > n*2 {
			t.Errorf("window %s holds %d events, but the plan said %d", w, read, n)
		}
		after = w.Through
	}
	if next != events+1 {
		t.Errorf("got %d events, want %d", next-1, events)
	}
}

// TestShadowedRowID reads a table with a column that took the rowid's name.
func TestShadowedRowID(t *testing.T) {
	path, _ := create(t, `CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER, topic TEXT, state BLOB, rowid TEXT)`,
		`INSERT INTO stored_events VALUES ('s', 1, 'm:T', '{}', 'mine')`)
	if got := readFull(t, open(t, sqlite.Config{Path: path})); len(got) != 1 || got[0].Position != 1 {
		t.Errorf("got %+v, want one event at position 1", got)
	}
}

func TestQuotedNames(t *testing.T) {
	path, _ := create(t, `CREATE TABLE "my ""log"" 'x'" ("the id" INTEGER PRIMARY KEY, "a""b" TEXT, kind TEXT, body TEXT)`,
		`INSERT INTO "my ""log"" 'x'" VALUES (1, 's', 'K', '{}')`)
	c := layout.Config{Table: `my "log" 'x'`, Columns: layout.Columns{Position: "the id", Stream: `a"b`, Type: "kind", Data: "body"}}
	if got := readFull(t, open(t, sqlite.Config{Path: path, Config: c})); len(got) != 1 || got[0].Stream != "s" {
		t.Errorf("got %+v, want one event of stream s", got)
	}
}
