package schedules_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/sinks/sinktest/readback"
	"backstory/source/postgres/pgtest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

const (
	tortureWriters = 8
	tortureTime    = 4 * time.Second
)

// TestTorture runs a job again and again beside writers on PostgreSQL whose
// transactions are long, overlap, end out of order and are often rolled back.
// Every committed event must be in the files once. That a run reaches below
// what an earlier one has passed would double or miss one.
func TestTorture(t *testing.T) {
	url := pgtest.Database(t)
	connect := func() *pgx.Conn {
		c, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close(context.Background()) })
		return c
	}
	c := connect()
	if _, err := c.Exec(t.Context(), `CREATE TABLE log (id bigserial PRIMARY KEY, stream text DEFAULT 'cart', seq bigint DEFAULT 1,
		kind text DEFAULT 'Cart.Opened', body text DEFAULT '{"sku": "S"}')`); err != nil {
		t.Fatal(err)
	}
	stop, cancel := context.WithTimeout(t.Context(), tortureTime)
	defer cancel()
	var writers errgroup.Group
	for i := range tortureWriters {
		conn := connect()
		writers.Go(func() error {
			r := rand.New(rand.NewPCG(2, uint64(i)))
			for stop.Err() == nil {
				if err := writeSlowly(t.Context(), conn, r); err != nil {
					return err
				}
			}
			return nil
		})
	}
	o := order{Driver: "postgres", Store: url, Table: "log", Out: filepath.Join(scratch(t), "out"), WindowEvents: 500, Unchecked: true}
	runs, busy := 0, 0
	run := func() {
		t.Helper()
		err := o.do(t.Context(), func(rep *schedules.Report) {
			runs++
			if rep.Events > 0 {
				busy++
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for stop.Err() == nil {
		run()
	}
	if err := writers.Wait(); err != nil {
		t.Fatal(err)
	}
	run()

	rows, err := c.Query(t.Context(), "SELECT id FROM log ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	committed, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(committed, loadedPositions(t, filepath.Join(o.Out, "cart_opened"))); diff != "" {
		t.Errorf("what was loaded is not what was committed (-committed +loaded):\n%s", diff)
	}
	t.Logf("%d events committed, loaded by %d of %d runs", len(committed), busy, runs)
	if busy < 3 || int64(len(committed)) == committed[len(committed)-1] {
		t.Error("there were hardly any runs, or no hole in the positions, so this test proves nothing")
	}
}

// writeSlowly is one transaction.
func writeSlowly(ctx context.Context, c *pgx.Conn, r *rand.Rand) error {
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

// loadedPositions reads the positions in a table's files, in order.
func loadedPositions(t *testing.T, folder string) []int64 {
	t.Helper()
	files, err := readback.Files(folder)
	if err != nil {
		t.Fatal(err)
	}
	var positions []int64
	for _, file := range files {
		lines, err := readback.Rows(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			var row struct{ Position int64 }
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			positions = append(positions, row.Position)
		}
	}
	slices.Sort(positions)
	return positions
}
