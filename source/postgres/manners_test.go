package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"backstory/source"
	"backstory/source/postgres"
	"backstory/source/postgres/pgtest"
)

// activity is what the server tells of this program's sessions.
type activity struct {
	sessions    int
	waiting     int           // sessions without a statement or a transaction
	transaction time.Duration // the longest
}

// watch looks at the sessions in a database until stop is called, which gives
// the looks.
func watch(t *testing.T, url string) (stop func() []activity) {
	c := session(t, url)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var looks []activity
	var wait sync.WaitGroup
	wait.Go(func() {
		for ctx.Err() == nil {
			var a activity
			var micros int64
			err := c.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE state = 'idle' AND xact_start IS NULL),
				coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)) * 1e6, 0)::int8
				FROM pg_stat_activity WHERE application_name = 'backstory' AND datname = current_database()`).
				Scan(&a.sessions, &a.waiting, &micros)
			if err != nil {
				return
			}
			a.transaction = time.Duration(micros) * time.Microsecond
			looks = append(looks, a)
		}
	})
	return func() []activity {
		cancel()
		wait.Wait()
		if len(looks) == 0 {
			t.Fatal("nobody has looked at the sessions")
		}
		return looks
	}
}

// fill makes a store of many events.
func fill(t *testing.T, events int) (url string) {
	t.Helper()
	url = pgtest.Database(t)
	c := session(t, url)
	exec(t, c, log)
	exec(t, c, `INSERT INTO log (body) SELECT '{"text": "' || repeat('x', 100) || '"}' FROM generate_series(1, $1)`, events)
	return url
}

// TestConnectionLimit reads more windows at once than there may be
// connections.
func TestConnectionLimit(t *testing.T) {
	url := fill(t, 20_000)
	s := open(t, url, ownColumns, func(c *postgres.Config) { c.Limits.Connections = 2 })
	stop := watch(t, url)
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			n := 0
			if err := s.Read(t.Context(), all, func(*source.Event) error { n++; return nil }); err != nil || n != 20_000 {
				t.Errorf("got %d events and %v", n, err)
			}
			if _, err := s.Watermark(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	readers.Wait()
	most := 0
	for _, a := range stop() {
		most = max(most, a.sessions)
	}
	if most != 2 {
		t.Errorf("there were up to %d connections, want 2", most)
	}
}

// TestRateLimit reads slowly, and holds no transaction meanwhile.
func TestRateLimit(t *testing.T) {
	const events, rate = 3000, 4000
	url := fill(t, events)
	s := open(t, url, ownColumns, func(c *postgres.Config) { c.Limits.RowsPerSecond = rate })
	stop := watch(t, url)
	started := time.Now()
	if got := len(positions(t, s, all)); got != events {
		t.Errorf("got %d events, want %d", got, events)
	}
	// The last page is paid for by who reads next, the first may be on credit.
	if took := time.Since(started); took < (events-2*rate/4)*time.Second/rate {
		t.Errorf("%d events took %v at %d a second", events, took, rate)
	}
	var waiting int
	var longest time.Duration
	looks := stop()
	for _, a := range looks {
		waiting += a.waiting
		longest = max(longest, a.transaction)
	}
	if waiting == 0 || longest > 500*time.Millisecond {
		t.Errorf("of %d looks %d saw a session that waits outside of a transaction; the longest transaction took %v", len(looks), waiting, longest)
	}
}

// TestSlowReader deals with events so slowly that a statement of a whole page
// would be ended by its timeout.
func TestSlowReader(t *testing.T) {
	url := fill(t, 4000)
	// Rows must not fit the buffers between the server and the reader.
	exec(t, session(t, url), `UPDATE log SET body = '{"text": "' || repeat('x', 4000) || '"}'`)
	s := open(t, url, ownColumns, func(c *postgres.Config) { c.StatementTimeout = 2 * time.Second })
	stop := watch(t, url)
	n := 0
	err := s.Read(t.Context(), all, func(*source.Event) error {
		if n++; n%100 == 0 {
			time.Sleep(100 * time.Millisecond)
		}
		return nil
	})
	if err != nil || n != 4000 {
		t.Errorf("got %d events and %v", n, err)
	}
	var longest time.Duration
	for _, a := range stop() {
		longest = max(longest, a.transaction)
	}
	t.Logf("the longest statement took %v", longest)
	if longest > 1900*time.Millisecond {
		t.Errorf("the longest statement took %v of 2 s", longest)
	}
}

// TestNothingLeft closes a source, and one whose reads were cut off.
func TestNothingLeft(t *testing.T) {
	url := fill(t, 20_000)
	for range 3 {
		s := open(t, url, ownColumns)
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Read(ctx, all, func(*source.Event) error { cancel(); return nil })
		if err == nil {
			t.Error("a read that was cut off has no error")
		}
		if _, err := s.Watermark(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	c := session(t, url)
	for started := time.Now(); ; {
		var left int
		if err := c.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'backstory' AND datname = current_database()").Scan(&left); err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			break
		}
		if time.Since(started) > 10*time.Second {
			t.Fatalf("%d connections are left", left)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
