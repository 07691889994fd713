package postgres_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"backstory/source"
	"backstory/source/postgres/pgtest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

const (
	tortureWriters = 12
	tortureTime    = 3 * time.Second
)

// TestTorture reads behind writers whose transactions are long, overlap and
// are often rolled back. Every committed row must be read, once and in order,
// and none may appear at or below a position that was declared safe. Beside
// it a reader that believes in the newest position shows that the writers do
// make rows appear late.
func TestTorture(t *testing.T) {
	url := pgtest.Database(t)
	c := session(t, url)
	exec(t, c, log)
	s := open(t, url, patient)

	stop, cancel := context.WithTimeout(t.Context(), tortureTime)
	defer cancel()
	var writers errgroup.Group
	for i := range tortureWriters {
		conn := session(t, url)
		writers.Go(func() error {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for stop.Err() == nil {
				if err := write(t.Context(), conn, r); err != nil {
					return err
				}
			}
			return nil
		})
	}

	var readers errgroup.Group
	var safe, naive []int64
	readers.Go(func() (err error) {
		safe, err = follow(t.Context(), stop, s)
		return err
	})
	readers.Go(func() (err error) {
		naive, err = followNewest(t.Context(), stop, s)
		return err
	})
	if err := writers.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := readers.Wait(); err != nil {
		t.Fatal(err)
	}
	var cursor source.Position
	if len(safe) > 0 {
		cursor.Seq = safe[len(safe)-1]
	}
	w := watermark(t, s)
	if w.Safe != w.Head {
		t.Fatalf("got %+v with all writers gone", w)
	}
	safe = append(safe, positions(t, s, source.Window{After: cursor, Through: w.Safe})...)

	committed := positions(t, s, all)
	if diff := cmp.Diff(committed, safe); diff != "" {
		t.Errorf("what was read is not what was committed (-committed +read):\n%s", diff)
	}
	late := len(positions(t, s, source.Window{Through: source.Position{Seq: naive[len(naive)-1]}})) - len(naive)
	t.Logf("%d rows committed; the newest position as a cursor missed %d of them", len(committed), late)
	if late == 0 {
		t.Error("no row appeared late, so this test proves nothing")
	}
}

// write is one transaction.
func write(ctx context.Context, c *pgx.Conn, r *rand.Rand) error {
	tx, err := c.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	for range 1 + r.IntN(3) {
		if _, err := tx.Exec(ctx, "INSERT INTO log SELECT FROM generate_series(1, $1)", 1+r.IntN(4)); err != nil {
			return err
		}
		if r.IntN(3) == 0 {
			if _, err := tx.Exec(ctx, "SELECT pg_sleep($1)", r.Float64()/20); err != nil {
				return err
			}
		}
	}
	if r.IntN(5) == 0 {
		return tx.Rollback(ctx)
	}
	return tx.Commit(ctx)
}

// follow reads up to the watermark, again and again.
func follow(ctx, stop context.Context, s source.Source) ([]int64, error) {
	var seen []int64
	var cursor source.Position
	for stop.Err() == nil {
		w, err := s.Watermark(ctx)
		if err != nil {
			return nil, err
		}
		err = s.Read(ctx, source.Window{After: cursor, Through: w.Safe}, func(e *source.Event) error {
			seen = append(seen, e.Position.Seq)
			return nil
		})
		if err != nil {
			return nil, err
		}
		cursor = w.Safe
	}
	return seen, nil
}

// followNewest reads to the newest position without asking for a watermark.
func followNewest(ctx, stop context.Context, s source.Source) ([]int64, error) {
	var seen []int64
	for stop.Err() == nil {
		var cursor source.Position
		if len(seen) > 0 {
			cursor.Seq = seen[len(seen)-1]
		}
		err := s.Read(ctx, source.Window{After: cursor, Through: all.Through}, func(e *source.Event) error {
			seen = append(seen, e.Position.Seq)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return seen, nil
}
