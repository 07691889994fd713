package postgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"backstory/schedules"
	"backstory/schedules/ledgersql"
)

// lease is the right to write of one generation of a job, for as long as it is
// renewed.
type lease struct {
	ledger *Ledger
	job    string
	number int64
	token  string
	ctx    context.Context // never over, with what the caller's holds

	lost   chan struct{}
	lose   func()
	cancel context.CancelFunc // ends the renewing
	keeper sync.WaitGroup

	mu    sync.Mutex // one save at a time
	saves int64
}

// inTime is when a lease ends that begins now, by the database's clock, from
// a parameter in milliseconds.
const inTime = `clock_timestamp() + make_interval(secs => $1::float8 / 1000)`

// mine is true for the row of the lease whose job, next and number follow.
const mine = ` WHERE job = $2 AND next = $3 AND number = $4`

// Lock takes the lease of a job and renews it until Release.
func (l *Ledger) Lock(ctx context.Context, job string) (schedules.Lease, error) {
	s := &lease{ledger: l, job: job, token: rand.Text(), ctx: context.WithoutCancel(ctx), lost: make(chan struct{})}
	s.lose = sync.OnceFunc(func() { close(s.lost) })
	if err := l.Write(ctx, func(t *ledgersql.Tx) error { return s.take(ctx, t) }); err != nil {
		return nil, err
	}
	keep, cancel := context.WithCancel(s.ctx)
	s.cancel = cancel
	s.keeper.Go(func() { s.keep(keep) })
	return s, nil
}

// take takes the lease if nobody has it, or if it was taken by this very call,
// whose connection was lost before it could hear so.
func (s *lease) take(ctx context.Context, t *ledgersql.Tx) error {
	l := s.ledger
	if err := l.LockJob(ctx, t, s.job); err != nil {
		return err
	}
	var token string
	var over bool
	held := &ledgersql.HeldError{}
	err := t.Row(ctx, `SELECT number, holder, token, expires_at, expires_at <= clock_timestamp() FROM ledger.lease WHERE job = $1 AND next = $2`,
		s.job, l.Ahead).Scan(&s.number, &held.Holder, &token, &held.Until, &over)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	case token == s.token:
		return nil
	case !over:
		return held
	}
	if s.number, err = l.Take(ctx, t, s.job, ledgersql.Holder()); err != nil {
		return err
	}
	_, err = t.Exec(ctx, `UPDATE ledger.lease SET expires_at = `+inTime+`, token = $5, saves = 0`+mine, append(s.key(), s.token)...)
	return err
}

// key gives the first four parameters of a statement about the lease.
func (s *lease) key() []any {
	return []any{s.ledger.db.lease.Milliseconds(), s.job, s.ledger.Ahead, s.number}
}

// keep renews the lease until the context is over or the lease is lost. That
// the database is not to be had is told by the next Held or Save, if it is
// still so then.
func (s *lease) keep(ctx context.Context) {
	tick := time.NewTicker(s.ledger.db.lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if errors.Is(s.Held(ctx), schedules.ErrHeld) {
			return
		}
	}
}

// Number is the fencing number.
func (s *lease) Number() int64 { return s.number }

// Lost is closed once it is found that the lease was taken over.
func (s *lease) Lost() <-chan struct{} { return s.lost }

// Held renews the lease. One that has run out and that nobody has taken goes on.
func (s *lease) Held(ctx context.Context) error {
	return s.told(s.ledger.Write(ctx, func(t *ledgersql.Tx) error {
		n, err := t.Exec(ctx, `UPDATE ledger.lease SET expires_at = `+inTime+mine, s.key()...)
		if err != nil || n == 1 {
			return err
		}
		return s.ledger.Check(ctx, t, s.job, s.number)
	}))
}

// told makes it known if an error says that the lease was lost.
func (s *lease) told(err error) error {
	if errors.Is(err, schedules.ErrHeld) {
		s.lose()
	}
	return err
}

// Save makes a change durable in one transaction, and renews the lease in it.
func (s *lease) Save(ctx context.Context, c schedules.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Forgot {
		if err := s.ledger.db.scrub(ctx); err != nil {
			return err
		}
	}
	s.saves++
	return s.told(s.ledger.Write(ctx, func(t *ledgersql.Tx) error {
		// First, so that what comes is alone with the job.
		if err := s.ledger.LockJob(ctx, t, s.job); err != nil {
			return err
		}
		n, err := t.Exec(ctx, `UPDATE ledger.lease SET saves = $5, expires_at = `+inTime+mine+` AND saves < $5`, append(s.key(), s.saves)...)
		if err != nil {
			return err
		}
		if err := s.ledger.Check(ctx, t, s.job, s.number); err != nil || n == 0 {
			return err // or it was saved, and the connection lost before that was heard
		}
		return s.ledger.Save(ctx, t, s.job, s.number, c)
	}))
}

// patience is how long Release waits for a server that is not there: the lease
// ends by itself.
const patience = 5 * time.Second

// Release gives the lease back, so that the next need not wait for its end.
func (s *lease) Release() error {
	s.cancel()
	s.keeper.Wait()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	err := s.ledger.Write(ctx, func(t *ledgersql.Tx) error {
		_, err := t.Exec(ctx, `UPDATE ledger.lease SET expires_at = clock_timestamp() WHERE job = $1 AND next = $2 AND number = $3 AND expires_at > clock_timestamp()`,
			s.job, s.ledger.Ahead, s.number)
		return err
	})
	if err != nil {
		return fmt.Errorf("give back the lease, which ends by itself: %w", err)
	}
	return nil
}
