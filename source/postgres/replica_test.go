package postgres_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"backstory/source"
	"backstory/source/layout"
	"backstory/source/postgres"
	"backstory/source/postgres/pgtest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
)

// follower starts a server and one that follows it.
func follower(t *testing.T) (primary, replica *pgtest.Server) {
	t.Helper()
	primary = pgtest.Start(t)
	return primary, primary.Replica(t)
}

// reading makes a source read from a replica.
func reading(replica *pgtest.Server, wait time.Duration) func(*postgres.Config) {
	return func(c *postgres.Config) {
		ownColumns(c)
		c.Replica, c.Fence.Wait = layout.Secret(replica.URL), wait
	}
}

// TestReplicaBehind reads from a replica that has stopped replaying: what the
// primary says is safe must not be read before it is there.
func TestReplicaBehind(t *testing.T) {
	primary, replica := follower(t)
	writer, standby := session(t, primary.URL), session(t, replica.URL)
	exec(t, writer, log)
	add(t, writer)
	s := open(t, primary.URL, reading(replica, time.Second))
	wantSafe(t, s, 1, 1)
	if got := positions(t, s, all); !cmp.Equal(got, []int64{1}) {
		t.Fatalf("got positions %v from the replica, want 1", got)
	}

	exec(t, standby, "SELECT pg_wal_replay_pause()")
	add(t, writer)
	w := wantSafe(t, s, 2, 2)
	err := s.Read(t.Context(), source.Window{Through: w.Safe}, func(e *source.Event) error {
		t.Errorf("event %s was read from a replica that does not have all of them", e.Position)
		return nil
	})
	if !source.IsTransient(err) {
		t.Errorf("got %v, want a transient error", err)
	}
	wantSetup(t, err, "behind the primary", "caught up")
	if _, _, err := s.Plan(t.Context(), source.Position{}, w.Safe, 10); !source.IsTransient(err) {
		t.Errorf("got %v from Plan, want a transient error", err)
	}

	// A new process does not know of the watermark, but what was committed
	// before it began.
	config := postgres.Config{URL: layout.Secret(primary.URL)}
	reading(replica, 50*time.Millisecond)(&config)
	if _, err := postgres.Open(t.Context(), config); !source.IsTransient(err) {
		t.Errorf("got %v from Open, want a transient error", err)
	}

	exec(t, standby, "SELECT pg_wal_replay_resume()")
	if got := positions(t, s, all); !cmp.Equal(got, []int64{1, 2}) {
		t.Errorf("got positions %v when the replica has caught up, want 1 and 2", got)
	}
}

// TestReplicaTorture is TestTorture with a replica that stops and goes.
func TestReplicaTorture(t *testing.T) {
	primary, replica := follower(t)
	exec(t, session(t, primary.URL), log)
	s := open(t, primary.URL, reading(replica, time.Minute))
	stop, cancel := context.WithTimeout(t.Context(), tortureTime)
	defer cancel()
	var group errgroup.Group
	for i := range 6 {
		conn := session(t, primary.URL)
		group.Go(func() error {
			r := rand.New(rand.NewPCG(2, uint64(i)))
			for stop.Err() == nil {
				if err := write(t.Context(), conn, r); err != nil {
					return err
				}
			}
			return nil
		})
	}
	standby := session(t, replica.URL)
	pauses := 0
	group.Go(func() error {
		r := rand.New(rand.NewPCG(3, 0))
		for stop.Err() == nil {
			for _, sql := range []string{"SELECT pg_wal_replay_pause()", "SELECT pg_sleep($1)", "SELECT pg_wal_replay_resume()", "SELECT pg_sleep($1)"} {
				var args []any
				if sql == "SELECT pg_sleep($1)" {
					args = append(args, r.Float64()/10)
				}
				if _, err := standby.Exec(t.Context(), sql, args...); err != nil {
					return err
				}
			}
			pauses++
		}
		return nil
	})
	var seen []int64
	group.Go(func() (err error) {
		seen, err = follow(t.Context(), stop, s)
		return err
	})
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	var cursor source.Position
	if len(seen) > 0 {
		cursor.Seq = seen[len(seen)-1]
	}
	early := len(seen)
	seen = append(seen, positions(t, s, source.Window{After: cursor, Through: watermark(t, s).Safe})...)
	committed := positions(t, open(t, primary.URL, ownColumns), all)
	if diff := cmp.Diff(committed, seen); diff != "" {
		t.Errorf("what was read from the replica is not what was committed (-committed +read):\n%s", diff)
	}
	t.Logf("%d rows committed, %d of them read while the replica was paused %d times", len(committed), early, pauses)
	if early == 0 || pauses == 0 {
		t.Error("nothing was read meanwhile, so this test proves nothing")
	}
}

// TestNoReplica refuses servers that do not follow the primary.
func TestNoReplica(t *testing.T) {
	primary, replica := follower(t)
	exec(t, session(t, primary.URL), log)
	alone := pgtest.Start(t)
	exec(t, session(t, alone.URL), log)
	refused := func(url, replica, text, hint string) {
		t.Helper()
		config := postgres.Config{URL: layout.Secret(url), Replica: layout.Secret(replica)}
		ownColumns(&config)
		_, err := postgres.Open(t.Context(), config)
		wantSetup(t, err, text, hint)
	}
	refused(primary.URL, alone.URL, "another cluster", "replica:")
	refused(primary.URL, primary.URL, "does not follow", "replica:")
	refused(replica.URL, primary.URL, "standby", "url: at the primary")

	// A replica that has become a primary shows a history of its own.
	s := open(t, primary.URL, reading(replica, time.Second))
	exec(t, session(t, replica.URL), "SELECT pg_promote()")
	err := s.Read(t.Context(), all, func(*source.Event) error { return nil })
	wantSetup(t, err, "become one", "replica:")
}
