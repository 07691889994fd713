package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"backstory/schedules"
	"backstory/schedules/ledgertest"
	"backstory/schedules/postgres"
	"backstory/schedules/sqlite"
	"backstory/source"
	"backstory/source/postgres/pgtest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// connect gives a connection to play tricks with.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.WithoutCancel(t.Context())) })
	return c
}

func do(t *testing.T, url, statements string) {
	t.Helper()
	if _, err := connect(t, url).Exec(t.Context(), statements, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
}

func row(t *testing.T, url, statement string, to ...any) {
	t.Helper()
	if err := connect(t, url).QueryRow(t.Context(), statement).Scan(to...); err != nil {
		t.Fatal(err)
	}
}

// as gives the URL of another user.
func as(url, user string) string { return strings.Replace(url, "postgres@", user+"@", 1) }

// What cannot be a ledger, or not be used as one, is refused with a hint, and
// without the password.
func TestUnusable(t *testing.T) {
	setup, disagree := new(*source.SetupError), new(*schedules.DisagreeError)
	tests := map[string]struct {
		spoil string
		url   func(url string) string
		want  any
		hint  string
	}{
		"no database":       {"", func(url string) string { return strings.Replace(url, "/test_", "/not_", 1) }, setup, "name of the database"},
		"no server":         {"", func(string) string { return "postgres://me:hunter2@127.0.0.1:1/x" }, setup, "check that the server runs"},
		"no url":            {"", func(string) string { return "postgres://me:hunter2@host:port/x" }, setup, "postgres://USER:PASSWORD@HOST"},
		"wrong password":    {`DROP ROLE IF EXISTS locked; CREATE ROLE locked LOGIN PASSWORD 'right'; GRANT needs_password TO locked`, func(url string) string { return as(url, "locked:hunter2") }, setup, "the password in state:"},
		"no rights":         {`DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN`, func(url string) string { return as(url, "poor") }, setup, "CREATE SCHEMA"},
		"no rights on it":   {`DROP ROLE IF EXISTS poor2; CREATE ROLE poor2 LOGIN; CREATE SCHEMA backstory`, func(url string) string { return as(url, "poor2") }, setup, "CREATE SCHEMA"},
		"read only":         {`DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_read_only = on'; END $$`, nil, setup, "replica"},
		"something else":    {`CREATE SCHEMA backstory; CREATE TABLE backstory.job (x int)`, nil, setup, "schema backstory holds something else"},
		"newer":             {`CREATE SCHEMA backstory; CREATE TABLE backstory.ledger (format int); INSERT INTO backstory.ledger VALUES (99)`, nil, setup, "newest Backstory"},
		"of no time":        {`CREATE SCHEMA backstory; CREATE TABLE backstory.ledger (format int); INSERT INTO backstory.ledger VALUES (1)`, nil, disagree, "drop the schema"},
		"no tables of ours": {`CREATE SCHEMA backstory; CREATE TABLE backstory.ledger (x int)`, nil, disagree, "drop the schema"},
		"half of it":        {`CREATE SCHEMA backstory; CREATE TABLE backstory.ledger (format int); INSERT INTO backstory.ledger VALUES (3)`, nil, disagree, "drop the schema"},
	}
	server := pgtest.Start(t)
	do(t, server.URL, `CREATE ROLE needs_password`)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			url := server.Database(t)
			do(t, url, test.spoil)
			if test.url != nil {
				url = test.url(url)
			}
			l, err := postgres.Open(t.Context(), postgres.Config{URL: url})
			if err == nil {
				_, err = l.State(t.Context(), "shop")
				l.Close()
			}
			if !errors.As(err, test.want) {
				t.Fatalf("got %v, want a %T", err, test.want)
			}
			var hint interface{ Hint() string }
			if !errors.As(err, &hint) || !strings.Contains(hint.Hint(), test.hint) {
				t.Errorf("got hint %q to %v, want %q in it", hint.Hint(), err, test.hint)
			}
			if strings.Contains(err.Error()+hint.Hint(), "hunter2") {
				t.Errorf("got %v (%s), which tells the password", err, hint.Hint())
			}
		})
	}
}

// A user who may make a schema, or who has one, needs no more.
func TestRights(t *testing.T) {
	server := pgtest.Start(t)
	do(t, server.URL, `CREATE ROLE modest LOGIN`)
	for name, grant := range map[string]string{
		"may make a schema": `DO $$ BEGIN EXECUTE 'GRANT CREATE ON DATABASE ' || current_database() || ' TO modest'; END $$`,
		"has a schema":      `CREATE SCHEMA backstory AUTHORIZATION modest`,
	} {
		t.Run(name, func(t *testing.T) {
			url := server.Database(t)
			do(t, url, grant)
			l := open(t, postgres.Config{URL: as(url, "modest")})
			ledgertest.Fill(t, l)
		})
	}
}

// A ledger that is not there is none to look at, and is not made.
func TestOpenExisting(t *testing.T) {
	url := pgtest.Database(t)
	l, err := postgres.OpenExisting(t.Context(), postgres.Config{URL: url})
	if l != nil || err != nil {
		t.Fatalf("open what is not there: got %v, %v", l, err)
	}
	var schemas int
	row(t, url, `SELECT count(*) FROM pg_namespace WHERE nspname = 'backstory'`, &schemas)
	if schemas != 0 {
		t.Error("looking has made a schema")
	}
	open(t, postgres.Config{URL: url})
	if l, err = postgres.OpenExisting(t.Context(), postgres.Config{URL: url}); l == nil || err != nil {
		t.Fatalf("open what is there: got %v, %v", l, err)
	}
	l.Close()
}

// Several may make the same new ledger at the same moment.
func TestMadeAtOnce(t *testing.T) {
	url := pgtest.Database(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			l, err := postgres.Open(t.Context(), postgres.Config{URL: url, Schema: "made at once"})
			if err != nil {
				t.Error(err)
				return
			}
			l.Close()
		})
	}
	wg.Wait()
}

// A ledger goes from a file to a server and back without a change.
func TestCarried(t *testing.T) {
	file := func() *sqlite.Ledger {
		l, err := sqlite.Open(t.Context(), t.TempDir()+"/ledger.db")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	first, server, last := file(), open(t, postgres.Config{URL: pgtest.Database(t)}), file()
	ledgertest.Fill(t, first)
	text := ledgertest.Export(t, first)
	for name, l := range map[string]schedules.Ledger{"server": server, "file": last} {
		if err := l.(schedules.Portable).Import(t.Context(), strings.NewReader(text)); err != nil {
			t.Fatalf("import into the %s: %v", name, err)
		}
		if diff := cmp.Diff(text, ledgertest.Export(t, l)); diff != "" {
			t.Errorf("exported from the %s (-want +got):\n%s", name, diff)
		}
	}
}
