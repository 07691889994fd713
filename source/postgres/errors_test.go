package postgres_test

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"backstory/source"
	"backstory/source/layout"
	"backstory/source/postgres"
	"backstory/source/postgres/pgtest"
)

// wantSetup sees that err is a setup error with these words in its text and
// hint.
func wantSetup(t *testing.T, err error, text, hint string) {
	t.Helper()
	var setup *source.SetupError
	if !errors.As(err, &setup) {
		t.Fatalf("got %v, want a setup error", err)
	}
	if !strings.Contains(err.Error(), text) || !strings.Contains(setup.Hint(), hint) {
		t.Errorf("got %q with hint %q, want %q and %q in them", err, setup.Hint(), text, hint)
	}
}

// role makes a user of that name on the server and gives the URL for it.
func role(t *testing.T, base, name, options string) string {
	t.Helper()
	c := session(t, base)
	name = fmt.Sprintf("%s_%d", name, os.Getpid())
	exec(t, c, "CREATE ROLE "+name+" LOGIN "+options)
	t.Cleanup(func() { exec(t, session(t, base), "DROP ROLE "+name) })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, "s3cr3t")
	return u.String()
}

func TestCannotConnect(t *testing.T) {
	base := pgtest.Database(t)
	c := session(t, base)
	exec(t, c, "CREATE ROLE needs_password")
	defer exec(t, c, "DROP ROLE needs_password")
	wrong := role(t, base, "wrong", "PASSWORD 'other' IN ROLE needs_password")
	socket, _ := url.Parse(base)
	host := socket.Query().Get("host")
	for name, c := range map[string]struct {
		url, text, hint string
		transient       bool
	}{
		"wrong password":    {wrong, "password authentication failed", "check user wrong", false},
		"no such database":  {"postgres://postgres:s3cr3t@/nowhere?host=" + host, "nowhere", "name of the database", false},
		"nobody listens":    {"postgres://u:s3cr3t@/db?host=/tmp/no-such-folder", "connect to /tmp/no-such-folder as u", "check that the server runs", true},
		"unusable url":      {"postgres://u:s3cr3t%zz@h/db", "neither a PostgreSQL URL", "percent-encoded", false},
		"unusable sslmode":  {"postgres://u:s3cr3t@h/db?sslmode=perhaps", "neither a PostgreSQL URL", "postgres://USER", false},
		"not a url at all":  {"s3cr3t", "neither a PostgreSQL URL", "postgres://USER", false},
		"refused over tcp":  {"postgres://u:s3cr3t@127.0.0.1:1/db", "connect to 127.0.0.1:1 as u", "host and port", true},
		"no server of ours": {"postgres://u:s3cr3t@no-such-host.invalid/db", "connect to no-such-host.invalid:5432", "host", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgres.Open(t.Context(), postgres.Config{URL: layout.Secret(c.url)})
			wantSetup(t, err, c.text, c.hint)
			// Whether a name server is reached is not ours to say.
			if got := source.IsTransient(err); got != c.transient && name != "no server of ours" {
				t.Errorf("got transient %v for %v", got, err)
			}
			if all := fmt.Sprintf("%v %+v %q", err, err, err); strings.Contains(all, "s3cr3t") {
				t.Errorf("the password stands in %q", all)
			}
		})
	}
}

func TestCannotUseTable(t *testing.T) {
	base := pgtest.Database(t)
	c := session(t, base)
	exec(t, c, `CREATE TABLE "Log" (id bigint PRIMARY KEY, stream text, seq int, kind text, body text, at date, n numeric, u uuid);
		CREATE MATERIALIZED VIEW mat AS SELECT * FROM "Log";
		CREATE TABLE low (id bigint PRIMARY KEY, stream text, seq int, kind text, body text); INSERT INTO low (id) VALUES (0);
		CREATE TABLE unplaced (id bigint, stream text, seq int, kind text, body text); INSERT INTO unplaced (id) VALUES (1), (NULL);
		CREATE TABLE raw (id bigint PRIMARY KEY, stream text, seq int, kind text, body bytea);
		INSERT INTO raw VALUES (1, 's', 1, 'K', '\x789cab56cacb2f4955b252cac854aa05001ec00442');
		CREATE SCHEMA other; CREATE TABLE other.twin (id int); CREATE SCHEMA more; CREATE TABLE more.twin (id int);`)
	table := func(name string) func(*postgres.Config) {
		return func(c *postgres.Config) { ownColumns(c); c.Table = name }
	}
	for name, c := range map[string]struct {
		change     func(*postgres.Config)
		text, hint string
	}{
		"no such table":        {table("log"), "no such table", "check table:"},
		"materialized view":    {table("mat"), "no such table", "check table:"},
		"no candidate":         {func(*postgres.Config) {}, "no table has the columns of layout eventsourcing (there are: ", "layout: columns"},
		"not of the layout":    {func(c *postgres.Config) { c.Table = "Log" }, "missing originator_id, originator_version, topic, state, notification_id", "layout: columns"},
		"no such schema":       {func(c *postgres.Config) { c.Schema = "nowhere" }, "there are: none", ""},
		"in several schemas":   {table("twin"), "several schemas: more.twin, other.twin", "schema:"},
		"no such column":       {func(c *postgres.Config) { table("Log")(c); c.Columns.Type = "Kind" }, "no column Kind (for type)", "the columns id, stream"},
		"position not integer": {func(c *postgres.Config) { table("Log")(c); c.Columns.Position = "n" }, "of type numeric, but position wants integer", "view"},
		"time is a date":       {func(c *postgres.Config) { table("Log")(c); c.Columns.Time = "at" }, "of type date, but time wants timestamp", "view"},
		"type is a uuid":       {func(c *postgres.Config) { table("Log")(c); c.Columns.Type = "u" }, "of type uuid, but type wants text", "view"},
		"positions below one":  {table("low"), "an event at id 0", "begins at 1"},
		"events unplaced":      {table("unplaced"), "events whose id is null", "never null"},
		"data compressed":      {table("raw"), "the data of event 1 is not a JSON object", "state: {compress: zlib}"},
		"data is not encrypted": {func(c *postgres.Config) {
			table("raw")(c)
			c.State = layout.State{Cipher: layout.AESGCM, Key: "AAECAwQFBgcICQoLDA0ODw=="}
		}, "too few for a nonce", "CIPHER_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			config := postgres.Config{URL: layout.Secret(base)}
			c.change(&config)
			_, err := postgres.Open(t.Context(), config)
			wantSetup(t, err, c.text, c.hint)
			if source.IsTransient(err) {
				t.Errorf("%v is marked as transient", err)
			}
		})
	}
}

func TestNoPermission(t *testing.T) {
	base := pgtest.Database(t)
	exec(t, session(t, base), log)
	guest := role(t, base, "guest", "")
	config := postgres.Config{URL: layout.Secret(guest)}
	ownColumns(&config)
	_, err := postgres.Open(t.Context(), config)
	wantSetup(t, err, "permission denied for table log", `GRANT SELECT ON "public"."log" TO "guest_`)
}

// TestUnprivileged fences with a role that may do nothing but read the table.
func TestUnprivileged(t *testing.T) {
	base := pgtest.Database(t)
	one, two := session(t, base+"&application_name=slow"), session(t, base)
	exec(t, two, log)
	guest := role(t, base, "reader", "")
	u, _ := url.Parse(guest)
	exec(t, two, "GRANT SELECT ON log TO "+u.User.Username())
	t.Cleanup(func() { exec(t, session(t, base), "DROP OWNED BY "+u.User.Username()) })
	for _, mode := range []string{postgres.Locks, postgres.Strict} {
		s := open(t, guest, impatient, func(c *postgres.Config) { c.Fence.Mode = mode })
		safe := watermark(t, s).Safe.Seq
		tx := begin(t, one)
		add(t, tx)
		head := add(t, two)
		w := wantSafe(t, s, safe, head)
		if len(w.Holders) != 1 || w.Holders[0].PID != int(one.PgConn().PID()) || w.Holders[0].User != "postgres" {
			t.Errorf("%s: got holders %+v, want the other session", mode, w.Holders)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantSafe(t, s, head, head)
	}
}

// TestReadOnly sees that a session cannot write, whatever it is led to do.
func TestReadOnly(t *testing.T) {
	base := pgtest.Database(t)
	exec(t, session(t, base), `CREATE TABLE written (n int);
		CREATE FUNCTION meddle() RETURNS bigint LANGUAGE sql VOLATILE AS 'INSERT INTO written VALUES (1) RETURNING 1::bigint';
		CREATE VIEW log AS SELECT meddle() AS id, 's' AS stream, 1 AS seq, 'K' AS kind, '{}' AS body`)
	config := postgres.Config{URL: layout.Secret(base)}
	ownColumns(&config)
	if _, err := postgres.Open(t.Context(), config); err == nil || !strings.Contains(err.Error(), "read-only transaction") {
		t.Errorf("got %v, want the server to refuse a write", err)
	}
}

func TestLostConnection(t *testing.T) {
	base := pgtest.Database(t)
	c := session(t, base)
	exec(t, c, log+`INSERT INTO log (body) SELECT '{"text": "' || repeat('x', 2000) || '"}' FROM generate_series(1, 5000)`)
	s := open(t, base, ownColumns)
	n := 0
	err := s.Read(t.Context(), all, func(*source.Event) error {
		if n++; n == 1 {
			exec(t, c, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'backstory' AND datname = current_database()")
		}
		return nil
	})
	if !source.IsTransient(err) {
		t.Errorf("got %v after %d events, want a transient error", err, n)
	}
	// A new connection takes its place.
	if got := len(positions(t, s, all)); got != 5000 {
		t.Errorf("got %d events afterwards, want 5000", got)
	}
}

func TestServerRestarts(t *testing.T) {
	server := pgtest.Start(t)
	exec(t, session(t, server.URL), log)
	s := open(t, server.URL, ownColumns)
	server.Stop(t)
	for range 2 {
		if _, err := s.Watermark(t.Context()); !source.IsTransient(err) {
			t.Errorf("got %v from a server that is down, want a transient error", err)
		}
	}
	server.Restart(t)
	add(t, session(t, server.URL))
	wantSafe(t, s, 1, 1)
}

func TestStatementTimeout(t *testing.T) {
	base := pgtest.Database(t)
	exec(t, session(t, base), log+`INSERT INTO log DEFAULT VALUES; ALTER TABLE log RENAME TO base;
		CREATE VIEW log AS SELECT id, stream, seq, kind, body FROM base WHERE pg_sleep(20) IS NOT NULL`)
	config := postgres.Config{URL: layout.Secret(base), StatementTimeout: 50 * time.Millisecond}
	ownColumns(&config)
	if _, err := postgres.Open(t.Context(), config); !source.IsTransient(err) {
		t.Errorf("got %v, want a transient error", err)
	}
}
