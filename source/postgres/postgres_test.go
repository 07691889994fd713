package postgres_test

import (
	"context"
	"math"
	"os"
	"testing"

	"backstory/source"
	"backstory/source/layout"
	"backstory/source/postgres"
	"backstory/source/postgres/pgtest"
	"backstory/source/sqlite"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

const shop = "../../testdata/stores/shop/"

var all = source.Window{Through: source.Position{Seq: math.MaxInt64}}

// open opens the store at a URL.
func open(tb testing.TB, url string, change ...func(*postgres.Config)) *postgres.Source {
	tb.Helper()
	c := postgres.Config{URL: layout.Secret(url)}
	for _, f := range change {
		f(&c)
	}
	if ps := c.Validate(); len(ps) > 0 {
		tb.Fatalf("config: %v", ps)
	}
	s, err := postgres.Open(tb.Context(), c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// session is a connection of another client of the database.
func session(tb testing.TB, url string) *pgx.Conn {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context()) // which ends before what is cleaned up
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close(ctx) })
	return c
}

func exec(tb testing.TB, c *pgx.Conn, sql string, args ...any) {
	tb.Helper()
	if _, err := c.Exec(context.WithoutCancel(tb.Context()), sql, args...); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
}

// kept is a copy of an event.
type kept struct {
	Position, Version            int64
	ID, Stream, Type, Data, Meta string
}

func keep(e *source.Event) kept {
	return kept{e.Position.Seq, e.StreamVersion, string(e.ID), string(e.Stream), e.Type, string(e.Data), string(e.Meta)}
}

func read(tb testing.TB, s source.Source, w source.Window) []kept {
	tb.Helper()
	var events []kept
	err := s.Read(tb.Context(), w, func(e *source.Event) error {
		if e.Err != nil {
			tb.Fatal(e.Err)
		}
		events = append(events, keep(e))
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return events
}

func TestSameEventsAsSQLite(t *testing.T) {
	url := pgtest.Database(t)
	pgtest.Restore(t, url, shop+"shop.postgres.sql.gz")
	lite, err := sqlite.Open(t.Context(), sqlite.Config{Path: shop + "shop.sqlite"})
	if err != nil {
		t.Fatal(err)
	}
	defer lite.Close()
	want, got := read(t, lite, all), read(t, open(t, url), all)
	if len(got) != 20_000 {
		t.Errorf("got %d events, want 20000", len(got))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events differ (-sqlite +postgres):\n%s", diff)
	}
}
