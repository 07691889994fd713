package sqlite

import (
	"context"
	"sync"

	"backstory/schedules"
	"backstory/schedules/ledgersql"
)

// lease is the right to write of one generation of a job.
type lease struct {
	ledger *Ledger
	job    string
	number int64
	give   func() error
}

// Lock takes the lease of a job: a lock on a file beside the ledger, which
// the system takes back when the process ends, however it ends. Where the
// file lies on a disk whose hosts do not see each other's locks, the number
// of the lease still keeps the one before it from writing.
func (l *Ledger) Lock(ctx context.Context, job string) (schedules.Lease, error) {
	path := l.db.path + "." + job
	if l.Ahead > 0 {
		path += ".next"
	}
	holder := ledgersql.Holder()
	file, err := takeLock(path+".lock", holder)
	if err != nil {
		return nil, err
	}
	s := &lease{ledger: l, job: job, give: sync.OnceValue(file.release)}
	err = l.Write(ctx, func(t *ledgersql.Tx) error {
		if err := l.LockJob(ctx, t, job); err != nil {
			return err
		}
		s.number, err = l.Take(ctx, t, job, holder)
		return err
	})
	if err != nil {
		s.give()
		return nil, err
	}
	return s, nil
}

// Number is the fencing number.
func (s *lease) Number() int64 { return s.number }

// Held tells whether nobody has taken a lease since.
func (s *lease) Held(ctx context.Context) error {
	return s.ledger.Read(ctx, func(t *ledgersql.Tx) error { return s.ledger.Check(ctx, t, s.job, s.number) })
}

// Lost is nil: only Held and Save find out.
func (s *lease) Lost() <-chan struct{} { return nil }

// Save makes a change durable in one transaction.
func (s *lease) Save(ctx context.Context, c schedules.Change) error {
	if c.Forgot {
		if err := s.ledger.db.scrub(ctx); err != nil {
			return err
		}
	}
	return s.ledger.Write(ctx, func(t *ledgersql.Tx) error { return s.ledger.Save(ctx, t, s.job, s.number, c) })
}

// Release gives the lease back.
func (s *lease) Release() error { return s.give() }
