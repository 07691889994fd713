package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"backstory/source"
	"backstory/source/layout"
	"backstory/source/postgres"
	"backstory/source/postgres/pgtest"

	"github.com/google/go-cmp/cmp"
)

// TestTypes reads every type that a column may have.
func TestTypes(t *testing.T) {
	url := pgtest.Database(t)
	c := session(t, url)
	exec(t, c, `SET timezone = 'Asia/Tokyo'; CREATE TYPE kind AS ENUM ('Opened', 'Closed'); CREATE DOMAIN version AS smallint;`)
	columns := layout.Columns{Position: "id", Stream: "stream", StreamVersion: "seq", Type: "kind", SchemaVersion: "v",
		Time: "at", Data: "body", Meta: "headers", ID: "uid"}
	type event struct {
		ID, Stream, Type string
		StreamVersion    int64
		SchemaVersion    int
		Time             time.Time
		Data, Meta       string
		Problem          string
	}
	const uuid = "d23f0824-128b-4f33-8c5c-7fd0a6a3a450"
	instant := time.Date(2024, 1, 2, 3, 4, 5, 678901000, time.UTC)
	for name, c := range map[string]struct {
		types, values string
		want          event
	}{
		"as most have them": {"id bigserial, stream uuid, seq bigint, kind text, v int, at timestamptz, body jsonb, headers jsonb, uid uuid",
			`1, '` + uuid + `', 7, 'K', 2, '2024-01-02 12:04:05.678901+09', '{"a": 1.10}', '{"b":null}', '` + uuid + `'`,
			event{uuid, uuid, "K", 7, 2, instant, `{"a": 1.10}`, `{"b": null}`, ""}},
		"others": {"id smallint, stream varchar(9), seq smallint, kind kind, v version, at timestamp, body json, headers text, uid bigint",
			`1, 'ströme', -7, 'Closed', 2, '2024-01-02 03:04:05.678901', '{"a":  1}', '{}', -5`,
			event{"-5", "ströme", "Closed", -7, 2, instant, `{"a":  1}`, `{}`, ""}},
		"and others": {"id int, stream bigint, seq int, kind char(8), v text, at timestamptz, body bytea, headers bytea, uid text",
			`1, 42, 7, 'K', '3', '1883-01-02 03:04:05.678901Z', '{"ü":1}'::text::bytea, '{}'::text::bytea, 'x'`,
			event{"x", "42", "K       ", 7, 3, instant.AddDate(-141, 0, 0), `{"ü":1}`, `{}`, ""}},
		"ids of bytes": {"id int, stream bytea, seq int, kind name, v int, at timestamp, body text, headers json, uid bytea",
			`1, decode('d23f0824128b4f338c5c7fd0a6a3a450', 'hex'), 7, 'K', 1, '2024-01-02 03:04:05.678901', '{}', '{}', '\xab01'`,
			event{"ab01", uuid, "K", 7, 1, instant, `{}`, `{}`, ""}},
		"nulls": {"id int, stream text, seq int, kind text, v int, at timestamp, body text, headers json, uid uuid",
			`1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`, event{SchemaVersion: 1}},
		"infinite": {"id int, stream text, seq int, kind text, v int, at timestamptz, body text, headers json, uid uuid",
			`1, 's', 1, 'K', 1, 'infinity', '{}', NULL, NULL`,
			event{"", "s", "K", 1, 1, time.Time{}, "{}", "", "column at: an infinite time"}},
		"no version": {"id int, stream text, seq int, kind text, v varchar, at timestamptz, body text, headers json, uid uuid",
			`1, 's', 1, 'K', 'two', NULL, '{}', NULL, NULL`,
			event{"", "s", "K", 1, 0, time.Time{}, "{}", "", `column v: "two" is no schema version`}},
	} {
		t.Run(name, func(t *testing.T) {
			sess := session(t, url)
			exec(t, sess, "CREATE TABLE log ("+c.types+"); INSERT INTO log VALUES ("+c.values+")")
			defer exec(t, sess, "DROP TABLE log")
			s := open(t, url, func(c *postgres.Config) { c.Config = layout.Config{Table: "log", Columns: columns} })
			var got []event
			err := s.Read(t.Context(), all, func(e *source.Event) error {
				g := event{string(e.ID), string(e.Stream), e.Type, e.StreamVersion, e.SchemaVersion, e.Time, string(e.Data), string(e.Meta), ""}
				if e.Err != nil {
					g.Problem = e.Err.Err.Error()
				}
				got = append(got, g)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]event{c.want}, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPages reads more than a page, with and without shared positions.
func TestPages(t *testing.T) {
	const events = 50_000
	for name, c := range map[string]struct{ table, position string }{
		"unique": {"CREATE TABLE log (id int PRIMARY KEY, stream text, seq int, kind text, body text)", "value"},
		"shared": {"CREATE TABLE log (id int, stream text, seq int, kind text, body text); CREATE INDEX ON log (id)", "1 + value / 7"},
	} {
		t.Run(name, func(t *testing.T) {
			url := pgtest.Database(t)
			exec(t, session(t, url), c.table+`; INSERT INTO log SELECT `+c.position+`, 's', value, 'K', '{}'
				FROM generate_series(1, 50000) AS value ORDER BY value % 1000`)
			s := open(t, url, ownColumns)
			next := int64(1)
			err := s.Read(t.Context(), all, func(e *source.Event) error {
				if e.StreamVersion != next {
					return fmt.Errorf("got version %d at %s, want %d", e.StreamVersion, e.Position, next)
				}
				next++
				return nil
			})
			if err != nil || next != events+1 {
				t.Errorf("got %d events (%v), want %d", next-1, err, events)
			}
		})
	}
}

func TestSchema(t *testing.T) {
	url := pgtest.Database(t)
	exec(t, session(t, url), `CREATE SCHEMA a; CREATE SCHEMA "B b"; SET search_path = "B b";`+log+
		`INSERT INTO log (kind) VALUES ('in B'); SET search_path = a;`+log+`INSERT INTO log (kind) VALUES ('in a');`)
	for schema, want := range map[string]string{"a": "in a", "B b": "in B"} {
		s := open(t, url, ownColumns, func(c *postgres.Config) { c.Schema = schema })
		if got := read(t, s, all); len(got) != 1 || got[0].Type != want {
			t.Errorf("schema %s: got %+v, want type %s", schema, got, want)
		}
	}
	// The search path decides where nothing is said.
	s := open(t, url+"&search_path=a", ownColumns)
	if got := read(t, s, all); len(got) != 1 || got[0].Type != "in a" {
		t.Errorf("search path: got %+v", got)
	}
}

// TestSimpleProtocol reads through what a URL for a connection pooler asks for.
func TestSimpleProtocol(t *testing.T) {
	url := pgtest.Database(t)
	exec(t, session(t, url), log+"INSERT INTO log DEFAULT VALUES")
	for _, mode := range []string{"simple_protocol", "exec", "describe_exec", "cache_describe"} {
		s := open(t, url+"&default_query_exec_mode="+mode, ownColumns)
		wantSafe(t, s, 1, 1)
		if got := read(t, s, all); len(got) != 1 || got[0].Stream != "s" {
			t.Errorf("%s: got %+v", mode, got)
		}
	}
}
