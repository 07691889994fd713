package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"backstory/source"
	"backstory/source/postgres"
	"backstory/source/postgres/pgtest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// log is a table whose positions are drawn by its column's default.
const log = `CREATE TABLE log (id bigserial PRIMARY KEY, stream text DEFAULT 's', seq int DEFAULT 1,
	kind text DEFAULT 'K', body text DEFAULT '{}');`

// impatient makes Watermark give up soon.
func impatient(c *postgres.Config) {
	ownColumns(c)
	c.Fence.Wait = 50 * time.Millisecond
}

// patient makes Watermark wait for longer than a test takes.
func patient(c *postgres.Config) {
	ownColumns(c)
	c.Fence.Wait = time.Minute
}

func begin(tb testing.TB, c *pgx.Conn) pgx.Tx {
	tb.Helper()
	tx, err := c.Begin(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return tx
}

func add(tb testing.TB, in interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}) (position int64) {
	tb.Helper()
	err := in.QueryRow(tb.Context(), "INSERT INTO log DEFAULT VALUES RETURNING id").Scan(&position)
	if err != nil {
		tb.Fatal(err)
	}
	return position
}

func watermark(tb testing.TB, s source.Source) source.Watermark {
	tb.Helper()
	w, err := s.Watermark(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

func wantSafe(tb testing.TB, s source.Source, safe, head int64) source.Watermark {
	tb.Helper()
	w := watermark(tb, s)
	if w.Safe.Seq != safe || w.Head.Seq != head {
		tb.Errorf("got safe %s and head %s, want %d and %d", w.Safe, w.Head, safe, head)
	}
	if (len(w.Holders) == 0) != (safe == head) {
		tb.Errorf("got holders %+v with safe %s and head %s", w.Holders, w.Safe, w.Head)
	}
	return w
}

func positions(tb testing.TB, s source.Source, w source.Window) []int64 {
	tb.Helper()
	var ps []int64
	for _, e := range read(tb, s, w) {
		ps = append(ps, e.Position)
	}
	return ps
}

// TestOutOfOrder is the reason for the fence: position 3 is visible while 2
// is not.
func TestOutOfOrder(t *testing.T) {
	for name, end := range map[string]struct {
		finish func(pgx.Tx) error
		want   []int64
	}{
		"committed":   {func(tx pgx.Tx) error { return tx.Commit(t.Context()) }, []int64{1, 2, 3}},
		"rolled back": {func(tx pgx.Tx) error { return tx.Rollback(t.Context()) }, []int64{1, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			url := pgtest.Database(t)
			one, two := session(t, url+"&application_name=slow"), session(t, url)
			exec(t, two, log)
			add(t, two)
			s := open(t, url, impatient)
			wantSafe(t, s, 1, 1)

			tx := begin(t, one)
			add(t, tx)
			add(t, two)
			if got := positions(t, s, all); !cmp.Equal(got, []int64{1, 3}) {
				t.Fatalf("got positions %v while 2 is pending, want 1 and 3", got)
			}
			w := wantSafe(t, s, 1, 3)
			h := w.Holders[0]
			if len(w.Holders) != 1 || h.PID != int(one.PgConn().PID()) || h.Application != "slow" ||
				h.User != "postgres" || h.State != "idle in transaction" || time.Since(h.Since) > time.Minute {
				t.Errorf("got holders %+v, want the session called slow", w.Holders)
			}

			if err := end.finish(tx); err != nil {
				t.Fatal(err)
			}
			w = wantSafe(t, s, 3, 3)
			if got := positions(t, s, source.Window{Through: w.Safe}); !cmp.Equal(got, end.want) {
				t.Errorf("got positions %v, want %v", got, end.want)
			}
		})
	}
}

// waiting runs Watermark until it waits at the fence, and gives its answer
// when it has one.
func waiting(t *testing.T, url string, s source.Source) func() source.Watermark {
	t.Helper()
	type answer struct {
		w   source.Watermark
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		w, err := s.Watermark(t.Context())
		answers <- answer{w, err}
	}()
	watcher := session(t, url)
	// The fence asks for locks again and again; the second time, it waits.
	seen := map[time.Time]bool{}
	for len(seen) < 2 {
		var at *time.Time
		err := watcher.QueryRow(t.Context(), `SELECT max(query_start) FROM pg_stat_activity
			WHERE application_name = 'backstory' AND query LIKE '%pg_locks%' AND datname = current_database()`).Scan(&at)
		if err != nil {
			t.Fatal(err)
		}
		if at != nil {
			seen[*at] = true
		}
		select {
		case a := <-answers:
			t.Fatalf("got watermark %+v (%v) at once, want it to wait", a.w, a.err)
		default:
		}
	}
	return func() source.Watermark {
		t.Helper()
		select {
		case a := <-answers:
			if a.err != nil {
				t.Fatal(a.err)
			}
			return a.w
		case <-time.After(20 * time.Second):
			t.Fatal("Watermark still waits")
			return source.Watermark{}
		}
	}
}

func TestLaterWritersAreNotWaitedFor(t *testing.T) {
	url := pgtest.Database(t)
	early, late, other := session(t, url), session(t, url), session(t, url)
	exec(t, other, log)
	s := open(t, url, patient)
	first := begin(t, early)
	add(t, first)
	add(t, other)
	answer := waiting(t, url, s)

	second := begin(t, late)
	add(t, second)
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := answer(); w.Safe.Seq != 2 || w.Head.Seq != 2 {
		t.Errorf("got %+v while a later writer is open, want 2", w)
	}
}

func TestPreparedTransaction(t *testing.T) {
	url := pgtest.Database(t)
	one, two := session(t, url), session(t, url)
	exec(t, two, log)
	s := open(t, url, impatient)
	exec(t, one, "BEGIN")
	add(t, one)
	exec(t, one, "PREPARE TRANSACTION 'two phases'")
	add(t, two)
	w := wantSafe(t, s, 0, 2)
	if len(w.Holders) != 1 || w.Holders[0].Prepared != "two phases" || w.Holders[0].PID != 0 ||
		w.Holders[0].User != "postgres" || w.Holders[0].Since.IsZero() {
		t.Errorf("got holders %+v, want the prepared transaction", w.Holders)
	}
	exec(t, two, "COMMIT PREPARED 'two phases'")
	wantSafe(t, s, 2, 2)
}

// TestPreparedMeanwhile prepares a transaction while Watermark waits for it:
// its locks go on under another name.
func TestPreparedMeanwhile(t *testing.T) {
	url := pgtest.Database(t)
	one, two := session(t, url), session(t, url)
	exec(t, two, log)
	s := open(t, url, func(c *postgres.Config) {
		ownColumns(c)
		c.Fence.Wait = time.Second
	})
	exec(t, one, "BEGIN")
	add(t, one)
	add(t, two)
	answer := waiting(t, url, s)
	exec(t, one, "PREPARE TRANSACTION 'meanwhile'")
	defer exec(t, two, "ROLLBACK PREPARED 'meanwhile'")
	w := answer()
	if !w.Safe.IsZero() || len(w.Holders) != 1 || w.Holders[0].Prepared != "meanwhile" {
		t.Errorf("got %+v, want nothing safe and the prepared transaction as holder", w)
	}
}

// TestHoldersElsewhere finds writers that lock a part of what is read.
func TestHoldersElsewhere(t *testing.T) {
	for name, c := range map[string]struct{ setup, insert string }{
		"partition": {`CREATE TABLE log (id bigint NOT NULL, stream text, seq int, kind text, body text) PARTITION BY RANGE (id);
			CREATE TABLE part PARTITION OF log FOR VALUES FROM (1) TO (100) PARTITION BY RANGE (id);
			CREATE TABLE leaf PARTITION OF part FOR VALUES FROM (1) TO (50)`, "INSERT INTO leaf VALUES "},
		"view": {`CREATE TABLE base (id bigint PRIMARY KEY, stream text, seq int, kind text, body text);
			CREATE VIEW inner_view AS SELECT * FROM base; CREATE VIEW log AS SELECT * FROM inner_view`,
			"INSERT INTO base VALUES "},
		"copy of rows": {`CREATE TABLE log (id bigint PRIMARY KEY, stream text, seq int, kind text, body text)`,
			"INSERT INTO log VALUES "},
	} {
		t.Run(name, func(t *testing.T) {
			url := pgtest.Database(t)
			one, two := session(t, url), session(t, url)
			exec(t, two, c.setup)
			s := open(t, url, impatient)
			tx := begin(t, one)
			if _, err := tx.Exec(t.Context(), c.insert+"(1, 's', 1, 'K', '{}')"); err != nil {
				t.Fatal(err)
			}
			exec(t, two, c.insert+"(2, 's', 2, 'K', '{}')")
			wantSafe(t, s, 0, 2)
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantSafe(t, s, 2, 2)
		})
	}
}

// TestReadersDoNotHold sees that neither readers nor vacuuming hold a
// watermark back, nor writers of other tables.
func TestReadersDoNotHold(t *testing.T) {
	url := pgtest.Database(t)
	one, two, three := session(t, url), session(t, url), session(t, url)
	exec(t, two, log+"CREATE TABLE other (n int)")
	add(t, two)
	s := open(t, url, impatient)
	for c, sql := range map[*pgx.Conn]string{one: "SELECT FROM log FOR UPDATE", three: "INSERT INTO other VALUES (1)"} {
		tx := begin(t, c)
		defer tx.Rollback(t.Context())
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	wantSafe(t, s, 1, 1)
}

// TestHolderOfAnotherUser names the session of another user to one who may not
// look into it, and leaves open since when it writes.
func TestHolderOfAnotherUser(t *testing.T) {
	url := pgtest.Database(t)
	one, two := session(t, url+"&application_name=slow"), session(t, url)
	exec(t, two, log+"GRANT SELECT ON log TO PUBLIC")
	tx := begin(t, one)
	add(t, tx)
	add(t, two)
	w := wantSafe(t, open(t, role(t, url, "guest", "PASSWORD 's3cr3t'"), impatient), 0, 2)
	want := []source.Holder{{PID: int(one.PgConn().PID()), Application: "slow", User: "postgres"}}
	if diff := cmp.Diff(want, w.Holders); diff != "" {
		t.Errorf("holders (-want +got):\n%s", diff)
	}
}

// TestStrictFence is about writers that draw a position before the INSERT,
// which only the strict fence sees.
func TestStrictFence(t *testing.T) {
	url := pgtest.Database(t)
	one, two := session(t, url), session(t, url)
	exec(t, two, log)
	byLocks := open(t, url, impatient)
	strict := open(t, url, impatient, func(c *postgres.Config) { c.Fence.Mode = postgres.Strict })

	tx := begin(t, one)
	if _, err := tx.Exec(t.Context(), "SELECT nextval('log_id_seq')"); err != nil {
		t.Fatal(err)
	}
	add(t, two)
	wantSafe(t, byLocks, 2, 2) // wrongly, as its documentation says
	w := wantSafe(t, strict, 0, 2)
	if len(w.Holders) != 1 || w.Holders[0].PID != int(one.PgConn().PID()) {
		t.Errorf("got holders %+v, want the session that drew a position", w.Holders)
	}
	if _, err := tx.Exec(t.Context(), "INSERT INTO log (id) VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	w = wantSafe(t, strict, 2, 2)
	if got := positions(t, strict, source.Window{Through: w.Safe}); !cmp.Equal(got, []int64{1, 2}) {
		t.Errorf("got positions %v, want 1 and 2", got)
	}
}

// TestTruncated sees that a store that was emptied and filled again is
// fenced again.
func TestTruncated(t *testing.T) {
	url := pgtest.Database(t)
	one, two := session(t, url), session(t, url)
	exec(t, two, log+"INSERT INTO log (id) SELECT generate_series(1, 10)")
	s := open(t, url, impatient)
	wantSafe(t, s, 10, 10)
	exec(t, two, "TRUNCATE log RESTART IDENTITY")
	wantSafe(t, s, 0, 0)
	tx := begin(t, one)
	defer tx.Rollback(t.Context())
	add(t, tx)
	add(t, two)
	wantSafe(t, s, 0, 2)
}

func TestWatermarkCanceled(t *testing.T) {
	url := pgtest.Database(t)
	one, two := session(t, url), session(t, url)
	exec(t, two, log)
	s := open(t, url, patient)
	tx := begin(t, one)
	defer tx.Rollback(t.Context())
	add(t, tx)
	add(t, two)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if w, err := s.Watermark(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %+v and %v, want %v", w, err, context.DeadlineExceeded)
	}
}

func TestStandby(t *testing.T) {
	server := pgtest.Start(t)
	c := session(t, server.URL)
	exec(t, c, log)
	add(t, c)
	server.Standby(t)
	s := open(t, server.URL, impatient)
	// A standby may be read, but it cannot say what is safe.
	if got := positions(t, s, all); !cmp.Equal(got, []int64{1}) {
		t.Errorf("got positions %v, want 1", got)
	}
	_, err := s.Watermark(t.Context())
	wantSetup(t, err, "standby", "primary")
}
