package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// A soakFault is something that breaks, and is mended again.
type soakFault struct {
	name string
	// weight is how often it happens, among all of them.
	weight int
	happen func(context.Context, *rand.Rand) error
}

func (s *soak) faults() []soakFault {
	faults := []soakFault{
		{"times all connections of Backstory were cut", 5, func(ctx context.Context, _ *rand.Rand) error {
			return s.terminate(ctx, "backstory")
		}},
		{"times the writers' connections were cut", 2, func(ctx context.Context, _ *rand.Rand) error {
			return s.terminate(ctx, "writer")
		}},
		{"PostgreSQL restarts, in order", 1, func(context.Context, *rand.Rand) error { return s.server.Bounce(false) }},
		{"PostgreSQL crashes, with recovery", 1, func(context.Context, *rand.Rand) error { return s.server.Bounce(true) }},
		{"times the table was locked against everybody", 2, s.lockTable},
	}
	if s.disk.limited {
		faults = append(faults, soakFault{"times the disk was filled and freed", 4, s.fillDisk})
	}
	return faults
}

// breakOne lets one thing after the other break: each of them first, then by
// their weights.
func (s *soak) breakOne(ctx context.Context) error {
	r := s.random(1)
	faults := s.faults()
	r.Shuffle(len(faults), func(i, k int) { faults[i], faults[k] = faults[k], faults[i] })
	var weighted []soakFault
	for _, f := range faults {
		for range f.weight {
			weighted = append(weighted, f)
		}
	}
	for n := 0; sleep(ctx, between(r, 300*time.Millisecond, 3*time.Second)); n++ {
		f := weighted[r.IntN(len(weighted))]
		if n < len(faults) {
			f = faults[n]
		}
		s.log.say("%s", f.name)
		if err := f.happen(context.WithoutCancel(ctx), r); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		s.survived.count(f.name)
	}
	return nil
}

// asAdmin connects to the store.
func (s *soak) asAdmin(ctx context.Context, do func(*pgx.Conn) error) error {
	c, err := pgx.Connect(ctx, s.store+"&application_name=soak")
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	return do(c)
}

func (s *soak) terminate(ctx context.Context, application string) error {
	return s.asAdmin(ctx, func(c *pgx.Conn) error {
		var cut int
		err := c.QueryRow(ctx, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1", application).Scan(&cut)
		s.survived.add("connections cut ("+application+")", cut)
		return err
	})
}

// lockTable keeps everybody from the table for a while, as a migration does.
func (s *soak) lockTable(ctx context.Context, r *rand.Rand) error {
	return s.asAdmin(ctx, func(c *pgx.Conn) error {
		tx, err := c.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(ctx)
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '3s'"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "LOCK TABLE soak_events IN ACCESS EXCLUSIVE MODE"); err != nil {
			return nil // somebody writes for longer
		}
		time.Sleep(between(r, 100*time.Millisecond, 2*time.Second))
		return nil
	})
}

// fillDisk leaves a little or nothing of the disk, for a while.
func (s *soak) fillDisk(_ context.Context, r *rand.Rand) error {
	if err := s.disk.fill(r.Int64N(256 << 10)); err != nil {
		return err
	}
	time.Sleep(between(r, 300*time.Millisecond, 2*time.Second))
	return s.disk.free()
}

// nothingLeft looks for connections that Backstory has left in the server.
func (s *soak) nothingLeft(ctx context.Context) error {
	return s.asAdmin(ctx, func(c *pgx.Conn) error {
		for patience := time.Now().Add(10 * time.Second); ; {
			var left int
			if err := c.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'backstory'").Scan(&left); err != nil {
				return err
			}
			if left == 0 {
				return nil
			}
			if time.Now().After(patience) {
				return fmt.Errorf("look at the server: %d connections of Backstory are left, and no process", left)
			}
			sleep(ctx, 50*time.Millisecond)
		}
	})
}
